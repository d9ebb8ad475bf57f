"""AdvData taken apart and put together: by hand, octet by octet, and against two other decoders."""

from __future__ import annotations

import itertools
import struct
import subprocess
import sys
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_reference import ad_structures as ad
from bluezone_reference.ad_structures import (
    AdStructure,
    adv_data_format,
    decode_ad,
    encode_ad,
    intact_structures,
)
from bluezone_reference.errors import MalformedError, RejectCode

with warnings.catch_warnings():
    # scapy imports old ciphers, of which cryptography warns
    warnings.simplefilter("ignore")
    from scapy.layers import bluetooth as scapy_bluetooth
    from scapy.packet import Raw

# an Android phone's, with an id that a real phone sent on 2020-08-08
ANDROID = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
ANDROID_STRUCTURES = (
    AdStructure(0, 0x01, bytes.fromhex("02")),
    AdStructure(3, 0xFF, bytes.fromhex("b522b9a665d754fe65e665d76a45")),
    AdStructure(19, 0x03, bytes.fromhex("564e")),
)
BOUNDARIES = (0, 3, 19, 23)

rows = st.tuples(st.integers(0, 255), st.binary(max_size=254))
small_rows = st.tuples(st.integers(0, 255), st.binary(max_size=8))
octets_like_ad = st.one_of(
    st.binary(max_size=40),
    st.lists(st.integers(0, 6), max_size=31).map(bytes),
    st.tuples(st.lists(small_rows, max_size=6), st.binary(max_size=4)).map(
        lambda parts: b"".join(bytes([len(data) + 1, kind]) + data for kind, data in parts[0]) + parts[1]
    ),
)


def walk(octets: bytes) -> tuple[list[tuple[int, int, bytes]], int | None]:
    """Take AdvData apart with struct alone: the whole structures, and where the damage is."""
    found: list[tuple[int, int, bytes]] = []
    offset = 0
    while offset < len(octets) and octets[offset]:
        (length,) = struct.unpack_from("B", octets, offset)
        if offset + 1 + length > len(octets):
            return found, offset
        ad_type, data = struct.unpack_from(f"B{length - 1}s", octets, offset + 1)
        found.append((offset, ad_type, data))
        offset += 1 + length
    rest = octets[offset:]
    return found, len(octets) - len(rest.lstrip(b"\x00")) if rest.strip(b"\x00") else None


def as_tuples(structures: tuple[AdStructure, ...]) -> list[tuple[int, int, bytes]]:
    return [(structure.offset, structure.ad_type, structure.data) for structure in structures]


def scapy_elements(octets: bytes) -> list[tuple[int, bytes]]:
    """Take well-formed AdvData apart by scapy: as those of one advertising report."""
    report = bytes([0, 1]) + bytes(6) + bytes([len(octets)]) + octets + b"\xc4"
    elements = scapy_bluetooth.HCI_LE_Meta_Advertising_Report(report).data
    return [(element.type, bytes(element.payload)[: element.len - 1]) for element in elements]


@pytest.mark.req("BZ-ADV-001")
def test_takes_an_android_phones_advertisement_apart() -> None:
    assert decode_ad(ANDROID) == ANDROID_STRUCTURES


@pytest.mark.req("BZ-ADV-001")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("00", ()),
        ("00" * 31, ()),
        ("0109", (AdStructure(0, 0x09, b""),)),
        ("01ff0100", (AdStructure(0, 0xFF, b""), AdStructure(2, 0x00, b""))),
        ("02010600", (AdStructure(0, 0x01, b"\x06"),)),
        ("020106" + "00" * 28, (AdStructure(0, 0x01, b"\x06"),)),
        ("03030000", (AdStructure(0, 0x03, b"\x00\x00"),)),
        ("020106020106", (AdStructure(0, 0x01, b"\x06"), AdStructure(3, 0x01, b"\x06"))),
        ("1eff" + "ab" * 29, (AdStructure(0, 0xFF, b"\xab" * 29),)),
    ],
)
def test_well_formed(text: str, expected: tuple[AdStructure, ...]) -> None:
    assert decode_ad(bytes.fromhex(text)) == expected
    assert intact_structures(bytes.fromhex(text)) == (expected, None)


