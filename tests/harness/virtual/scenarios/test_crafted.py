"""Crafted adverts, octet by octet as they were worked out by hand, and what the reference makes of each."""

from __future__ import annotations

from random import Random

import pytest

from bluezone_harness.virtual.scenarios.crafted import CRAFTED
from bluezone_reference.heard_content import heard_content
from bluezone_reference.profiles import V3

ID = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaab")
FLAGS, SERVICE = "020102", "0303564e"
DATA = "0fffb522a0a1a2a3a4a5a6a7a8a9aaab"

OCTETS = {
    "reordered": SERVICE + DATA + FLAGS,
    "no-flags": DATA + SERVICE,
    "incomplete-list": FLAGS + DATA + "0302564e",
    "among-others": FLAGS + DATA + "07030f18564e0a18",
    "32-bit-list": FLAGS + DATA + "0505564e0000",
    "other-data-beside": FLAGS + "05ffffff0102" + DATA + SERVICE,
    "name-beside": FLAGS + "0309416e" + DATA + SERVICE,
    "same-id-twice": FLAGS + DATA + SERVICE,
    "cut-behind": FLAGS + DATA + SERVICE + "050941",
    "wrong-company": FLAGS + "0fff22b5a0a1a2a3a4a5a6a7a8a9aaab" + SERVICE,
    "other-company": FLAGS + "0fffffffa0a1a2a3a4a5a6a7a8a9aaab" + SERVICE,
    "eleven-octets": FLAGS + "0effb522a0a1a2a3a4a5a6a7a8a9aa" + SERVICE,
    "thirteen-octets": FLAGS + "10ffb522a0a1a2a3a4a5a6a7a8a9aaaba0" + SERVICE,
    "six-octets": FLAGS + "09ffb522a0a1a2a3a4a5" + SERVICE,
    "no-octets": FLAGS + "03ffb522" + SERVICE,
    "no-manufacturer-data": FLAGS + SERVICE,
    "no-service": FLAGS + DATA,
    "other-service": FLAGS + DATA + "03030f18",
    "two-lengths": FLAGS + DATA + "07ffb522a0a1a2a3" + SERVICE,
    "contradictory": FLAGS + DATA + SERVICE,
    "broken-list": FLAGS + DATA + "0403564e0f",
    "manufacturer-data-0-octets": FLAGS + SERVICE + "01ff",
    "manufacturer-data-1-octet": FLAGS + SERVICE + "02ffb5",
    "cut-id": FLAGS + SERVICE + DATA[:-6],
    "length-beyond-end": FLAGS + SERVICE + "ff" + DATA[2:],
    "octets-after-the-end": FLAGS + SERVICE + "00" + DATA,
    "empty": "",
    "all-zero": "00" * 31,
    "all-ff": "ff" * 31,
    "iphone-without-service": "02011a110767a607add1172fa1c44bf573564e0000",
}
DRAWN = {"random-octets", "overflow-other-bits", "overflow-other-app"}
LOGGED = {
    *("reordered", "no-flags", "incomplete-list", "among-others", "32-bit-list", "other-data-beside"),
    *("name-beside", "same-id-twice", "cut-behind"),
}
READ = {"overflow-other-bits", "iphone-without-service"}


def test_every_kind_is_worked_out_here() -> None:
    assert set(CRAFTED) == set(OCTETS) | DRAWN


@pytest.mark.req("BZ-RCV-001", "BZ-RCV-002", "BZ-RCV-003")
@pytest.mark.parametrize("kind", OCTETS)
def test_octets(kind: str) -> None:
    octets, response = CRAFTED[kind].write(ID, Random(1))
    assert octets.hex() == OCTETS[kind]
    assert len(octets) <= 31
    if kind == "same-id-twice":
        assert response.hex() == DATA
    elif kind == "contradictory":
        assert response[:4].hex() == DATA[:8]
        assert len(response) == 16
        assert response[4:] != ID
    else:
        assert response == b""


@pytest.mark.req("BZ-RCV-004")
def test_the_overflow_forms_differ_in_one_bit_only() -> None:
    for seed in range(40):
        found = {
            name: CRAFTED[name].write(ID, Random(seed))[0]
            for name in ("overflow-other-bits", "overflow-other-app")
        }
        first, second = found.values()
        assert first[:8].hex() == second[:8].hex() == "02011a14ff4c0001"
        assert len(first) == len(second) == 24
        assert first[8] & 0x08
        assert not second[8] & 0x08
        assert first[9:] == second[9:]
        assert first[-1] & 1


@pytest.mark.req("BZ-RCV-003")
def test_random_octets_fill_the_record() -> None:
    found = {CRAFTED["random-octets"].write(ID, Random(seed))[0] for seed in range(5)}
    assert [len(each) for each in found] == [31] * 5


@pytest.mark.req("BZ-RCV-001", "BZ-RCV-002", "BZ-RCV-003", "BZ-RCV-004")
@pytest.mark.parametrize("kind", sorted(set(CRAFTED) - {"random-octets"}))
def test_what_a_receiver_makes_of_it(kind: str) -> None:
    crafted = CRAFTED[kind]
    content = heard_content(*crafted.write(ID, Random(3)), V3)
    assert crafted.is_logged == (kind in LOGGED)
    assert crafted.is_read == (kind in READ)
    assert content.contact_id == (ID if kind in LOGGED else None)
    # neither an id nor a reason why there is none: the id would have to be read
    assert (content.contact_id is None and not content.ignored) == (kind in READ)


def test_each_says_what_it_is() -> None:
    for name, crafted in CRAFTED.items():
        assert crafted.name == name
        assert crafted.text
        assert not crafted.text.endswith(".")
        assert crafted.requirement.startswith("BZ-RCV-")
