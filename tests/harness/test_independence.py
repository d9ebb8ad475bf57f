"""``bzc check`` judges captures that nothing of ours made: packets by scapy, a schedule by hashlib alone.

Nothing of the reference is imported here, and of the harness nothing but the program itself, as a user runs it.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest

with warnings.catch_warnings():
    # scapy imports old ciphers, of which cryptography warns
    warnings.simplefilter("ignore")
    from scapy.layers.bluetooth import EIR_CompleteList16BitServiceUUIDs, EIR_Flags, EIR_Hdr, EIR_Raw
    from scapy.layers.bluetooth4LE import BTLE, BTLE_ADV, BTLE_ADV_IND, BTLE_RF
    from scapy.utils import RawPcapWriter

LINK_TYPE = 256  # BLUETOOTH_LE_LL_WITH_PHDR
SECOND = 1_000_000
SLOT = 900 * SECOND
DAY = 96 * SLOT
BASE_DAY = 1_596_844_800 * SECOND  # 2020-08-08
START = BASE_DAY + 3 * DAY - 2 * SLOT - 100 * SECOND
END = START + 6 * SLOT
BASE_ID = sha256(b"a base id of this test").digest()
COMPANY = 0x22B5
TWELVE = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)


def rolling_id(time_us: int, salt: bytes = b"bluzonesubkey", ahead_us: int = 0) -> bytes:
    """Return the id of an instant: a chain of hashes for the days, then one for the slots of the day."""
    since_us = time_us + ahead_us - BASE_DAY
    key = BASE_ID
    for _ in range(since_us // DAY):
        key = sha256(key).digest()
    key = sha256(key + salt).digest()
    for _ in range(since_us % DAY // SLOT):
        key = sha256(key).digest()
    return bytes(key[position] for position in TWELVE)


@dataclass(frozen=True)
class Window:
    """What is sent from a start to a stop, 15 s later."""

    from_us: int
    address: str
    ad: bytes
    random: bool = True


def address_at(number: int, first: int = 0x40) -> str:
    """Return the address of one start: resolvable, and as random as a hash is."""
    octets = sha256(b"address %d %d" % (number, first)).digest()[:6]
    return ":".join(f"{octet:02x}" for octet in bytes([first | octets[0] & 0x3F]) + octets[1:])


def ad_of(identity: bytes, company: int = COMPANY) -> bytes:
    """Return AdvData by scapy: Flags, manufacturer data, service UUID 0x4E56."""
    return b"".join(
        bytes(each)
        for each in (
            EIR_Hdr(type=0x01) / EIR_Flags(flags=0x02),
            EIR_Hdr(type=0xFF) / EIR_Raw(data=struct.pack("<H", company) + identity),
            EIR_Hdr(type=0x03) / EIR_CompleteList16BitServiceUUIDs(svc_uuids=[0x4E56]),
        )
    )


def windows(identity: Callable[[int], bytes] = rolling_id) -> Iterator[Window]:
    """Yield the on-windows of a phone: 15 s on, 15 s off, a new address at each."""
    for number in range((END - START) // (30 * SECOND)):
        # a late alarm now and then: no two periods are quite alike
        from_us = START + number * 30 * SECOND + number * 37_000
        yield Window(from_us, address_at(number), ad_of(identity(from_us)))


@cache
def radio_header(channel: int, signal: int) -> bytes:
    """Return the pseudo-header of a packet that was heard on one of three channels, its CRC found right."""
    header = BTLE_RF(
        rf_channel=(0, 12, 39)[channel],
        signal=signal,
        reference_access_address=0x8E89BED6,
        dewhitened=1,
        sig_power_valid=1,
        reference_access_address_valid=1,
        crc_checked=1,
        crc_valid=1,
    )
    return bytes(header)


def on_air(window: Window, crc: Callable[[bytes], bytes]) -> bytes:
    """Return the packet of a window: access address, ADV_IND with its AdvData as it is, cut or not, CRC."""
    advert = BTLE() / BTLE_ADV(TxAdd=int(window.random)) / BTLE_ADV_IND(AdvA=window.address)
    octets = bytes(advert)[:-3] + window.ad
    pdu = octets[4:5] + bytes([6 + len(window.ad)]) + octets[6:]
    return octets[:4] + pdu + crc(pdu)


def packets(sent: Iterable[Window], crc: Callable[[bytes], bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the packets of on-windows, with their times: each advertising event on one of the channels."""
    heard = []
    for each in sent:
        octets = on_air(each, crc)
        for event in range(148):
            time_us = each.from_us + 3000 + event * 101_000 + event * 7919 % 4000
            heard.append((time_us, radio_header(event % 3, -60 - event % 7) + octets))
    return iter(sorted(heard))


