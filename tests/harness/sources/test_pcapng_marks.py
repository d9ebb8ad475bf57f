"""What a pcapng file says of itself: heeded, taken for lost where it is missing, passed over where it is another's."""

from __future__ import annotations

import io
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import Capability, Extent, Source
from bluezone_harness.sources import open_source
from bluezone_harness.sources.pcapng_marks import ANNOUNCED, Marks, told

RADIO = 256
ADVERT = bytes.fromhex("000000000000000000000100") + bytes.fromhex("d6be898e0006060504030201aabbcc")
"""A header of link type 256 without flags, and a PDU whose CRC nobody checked."""


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def section(*comments: str | bytes, order: str = "<") -> bytes:
    options = b""
    for comment in comments:
        octets = comment if isinstance(comment, bytes) else comment.encode()
        options += struct.pack(order + "HH", 1, len(octets)) + octets + bytes(-len(octets) % 4)
    if comments:
        options += bytes(4)
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + options, order)


def interface(order: str = "<") -> bytes:
    return block(1, struct.pack(order + "HHI", RADIO, 0, 0), order)


def read(octets: bytes) -> Source:
    source = open_source("file", io.BytesIO(octets))
    list(source)
    return source


def said(damaged: object = False, **capabilities: str) -> str:
    return "bluezone-conformance: " + json.dumps({"capabilities": capabilities, "damaged": damaged})


@pytest.mark.req("BZ-ADV-001")
def test_what_is_written_by_hand_is_what_is_told() -> None:
    assert told({Capability.RAW_AD: Extent.YES, Capability.WHOLE_AIR: Extent.NO}, damaged=True) == said(
        True, raw_ad="yes", whole_air="no"
    )
    assert ANNOUNCED == "bluezone-conformance: the last section of this file says what it can show"


@pytest.mark.req("BZ-ADV-001")
def test_others_files_say_nothing() -> None:
    whole = read(section() + interface())
    commented = read(section("a comment", b"\xff\xfe", "bluezone") + interface())
    assert commented.capabilities == whole.capabilities
    assert not commented.damaged
    assert not commented.diagnostics
    assert Capability.WHOLE_AIR not in whole.capabilities
    # options that are damaged say nothing, and do not end the reading
    header = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
    damaged = block(0x0A0D0D0A, header + struct.pack("<HH", 1, 999) + ANNOUNCED.encode())
    assert not read(damaged + interface()).damaged


@pytest.mark.req("BZ-ADV-001")
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_last_section_limits_what_packets_show(order: str) -> None:
    end = said(raw_ad="yes", address="partial", whole_air="partial")
    source = read(section(ANNOUNCED, order=order) + interface(order) + section("by hand", end, order=order))
    assert {str(name): str(each) for name, each in source.capabilities.items() if each is not Extent.NO} == {
        "raw_ad": "yes",
        "address": "partial",
        "true_ids": "yes",
        "whole_air": "partial",
    }
    assert not source.damaged
    assert not source.diagnostics


@pytest.mark.req("BZ-ADV-001")
@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ((), "its last section is missing, which says what it can show"),
        ((said(True, raw_ad="yes"),), "it was converted from evidence that was damaged"),
        ((said(raw_ad="yes", of_later="yes"),), "what it says of itself cannot be read"),
        ((said("no", raw_ad="yes"),), "what it says of itself cannot be read"),
        (("bluezone-conformance: of a later version",), "what it says of itself cannot be read"),
        ((ANNOUNCED, said(raw_ad="yes")), "its last section is missing, which says what it can show"),
    ],
)
def test_what_is_missing_or_damaged_stays_so(end: tuple[str, ...], reason: str) -> None:
    source = read(section(ANNOUNCED) + interface() + (section(*end) if end else b""))
    assert source.damaged
    assert [each.message for each in source.diagnostics] == [reason]
    if "converted" not in reason:
        shown = source.capabilities
        assert (shown[Capability.WHOLE_AIR], shown[Capability.INTERVAL]) == (Extent.NO, Extent.NO)


@pytest.mark.req("BZ-ADV-001")
def test_two_files_put_together_are_as_little_as_each() -> None:
    one = section(ANNOUNCED) + interface() + section(said(raw_ad="yes", address="yes"))
    other = section(ANNOUNCED) + interface() + section(said(raw_ad="yes", whole_air="no"))
    shown = read(one + other).capabilities
    assert (shown[Capability.RAW_AD], shown[Capability.ADDRESS]) == (Extent.YES, Extent.NO)
    assert shown[Capability.WHOLE_AIR] is Extent.NO
    assert not read(one + other).damaged


@pytest.mark.req("BZ-ADV-001")
@given(st.binary(max_size=80))
def test_no_comment_makes_it_raise(octets: bytes) -> None:
    for head in (b"", b"bluezone-conformance: ", b'bluezone-conformance: {"capabilities": {}, "damaged": '):
        marks = Marks()
        marks.read(head + octets)
        assert set(marks.limited({Capability.RAW_AD: Extent.YES})) >= {Capability.RAW_AD}
        assert isinstance(marks.trouble, str)