@pytest.mark.req("BZ-ADV-001", "BZ-RCV-003")
@pytest.mark.parametrize(
    ("text", "code", "offset", "intact"),
    [
        ("01", RejectCode.TRUNCATED_AD, 0, 0),
        ("02ff", RejectCode.TRUNCATED_AD, 0, 0),
        ("ff", RejectCode.TRUNCATED_AD, 0, 0),
        ("020106 05", RejectCode.TRUNCATED_AD, 3, 1),
        ("020106 0303564e 11ffb522", RejectCode.TRUNCATED_AD, 7, 2),
        ("020106 ff09" + "41" * 26, RejectCode.TRUNCATED_AD, 3, 1),
        ("0001", RejectCode.DATA_AFTER_END, 1, 0),
        ("020106 00 020106", RejectCode.DATA_AFTER_END, 4, 1),
        ("020106 00000001", RejectCode.DATA_AFTER_END, 6, 1),
        ("020106" + "00" * 27 + "ff", RejectCode.DATA_AFTER_END, 30, 1),
        ("020106" + "00" * 29, RejectCode.AD_TOO_LONG, 31, 1),
        ("020106" + "1c09" + "41" * 27, RejectCode.AD_TOO_LONG, 31, 1),
        ("0105" * 16, RejectCode.AD_TOO_LONG, 31, 15),
        ("00" + "01" * 31, RejectCode.AD_TOO_LONG, 31, 0),
    ],
)
def test_malformed(text: str, code: RejectCode, offset: int, intact: int) -> None:
    octets = bytes.fromhex(text)
    structures, damage = intact_structures(octets)
    assert damage is not None
    assert (damage.code, damage.offset, damage.requirement) == (code, offset, "BZ-ADV-001")
    assert as_tuples(structures) == walk(octets[:31])[0]
    assert len(structures) == intact
    with pytest.raises(MalformedError, match=damage.reason) as caught:
        decode_ad(octets)
    assert (caught.value.code, caught.value.offset) == (code, offset)


@pytest.mark.req("BZ-ADV-001")
def test_reasons_are_sentences_with_figures() -> None:
    def reason(text: str) -> str:
        damage = intact_structures(bytes.fromhex(text))[1]
        assert damage is not None
        return damage.reason

    assert reason("020106 09ff42") == "an AD structure announces 9 octets where 2 follow"
    assert reason("00 0a") == "octet 0A after the early end of AdvData"
    assert reason("00" * 40) == "AdvData of 40 octets, more than 31"


@pytest.mark.req("BZ-ADV-001", "BZ-RCV-003")
@pytest.mark.parametrize("cut", range(len(ANDROID) + 1))
def test_every_cut_point(cut: int) -> None:
    structures, damage = intact_structures(ANDROID[:cut])
    whole = sum(end <= cut for end in BOUNDARIES[1:])
    assert structures == ANDROID_STRUCTURES[:whole]
    if cut in BOUNDARIES:
        assert damage is None
    else:
        assert damage is not None
        assert (damage.code, damage.offset) == (RejectCode.TRUNCATED_AD, BOUNDARIES[whole])


@pytest.mark.req("BZ-ADV-001")
@pytest.mark.parametrize("octet", range(256))
def test_every_trailing_octet(octet: int) -> None:
    structures, damage = intact_structures(ANDROID + bytes([octet]))
    assert structures == ANDROID_STRUCTURES
    if octet == 0:
        assert damage is None
    else:
        assert damage is not None
        assert (damage.code, damage.offset) == (RejectCode.TRUNCATED_AD, 23)


@pytest.mark.req("BZ-ADV-001")
@pytest.mark.parametrize("position", range(24, 31))
def test_every_octet_after_an_early_end(position: int) -> None:
    octets = bytearray(ANDROID.ljust(31, b"\x00"))
    octets[position] = 0x80
    structures, damage = intact_structures(bytes(octets))
    assert structures == ANDROID_STRUCTURES
    assert damage is not None
    assert (damage.code, damage.offset) == (RejectCode.DATA_AFTER_END, position)


