"""The record of a broadcast, out of lines written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import Capability, Extent
from bluezone_harness.sources import open_source
from bluezone_harness.sources.broadcast_records import (
    BroadcastRecord,
    PeerRead,
    is_broadcast_record,
    read_broadcast_record,
    spans_without,
)

UUID = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
ONE = {"address": "5a:00:00:00:00:01", "address_type": "resolvable"}
SCENARIO = {"kind": "scenario", "sha256": "ab" * 32, "text": "schema = 1\n"}
ON = {
    **ONE,
    "kind": "on_air",
    "set": 1,
    "sender": "An",
    "pdu": "ADV_IND",
    "ad": "0201",
    "interval_us": 100_000,
}
OFF = {"kind": "off_air", "set": 1}
END = {"kind": "end", "reason": "played"}
HEADER = {"schema": 1, "source": "broadcast", "receiver": "", "capabilities": {"sent": "yes"}}


def read(*lines: tuple[int, Mapping[str, object]] | bytes, end: bool = True) -> BroadcastRecord:
    told = [
        each if isinstance(each, bytes) else json.dumps({"time_us": each[0], **each[1]}).encode()
        for each in lines
    ]
    octets = b"\n".join(
        [json.dumps(HEADER).encode(), *told, *([json.dumps(END).encode()] if end else []), b""]
    )
    return read_broadcast_record(open_source("session.record.jsonl", BytesIO(octets)))


def test_a_set_is_on_the_air_until_it_ends() -> None:
    found = read((10, SCENARIO), (20, {**ON, "response": "0aff", "rssi": -60}), (90, {**OFF, "adverts": 7}))
    (sent,) = found.sent
    assert (sent.from_us, sent.until_us, sent.adverts, sent.rssi) == (20, 90, 7, -60)
    assert (sent.address, sent.sender, sent.ad, sent.response) == (
        "5A:00:00:00:00:01",
        "An",
        b"\x02\x01",
        b"\x0a\xff",
    )
    assert sent.is_connectable
    assert (found.start_us, found.until_us, found.is_whole, found.partial) == (10, 90, True, False)
    assert (found.scenario_sha256, found.scenario_text) == ("ab" * 32, "schema = 1\n")
    assert (found.kind, dict(found.capabilities)) == ("broadcast_record", {Capability.SENT: Extent.YES})
    assert found.contents == {"lines": 3, "sets": 1, "connections": 0}
    assert found.diagnostics == ()


def test_what_nobody_asks_for_is_not_answered() -> None:
    found = read((0, SCENARIO), (1, {**ON, "pdu": "ADV_NONCONN_IND", "response": "0aff"}), (9, OFF))
    assert (found.sent[0].response, found.sent[0].is_connectable) == (b"", False)


def test_a_set_that_begins_anew_has_ended() -> None:
    found = read((0, SCENARIO), (1, ON), (5, {**ON, "ad": "ff"}), (9, OFF))
    assert [(each.ad, each.from_us, each.until_us) for each in found.sent] == [
        (b"\x02\x01", 1, 5),
        (b"\xff", 5, 9),
    ]


def test_what_has_no_end_lasts_to_the_end() -> None:
    connected = {**ONE, "kind": "peer_connected", "peer": "5a:00:00:00:00:99"}
    found = read((0, SCENARIO), (1, ON), (2, connected), (8, {"kind": "event", "name": "consent"}), end=False)
    assert (found.sent[0].until_us, found.until_us) == (8, 8)
    (connection,) = found.connections
    assert (connection.peer, connection.until_us, connection.is_closed) == ("5A:00:00:00:00:99", 8, False)
    assert (found.is_cut, found.is_damaged, found.is_whole) == (True, False, False)
    assert found.capabilities[Capability.SENT] is Extent.PARTIAL


def test_reads_belong_to_their_connection() -> None:
    begin, end = {**ONE, "kind": "peer_connected"}, {**ONE, "kind": "peer_disconnected"}
    value = {**ONE, "kind": "peer_read", "characteristic": UUID, "value": "c3" * 12}
    error = {**ONE, "kind": "peer_read", "characteristic": UUID, "att_error": 14}
    found = read((0, SCENARIO), (1, begin), (2, value), (3, begin), (4, error), (5, end))
    assert [(each.from_us, each.until_us, len(each.reads)) for each in found.connections] == [
        (1, 3, 1),
        (3, 5, 1),
    ]
    assert found.reads == (
        PeerRead(4, "5A:00:00:00:00:01", 2, UUID, b"\xc3" * 12, None),
        PeerRead(6, "5A:00:00:00:00:01", 4, UUID, None, 14),
    )


def test_lines_that_do_not_fit_are_told() -> None:
    end = {**ONE, "kind": "peer_disconnected"}
    read_line = {**ONE, "kind": "peer_read", "characteristic": UUID}
    found = read((0, SCENARIO), (1, SCENARIO), (2, OFF), (3, end), (4, read_line), *[(9, OFF)] * 6)
    told = [each.message for each in found.diagnostics]
    assert told[0] == "line 3 does not fit the lines before it: a second scenario in one record"
    assert told[-1] == "2 further lines do not fit"
    assert len(told) == 9
    assert found.is_whole
    assert found.connections[0].reads[0].value is None


def test_lines_that_cannot_be_read_are_damage() -> None:
    found = read((0, SCENARIO), b"{nonsense", (2, ON), (3, OFF))
    assert (found.is_damaged, found.is_cut, len(found.sent)) == (True, False, 1)


def test_a_gap_is_kept() -> None:
    found = read((0, SCENARIO), (5, {"kind": "gap", "until_us": 20}))
    assert (found.gaps, found.until_us) == (((5, 20),), 20)


def test_a_record_says_which_scenario_was_played() -> None:
    with pytest.raises(EvidenceError, match="it does not say which scenario was played"):
        read((1, ON))


def test_a_record_is_told_by_what_it_can_show() -> None:
    assert is_broadcast_record({Capability.SENT: Extent.PARTIAL})
    assert not is_broadcast_record({Capability.RAW_AD: Extent.YES})


@given(
    st.tuples(st.integers(0, 30), st.integers(0, 30)),
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda it: (min(it), max(it))), max_size=4
    ),
)
def test_what_is_left_is_in_no_hole(span: tuple[int, int], holes: list[tuple[int, int]]) -> None:
    left = spans_without(span, holes)
    inside = {each for start, end in left for each in range(start, end)}
    assert inside == {each for each in range(*span) if not any(start <= each < end for start, end in holes)}
    assert list(left) == sorted(left)
