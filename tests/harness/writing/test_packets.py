"""Observations as packets: read back by the sources, and by tshark."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import (
    AddressType,
    Advert,
    Asked,
    Gap,
    GattRead,
    Observation,
    PduType,
    random_address_type,
)
from bluezone_harness.sources import open_source
from bluezone_harness.writing.packets import (
    HCI,
    OPCODES,
    RADIO,
    command_octets,
    hci_octets,
    packet_of,
    radio_octets,
    received,
)
from bluezone_harness.writing.pcapng import PcapngWriter

AD = bytes.fromhex("0201020fffb52200112233445566778899aabb0303564e")
ADDRESS = bytes.fromhex("4A0102030405")
LEGACY = (PduType.ADV_IND, PduType.ADV_NONCONN_IND, PduType.ADV_SCAN_IND, PduType.SCAN_RSP)


def heard(**more: object) -> Advert:
    values: dict[str, object] = {
        "number": 1,
        "time_us": 1_597_046_400_000_001,
        "receiver": "rx",
        "address": ADDRESS,
        "address_type": AddressType.RESOLVABLE,
        "pdu": PduType.ADV_IND,
        "ad": AD,
        "rssi": -60,
        "channel": 37,
    }
    return Advert(**{**values, **more})  # type: ignore[arg-type]  # values of several types, by name


def read_back(link: int, octets: bytes, time_us: int = 1_597_046_400_000_001) -> list[object]:
    file = io.BytesIO()
    PcapngWriter(file).add("rx", link, time_us, octets)
    source = open_source("file", io.BytesIO(file.getvalue()))
    found = list(source)
    assert not source.diagnostics
    return list(found)


@pytest.mark.req("BZ-ADV-001")
def test_a_packet_of_the_air_octet_by_octet(scapy_crc: Callable[[bytes], bytes]) -> None:
    # RF channel 12 is channel 38; the CRC is that of another hand: scapy's
    octets = radio_octets(heard(channel=38, rssi=-61))
    body = bytes.fromhex("d6be898e401d") + ADDRESS[::-1] + AD
    assert octets[:10] == bytes.fromhex("0cc30000d6be898e130c")
    assert octets[10:-3] == body
    assert octets[-3:] == scapy_crc(body[4:])


@pytest.mark.req("BZ-ADV-001")
def test_a_report_octet_by_octet() -> None:
    octets = received(hci_octets(heard(channel=None, rssi=None, pdu=PduType.SCAN_RSP, ad=b"\x01\x00")))
    assert octets == bytes.fromhex("00000001 043e0e 0201 04 01 0504030201 4a 02 0100 7f".replace(" ", ""))
    octets = command_octets(Asked(1, 0, "", "HCI_LE_Set_Random_Address", ADDRESS))
    assert octets == bytes.fromhex("00000000 01 0520 06 4a0102030405".replace(" ", ""))


@pytest.mark.req("BZ-ADV-001")
@given(
    st.binary(min_size=6, max_size=6),
    st.sampled_from([AddressType.PUBLIC, None]),
    st.sampled_from([*LEGACY]),
    st.binary(max_size=31),
    st.none() | st.integers(-127, 20),
    st.sampled_from([37, 38, 39, None]),
)
def test_readers_read_what_was_observed(
    address: bytes, kind: AddressType | None, pdu: PduType, ad: bytes, rssi: int | None, channel: int | None
) -> None:
    address_type = kind or random_address_type(address)
    advert = heard(address=address, address_type=address_type, pdu=pdu, ad=ad, rssi=rssi, channel=channel)
    assert read_back(RADIO, radio_octets(advert)) == [advert]
    assert read_back(HCI, received(hci_octets(advert))) == [heard(**{**_fields(advert), "channel": None})]


def _fields(advert: Advert) -> dict[str, object]:
    return {name: getattr(advert, name) for name in Advert.__slots__}


@pytest.mark.req("BZ-ADV-001")
@pytest.mark.parametrize("name", OPCODES)
def test_commands_are_read_as_what_they_are(name: str) -> None:
    octets = command_octets(Asked(1, 0, "rx", name, b"\x01" * 25))
    (found,) = read_back(HCI, octets)
    assert isinstance(found, Asked)
    assert (found.name, found.octets) == (name, b"\x01" * 25)


@pytest.mark.req("BZ-ADV-001")
def test_the_second_version_of_a_command_keeps_its_opcode() -> None:
    octets = command_octets(Asked(1, 0, "", "HCI_LE_Set_Extended_Advertising_Parameters", bytes(27)))
    assert octets[4:8] == b"\x01\x7f\x20\x1b"


@pytest.mark.req("BZ-ADV-001")
@pytest.mark.parametrize(
    "more",
    [
        {"address": None},
        {"address_type": None},
        {"address_type": AddressType.STATIC},  # the address says another
        {"pdu": None},
        {"pdu": PduType.ADV_EXT_IND},
        {"ad": None},
        {"ad": bytes(32)},
        {"rssi": 21},
        {"rssi": -128},
    ],
)
def test_what_would_be_made_up_is_not_written(more: dict[str, object]) -> None:
    for form in (radio_octets, hci_octets):
        with pytest.raises(ValueError, match=r"legacy|RSSI"):
            form(heard(**more))


@pytest.mark.req("BZ-ADV-001")
def test_forms_that_one_of_both_lacks() -> None:
    directed = heard(pdu=PduType.ADV_DIRECT_IND, ad=b"")
    assert read_back(HCI, received(hci_octets(directed))) == [heard(**{**_fields(directed), "channel": None})]
    identity = heard(address_type=AddressType.RANDOM_IDENTITY, channel=None)
    assert read_back(HCI, received(hci_octets(identity))) == [identity]
    for advert in (directed, identity, heard(channel=5)):  # the target is not known; never on the air
        with pytest.raises(ValueError, match="legacy"):
            radio_octets(advert)
    with pytest.raises(ValueError, match="legacy"):
        hci_octets(heard(pdu=PduType.ADV_DIRECT_IND))
    for asked in (
        Asked(1, 0, "", "HCI_Reset", b""),
        Asked(1, 0, "", "HCI_LE_Set_Random_Address", bytes(256)),
    ):
        with pytest.raises(ValueError, match="no command"):
            command_octets(asked)


@pytest.mark.req("BZ-ADV-001")
@pytest.mark.parametrize("time_us", [-1, 1 << 64])
def test_times_that_no_block_holds(time_us: int) -> None:
    with pytest.raises(ValueError, match="before 1970"):
        PcapngWriter(io.BytesIO()).add("", HCI, time_us, b"")


@pytest.mark.req("BZ-ADV-001")
def test_tshark_reads_both_forms(tmp_path: Path, tool: Callable[[str], Path]) -> None:
    path = tmp_path / "both.pcapng"
    with path.open("wb") as file:
        writer = PcapngWriter(file)
        for number, pdu in enumerate(LEGACY):
            advert = heard(pdu=pdu, channel=37 + number % 3, rssi=-50 - number)
            writer.add("rx", RADIO, 1_597_046_400_000_000 + number, radio_octets(advert))
            writer.add("", HCI, 1_597_046_400_500_000 + number, received(hci_octets(advert)))
    fields = (
        "frame.time_epoch",
        "btle.advertising_address",
        "btle_rf.signal_dbm",
        "btle.crc.incorrect",
        "btcommon.eir_ad.entry.company_id",
        "bthci_evt.bd_addr",
        "bthci_evt.rssi",
        "_ws.malformed",
    )
    command = [str(tool("tshark")), "-r", str(path), "-T", "fields"]
    for name in fields:
        command += ["-e", name]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    for number in range(len(LEGACY)):
        address, company = "4a:01:02:03:04:05", "0x22b5"
        rssi = str(-50 - number)
        assert lines[2 * number].split("\t") == [
            *(f"1597046400.00000{number}000", address, rssi, "", company, "", "", ""),
        ]
        assert lines[2 * number + 1].split("\t") == [
            *(f"1597046400.50000{number}000", "", "", "", company, address, rssi, ""),
        ]


@pytest.mark.req("BZ-ADV-001")
def test_the_packet_of_an_observation_has_the_form_of_its_receivers_first() -> None:
    links: dict[str, int] = {}
    air, host = heard(), heard(receiver="phone", channel=None)
    assert packet_of(air, links) == ("rx", RADIO, radio_octets(air))
    assert packet_of(host, links) == ("phone", HCI, received(hci_octets(host)))
    assert links == {"rx": RADIO, "phone": HCI}
    # a receiver keeps to its form, whatever one advert tells
    assert packet_of(heard(channel=None), links)[1] == RADIO
    assert packet_of(heard(receiver="phone"), links)[1] == HCI
    asked = Asked(1, air.time_us, "phone", "HCI_LE_Set_Random_Address", ADDRESS[::-1])
    assert packet_of(asked, links) == ("phone", HCI, command_octets(asked))


@pytest.mark.req("BZ-ADV-001")
@pytest.mark.parametrize(
    "each", [heard(time_us=-1), heard(ad=None), GattRead(1, 1, "", None, None, "", "", b""), Gap(1, 1, 2)]
)
def test_what_has_no_form_is_no_packet(each: Observation) -> None:
    with pytest.raises(ValueError, match=r"^(no calendar|this is no)"):
        packet_of(each, {})
