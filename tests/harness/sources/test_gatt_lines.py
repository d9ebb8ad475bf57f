"""Lines of GATT sessions: what is held to be right, and each way in which it is refused."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import AddressType, Event, Observation
from bluezone_harness.sources.gatt_lines import PROPERTIES, STEPS
from bluezone_harness.sources.octets import OctetStream
from bluezone_harness.sources.recordings import RecordingSource
from bluezone_harness.writing.recordings import observation_line

SERVICE = "00004e56-73f5-4bc4-a12f-17d1ad07a667"
CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
HEADER = {"schema": 1, "source": "hand", "receiver": "left", "capabilities": {"gatt": "yes"}}
END = {"kind": "end", "reason": "over"}

Line = dict[str, object]


def observed(*lines: Line) -> tuple[list[Observation], list[str]]:
    """Return what a recording of some lines says, and the messages about it."""
    octets = b"".join(json.dumps(each).encode() + b"\n" for each in (HEADER, *lines, END))
    source = RecordingSource("hand", OctetStream(BytesIO(octets)))
    found = list(source)
    return found, [each.message for each in source.diagnostics]


def services(**changed: object) -> Line:
    characteristic: Line = {"uuid": CHARACTERISTIC, "properties": ["read"]}
    characteristic |= {key: each for key, each in changed.items() if key in ("uuid", "properties")}
    service: Line = {"uuid": SERVICE, "characteristics": [characteristic]}
    line: Line = {
        "kind": "gatt_services",
        "time_us": 5,
        "address": "5A:00:00:00:00:01",
        "services": [service],
    }
    return line | {key: each for key, each in changed.items() if key not in ("uuid", "properties")}


def error(**changed: object) -> Line:
    return {"kind": "gatt_error", "time_us": 6, "step": "connect", "reason": "no answer", **changed}


@pytest.mark.req("BZ-GAT-001")
def test_a_session_is_kept_as_it_stands() -> None:
    whole = error(
        step="read",
        service=SERVICE,
        characteristic=CHARACTERISTIC,
        att_error=15,
        address="5a:00:00:00:00:01",
        address_type="resolvable",
        receiver="right",
    )
    found, messages = observed(services(), whole, {"kind": "disconnect", "time_us": 7, "reason": "far away"})
    assert not messages
    first, second, third = (each for each in found if isinstance(each, Event))
    assert (first.number, first.time_us, first.name) == (2, 5, "gatt_services")
    assert first.fields == {
        "receiver": "left",
        "address": "5A:00:00:00:00:01",
        "services": [
            {"uuid": SERVICE, "characteristics": [{"uuid": CHARACTERISTIC, "properties": ["read"]}]}
        ],
    }
    assert (second.number, second.name) == (3, "gatt_error")
    assert second.fields == {key: each for key, each in whole.items() if key not in ("kind", "time_us")}
    assert (third.number, third.fields) == (4, {"receiver": "left", "reason": "far away"})


@pytest.mark.req("BZ-GAT-001")
def test_a_session_is_written_as_it_was_read() -> None:
    found, _ = observed(services(), error(att_error=1), {"kind": "disconnect", "time_us": 7})
    again = [json.loads(observation_line(each)) for each in found]
    assert observed(*again)[0] == found
    assert [each["kind"] for each in again] == ["gatt_services", "gatt_error", "disconnect"]


@pytest.mark.req("BZ-GAT-001")
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (services(address="5A:00:00:00:00"), "it is no address"),
        (services(address_type="friendly"), "the value is not known; known are public"),
        (services(colour="red"), "the key is unknown here"),
        (services(receiver=1), "it is an integer, not text"),
        (services(services={}), "it is an object, not a list"),
        (services(services=[{"uuid": SERVICE}]), "the key 'characteristics' is missing"),
        (services(services=[{"uuid": SERVICE.upper(), "characteristics": []}]), "it is no UUID of 128 bits"),
        (services(services=[{"uuid": "4e56", "characteristics": []}]), "it is no UUID of 128 bits"),
        (
            services(services=[{"uuid": SERVICE, "characteristics": []}] * 257),
            "the list holds more than 256",
        ),
        (services(uuid=7), "it is an integer, not text"),
        (services(properties=["read", "glow"]), "the value is not known; known are broadcast"),
        (services(properties=["read", "read"]), "a property stands there twice"),
        ({"kind": "gatt_services", "time_us": 5}, "the key 'services' is missing"),
        ({"kind": "gatt_services", "services": []}, "the key 'time_us' is missing"),
        (error(step="guess"), "the value is not known; known are connect, discover, read"),
        (error(reason="x" * 501), "it is longer than 500 characters"),
        (error(att_error=0), "it lies outside 1 to 255"),
        (error(att_error=256), "it lies outside 1 to 255"),
        (error(att_error=True), "it is true or false, not an integer"),
        (error(characteristic="a689"), "it is no UUID of 128 bits"),
        ({"kind": "gatt_error", "time_us": 6, "step": "read"}, "the key 'reason' is missing"),
        ({"kind": "disconnect", "time_us": 7, "reason": 19}, "it is an integer, not text"),
        ({"kind": "disconnect", "time_us": 7, "services": []}, "the key is unknown here"),
    ],
)
def test_what_is_not_as_it_must_be_is_refused(line: Line, reason: str) -> None:
    found, messages = observed(line, {"kind": "disconnect", "time_us": 8})
    assert [each.number for each in found] == [3]
    (message,) = messages
    assert message.startswith("line 2 cannot be read: ")
    assert reason in message


_TEXT = st.one_of(st.sampled_from([SERVICE, "read", "5A:00:00:00:00:01"]), st.text(max_size=8))
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(["gatt_services", "gatt_error", "disconnect"]),
    st.dictionaries(
        st.sampled_from(["address", "address_type", "services", "step", "reason", "att_error", "service"]),
        st.one_of(_ANY, st.sampled_from([*STEPS, *PROPERTIES, *AddressType]), st.just([])),
        max_size=5,
    ),
)
def test_whatever_a_line_holds_it_is_kept_or_refused(kind: str, members: dict[str, object]) -> None:
    found, messages = observed({"kind": kind, "time_us": 1, **members})
    assert len(found) + len(messages) == 1
    for each in found:
        assert isinstance(each, Event)
        assert json.loads(observation_line(each))["kind"] == kind
