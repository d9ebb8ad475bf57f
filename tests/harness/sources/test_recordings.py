"""Recordings: every kind of line, and every way in which one can be refused."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import (
    AddressType,
    Advert,
    Asked,
    Capability,
    Diagnostic,
    Event,
    Extent,
    Gap,
    GattRead,
    Observation,
    PduType,
    Severity,
    Source,
)
from bluezone_harness.sources import open_source
from bluezone_harness.writing.recordings import observation_line

pytestmark = pytest.mark.req("BZ-ADV-001")

Read = Callable[..., tuple[Source, list[Observation]]]
Line = dict[str, object]

HEADER: Line = {
    "schema": 1,
    "source": "simulate",
    "receiver": "left",
    "capabilities": {"raw_ad": "yes", "channel": "partial", "crc": "no"},
}
END: Line = {"kind": "end", "reason": "done"}
AD = "0201020fffb522b9a665d754fe65e665d76a450303564e"
TOLD: Line = {"kind": "advert", "time_us": 1}
ADVERT: Line = {"kind": "advert", "time_us": 1, "address": "5A:00:00:00:00:01", "ad": AD}


def written(*lines: Line, header: Line = HEADER) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in (header, *lines))


def test_every_kind_of_line(read: Read) -> None:
    octets = written(
        {
            "kind": "advert",
            "time_us": 1_596_866_191_387_654,
            "address": "5A:00:00:00:00:01",
            "address_type": "resolvable",
            "pdu": "ADV_IND",
            "ad": AD,
            "rssi": -60,
            "channel": 37,
            "phy": "1M",
            "crc_ok": True,
        },
        {"kind": "advert", "time_us": 2, "receiver": "right"},
        {"kind": "asked", "time_us": 3, "name": "HCI_LE_Set_Random_Address", "octets": "01000000005A"},
        {
            "kind": "gatt_services",
            "time_us": 4,
            "address": "5a:00:00:00:00:01",
            "services": [
                {
                    "uuid": "00001800-0000-1000-8000-00805f9b34fb",
                    "characteristics": [
                        {"uuid": "00002a00-0000-1000-8000-00805f9b34fb", "properties": ["read"]}
                    ],
                }
            ],
        },
        {
            "kind": "gatt_read",
            "time_us": 5,
            "address": "5a:00:00:00:00:01",
            "address_type": "static",
            "service": "00004e56",
            "characteristic": "00004e57",
            "value": "B9A665D754FE65E665D76A45",
        },
        {"kind": "gatt_read", "time_us": 6, "value": ""},
        {"kind": "disconnect", "time_us": 7, "receiver": "right"},
        {"kind": "event", "time_us": 8, "name": "clock_set", "to_us": 9},
        {"kind": "gap", "time_us": 9, "until_us": 10},
        {"kind": "end", "reason": "interrupted", "time_us": 11},
    )
    source, found = read(octets)
    address = bytes.fromhex("5a0000000001")
    ad, value = bytes.fromhex(AD), bytes.fromhex("b9a665d754fe65e665d76a45")
    assert found == [
        Advert(
            2, 1_596_866_191_387_654, "left", address, AddressType.RESOLVABLE, PduType.ADV_IND, ad, -60, 37
        ),
        Advert(3, 2, "right", None, None, None, None, None, None),
        Asked(4, 3, "left", "HCI_LE_Set_Random_Address", bytes.fromhex("01000000005a")),
        Event(
            5,
            4,
            "gatt_services",
            {
                "receiver": "left",
                "address": "5a:00:00:00:00:01",
                "services": [
                    {
                        "uuid": "00001800-0000-1000-8000-00805f9b34fb",
                        "characteristics": [
                            {"uuid": "00002a00-0000-1000-8000-00805f9b34fb", "properties": ["read"]}
                        ],
                    }
                ],
            },
        ),
        GattRead(6, 5, "left", address, AddressType.STATIC, "00004e56", "00004e57", value),
        GattRead(7, 6, "left", None, None, "", "", b""),
        Event(8, 7, "disconnect", {"receiver": "right"}),
        Event(9, 8, "clock_set", {"to_us": 9}),
        Gap(10, 9, 10),
    ]
    assert (source.packets, source.damaged, source.diagnostics) == (9, False, ())
    assert source.capabilities == {
        Capability.RAW_AD: Extent.YES,
        Capability.CHANNEL: Extent.PARTIAL,
        Capability.CRC: Extent.NO,
    }


@pytest.mark.req("BZ-ADV-003")
def test_fields_in_place_of_octets(read: Read) -> None:
    services = ["00004e56-73f5-4bc4-a12f-17d1ad07a667", "00004e56-0000-1000-8000-00805f9b34fb"]
    fields: Line = {
        "service_uuids": services,
        "manufacturer_data": {"22b5": "b9a665d754fe65e665d76a45"},
        "service_data": {"0000180a-0000-1000-8000-00805f9b34fb": "01"},
        "local_name": "Bluezone",
        "tx_power": -7,
    }
    none: Line = {}
    header = {**HEADER, "capabilities": {"raw_ad": "no", "ad_fields": "yes"}}
    told = written({**TOLD, "rssi": -60, "fields": fields}, {**TOLD, "fields": none}, END, header=header)
    source, found = read(told)
    assert source.diagnostics == ()
    assert source.capabilities == {Capability.RAW_AD: Extent.NO, Capability.AD_FIELDS: Extent.YES}
    assert [(each.pdu, each.ad) for each in found if isinstance(each, Advert)] == [
        (
            None,
            bytes.fromhex(
                "0303564e0fffb522b9a665d754fe65e665d76a45110767a607add1172fa1c44bf573564e0000"
                "0909426c75657a6f6e65020af904160a1801"
            ),
        ),
        (None, b""),
    ]
    # and they are written as they came, in the one order
    lines = [json.loads(observation_line(each, as_fields=True)) for each in found]
    fields["service_uuids"] = services[::-1]
    assert lines == [
        {**TOLD, "receiver": "left", "fields": fields, "rssi": -60},
        {**TOLD, "receiver": "left", "fields": none},
    ]
    assert [list(each["fields"]) for each in lines] == [list(fields), []]
    first = found[0]
    assert isinstance(first, Advert)
    assert "pdu" not in json.loads(observation_line(replace(first, pdu=PduType.ADV_IND), as_fields=True))


@pytest.mark.parametrize("event", ["push", "consent", "confirm", "clock_set", "max_set", "upload"])
def test_events(read: Read, event: str) -> None:
    assert read(written({"kind": "event", "time_us": 1, "name": event}, END))[1] == [Event(2, 1, event, {})]


def test_a_byte_order_mark_is_no_matter(read: Read) -> None:
    source, found = read(b"\xef\xbb\xbf" + written(ADVERT, END))
    assert (len(found), source.diagnostics) == (1, ())


def test_an_rssi_that_is_not_available_is_none(read: Read) -> None:
    (advert,) = read(written({**ADVERT, "rssi": 127}, END))[1]
    assert isinstance(advert, Advert)
    assert advert.rssi is None


def test_adverts_with_a_bad_crc_are_counted(read: Read) -> None:
    bad = {**ADVERT, "crc_ok": False}
    octets = written(ADVERT, bad, bad, {**ADVERT, "crc_ok": True}, END)
    source, found = read(octets)
    assert [each.number for each in found if isinstance(each, Advert)] == [2, 5]
    assert (source.packets, source.damaged) == (4, False)
    assert source.diagnostics == (
        Diagnostic(
            "air",
            len(written(ADVERT)),
            Severity.INFO,
            "adverts failed their CRC and are no observations: 2, the first is line 3",
        ),
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({**ADVERT, "time_us": 1.5}, "it is a fraction, not an integer (at /time_us)"),
        ({**ADVERT, "time_us": -1}, "it lies outside 0 to 253402300800000000 (at /time_us)"),
        ({**ADVERT, "time_us": True}, "it is true or false, not an integer (at /time_us)"),
        ({"kind": "advert"}, "the key 'time_us' is missing (at the top)"),
        ({**ADVERT, "address": "5a0000000001"}, "it is no address such as 5A:00:00:00:00:01 (at /address)"),
        ({**ADVERT, "address": None}, "it is null, not text (at /address)"),
        ({**ADVERT, "address_type": "odd"}, "the value is not known; known are public, static"),
        ({**ADVERT, "pdu": "ADV"}, "the value is not known; known are ADV_IND"),
        ({**ADVERT, "ad": "0x02"}, "it is not hex, two digits an octet (at /ad)"),
        ({**ADVERT, "ad": "020"}, "it is not hex, two digits an octet (at /ad)"),
        ({**ADVERT, "ad": "00" * 1651}, "it is longer than 1650 octets (at /ad)"),
        ({**ADVERT, "rssi": -129}, "it lies outside -128 to 127 (at /rssi)"),
        ({**ADVERT, "channel": 40}, "it lies outside 0 to 39 (at /channel)"),
        ({**ADVERT, "crc_ok": 1}, "it is an integer, not true or false (at /crc_ok)"),
        (
            {**TOLD, "ad": AD, "fields": {}},
            "fields are put together, and beside them stands no ad and no pdu",
        ),
        (
            {**TOLD, "pdu": "ADV_IND", "fields": {}},
            "fields are put together, and beside them stands no ad and no",
        ),
        ({**TOLD, "fields": 1}, "it is an integer, not an object (at /fields)"),
        (
            {**TOLD, "fields": {"flags": 6}},
            "the key is unknown here; known are 'service_uuids', 'manufacturer_data'",
        ),
        (
            {**TOLD, "fields": {"service_uuids": ["4e56"]}},
            "one is no UUID of 128 bits, lower-case, such as 00004e56-0000-1000-8000-00805f9b34fb (at /fields)",
        ),
        (
            {**TOLD, "fields": {"service_uuids": [1]}},
            "it is an integer, not text (at /fields/service_uuids/0)",
        ),
        ({**TOLD, "fields": {"service_uuids": "x"}}, "it is text, not a list (at /fields/service_uuids)"),
        (
            {**TOLD, "fields": {"manufacturer_data": {"22B5": ""}}},
            "the key is no company such as 22b5 (at /fields/man",
        ),
        (
            {**TOLD, "fields": {"manufacturer_data": {"22b5": "0"}}},
            "it is not hex, two digits an octet (at /fields/m",
        ),
        (
            {**TOLD, "fields": {"manufacturer_data": {"22b5": "00" * 253}}},
            "one is longer than 254 octets, or all are",
        ),
        ({**TOLD, "fields": {"service_data": {"4e56": ""}}}, "one is no UUID of 128 bits"),
        ({**TOLD, "fields": {"local_name": None}}, "it is null, not text (at /fields/local_name)"),
        ({**TOLD, "fields": {"local_name": "x" * 255}}, "the name is longer than 254 octets (at /fields)"),
        ({**TOLD, "fields": {"tx_power": 128}}, "the TX power lies outside -128 to 127 (at /fields)"),
        ({**TOLD, "fields": {"tx_power": 1.5}}, "it is a fraction, not an integer (at /fields/tx_power)"),
        ({**ADVERT, "phy": 1}, "it is an integer, not text (at /phy)"),
        ({**ADVERT, "more": 1}, "the key is unknown here"),
        ({"kind": "gap", "time_us": 2, "until_us": 1}, "the gap ends before it begins (at /until_us)"),
        ({"kind": "event", "time_us": 2}, "the name of the event is not known"),
        ({"kind": "event", "time_us": 2, "name": "other"}, "the name of the event is not known"),
        ({"kind": "event", "name": "push"}, "the key 'time_us' is missing (at the top)"),
        ({"kind": "gatt_services", "time_us": 2, "address": "x", "services": []}, "it is no address"),
        ({"kind": "other"}, "its kind is not known; known are advert, asked"),
        ({}, "its kind is not known"),
        ({"kind": "end"}, "the key 'reason' is missing (at the top)"),
    ],
)
def test_lines_that_are_refused_do_not_hide_others(read: Read, line: Line, reason: str) -> None:
    octets = written(ADVERT, line, ADVERT, line, END)
    source, found = read(octets)
    assert [each.number for each in found if isinstance(each, Advert)] == [2, 4]
    assert (source.packets, source.damaged) == (4, True)
    (told,) = source.diagnostics
    assert (told.offset, told.severity) == (len(written(ADVERT)), Severity.ERROR)
    assert told.message.startswith(
        f"line 3 cannot be read, the first of 2 lines that cannot be read: {reason}"
    )


@pytest.mark.parametrize(
    "line", [b"\n", b"[]\n", b"null\n", b'{"kind": 1}\n', b"\xff\n", b'{"kind":\n', b"[" * 9999 + b"\n"]
)
def test_lines_that_are_no_objects(read: Read, line: bytes) -> None:
    source, found = read(written(ADVERT) + line + written(ADVERT, END, header=ADVERT))
    assert len(found) == 3
    (told,) = source.diagnostics
    assert told.message.startswith("line 3 cannot be read: ")


@pytest.mark.parametrize("length", [64 * 1024, 64 * 1024 + 1, 300_000])
def test_lines_that_are_too_long_are_not_kept(read: Read, length: int) -> None:
    line = json.dumps({**ADVERT, "phy": ""}).encode()
    long = line[:-2] + b"x" * (length - len(line) - 1) + line[-2:] + b"\n"
    assert len(long) == length
    source, found = read(written(ADVERT) + long + written(ADVERT, END, header=ADVERT))
    assert len(found) == 3 + (length <= 64 * 1024)
    messages = [each.message for each in source.diagnostics]
    assert messages == (["line 3 cannot be read: it is longer than 65536 octets"] if length > 65536 else [])
    cut, found = read(written(ADVERT) + b"x" * length)
    assert (len(found), len(cut.diagnostics)) == (1, 1)


def test_a_recording_that_is_cut_says_so(read: Read) -> None:
    octets = written(ADVERT)
    source, found = read(octets)
    assert len(found) == 1
    assert source.damaged
    assert source.diagnostics == (
        Diagnostic(
            "air", len(octets), Severity.ERROR, "the recording is cut: its last line is not of kind 'end'"
        ),
    )


def test_nothing_stands_after_the_end(read: Read) -> None:
    source, found = read(written(ADVERT, END, ADVERT))
    assert len(found) == 1
    (told,) = source.diagnostics
    assert told.message == "line 4 cannot be read: it stands after the end of the recording"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({**HEADER, "schema": 2}, "recordings are known of schema 1"),
        ({**HEADER, "schema": "1"}, "it is text, not an integer"),
        ({**HEADER, "source": 1}, "it is an integer, not text"),
        ({**HEADER, "receiver": None}, "it is null, not text"),
        ({**HEADER, "capabilities": []}, "it is a list, not an object"),
        (
            {**HEADER, "capabilities": {"raw_ad": "maybe"}},
            "the value is not known; known are yes, partial, no",
        ),
        ({**HEADER, "capabilities": {"smell": "yes"}}, "the key is unknown here"),
        (
            {**HEADER, "more": 1},
            "no recording, whose first line is a header of JSON: the key is unknown here",
        ),
        ({"schema": 1}, "the key 'source' is missing"),
    ],
)
def test_headers_that_are_refused(header: Line, reason: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        open_source("air", io.BytesIO(written(END, header=header)))
    assert reason in str(caught.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=8), each, max_size=3),
        max_leaves=6,
    ),
    st.sampled_from(sorted({*ADVERT, "value", "octets", "name", "until_us", "fields", "crc_ok", "rssi"})),
    st.sampled_from(["advert", "asked", "gatt_read", "gatt_services", "event", "gap", "disconnect", "end"]),
)
def test_no_value_does_harm(value: object, key: str, kind: str) -> None:
    octets = written({**ADVERT, "kind": kind, key: value}, END)
    source = open_source("air", io.BytesIO(octets))
    found = list(source)
    assert len(found) + len(source.diagnostics) == 1 or kind == "end"
