"""Reports of a controller, parsed by bumble from literal HCI events: legacy, extended, in pieces."""

from __future__ import annotations

import pytest
from bumble import hci
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.live.bumble_backend.reports import HeardReport, ReportReader
from bluezone_harness.observations import AddressType, PduType

pytestmark = pytest.mark.req("BZ-ADV-001")

AD = "020106"


def legacy(
    kind: int, address_kind: int = 1, address: str = "010000000040", rssi: str = "c4"
) -> hci.HCI_Event:
    return event(f"02 01 {kind:02x} {address_kind:02x} {address} 03 {AD} {rssi}")


def extended(
    kind: int,
    ad: str = AD,
    address_kind: int = 1,
    address: str = "010000000040",
    sid: int = 0xFF,
    rssi: str = "c4",
) -> hci.HCI_Event:
    length = len(bytes.fromhex(ad))
    return event(
        f"0d 01 {kind & 255:02x}{kind >> 8:02x} {address_kind:02x} {address} 01 00 {sid:02x} 7f {rssi} 0000"
        f" 00 000000000000 {length:02x} {ad}"
    )


def event(body: str) -> hci.HCI_Event:
    octets = bytes.fromhex(body)
    packet = hci.HCI_Packet.from_bytes(b"\x04\x3e" + bytes([len(octets)]) + octets)
    assert isinstance(packet, hci.HCI_Event)
    return packet


def read(packet: hci.HCI_Event, reader: ReportReader | None = None) -> HeardReport | None:
    (report,) = packet.reports  # type: ignore[attr-defined] # of the two kinds of events, which have them
    return (reader or ReportReader()).read(report)


@pytest.mark.parametrize(
    ("kind", "pdu", "is_response"),
    [
        (0, PduType.ADV_IND, False),
        (1, PduType.ADV_DIRECT_IND, False),
        (2, PduType.ADV_SCAN_IND, False),
        (3, PduType.ADV_NONCONN_IND, False),
        (4, PduType.SCAN_RSP, True),
        (5, None, False),
    ],
)
def test_legacy_reports(kind: int, pdu: PduType | None, is_response: bool) -> None:
    assert read(legacy(kind)) == HeardReport(
        bytes.fromhex("400000000001"), AddressType.RESOLVABLE, pdu, is_response, bytes.fromhex(AD), -60
    )


@pytest.mark.parametrize(
    ("kind", "pdu", "is_response"),
    [
        (0x13, PduType.ADV_IND, False),
        (0x15, PduType.ADV_DIRECT_IND, False),
        (0x12, PduType.ADV_SCAN_IND, False),
        (0x10, PduType.ADV_NONCONN_IND, False),
        (0x1B, PduType.SCAN_RSP, True),
        (0x1A, PduType.SCAN_RSP, True),
        (0x1F, None, True),
        (0x01, PduType.ADV_EXT_IND, False),
        (0x0A, PduType.ADV_EXT_IND, True),
        (0x41, PduType.ADV_EXT_IND, False),  # cut off by the controller: what there is counts
    ],
)
def test_extended_reports(kind: int, pdu: PduType | None, is_response: bool) -> None:
    assert read(extended(kind)) == HeardReport(
        bytes.fromhex("400000000001"), AddressType.RESOLVABLE, pdu, is_response, bytes.fromhex(AD), -60
    )


@pytest.mark.parametrize(
    ("kind", "address", "expected"),
    [
        (0, "010000000040", AddressType.PUBLIC),
        (1, "0100000000c0", AddressType.STATIC),
        (1, "010000000000", AddressType.NON_RESOLVABLE),
        (1, "010000000080", AddressType.RESERVED),
        (2, "010000000040", AddressType.PUBLIC_IDENTITY),
        (3, "010000000040", AddressType.RANDOM_IDENTITY),
        (0xFE, "010000000040", None),
        (0xFF, "000000000000", None),
    ],
)
def test_kinds_of_addresses(kind: int, address: str, expected: AddressType | None) -> None:
    for packet in (legacy(0, kind, address), extended(0x01, address_kind=kind, address=address)):
        found = read(packet)
        assert (found and found.address_type) == expected


@pytest.mark.parametrize(("octet", "rssi"), [("7f", None), ("81", -127), ("14", 20), ("00", 0)])
def test_rssi(octet: str, rssi: int | None) -> None:
    for packet in (legacy(0, rssi=octet), extended(0x01, rssi=octet)):
        found = read(packet)
        assert found is not None
        assert found.rssi == rssi


def test_pieces_are_put_together() -> None:
    reader = ReportReader()
    assert read(extended(0x21, "0201", sid=1), reader) is None
    assert read(extended(0x21, "aa", sid=2), reader) is None
    assert read(extended(0x29, "cc", sid=1), reader) is None  # of the scan response
    found = [
        read(extended(kind, ad, sid=sid), reader)
        for kind, ad, sid in ((1, "06", 1), (1, "bb", 2), (9, "dd", 1))
    ]
    assert [each and each.ad.hex() for each in found] == ["020106", "aabb", "ccdd"]
    again = read(extended(1, "07", sid=1), reader)
    assert again is not None
    assert again.ad.hex() == "07"


def test_pieces_without_end_take_no_room() -> None:
    reader = ReportReader()
    for _ in range(20):
        assert read(extended(0x21, "ab" * 200, sid=1), reader) is None
    last = read(extended(1, "06", sid=1), reader)
    assert last is not None
    assert len(last.ad) <= 1650
    for number in range(70):
        read(extended(0x21, "ab", address=f"{number:02x}0000000040"), reader)
    kept = [read(extended(1, "cd", address=f"{number:02x}0000000040"), reader) for number in range(70)]
    assert [each and each.ad.hex() for each in kept] == ["cd"] * 6 + ["abcd"] * 64


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 3), st.binary(max_size=3)), max_size=20))
def test_any_reports_are_read(reports: list[tuple[int, int, bytes]]) -> None:
    reader = ReportReader()
    for kind, sid, ad in reports:
        found = read(extended(kind, ad.hex(), sid=sid), reader)
        assert found is None or found.ad.endswith(ad)
