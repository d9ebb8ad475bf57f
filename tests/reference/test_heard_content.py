"""What adverts hold for each receiver: literal octets, and the faults that lie in taking them apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_reference.errors import BuildFailureError, Failure
from bluezone_reference.heard_content import HeardContent, heard_content, value_content
from bluezone_reference.profiles import ANDROID_V3, IOS_V3, PROFILES, V1, V2, V3, V3_HARDENED, Profile

# A rolling id that a real phone sent on 2020-08-08 (captured)
ID = bytes.fromhex("b9a665d754fe65e665d76a45")
ID_HEX = ID.hex()
OTHER_HEX = "3aa8dfc0a15682b27216fc31"

FLAGS = "020102"
COMPANY = "0fffb522" + ID_HEX
UUID = "0303564e"
# 128-bit UUIDs stand on the air with the least significant octet first.
IOS_UUID = "110767a607add1172fa1c44bf573564e0000"
OLD_ANDROID_UUID = "110789a807add1172fa1c44bf573f4390ae2"
OLD_IOS_UUID = "110767a607add1172fa1c44bf573f4390ae2"
ALONE = "14ff4c000108000000000000000000000000000000"
IN_COMPANY = "14ff4c00010c000000000000000000000000000080"
OTHERS_BIT = "14ff4c000104000000000000000000000000000000"

TAKEN = HeardContent(ID)
TO_READ = HeardContent()

GENERATION_3 = [V3, V3_HARDENED, ANDROID_V3, IOS_V3]


def hold(profile: Profile, *octets: str, answer: str = "") -> HeardContent:
    return heard_content(bytes.fromhex("".join(octets)), bytes.fromhex(answer), profile)


def is_ignored(content: HeardContent) -> bool:
    assert content.contact_id is None or not content.ignored
    return content.ignored != ""


@pytest.mark.req("BZ-RCV-001", "BZ-ADV-011")
@pytest.mark.parametrize("profile", [*GENERATION_3, V2], ids=lambda profile: profile.name)
@pytest.mark.parametrize(
    "octets",
    [
        FLAGS + COMPANY + UUID,
        UUID + COMPANY,
        COMPANY + UUID + FLAGS,
        COMPANY + "0302564e",
        COMPANY + "05030a18564e",
        COMPANY + "0504564e0000",
        COMPANY + "0505564e0000",
        FLAGS + COMPANY + UUID + "0000000000000000",
    ],
)
def test_takes_the_id_of_the_company_beside_the_service(profile: Profile, octets: str) -> None:
    assert hold(profile, octets) == TAKEN


@pytest.mark.req("BZ-RCV-001")
@pytest.mark.parametrize("profile", GENERATION_3, ids=lambda profile: profile.name)
def test_a_scan_response_belongs_to_its_advert(profile: Profile) -> None:
    assert hold(profile, FLAGS + COMPANY, answer=UUID) == TAKEN
    # The service in its 128-bit form leaves no room for the id in one frame.
    assert hold(profile, "1107fb349b5f8000008000100000564e0000", answer=COMPANY) == TAKEN


@pytest.mark.req("BZ-RCV-004", "BZ-ADV-010")
@pytest.mark.parametrize("profile", GENERATION_3, ids=lambda profile: profile.name)
@pytest.mark.parametrize(
    "octets",
    ["02011a" + IOS_UUID, "02011a" + ALONE, "1106" + IOS_UUID[4:], IOS_UUID + "0909426c75657a6f6e65"],
)
def test_an_iphone_is_to_be_read(profile: Profile, octets: str) -> None:
    assert hold(profile, octets) == TO_READ


@pytest.mark.req("BZ-RCV-002")
@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize(
    "octets",
    [
        "",
        FLAGS,
        FLAGS + COMPANY,  # the id without the service
        "02011a" + OTHERS_BIT,
        "02011a13ff4c0001080000000000000000000000000000",  # a field one octet short
        FLAGS + "03030a18" + COMPANY,
        FLAGS + "0303" + "4e56" + COMPANY,  # the service's octets the wrong way round
        "02030a",  # not a whole UUID
        "05030a564e18" + COMPANY,  # the service's octets, but across two UUIDs
    ],
)
def test_others_adverts_hold_nothing(profile: Profile, octets: str) -> None:
    assert is_ignored(hold(profile, octets))


@pytest.mark.req("BZ-RCV-002", "F-18")
@pytest.mark.parametrize("company", ["4c00", "0000", "b622", "22b5"])
def test_f_18_another_company(company: str) -> None:
    octets = FLAGS + "0fff" + company + ID_HEX + UUID
    for profile in (V3, ANDROID_V3, V2):
        assert is_ignored(hold(profile, octets))
    # The build of September 2020 drops these two octets unread.
    assert hold(IOS_V3, octets) == TAKEN
    # It also takes them from a frame under the service of iPhones.
    assert hold(IOS_V3, IOS_UUID, answer="0fff" + company + ID_HEX) == TAKEN
    assert hold(V3, IOS_UUID, answer="0fff" + company + ID_HEX) == TO_READ


@pytest.mark.req("BZ-RCV-002", "F-21")
@pytest.mark.parametrize("profile", [*GENERATION_3, V2], ids=lambda profile: profile.name)
@pytest.mark.parametrize(
    "company_data",
    ["09ffb522414263313233", "0effb522" + ID_HEX[:-2], "10ffb522" + ID_HEX + "00", "03ffb522", ""],
)
def test_f_21_another_length(profile: Profile, company_data: str) -> None:
    content = hold(profile, FLAGS, company_data, UUID)
    if profile is IOS_V3 and not company_data:
        # iOS 3.0.3 tries to read whatever has no manufacturer data.
        assert content == TO_READ
    else:
        # Nothing is logged, and no phone with 0x4E56 is connected to.
        assert is_ignored(content)


@pytest.mark.req("BZ-RCV-002", "F-21")
def test_f_21_the_first_generation_takes_six_characters() -> None:
    octets = FLAGS + "09ffb522" + b"Abc123".hex() + OLD_ANDROID_UUID
    assert hold(V1, octets) == HeardContent(b"Abc123")
    for profile in (V3, ANDROID_V3, IOS_V3, V2):
        assert is_ignored(hold(profile, octets))
    # and no other generation's twelve octets
    assert is_ignored(hold(V1, FLAGS + COMPANY + UUID))
    assert is_ignored(hold(V1, COMPANY, answer=OLD_ANDROID_UUID))


@pytest.mark.req("BZ-RCV-003", "F-17")
@pytest.mark.parametrize("short", ["01ff", "02ffb5"])
def test_f_17_manufacturer_data_without_a_company(short: str) -> None:
    # 0x4E56 and too little beside it: nothing is logged, and nothing breaks.
    assert is_ignored(hold(V3, FLAGS + short + UUID))
    # AOSP finds the whole record empty.
    assert is_ignored(hold(ANDROID_V3, FLAGS + short + UUID + COMPANY))
    octets = len(short) // 2 - 2
    with pytest.raises(BuildFailureError, match=f"manufacturer data of {octets} octets") as caught:
        hold(IOS_V3, FLAGS + short + UUID)
    assert (caught.value.fault, caught.value.failure) == ("F-17", Failure.EXCEPTION)
    # Without a service of Bluezone's the app is not even given it.
    assert is_ignored(hold(IOS_V3, FLAGS + short))
    # The fault is one rule of the profile: it can be planted, and mended, by itself.
    with pytest.raises(BuildFailureError):
        hold(
            replace(V3, receiver=replace(V3.receiver, short_manufacturer_data="crash")),
            short + UUID + COMPANY,
        )
    mended = replace(IOS_V3, receiver=replace(IOS_V3.receiver, short_manufacturer_data="ignore"))
    assert is_ignored(hold(mended, FLAGS + short + UUID))


@pytest.mark.req("BZ-RCV-004", "F-26")
@pytest.mark.parametrize("profile", [V3, V3_HARDENED, IOS_V3], ids=lambda profile: profile.name)
def test_f_26_an_iphone_in_company_is_to_be_read(profile: Profile) -> None:
    assert hold(profile, "02011a" + IN_COMPANY) == TO_READ


@pytest.mark.req("BZ-RCV-004", "F-26")
def test_f_26_android_asks_for_the_exact_field() -> None:
    assert hold(ANDROID_V3, "02011a" + ALONE) == TO_READ
    assert is_ignored(hold(ANDROID_V3, "02011a" + IN_COMPANY))
    # The bit of the generations before is not known.
    assert is_ignored(hold(V2, "02011a" + ALONE))


@pytest.mark.req("BZ-RCV-003", "BZ-ADV-001", "F-29")
@pytest.mark.parametrize("cut", range(1, 16))
def test_f_29_an_id_that_is_cut_short(cut: int) -> None:
    octets = UUID + COMPANY[: 2 * cut]
    assert is_ignored(hold(V3, octets))
    content = hold(ANDROID_V3, octets)
    if cut < 4:
        # Not even the company is whole: zeros make it another.
        assert is_ignored(content)
    else:
        assert content == HeardContent(ID[: cut - 4].ljust(12, b"\x00"))


@pytest.mark.req("BZ-RCV-003", "BZ-ADV-001", "F-29")
def test_f_29_a_structure_beyond_the_padded_record_empties_it() -> None:
    # 27 octets, then one that announces 34: one more than the 62 have room for after it, or just as many
    octets = FLAGS + COMPANY + UUID + "020a00"
    assert len(bytes.fromhex(octets)) == 26
    assert is_ignored(hold(ANDROID_V3, octets, "24"))
    assert hold(ANDROID_V3, octets, "23") == TAKEN
    # To the protocol both are cut there, and what stands before counts.
    assert hold(V3, octets, "24") == hold(V3, octets, "23") == TAKEN


@pytest.mark.req("BZ-RCV-003", "BZ-ADV-001")
def test_nothing_is_taken_from_behind_the_damage() -> None:
    assert hold(V3, FLAGS + COMPANY + UUID + "ff") == TAKEN
    # an early end: what stands before it counts, what stands behind it does not
    assert hold(V3, FLAGS + COMPANY + UUID + "00ff") == TAKEN
    assert hold(ANDROID_V3, FLAGS + COMPANY + UUID + "00ff") == TAKEN
    assert is_ignored(hold(V3, COMPANY + "00" + UUID))
    assert is_ignored(hold(ANDROID_V3, COMPANY + "00" + UUID))
    # more octets than AdvData have
    assert is_ignored(hold(V3, "0cff4c00" + "00" * 9 + COMPANY + UUID))


@pytest.mark.req("BZ-RCV-003")
def test_the_reason_names_the_octet_counted_on_into_the_scan_response() -> None:
    assert len(bytes.fromhex(FLAGS + UUID)) == 7
    content = hold(V3, FLAGS + UUID, answer="020a00" + "01ff")
    assert "SHORT_MANUFACTURER_DATA" in content.ignored
    assert "octet 10" in content.ignored


@pytest.mark.req("BZ-RCV-001", "BZ-ADV-011", "F-29")
def test_of_two_ids_none_is_taken_but_by_aosp_the_later() -> None:
    first, second = COMPANY, "0fffb522" + OTHER_HEX
    assert is_ignored(hold(V3, first, answer=second + UUID))
    assert is_ignored(hold(V3, second, answer=first + UUID))
    assert hold(V3, first, answer=first + UUID) == TAKEN
    assert hold(ANDROID_V3, first, answer=second + UUID) == HeardContent(bytes.fromhex(OTHER_HEX))
    assert hold(ANDROID_V3, second, answer=first + UUID) == TAKEN
    # iOS too is taken to hand over the later (inferred).
    assert hold(IOS_V3, first, answer=second + UUID) == HeardContent(bytes.fromhex(OTHER_HEX))
    # with a zero length in between AOSP stops
    assert is_ignored(hold(ANDROID_V3, first + "00", answer=second + UUID))


@pytest.mark.req("BZ-RCV-003")
def test_a_ragged_list_of_services_is_refused_or_read_as_far_as_it_goes() -> None:
    octets = COMPANY + "0403564e0a"
    assert is_ignored(hold(V3, octets))
    assert hold(ANDROID_V3, octets) == TAKEN


@pytest.mark.req("BZ-PRV-008")
@pytest.mark.parametrize("profile", [V1, V2], ids=lambda profile: profile.name)
def test_the_name_of_an_old_iphone_is_revealed(profile: Profile) -> None:
    # The id Abc123 with p = 2, q = 4: the fourth character after the second, the second after the fourth
    name = b"2Ab1c1b234"
    named = "0b09" + name.hex()
    assert hold(profile, OLD_IOS_UUID, answer=named) == HeardContent(b"Abc123")
    assert value_content(name, profile) == HeardContent(b"Abc123")
    # A name that does not check out is logged as it is.
    assert hold(profile, OLD_IOS_UUID, answer="0508" + b"Nina".hex()) == HeardContent(b"Nina")
    assert value_content(b"Nina", profile) == HeardContent(b"Nina")
    # Where there is a second name that checks out, it is the one that counts.
    assert hold(profile, OLD_IOS_UUID + "0508" + b"Nina".hex(), answer=named) == HeardContent(b"Abc123")
    # Without a name the characteristic holds it.
    assert hold(profile, OLD_IOS_UUID) == TO_READ
    assert is_ignored(value_content(b"", profile))


@pytest.mark.req("BZ-PRV-008")
def test_old_iphones_are_of_no_interest_to_the_third_generation() -> None:
    for profile in GENERATION_3:
        assert is_ignored(hold(profile, OLD_IOS_UUID, answer="0b09" + b"2Ab1c1b234".hex()))
    assert is_ignored(hold(V1, IOS_UUID))
    assert is_ignored(hold(V2, IOS_UUID))
    # An advert that is old and new at once is the old one's.
    mixed = "09ffb522" + b"Abc123".hex() + OLD_ANDROID_UUID
    assert is_ignored(hold(V3, mixed, answer=IOS_UUID))


@pytest.mark.req("BZ-RCV-001", "BZ-RCV-002")
def test_the_second_generation_mended_of_its_padding() -> None:
    mended = replace(V2, receiver=V3.receiver)
    assert hold(mended, COMPANY + UUID) == TAKEN
    assert is_ignored(hold(mended, UUID + COMPANY[:-2]))
    assert hold(mended, OLD_IOS_UUID, answer="0b09" + b"2Ab1c1b234".hex()) == HeardContent(b"Abc123")


@pytest.mark.req("BZ-RCV-002", "BZ-GAT-002")
@pytest.mark.parametrize("profile", GENERATION_3, ids=lambda profile: profile.name)
@pytest.mark.parametrize("length", range(30))
def test_a_value_is_twelve_octets(profile: Profile, length: int) -> None:
    value = bytes(range(length))
    content = value_content(value, profile)
    assert content == HeardContent(value) if length == 12 else is_ignored(content)


# --- properties ---------------------------------------------------------------------------------------------

hexes = st.sampled_from(
    [FLAGS, COMPANY, UUID, IOS_UUID, OLD_ANDROID_UUID, OLD_IOS_UUID, ALONE, IN_COMPANY, "01ff", "00", "0b09"]
)
octets_of_any_kind = st.lists(hexes.map(bytes.fromhex) | st.binary(max_size=8), max_size=4).map(b"".join)


@pytest.mark.req("BZ-RCV-003")
@given(octets_of_any_kind, octets_of_any_kind, st.sampled_from(sorted(PROFILES)))
def test_any_octets_give_an_answer_or_a_named_crash(octets: bytes, answer: bytes, name: str) -> None:
    fault = ""
    content = HeardContent(ignored="it crashed")
    try:
        content = heard_content(octets, answer, PROFILES[name])
    except BuildFailureError as failure:
        fault = failure.fault
    assert fault in ({"", "F-17"} if name == "ios-v3" else {""})
    assert content.contact_id is None or content.ignored == ""


@pytest.mark.req("BZ-RCV-002", "BZ-RCV-003")
@given(octets_of_any_kind, octets_of_any_kind)
def test_what_the_protocol_takes_was_heard_in_one_whole_structure(octets: bytes, answer: bytes) -> None:
    content = heard_content(octets, answer, V3)
    if content.contact_id is not None:
        # length, type, company, id: in one piece, on one side or the other
        structure = b"\x0f\xff\xb5\x22" + content.contact_id
        assert len(content.contact_id) == 12
        assert structure in octets or structure in answer


@pytest.mark.req("BZ-RCV-001", "BZ-ADV-011")
@given(
    st.permutations([FLAGS, COMPANY, UUID, "020a07"]), st.sampled_from(["v3", "android-v3", "ios-v3", "v2"])
)
def test_order_decides_nothing(structures: list[str], name: str) -> None:
    assert hold(PROFILES[name], *structures) == TAKEN


@pytest.mark.req("BZ-RCV-003")
@given(st.binary(max_size=40))
def test_any_value_gives_an_answer(value: bytes) -> None:
    for profile in PROFILES.values():
        content = value_content(value, profile)
        assert (content.contact_id is None) == (content.ignored != "")
