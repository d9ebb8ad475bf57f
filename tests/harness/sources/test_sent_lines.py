"""Lines of the record of a broadcast: what is held to be right, and each way in which it is refused."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import AddressType, Capability, Event, Extent, Observation, PduType
from bluezone_harness.sources.octets import OctetStream
from bluezone_harness.sources.recordings import RecordingSource
from bluezone_harness.sources.sent_lines import SENT_LINES
from bluezone_harness.writing.pseudonyms import Pseudonyms
from bluezone_harness.writing.recordings import SENT_KINDS, observation_line

HEADER = {"schema": 1, "source": "broadcast", "receiver": "", "capabilities": {"sent": "yes"}}
END = {"kind": "end", "reason": "over"}
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"  # of the text "test"
CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
AD = "02011a0303564e0fffb522000102030405060708090a0b"
WHOM = {"address": "5A:00:00:00:00:01", "address_type": "resolvable"}

Line = dict[str, object]


def observed(*lines: Line) -> tuple[list[Observation], list[str]]:
    """Return what a record of some lines says, and the messages about it."""
    octets = b"".join(json.dumps(each).encode() + b"\n" for each in (HEADER, *lines, END))
    source = RecordingSource("hand", OctetStream(BytesIO(octets)))
    found = list(source)
    assert source.capabilities == {Capability.SENT: Extent.YES}
    return found, [each.message for each in source.diagnostics]


def scenario(**changed: object) -> Line:
    return {"kind": "scenario", "time_us": 1, "sha256": SHA256, "text": "test", **changed}


def on_air(**changed: object) -> Line:
    line: Line = {"kind": "on_air", "time_us": 2, "set": 0, "sender": "An", **WHOM, "pdu": "ADV_IND"}
    return line | {"ad": AD, "interval_us": 100_000, **changed}


def off_air(**changed: object) -> Line:
    return {"kind": "off_air", "time_us": 9, "set": 0, **changed}


def connected(**changed: object) -> Line:
    return {"kind": "peer_connected", "time_us": 3, **WHOM, **changed}


def read(**changed: object) -> Line:
    return {"kind": "peer_read", "time_us": 4, **WHOM, "characteristic": CHARACTERISTIC, **changed}


def disconnected(**changed: object) -> Line:
    return {"kind": "peer_disconnected", "time_us": 5, **WHOM, **changed}


LEAST = (scenario(), on_air(), connected(), read(), disconnected(), off_air())
MOST = (
    scenario(text='title = "Một"\n'),
    on_air(response="0909", rssi=-60, ad="", set=7),
    connected(peer="c0:00:00:00:00:02", peer_type="static"),
    read(value=""),
    read(value="000102030405060708090a0b"),
    read(att_error=14),
    off_air(set=7, adverts=0),
)


@pytest.mark.req("BZ-RCV-001")
def test_a_record_is_kept_as_it_stands() -> None:
    lines = LEAST + MOST
    found, messages = observed(*lines)
    assert not messages
    assert [each.number for each in found] == list(range(2, 2 + len(lines)))
    for event, line in zip(found, lines, strict=True):
        assert isinstance(event, Event)
        assert {"kind": event.name, "time_us": event.time_us, **event.fields} == line


@pytest.mark.req("BZ-RCV-001")
def test_a_record_is_written_as_it_was_read() -> None:
    found, _ = observed(*LEAST, *MOST)
    again = [json.loads(observation_line(each)) for each in found]
    assert observed(*again)[0] == found
    assert {each["kind"] for each in again} == SENT_KINDS == set(SENT_LINES)


@pytest.mark.req("BZ-RCV-001")
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (scenario(sha256=SHA256.upper()), "it is no SHA-256"),
        (scenario(sha256=SHA256[1:]), "it is no SHA-256"),
        (scenario(text=b"".hex() or None), "it is null, not text"),
        (scenario(name="a"), "the key is unknown here"),
        ({"kind": "scenario", "sha256": SHA256, "text": ""}, "the key 'time_us' is missing"),
        (on_air(set=-1), "it lies outside 0 to"),
        (on_air(set=True), "it is true or false, not an integer"),
        (on_air(sender=" "), "the text is empty"),
        (on_air(sender="x" * 501), "it is longer than 500 characters"),
        (on_air(address="5A:00:00:00:00"), "it is no address"),
        (on_air(address_type="friendly"), "the value is not known; known are public"),
        (on_air(pdu="SCAN_RSP"), "the value is not known; known are ADV_IND"),
        (on_air(ad="0"), "it is not hex"),
        (on_air(ad="00" * 1651), "it is longer than 1650 octets"),
        (on_air(response="zz"), "it is not hex"),
        (on_air(interval_us=0), "it lies outside 1 to 86400000000"),
        (on_air(rssi=127), "it lies outside -128 to 126"),
        (on_air(phone="An"), "the key is unknown here"),
        ({"kind": "on_air", "time_us": 2}, "the key 'address' is missing"),
        (off_air(adverts=-1), "it lies outside 0 to"),
        (off_air(sender="An"), "the key is unknown here"),
        ({"kind": "off_air", "time_us": 2}, "the key 'set' is missing"),
        (connected(peer="An"), "it is no address"),
        (connected(peer_type="friendly"), "the value is not known"),
        (connected(address="An"), "it is no address"),
        (read(characteristic="a689"), "it is no UUID of 128 bits"),
        (read(value="0"), "it is not hex"),
        (read(value="00", att_error=1), "answered with no error"),
        (read(att_error=0), "it lies outside 1 to 255"),
        (read(att_error=256), "it lies outside 1 to 255"),
        (read(time_us=-1), "it lies outside 0 to"),
        (disconnected(reason="far"), "the key is unknown here"),
        (disconnected(address_type=1), "it is an integer, not text"),
    ],
)
def test_what_is_not_as_it_must_be_is_refused(line: Line, reason: str) -> None:
    found, messages = observed(line, off_air())
    assert [each.number for each in found] == [3]
    (message,) = messages
    assert message.startswith("line 2 cannot be read: ")
    assert reason in message


_WORDS = st.sampled_from([SHA256, CHARACTERISTIC, AD, "5A:00:00:00:00:01", "An", *AddressType, *PduType])
_ANY = st.one_of(st.none(), st.booleans(), st.integers(), _WORDS, st.text(max_size=8), st.just([]))
_NAMES = sorted({name for each in LEAST + MOST for name in each} - {"kind", "time_us"})


@given(st.sampled_from(LEAST + MOST), st.dictionaries(st.sampled_from(_NAMES), _ANY, max_size=3))
def test_whatever_a_line_holds_it_is_kept_or_refused(line: Line, members: dict[str, object]) -> None:
    found, messages = observed({**line, **members})
    assert len(found) + len(messages) == 1
    for each in found:
        assert json.loads(observation_line(each)) == {**line, **members}


@pytest.mark.req("BZ-PRV-009")
def test_what_was_sent_has_no_pseudonyms() -> None:
    found, _ = observed(*LEAST)
    private = Pseudonyms(bytes(32))
    assert [private.of(each) for each in found] == [None] * len(LEAST)
