"""What advertisements say: literal octets of each kind, and each way in which one of ours can be wrong."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_reference.ad_structures import AdStructure, decode_ad, encode_ad, intact_structures
from bluezone_reference.advertisement import (
    Advertisement,
    AndroidAdvertisement,
    IosAdvertisement,
    IosBackgroundAdvertisement,
    OldAndroidAdvertisement,
    OldIosAdvertisement,
    OtherAdvertisement,
    advertisement_of,
    decode_advertisement,
    describe,
    encode_advertisement,
)
from bluezone_reference.errors import MalformedError, RejectCode

with warnings.catch_warnings():
    # scapy imports old ciphers, of which cryptography warns
    warnings.simplefilter("ignore")
    from scapy.layers import bluetooth as scapy_bluetooth
    from scapy.packet import Packet, Raw

# ids that a real phone sent on 2020-08-08
ID = bytes.fromhex("b9a665d754fe65e665d76a45")
OTHER_ID = bytes.fromhex("3aa8dfc0a15682b27216fc31")

FLAGS = "020102"
COMPANY_DATA = "0fffb522" + ID.hex()
UUID_16 = "0303564e"
# 128-bit UUIDs as they are sent, least significant octet first
UUID_128_ANDROID = "1107fb349b5f8000008000100000564e0000"
UUID_128_IOS = "110767a607add1172fa1c44bf573564e0000"
UUID_128_OLD_ANDROID = "110789a807add1172fa1c44bf573f4390ae2"
UUID_128_OLD_IOS = "110767a607add1172fa1c44bf573f4390ae2"
BLUEZONE_NAME = "0909" + b"Bluezone".hex()
ALONE = bytes.fromhex("08" + "00" * 15)

LITERALS: list[tuple[str, str, Advertisement]] = [
    ("android", FLAGS + COMPANY_DATA + UUID_16, AndroidAdvertisement(ID)),
    ("ios", "02011a" + UUID_128_IOS + BLUEZONE_NAME, IosAdvertisement("Bluezone")),
    ("ios", "02011a" + UUID_128_IOS, IosAdvertisement(None)),
    ("ios-background", "02011a14ff4c0001" + ALONE.hex(), IosBackgroundAdvertisement(ALONE, True)),
    (
        "ios-background",
        "02011a14ff4c00010c000000000000000000000000000080",
        IosBackgroundAdvertisement(bytes.fromhex("0c000000000000000000000000000080"), False),
    ),
    (
        "old-android",
        FLAGS + "09ffb522" + b"Ab3xY9".hex() + UUID_128_OLD_ANDROID,
        OldAndroidAdvertisement("Ab3xY9"),
    ),
    ("old-ios", UUID_128_OLD_IOS + "0b09" + b"2Abx3xbY94".hex(), OldIosAdvertisement("2Abx3xbY94", "Ab3xY9")),
    ("old-ios", "02011a" + UUID_128_OLD_IOS + "0709" + b"BLEios".hex(), OldIosAdvertisement("BLEios", None)),
    ("old-ios", "02011a" + UUID_128_OLD_IOS, OldIosAdvertisement(None, None)),
]

names = st.text(max_size=11)
static_ids = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", min_size=6, max_size=6)
# AD structures of which a Bluezone advertisement, or one that nearly is, can be made
ingredients = st.sampled_from(
    [
        (0x01, b"\x02"),
        (0x02, b"\x56\x4e"),
        (0x03, b"\x6f\xfd\x56\x4e"),
        (0x03, b"\x56\x4e\x0f"),
        (0x03, b"\x6f\xfd\x0f"),
        (0x05, b"\x56\x4e\x00\x00"),
        (0x06, bytes.fromhex(UUID_128_ANDROID)[2:]),
        (0x07, bytes.fromhex(UUID_128_IOS)[2:]),
        (0x07, bytes.fromhex(UUID_128_OLD_ANDROID)[2:]),
        (0x06, bytes.fromhex(UUID_128_OLD_IOS)[2:]),
        (0x08, b"Blue"),
        (0x09, b"Bluezone"),
        (0x09, b"2Abx3xbY94"),
        (0x09, b"\xff"),
        (0xFF, b"\xb5\x22" + ID),
        (0xFF, b"\xb5\x22" + OTHER_ID),
        (0xFF, b"\xb5\x22Ab3xY9"),
        (0xFF, b"\xb5\x22"),
        (0xFF, b"\xb5"),
        (0xFF, b"\x4c\x00\x01" + ALONE),
        (0xFF, b"\x4c\x00\x01" + b"\x08" * 16),
        (0xFF, b"\x4c\x00\x10\x05\x01"),
    ]
)
any_structures = st.lists(
    st.one_of(ingredients, st.tuples(st.integers(0, 255), st.binary(max_size=34))), max_size=6
)


def joined(*parts: str) -> bytes:
    return bytes.fromhex("".join(parts))


def placed(written: Iterable[tuple[int, bytes]]) -> list[AdStructure]:
    structures, offset = [], 0
    for ad_type, data in written:
        structures.append(AdStructure(offset, ad_type, data))
        offset += len(data) + 2
    return structures


def answer(structures: list[AdStructure]) -> Advertisement | RejectCode:
    try:
        return advertisement_of(structures)
    except MalformedError as error:
        refusal = error
    assert refusal.requirement in {"BZ-ADV-002", "BZ-ADV-003"}
    assert refusal.offset in {structure.offset for structure in structures}
    return refusal.code


def element(layer: Packet) -> bytes:
    return bytes(scapy_bluetooth.EIR_Hdr() / layer)


@pytest.mark.req("BZ-ADV-002", "BZ-ADV-003", "BZ-ADV-009", "BZ-ADV-010")
@pytest.mark.parametrize(("kind", "text", "expected"), LITERALS)
def test_decodes_each_kind(kind: str, text: str, expected: Advertisement) -> None:
    assert decode_advertisement(bytes.fromhex(text)) == expected
    assert describe(expected) == kind


@pytest.mark.req("BZ-ADV-002", "BZ-ADV-003", "BZ-ADV-009", "BZ-ADV-010")
@pytest.mark.parametrize(("kind", "text", "expected"), LITERALS)
def test_encodes_each_kind(kind: str, text: str, expected: Advertisement) -> None:
    assert encode_advertisement(expected).hex() == text
    assert describe(expected) == kind


@pytest.mark.req("BZ-ADV-003")
def test_sizes_are_those_of_the_published_builds() -> None:
    assert len(encode_advertisement(AndroidAdvertisement(ID))) == 23
    assert len(encode_advertisement(OldAndroidAdvertisement("000000"))) == 31
    assert len(encode_advertisement(IosAdvertisement("Bluezone"))) == 31


@pytest.mark.req("BZ-ADV-011", "BZ-RCV-001")
@pytest.mark.parametrize(("kind", "text", "expected"), LITERALS)
def test_order_of_structures_does_not_matter(kind: str, text: str, expected: Advertisement) -> None:
    octets = bytes.fromhex(text)
    parts = [octets[s.offset : s.offset + 2 + len(s.data)] for s in decode_ad(octets)]
    orders = list(itertools.permutations(parts))
    assert len(orders) > 1
    assert {describe(decode_advertisement(b"".join(order))) for order in orders} == {kind}
    assert {decode_advertisement(b"".join(order)) for order in orders} == {expected}


@pytest.mark.req("BZ-ADV-002")
@pytest.mark.parametrize(
    "text",
    [
        COMPANY_DATA + "0302564e",
        COMPANY_DATA + "05036ffd564e",
        COMPANY_DATA + "0503564e6ffd",
        COMPANY_DATA + "03036ffd" + "0302564e",
        COMPANY_DATA + "0302564e" + "03036ffd",
        COMPANY_DATA + "0505564e0000",
        COMPANY_DATA + "0504564e0000",
        "0103" + COMPANY_DATA + UUID_16,
        "0107" + COMPANY_DATA + UUID_16,
        "04ff4c0010" + COMPANY_DATA + UUID_16,
        "03ffe000" + COMPANY_DATA + UUID_16,
        FLAGS + COMPANY_DATA + UUID_16 + "00" * 8,
    ],
)
def test_finds_the_service_uuid_wherever_it_is_listed(text: str) -> None:
    assert decode_advertisement(bytes.fromhex(text)) == AndroidAdvertisement(ID)


@pytest.mark.req("BZ-ADV-002")
@pytest.mark.parametrize("list_type", ["06", "07"])
def test_the_same_uuid_in_128_bits_is_the_same(list_type: str) -> None:
    octets = joined("11", list_type, UUID_128_ANDROID[4:], COMPANY_DATA)
    assert decode_advertisement(octets, limit=62) == AndroidAdvertisement(ID)
    with pytest.raises(MalformedError, match="more than 31"):
        decode_advertisement(octets)


@pytest.mark.req("BZ-ADV-003")
def test_two_structures_with_the_same_id_are_one() -> None:
    octets = joined(COMPANY_DATA, UUID_16, COMPANY_DATA)
    assert decode_advertisement(octets, limit=62) == AndroidAdvertisement(ID)


@pytest.mark.req("BZ-ADV-002", "BZ-ADV-003", "BZ-RCV-002", "F-17", "F-18", "F-21")
@pytest.mark.parametrize(
    ("text", "code", "offset", "reason"),
    [
        (FLAGS + UUID_16, RejectCode.MISSING_ID, 3, "service UUID 0x4E56 without data of company 0x22B5"),
        (UUID_16 + "0fff4c00" + ID.hex(), RejectCode.MISSING_ID, 0, "without data of company 0x22B5"),
        (UUID_16 + "0fff22b5" + ID.hex(), RejectCode.MISSING_ID, 0, "without data of company 0x22B5"),
        (FLAGS + "03026ffd" + UUID_16, RejectCode.MISSING_ID, 7, "without data of company 0x22B5"),
        ("0302564e" + UUID_16, RejectCode.MISSING_ID, 0, "without data of company 0x22B5"),
        (FLAGS + "03ffb522" + UUID_16, RejectCode.BAD_ID_LENGTH, 3, "are 0 octets, not the 12"),
        (FLAGS + "0effb522" + "ab" * 11 + UUID_16, RejectCode.BAD_ID_LENGTH, 3, "are 11 octets, not the 12"),
        (FLAGS + "10ffb522" + "ab" * 13 + UUID_16, RejectCode.BAD_ID_LENGTH, 3, "are 13 octets, not the 12"),
        (UUID_16 + "09ffb522" + b"Ab3xY9".hex(), RejectCode.BAD_ID_LENGTH, 4, "are 6 octets, not the 12"),
        (COMPANY_DATA + UUID_16 + "04ffb52200", RejectCode.BAD_ID_LENGTH, 20, "are 1 octets, not the 12"),
        (UUID_16 + "04ffb52200" + "03ffb522", RejectCode.BAD_ID_LENGTH, 4, "are 1 octets, not the 12"),
        (UUID_16 + "01ff", RejectCode.SHORT_MANUFACTURER_DATA, 4, "of 0 octets hold no company identifier"),
        (UUID_16 + "02ffb5", RejectCode.SHORT_MANUFACTURER_DATA, 4, "of 1 octets hold no company identifier"),
        (
            COMPANY_DATA + UUID_16 + "02ff4c",
            RejectCode.SHORT_MANUFACTURER_DATA,
            20,
            "of 1 octets hold no company",
        ),
        (COMPANY_DATA + "0203aa" + UUID_16, RejectCode.BAD_UUID_LIST, 16, "of 2 octets each has 1 octets"),
        (COMPANY_DATA + "0403564e00", RejectCode.BAD_UUID_LIST, 16, "of 2 octets each has 3 octets"),
        (COMPANY_DATA + "020356", RejectCode.BAD_UUID_LIST, 16, "of 2 octets each has 1 octets"),
        (COMPANY_DATA + "0404564e00", RejectCode.BAD_UUID_LIST, 16, "of 4 octets each has 3 octets"),
        (COMPANY_DATA + UUID_16 + "0207aa", RejectCode.BAD_UUID_LIST, 20, "of 16 octets each has 1 octets"),
        ("0402564e00" + UUID_16, RejectCode.BAD_UUID_LIST, 0, "of 2 octets each has 3 octets"),
        ("0203aa" + "0202aa" + UUID_16, RejectCode.BAD_UUID_LIST, 0, "of 2 octets each has 1 octets"),
        ("020301" + UUID_128_IOS, RejectCode.BAD_UUID_LIST, 0, "of 2 octets each has 1 octets"),
        (UUID_128_OLD_IOS + "020301", RejectCode.BAD_UUID_LIST, 18, "of 2 octets each has 1 octets"),
        (UUID_128_OLD_ANDROID + "020301", RejectCode.BAD_UUID_LIST, 18, "of 2 octets each has 1 octets"),
        ("1207" + UUID_128_IOS[4:] + "00", RejectCode.BAD_UUID_LIST, 0, "of 16 octets each has 17 octets"),
    ],
)
def test_refuses_what_is_ours_but_wrong(text: str, code: RejectCode, offset: int, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason) as caught:
        decode_advertisement(bytes.fromhex(text))
    requirement = "BZ-ADV-002" if code is RejectCode.BAD_UUID_LIST else "BZ-ADV-003"
    assert (caught.value.code, caught.value.requirement, caught.value.offset) == (code, requirement, offset)


@pytest.mark.req("BZ-ADV-003", "BZ-ADV-011")
def test_two_different_ids_are_ambiguous_in_any_order() -> None:
    parts = [COMPANY_DATA, COMPANY_DATA, "0fffb522" + OTHER_ID.hex(), UUID_16]
    for order in itertools.permutations(parts):
        octets = joined(*order)
        with pytest.raises(MalformedError, match="two different rolling ids") as caught:
            decode_advertisement(octets, limit=62)
        assert (caught.value.code, caught.value.requirement) == (RejectCode.AMBIGUOUS_ID, "BZ-ADV-003")
        company_data = [s for s in decode_ad(octets, limit=62) if s.ad_type == 0xFF]
        first = next(s.offset for s in company_data if s.data != company_data[0].data)
        assert caught.value.offset == first


@pytest.mark.req("BZ-ADV-011")
def test_the_same_fault_is_named_in_any_order() -> None:
    # a ragged list, no company identifier, a short id: the list is named first, then the others
    parts = ["02ffb5", "04ffb52200", UUID_16, "020301"]
    faults = {answer(list(decode_ad(joined(*order)))) for order in itertools.permutations(parts)}
    assert faults == {RejectCode.BAD_UUID_LIST}
    faults = {answer(list(decode_ad(joined(*order)))) for order in itertools.permutations(parts[:3])}
    assert faults == {RejectCode.SHORT_MANUFACTURER_DATA}


@pytest.mark.req("BZ-ADV-011")
@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("0203010203aa" + UUID_16, 0),
        (UUID_16 + "02ff4c01ff", 4),
        (UUID_16 + "04ffb5220103ffb522", 4),
        (COMPANY_DATA + "0fffb522" + OTHER_ID.hex() + UUID_16, 16),
        (UUID_16 + "0302564e", 0),
    ],
)
def test_the_first_of_equal_faults_is_named(text: str, offset: int) -> None:
    structures = decode_ad(bytes.fromhex(text), limit=62)
    for given_in in (structures, structures[::-1]):
        with pytest.raises(MalformedError) as caught:
            advertisement_of(given_in)
        assert caught.value.offset == offset


@pytest.mark.req("BZ-ADV-002", "BZ-ADV-009", "BZ-ADV-010")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "020106",
        BLUEZONE_NAME,
        # company 0x22B5 without the service UUID, whole or short
        FLAGS + COMPANY_DATA,
        FLAGS + "03ffb522",
        COMPANY_DATA + "03034e56",
        COMPANY_DATA + "0315564e",
        COMPANY_DATA + "0416564e00",
        COMPANY_DATA + "0505564e0100",
        # others' damage is theirs
        "020356",
        "0403aabb56",
        "0305564e",
        "0404564e00",
        "04036ffd560fff4c00" + ID.hex(),
        "02ff4c03036ffd",
        "01ff",
        "14ff4c0001" + "f7" * 16 + "020356",
        # overflow fields without the bit, of another length, type or company
        "14ff4c0001f7" + "ff" * 15,
        "14ff4c0001" + "00" * 16,
        "13ff4c0001" + ALONE[:15].hex(),
        "15ff4c0001" + ALONE.hex() + "00",
        "14ff4c0002" + ALONE.hex(),
        "14ff004c01" + ALONE.hex(),
        "04ff4c0001",
        # the first generation's UUID without a static id, and a static id without the UUID
        UUID_128_OLD_ANDROID,
        UUID_128_OLD_ANDROID + "08ffb522" + b"Ab3xY".hex(),
        UUID_128_OLD_ANDROID + "09ffb522" + b"Ab3xY_".hex(),
        UUID_128_OLD_ANDROID + "09ffb522" + b"Ab3xY\xff".hex(),
        UUID_128_OLD_ANDROID + "09ff4c00" + b"Ab3xY9".hex(),
        UUID_128_OLD_ANDROID + "01ff",
        "09ffb522" + b"Ab3xY9".hex(),
        # the UUIDs the other way round
        "1107" + bytes.fromhex(UUID_128_IOS[4:])[::-1].hex(),
    ],
)
def test_everything_else_is_anothers(text: str) -> None:
    assert decode_advertisement(bytes.fromhex(text)) == OtherAdvertisement()
    assert describe(OtherAdvertisement()) == "other"


@pytest.mark.req("BZ-ADV-011")
def test_two_static_ids_are_none() -> None:
    parts = [UUID_128_OLD_ANDROID, "09ffb522" + b"Ab3xY9".hex(), "09ffb522" + b"Ab3xY8".hex()]
    assert decode_advertisement(joined(*parts), limit=62) == OtherAdvertisement()
    assert decode_advertisement(joined(*parts[:2], parts[1]), limit=62) == OldAndroidAdvertisement("Ab3xY9")


@pytest.mark.req("BZ-ADV-011")
@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((UUID_128_IOS, UUID_16, COMPANY_DATA), AndroidAdvertisement(ID)),
        ((UUID_128_OLD_ANDROID, UUID_16, COMPANY_DATA), AndroidAdvertisement(ID)),
        (
            (UUID_128_OLD_ANDROID, UUID_128_IOS, "09ffb522" + b"Ab3xY9".hex()),
            OldAndroidAdvertisement("Ab3xY9"),
        ),
        ((UUID_128_OLD_ANDROID, UUID_128_IOS), IosAdvertisement(None)),
        ((UUID_128_OLD_IOS, UUID_128_IOS, BLUEZONE_NAME), IosAdvertisement("Bluezone")),
        ((UUID_128_OLD_IOS, "14ff4c0001" + ALONE.hex()), OldIosAdvertisement(None, None)),
        ((UUID_128_IOS, "02ff4c"), IosAdvertisement(None)),
        # the bit is a hint and marks nothing as ours: a ragged list beside it is another's
        (("020356", "14ff4c0001" + ALONE.hex()), IosBackgroundAdvertisement(ALONE, True)),
    ],
)
def test_what_counts_where_several_kinds_are_shown(parts: tuple[str, ...], expected: Advertisement) -> None:
    for order in itertools.permutations(parts):
        assert decode_advertisement(joined(*order), limit=62) == expected


@pytest.mark.req("BZ-ADV-009", "BZ-ADV-011")
@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("0908" + b"Bluezone".hex(),), "Bluezone"),
        (("0109",), ""),
        (("0409" + b"An\xff".hex(),), "An�"),
        (("0909" + "Thúy An".encode().hex(),), "Thúy An"),
        ((BLUEZONE_NAME, BLUEZONE_NAME), "Bluezone"),
        ((BLUEZONE_NAME, "0309" + b"An".hex()), "An"),
        ((BLUEZONE_NAME, "0308" + b"Zo".hex()), "Zo"),
        ((BLUEZONE_NAME, "0308" + b"Zo".hex(), "0309" + b"An".hex()), "An"),
    ],
)
def test_names_of_iphones(parts: tuple[str, ...], name: str) -> None:
    for order in itertools.permutations((UUID_128_IOS, *parts)):
        assert decode_advertisement(joined(*order), limit=62) == IosAdvertisement(name)


@pytest.mark.req("BZ-PRV-008", "BZ-ADV-011")
def test_a_name_that_holds_a_static_id_is_found_beside_others() -> None:
    parts = (UUID_128_OLD_IOS, "0308" + b"2A".hex(), "0b09" + b"2Abx3xbY94".hex())
    for order in itertools.permutations(parts):
        found = decode_advertisement(joined(*order), limit=62)
        assert found == OldIosAdvertisement("2Abx3xbY94", "Ab3xY9")


@pytest.mark.req("BZ-ADV-010", "F-26")
def test_overflow_fields_are_joined() -> None:
    parts = ("14ff4c0001" + ALONE.hex(), "14ff4c0001" + "01" * 16, "06ff4c001005ab")
    joint = bytes.fromhex("09" + "01" * 15)
    for order in itertools.permutations(parts):
        found = decode_advertisement(joined(*order), limit=62)
        assert found == IosBackgroundAdvertisement(joint, only_bluezone=False)
    assert decode_advertisement(joined(parts[0], parts[0]), limit=62) == IosBackgroundAdvertisement(
        ALONE, True
    )


@pytest.mark.req("BZ-ADV-001", "BZ-RCV-003", "F-29")
@pytest.mark.parametrize("cut", range(1, 23))
def test_refuses_an_advertisement_cut_short(cut: int) -> None:
    octets = joined(FLAGS, UUID_16, COMPANY_DATA)[:cut]
    structures, damage = intact_structures(octets)
    if damage is None:
        assert cut in {3, 7}
    else:
        with pytest.raises(MalformedError, match=r"announces \d+ octets") as caught:
            decode_advertisement(octets)
        assert (caught.value.code, caught.value.offset) == (
            RejectCode.TRUNCATED_AD,
            0 if cut < 3 else 3 if cut < 7 else 7,
        )
    # nothing of the id is taken from the part that is cut
    assert not isinstance(answer(list(structures)), AndroidAdvertisement)


@pytest.mark.req("BZ-ADV-001")
@pytest.mark.parametrize("tail", ["01", "05", "0001", "00" * 7 + "80"])
def test_refuses_trailing_octets(tail: str) -> None:
    with pytest.raises(MalformedError, match="BZ-ADV-001"):
        decode_advertisement(joined(FLAGS, COMPANY_DATA, UUID_16, tail))


@pytest.mark.req("BZ-ADV-001", "BZ-RCV-003", "BZ-MSG-006")
@given(st.binary(max_size=70) | any_structures.map(encode_ad), st.sampled_from([31, 62]))
def test_nothing_but_malformed_error_escapes(octets: bytes, limit: int) -> None:
    structures, damage = intact_structures(octets, limit)
    expected = damage.code if damage else answer(list(structures))
    if isinstance(expected, RejectCode):
        with pytest.raises(MalformedError) as caught:
            decode_advertisement(octets, limit)
        assert caught.value.code is expected
        assert 0 <= caught.value.offset < len(octets)
    else:
        assert decode_advertisement(octets, limit) == expected


@pytest.mark.req("BZ-ADV-011")
@given(any_structures.flatmap(lambda written: st.tuples(st.just(written), st.permutations(written))))
def test_any_structures_in_any_order_give_one_answer(
    orders: tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]],
) -> None:
    written, shuffled = orders
    assert answer(placed(shuffled)) == answer(placed(written))


@pytest.mark.req("BZ-ADV-003")
@given(any_structures)
def test_an_id_is_taken_only_as_the_requirements_say(written: list[tuple[int, bytes]]) -> None:
    found = answer(placed(written))
    short = {2: 2, 3: 2, 4: 4, 5: 4}
    android = {
        2: b"\x56\x4e",
        4: b"\x56\x4e\x00\x00",
        16: bytes.fromhex(UUID_128_ANDROID)[2:],
    }
    lists = [(short.get(ad_type, 16), data) for ad_type, data in written if ad_type in range(2, 8)]
    listed = any(
        data[at : at + width] == android[width] for width, data in lists for at in range(0, len(data), width)
    )
    whole = all(len(data) % width == 0 for width, data in lists)
    manufacturer = [data for ad_type, data in written if ad_type == 0xFF]
    ids = {data[2:] for data in manufacturer if data[:2] == b"\xb5\x22"}
    proper = (
        len(ids) == 1 and all(len(one) == 12 for one in ids) and all(len(data) > 1 for data in manufacturer)
    )
    if listed and whole and proper:
        assert found == AndroidAdvertisement(ids.pop())
    elif listed:
        assert isinstance(found, RejectCode)
    else:
        assert not isinstance(found, AndroidAdvertisement)


@pytest.mark.req("BZ-ADV-003")
@given(st.binary(min_size=12, max_size=12))
def test_round_trip_of_android(rolling_id: bytes) -> None:
    advertisement = AndroidAdvertisement(rolling_id)
    assert decode_advertisement(encode_advertisement(advertisement)) == advertisement


@pytest.mark.req("BZ-ADV-003", "F-21")
@given(static_ids)
def test_round_trip_of_old_android(static_id: str) -> None:
    advertisement = OldAndroidAdvertisement(static_id)
    assert decode_advertisement(encode_advertisement(advertisement)) == advertisement


@pytest.mark.req("BZ-ADV-009")
@given(st.none() | names)
def test_round_trip_of_ios(local_name: str | None) -> None:
    for advertisement in (IosAdvertisement(local_name), OldIosAdvertisement(local_name, None)):
        size = 18 + (0 if local_name is None else 2 + len(local_name.encode()))
        if size > 31:
            with pytest.raises(ValueError, match=f"takes {size} octets, more than 31"):
                encode_advertisement(advertisement)
        else:
            octets = encode_advertisement(advertisement)
            assert decode_advertisement(octets) == advertisement
            assert octets.startswith(b"\x02\x01\x1a") == (size <= 28)


@pytest.mark.req("BZ-ADV-010")
@given(st.binary(min_size=16, max_size=16))
def test_round_trip_of_ios_in_the_background(services: bytes) -> None:
    advertisement = IosBackgroundAdvertisement(services, services == ALONE)
    if services[0] & 0x08:
        assert decode_advertisement(encode_advertisement(advertisement)) == advertisement
    else:
        with pytest.raises(ValueError, match="Bluezone's bit is set"):
            encode_advertisement(advertisement)


@pytest.mark.req("BZ-ADV-003", "BZ-ADV-010")
@pytest.mark.parametrize(
    ("advertisement", "reason"),
    [
        (AndroidAdvertisement(bytes(11)), "a rolling id is 12 octets, not 11"),
        (AndroidAdvertisement(bytes(13)), "a rolling id is 12 octets, not 13"),
        (OldAndroidAdvertisement("Ab3xY"), "a static id is 6 characters"),
        (OldAndroidAdvertisement("Ab3xYé"), "a static id is 6 characters"),
        (OldIosAdvertisement("2Abx3xbY94", None), "not the one that the local name holds"),
        (OldIosAdvertisement("2Abx3xbY94", "Ab3xY8"), "not the one that the local name holds"),
        (OldIosAdvertisement(None, "Ab3xY9"), "not the one that the local name holds"),
        (IosAdvertisement("a name too long"), "takes 35 octets, more than 31"),
        (IosAdvertisement("\ud800"), "surrogates not allowed"),
        (IosBackgroundAdvertisement(ALONE[:15], False), "the services are 16 octets"),
        (IosBackgroundAdvertisement(b"", True), "the services are 16 octets"),
        (IosBackgroundAdvertisement(ALONE, False), "only_bluezone is not what the services say"),
        (IosBackgroundAdvertisement(b"\xff" * 16, True), "only_bluezone is not what the services say"),
        (OtherAdvertisement(), "another's advertisement"),
    ],
)
def test_refuses_to_write_what_is_no_advertisement(advertisement: Advertisement, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        encode_advertisement(advertisement)


@pytest.mark.req("BZ-ADV-002", "BZ-ADV-003")
def test_reads_an_android_phone_that_scapy_writes() -> None:
    octets = (
        element(scapy_bluetooth.EIR_Flags(flags=0x02))
        + element(scapy_bluetooth.EIR_Manufacturer_Specific_Data(company_identifier=0x22B5) / Raw(ID))
        + element(scapy_bluetooth.EIR_CompleteList16BitServiceUUIDs(svc_uuids=[0x4E56]))
    )
    assert decode_advertisement(octets) == AndroidAdvertisement(ID)
    assert encode_advertisement(AndroidAdvertisement(ID)) == octets


@pytest.mark.req("BZ-ADV-002", "BZ-ADV-009", "F-21")
@pytest.mark.parametrize(
    ("uuid", "layer", "expected"),
    [
        (
            "00004e56-0000-1000-8000-00805f9b34fb",
            scapy_bluetooth.EIR_Manufacturer_Specific_Data(company_identifier=0x22B5) / Raw(ID),
            AndroidAdvertisement(ID),
        ),
        (
            "00004e56-73f5-4bc4-a12f-17d1ad07a667",
            scapy_bluetooth.EIR_CompleteLocalName(local_name=b"Bluezone"),
            IosAdvertisement("Bluezone"),
        ),
        (
            "e20a39f4-73f5-4bc4-a12f-17d1ad07a889",
            scapy_bluetooth.EIR_Manufacturer_Specific_Data(company_identifier=8885) / Raw(b"Ab3xY9"),
            OldAndroidAdvertisement("Ab3xY9"),
        ),
        (
            "e20a39f4-73f5-4bc4-a12f-17d1ad07a667",
            scapy_bluetooth.EIR_ShortenedLocalName(local_name=b"4Abx3xbY92"),
            OldIosAdvertisement("4Abx3xbY92", "Ab3xY9"),
        ),
    ],
)
def test_reads_128_bit_uuids_that_scapy_writes(uuid: str, layer: Packet, expected: Advertisement) -> None:
    uuids = element(scapy_bluetooth.EIR_CompleteList128BitServiceUUIDs(svc_uuids=[uuid]))
    assert decode_advertisement(uuids + element(layer), limit=62) == expected
