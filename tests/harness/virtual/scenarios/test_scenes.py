"""Scenes: what is on the air, from ids and octets known beforehand, and instants worked out by hand."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import AddressType, PduType
from bluezone_harness.virtual.plans import SentWindow
from bluezone_harness.virtual.reads import INSUFFICIENT_ENCRYPTION
from bluezone_harness.virtual.scenarios.model import Scenario
from bluezone_harness.virtual.scenarios.reading import read_scenario
from bluezone_harness.virtual.scenarios.scenes import Scene, crafted_id, scene_of

pytestmark = pytest.mark.req("BZ-ADV-004")

MIDNIGHT_MS = 1_795_392_000_000
"""2026-11-23T00:00:00Z, by date(1)."""
MINUTE_US = 60_000_000
FIRST_ID = "490c085d937456a4dd07e710"
"""Of the base id of zeros, day 0, slot 0 of 96: a known answer."""
OLD_IPHONE = "02011a110767a607add1172fa1c44bf573f4390ae2"
OVERFLOW = "02011a14ff4c0001"
HEAD = 'schema = 1\nseed = 7\nduration = "45 min"\nstart = "2026-11-23T00:00:00Z"\n'
AN = f'[[phone]]\nname = "An"\nbase = "{"00" * 32}"\nbase_day = "2026-11-23"\n'


def scene(text: str) -> Scene:
    return scene_of(scenario(text), MIDNIGHT_MS)


def scenario(text: str) -> Scenario:
    return read_scenario("session.toml", text.encode())


def all_windows(of: Scene) -> dict[str, list[SentWindow]]:
    return {each.name: list(each.windows) for each in of.senders}


def test_everything_of_a_scenario_is_on_the_air_when_it_should_be(text: str) -> None:
    found = all_windows(scene(text))
    assert list(found) == ["An", "Binh", "Chi", "wrong", "octets", "of a vector", "relay 1"]
    start_us = MIDNIGHT_MS * 1000
    for name, from_min, until_min in (("An", 1, 45), ("Binh", 1, 20), ("relay 1", 20, 45)):
        assert all(
            from_min * MINUTE_US <= each.from_us - start_us < each.until_us - start_us for each in found[name]
        )
        assert all(each.until_us - start_us <= until_min * MINUTE_US for each in found[name])
    assert {each.level for each in found["Binh"]} == {8}  # -60 dBm, and -68 lies in the middle
    assert {each.level for each in found["An"]} == {0, 8}


@pytest.mark.req("BZ-KEY-006", "BZ-KEY-008")
def test_a_phone_sends_the_ids_of_its_base_id() -> None:
    an = all_windows(scene(HEAD + AN))["An"]
    prefix, suffix = "0201020fffb522", "0303564e"
    slots = [(each.from_us // 1000 - MIDNIGHT_MS) // 900_000 for each in an]
    assert set(slots) == {0, 1, 2}  # none before its base day
    ids = {slot: {each.ad.hex() for each, of in zip(an, slots, strict=True) if of == slot} for slot in (0, 1)}
    assert ids[0] == {prefix + FIRST_ID + suffix}
    assert len(ids[1]) == 1
    assert ids[0] != ids[1]
    assert all(first.address != second.address for first, second in pairwise(an))


@pytest.mark.req("BZ-ADV-005")
def test_a_cut_window_keeps_its_address() -> None:
    meetings = (
        '[[meeting]]\nphones = ["An"]\nfrom = "10 min"\nto = "10.5 min"\n'
        '[[meeting]]\nphones = ["An"]\nfrom = "10501 ms"\nto = "10502 ms"\n'
    )
    whole = all_windows(scene(HEAD + AN))["An"]
    cut = all_windows(scene(HEAD + AN + meetings))["An"]
    assert cut
    for each in cut:
        of = [one for one in whole if one.from_us <= each.from_us and each.until_us <= one.until_us]
        assert [one.address for one in of] == [each.address]
    assert sum(each.until_us - each.from_us for each in cut) < 31_000_000


@pytest.mark.req("BZ-ADV-009", "BZ-ADV-010")
@pytest.mark.parametrize(
    ("lines", "own"),
    [
        ("", "02011a110767a607add1172fa1c44bf573564e00000909426c75657a6f6e65"),
        ('app = "closed"', OVERFLOW + "08" + "00" * 15),
        (f'app = "closed"\nservices = "0a{"00" * 14}01"', OVERFLOW + "0a" + "00" * 14 + "01"),
        ('profile = "v1"', OLD_IPHONE),
        ('profile = "v2"', OLD_IPHONE),
    ],
)
def test_forms_of_an_iphone(lines: str, own: str) -> None:
    found = all_windows(scene(f'{HEAD}[[phone]]\nname = "Ios"\nplatform = "ios"\n{lines}\n'))["Ios"]
    # its system sends frames of its own beside
    ads = {each.ad.hex() for each in found if not each.ad.hex().startswith("02011a0aff4c0010")}
    assert ads == {own}


@pytest.mark.req("BZ-GAT-002")
@pytest.mark.parametrize(
    ("reads", "answer", "is_silent", "services"),
    [
        ("answered", FIRST_ID, False, 1),
        ("refused", INSUFFICIENT_ENCRYPTION, False, 1),
        ("thirteen octets", FIRST_ID + "00", False, 1),
        ("never answered", FIRST_ID, True, 1),
        ("no service", FIRST_ID, False, 0),
    ],
)
def test_what_an_iphone_answers(reads: str, answer: str | int, is_silent: bool, services: int) -> None:
    of = scene(f'{HEAD}{AN}platform = "ios"\nreads = "{reads}"\n')
    assert list(of.servers) == ["An"]
    server = of.servers["An"]
    given_answer = server.answer(MIDNIGHT_MS + 5, MIDNIGHT_MS + 1)
    assert (given_answer.hex() if isinstance(given_answer, bytes) else given_answer) == answer
    assert server.is_silent == is_silent
    assert len(server.services) == services


@pytest.mark.req("BZ-PRV-008")
def test_old_builds() -> None:
    phones = '[[phone]]\nname = "v1"\nprofile = "v1"\n[[phone]]\nname = "v2"\nprofile = "v2"\n'
    found = all_windows(scene(HEAD + phones))
    v1, v2 = ({each.ad for each in found[name]} for name in ("v1", "v2"))
    assert len(v1) == 1
    (only,) = v1
    assert only[:7].hex() == "02010209ffb522"
    assert only[13:].hex() == "110789a807add1172fa1c44bf573f4390ae2"
    # 144 slots a day: those of 10 minutes, and the one before
    assert len(v2) in (5, 6)


@pytest.mark.req("BZ-RCV-001")
def test_an_open_app_sends_longer() -> None:
    found = all_windows(scene(HEAD + '[[phone]]\nname = "An"\napp = "open"\n'))["An"]
    assert {each.until_us - each.from_us for each in found} == {150_000_000}


@pytest.mark.req("BZ-RCV-002")
def test_adverts_are_one_window_each(text: str) -> None:
    of = scenario(text)
    found = all_windows(scene_of(of, MIDNIGHT_MS))
    start_us = MIDNIGHT_MS * 1000
    (wrong,) = found["wrong"]
    assert (wrong.from_us - start_us, wrong.until_us - start_us) == (0, 6 * MINUTE_US)
    rolling_id = crafted_id(of, of.adverts[0])
    assert wrong.ad.hex() == f"0201020fff22b5{rolling_id.hex()}0303564e"
    assert wrong.interval_us == 250_000
    assert wrong.address_type in (AddressType.STATIC, AddressType.RESOLVABLE)
    assert found["octets"] == [
        SentWindow(
            from_us=start_us,
            until_us=start_us + 45 * MINUTE_US,
            address=bytes.fromhex("c00000000001"),
            address_type=AddressType.STATIC,
            pdu=PduType.ADV_SCAN_IND,
            ad=b"\x02\x01\x02",
            interval_us=100_000,
            level=-2,
            response=b"\x03\x03VN",
        )
    ]
    assert len({each.address for windows in found.values() for each in windows[:1]}) == len(found)


@pytest.mark.req("BZ-RCV-001")
def test_a_relay_sends_again_what_was_sent_ten_minutes_before() -> None:
    relay = '[[relay]]\nphone = "An"\nfrom = "20 min"\ndelay = "10 min"\n'
    found = all_windows(scene(HEAD + AN + relay))
    first = next(each for each in found["An"] if each.until_us > MIDNIGHT_MS * 1000 + 10 * MINUTE_US)
    again = found["relay 1"][0]
    assert again.ad == first.ad
    assert again.ad.hex()[14:38] == FIRST_ID
    assert again.until_us == first.until_us + 10 * MINUTE_US
    assert again.address != first.address


def test_a_base_day_after_the_start_is_told_when_it_is_played() -> None:
    without = scenario((HEAD + AN).replace('start = "2026-11-23T00:00:00Z"\n', ""))
    assert scene_of(without, MIDNIGHT_MS).plan.start_ms == MIDNIGHT_MS
    with pytest.raises(ValueError, match="the base day of An is after the start"):
        scene_of(without, MIDNIGHT_MS - 1)


def test_times_that_nobody_can_simulate_are_told() -> None:
    without = scenario(HEAD.replace('start = "2026-11-23T00:00:00Z"\n', ""))
    with pytest.raises(ValueError, match=r"session\.toml: the times are not"):
        scene_of(without, 5_000_000_000_000)


@given(st.integers(0, 2**32), st.integers(0, 86_400_000))
def test_the_same_seed_gives_the_same_scene(seed: int, late_ms: int) -> None:
    text = (HEAD + AN).replace("seed = 7", f"seed = {seed}").replace('start = "2026-11-23T00:00:00Z"\n', "")
    text += (
        '[[phone]]\nname = "Ios"\nplatform = "ios"\napp = "closed"\n'
        '[[meeting]]\nphones = ["An", "Ios"]\nfrom = "7 min"\nto = "8 min"\n'
        '[[advert]]\nname = "x"\nkind = "random-octets"\n'
    )
    start_ms = MIDNIGHT_MS + late_ms
    found = all_windows(scene_of(scenario(text), start_ms))
    assert found == all_windows(scene_of(scenario(text), start_ms))
    for name in ("An", "Ios"):
        for each in found[name]:
            assert start_ms + 420_000 <= each.from_us / 1000 < each.until_us / 1000 <= start_ms + 480_000