@pytest.fixture
def verdicts_of(
    tmp_path: Path, scapy_crc: Callable[[bytes], bytes]
) -> Callable[[Iterable[Window]], dict[str, str]]:
    """Return a function from on-windows to the verdicts that ``bzc check`` prints of their capture."""

    def run(sent: Iterable[Window]) -> dict[str, str]:
        capture, device = tmp_path / "capture.pcap", tmp_path / "device.json"
        with RawPcapWriter(str(capture), linktype=LINK_TYPE) as writer:
            writer.write_header(None)
            for time_us, octets in packets(sent, scapy_crc):
                writer.write_packet(octets, sec=time_us // SECOND, usec=time_us % SECOND)
        device.write_text(json.dumps({"base_id": BASE_ID.hex(), "base_day": "2020-08-08"}), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "bluezone_harness", "check", capture, "--device", device, "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 1, 2), done.stderr
        assert not done.stderr
        return {each["id"]: each["verdict"] for each in json.loads(done.stdout)["requirements"]}

    return run


SHOWN = [f"BZ-KEY-{number:03}" for number in range(2, 7)] + [f"BZ-ADV-{number:03}" for number in range(1, 8)]


@pytest.mark.req(*SHOWN, "BZ-PRV-001", "BZ-PRV-002", "BZ-PRV-003", "BZ-PRV-009")
def test_a_correct_phone_passes(verdicts_of: Callable[[Iterable[Window]], dict[str, str]]) -> None:
    verdicts = verdicts_of(windows())
    wanted = [*SHOWN, "BZ-PRV-001", "BZ-PRV-002", "BZ-PRV-003", "BZ-PRV-009"]
    assert {name: verdicts[name] for name in wanted} == dict.fromkeys(wanted, "pass")
    assert "fail" not in verdicts.values()


def outliving() -> Iterator[Window]:
    """Keep the address at the first start with a new id."""
    before: Window | None = None
    for each in windows():
        if before is not None and before.ad != each.ad:
            yield replace(each, address=before.address)
        else:
            yield each
        before = each


def relayed() -> Iterator[Window]:
    """Send each on-window again, 2 s later, from another address."""
    for number, each in enumerate(windows()):
        yield each
        yield replace(each, from_us=each.from_us + 2 * SECOND, address=address_at(10_000 + number))


FAULTS: dict[str, tuple[str, Callable[[], Iterable[Window]]]] = {
    "the right spelling in the salt": (
        "BZ-KEY-004",
        lambda: windows(lambda time_us: rolling_id(time_us, b"bluezonesubkey")),
    ),
    "a day of local time": (
        "BZ-KEY-002",
        lambda: windows(lambda time_us: rolling_id(time_us, ahead_us=7 * 3600 * SECOND)),
    ),
    "one slot late": ("BZ-KEY-006", lambda: windows(lambda time_us: rolling_id(time_us, ahead_us=-SLOT))),
    "the company the wrong way round": (
        "BZ-ADV-003",
        lambda: (replace(each, ad=ad_of(rolling_id(each.from_us), 0xB522)) for each in windows()),
    ),
    "AdvData that is cut": ("BZ-ADV-001", lambda: (replace(each, ad=each.ad[:-1]) for each in windows())),
    "a public address": (
        "BZ-PRV-002",
        lambda: (replace(each, address="00:1a:7d:da:71:13", random=False) for each in windows()),
    ),
    "an address that outlives its id": ("BZ-PRV-001", outliving),
    "a relay": ("BZ-PRV-009", relayed),
}


@pytest.mark.req(*sorted({requirement for requirement, _ in FAULTS.values()}))
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_under_its_requirement(
    fault: str, verdicts_of: Callable[[Iterable[Window]], dict[str, str]]
) -> None:
    requirement, sent = FAULTS[fault]
    assert verdicts_of(sent())[requirement] == "fail"


def test_nothing_here_is_of_the_project() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    imports = [line for line in source.splitlines() if line.lstrip().startswith(("import ", "from "))]
    assert len(imports) > 10
    assert not [line for line in imports if "bluezone" in line]