@pytest.mark.req("BZ-ADV-011")
def test_any_order_of_structures() -> None:
    parts = (ANDROID[:3], ANDROID[3:19], ANDROID[19:])
    for order in itertools.permutations(parts):
        found = [(structure.ad_type, structure.data) for structure in decode_ad(b"".join(order))]
        assert sorted(found) == sorted((part[1], part[2:]) for part in parts)


@pytest.mark.req("BZ-ADV-001")
def test_extended_advertising_holds_more() -> None:
    octets = (b"\xff\xff" + bytes(range(254))) * 6 + b"\x71\x09" + b"n" * 112
    assert len(octets) == ad.EXTENDED_AD_OCTETS == 1650
    assert [(structure.ad_type, len(structure.data)) for structure in decode_ad(octets, 1650)] == [
        (0xFF, 254),
        (0xFF, 254),
        (0xFF, 254),
        (0xFF, 254),
        (0xFF, 254),
        (0xFF, 254),
        (0x09, 112),
    ]
    with pytest.raises(MalformedError, match="1651 octets, more than 1650") as caught:
        decode_ad(octets + b"\x00", ad.EXTENDED_AD_OCTETS)
    assert (caught.value.code, caught.value.offset) == (RejectCode.AD_TOO_LONG, 1650)
    with pytest.raises(MalformedError, match="more than 31"):
        decode_ad(octets)


@pytest.mark.req("BZ-ADV-001")
@given(octets_like_ad)
def test_agrees_with_a_walker_of_struct_alone(octets: bytes) -> None:
    structures, damage = intact_structures(octets, limit=1650)
    found, offset = walk(octets)
    assert as_tuples(structures) == found
    assert (damage.offset if damage else None) == offset


@pytest.mark.req("BZ-ADV-001", "BZ-RCV-003")
@given(st.one_of(octets_like_ad, st.binary(max_size=1700)), st.sampled_from([31, 62, 1650]))
def test_nothing_but_malformed_error_escapes(octets: bytes, limit: int) -> None:
    structures, damage = intact_structures(octets, limit)
    assert (damage is not None and damage.code is RejectCode.AD_TOO_LONG) == (len(octets) > limit)
    if damage is not None:
        with pytest.raises(MalformedError) as caught:
            decode_ad(octets, limit)
        assert str(caught.value) == str(damage)
        assert 0 <= damage.offset < len(octets)
    else:
        assert decode_ad(octets, limit) == structures
        # what the structures do not hold is zeros
        written = encode_ad((s.ad_type, s.data) for s in structures)
        assert octets == written + bytes(len(octets) - len(written))


@pytest.mark.req("BZ-ADV-001")
@given(st.lists(rows, max_size=6), st.integers(0, 20))
def test_round_trip(written: list[tuple[int, bytes]], zeros: int) -> None:
    octets = encode_ad(written)
    structures = decode_ad(octets + bytes(zeros), ad.EXTENDED_AD_OCTETS)
    assert [(structure.ad_type, structure.data) for structure in structures] == written
    assert all(octets[s.offset] == len(s.data) + 1 for s in structures)


@pytest.mark.req("BZ-ADV-001")
def test_writes_literal_octets() -> None:
    assert encode_ad([]) == b""
    assert encode_ad([(ad.FLAGS, b"\x06"), (ad.COMPLETE_LOCAL_NAME, b"")]) == bytes.fromhex("0201060109")
    assert encode_ad(iter([(0x00, b""), (0xFF, b"\xab" * 254)])) == b"\x01\x00\xff\xff" + b"\xab" * 254
    assert encode_ad((s.ad_type, s.data) for s in ANDROID_STRUCTURES) == ANDROID


@pytest.mark.req("BZ-ADV-001")
@pytest.mark.parametrize("ad_type", [-1, 256, 2**40])
def test_refuses_to_write_a_type_that_is_no_octet(ad_type: int) -> None:
    with pytest.raises(ValueError, match="an AD type is 0 to 255"):
        encode_ad([(ad_type, b"")])


@pytest.mark.req("BZ-ADV-001")
@pytest.mark.parametrize("length", [255, 256, 1000])
def test_refuses_to_write_data_beyond_the_length_octet(length: int) -> None:
    with pytest.raises(ValueError, match=f"at most 254 octets of data, not {length}"):
        encode_ad([(ad.MANUFACTURER_SPECIFIC_DATA, bytes(length))])


@pytest.mark.req("BZ-ADV-001")
def test_the_picture_itself_leaves_no_octet_unaccounted() -> None:
    parsed = adv_data_format().parse(bytes.fromhex("020106 0000 07"))
    (found,) = parsed.structures
    assert (found.offset, found.counted.ad_type, found.counted.data) == (0, 0x01, b"\x06")
    assert list(parsed.early_end) == [b"\x00", b"\x00"]
    assert parsed.remainder == b"\x07"


@pytest.mark.req("BZ-ADV-001")
@given(octets_like_ad, st.sampled_from([1, 5, 31, 40]))
def test_the_walk_finds_what_the_declared_format_finds(octets: bytes, limit: int) -> None:
    parsed = adv_data_format().parse(octets[:limit])
    structures, damage = intact_structures(octets, limit)
    assert [(each.offset, each.ad_type, each.data) for each in structures] == [
        (each.offset, each.counted.ad_type, each.counted.data) for each in parsed.structures
    ]
    if len(octets) > limit:
        assert damage is not None
        assert (damage.code, damage.offset) == (RejectCode.AD_TOO_LONG, limit)
    elif parsed.remainder:
        code = RejectCode.DATA_AFTER_END if parsed.early_end else RejectCode.TRUNCATED_AD
        assert damage is not None
        assert (damage.code, damage.offset) == (code, len(octets) - len(parsed.remainder))
    else:
        assert damage is None


@pytest.mark.req("BZ-ADV-001")
@given(st.lists(rows, max_size=6))
def test_the_declared_format_writes_the_same(written: list[tuple[int, bytes]]) -> None:
    counted = [{"counted": {"ad_type": ad_type, "data": data}} for ad_type, data in written]
    content = {"structures": counted, "early_end": [], "remainder": b""}
    assert encode_ad(written) == adv_data_format().build(content)


@pytest.mark.req("BZ-ADV-001")
def test_reads_what_scapy_writes() -> None:
    written = (
        scapy_bluetooth.EIR_Hdr() / scapy_bluetooth.EIR_Flags(flags=0x02),
        scapy_bluetooth.EIR_Hdr()
        / scapy_bluetooth.EIR_Manufacturer_Specific_Data(company_identifier=0x22B5)
        / Raw(bytes.fromhex("b9a665d754fe65e665d76a45")),
        scapy_bluetooth.EIR_Hdr() / scapy_bluetooth.EIR_CompleteList16BitServiceUUIDs(svc_uuids=[0x4E56]),
    )
    assert decode_ad(b"".join(bytes(element) for element in written)) == ANDROID_STRUCTURES


@pytest.mark.req("BZ-ADV-001")
@given(st.lists(st.tuples(st.just(0x09), st.binary(min_size=1, max_size=6)), min_size=1, max_size=4))
def test_scapy_reads_what_is_written(written: list[tuple[int, bytes]]) -> None:
    assert scapy_elements(encode_ad(written)) == written


@pytest.mark.req("BZ-ADV-001")
def test_scapy_agrees_on_an_android_phone() -> None:
    assert scapy_elements(ANDROID) == [(s.ad_type, s.data) for s in decode_ad(ANDROID)]


@pytest.mark.req("BZ-ADV-001")
@pytest.mark.parametrize(
    ("code", "loaded"),
    [
        ("import bluezone_reference.advertisement", False),
        ("from bluezone_reference.ad_structures import decode_ad; decode_ad(b'')", False),
        ("from bluezone_reference.ad_structures import encode_ad; encode_ad([(1, b'')])", False),
        ("from bluezone_reference.ad_structures import adv_data_format; adv_data_format()", True),
    ],
)
def test_construct_is_imported_only_to_declare(code: str, loaded: bool) -> None:
    program = f"{code}; import sys; print('construct' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(loaded)
