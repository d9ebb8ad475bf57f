"""The scenario file is read strictly: what it says, and each sentence for what it should not say."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.findings import Verdict
from bluezone_harness.observations import PduType
from bluezone_harness.virtual.scenarios.model import (
    ConfirmedCase,
    Expectation,
    Meeting,
    PlayedAdvert,
    PlayedPhone,
    Reads,
    ReceiverPlan,
    Relay,
    Scenario,
    ScenarioEvent,
)
from bluezone_harness.virtual.scenarios.reading import read_scenario

pytestmark = pytest.mark.req("BZ-RCV-001")

LEAST = 'schema = 1\nduration = "45 min"\n'
MIDNIGHT_MS = 1_795_392_000_000
"""2026-11-23T00:00:00Z, by date(1)."""

PHONE = PlayedPhone(
    name="",
    profile="v3",
    platform="android",
    app="closed",
    base_id=None,
    base_day_ms=None,
    max_per_day=None,
    faults=(),
    offset_ms=0,
    reads=Reads.ANSWERED,
    services=b"",
)
ADVERT = PlayedAdvert(
    name="",
    kind="",
    vector="",
    ad=None,
    response=b"",
    pdu=PduType.ADV_IND,
    address=None,
    interval_ms=100,
    from_ms=0,
    until_ms=2_700_000,
    rssi=None,
)


def refusal(text: str) -> EvidenceError:
    with pytest.raises(EvidenceError) as caught:
        read_scenario("session.toml", text.encode())
    return caught.value


def test_all_that_it_says(text: str) -> None:
    octets = text.encode()
    found = read_scenario("session.toml", octets)
    assert found == Scenario(
        name="session.toml",
        title="Two and one",
        seed=7,
        start_ms=MIDNIGHT_MS,
        duration_ms=2_700_000,
        alone=True,
        receiver=ReceiverPlan("android", "open", 30_000, 90_000, 144),
        phones=(
            replace(
                PHONE, name="An", base_id=bytes(32), base_day_ms=MIDNIGHT_MS, max_per_day=96, offset_ms=-500
            ),
            replace(
                PHONE,
                name="Binh",
                platform="ios",
                reads=Reads.REFUSED,
                services=b"\x0c" + bytes(14) + b"\x01",
            ),
            replace(PHONE, name="Chi", profile="v2", faults=("tx-power",)),
        ),
        meetings=(
            Meeting(("An", "Binh"), 60_000, 1_200_000, -60),
            Meeting(("An",), 1_200_000, 2_700_000, None),
        ),
        adverts=(
            replace(ADVERT, name="wrong", kind="wrong-company", interval_ms=250, until_ms=360_000),
            replace(
                ADVERT,
                name="octets",
                ad=b"\x02\x01\x02",
                response=b"\x03\x03VN",
                pdu=PduType.ADV_SCAN_IND,
                address=bytes.fromhex("c00000000001"),
                rssi=-70,
            ),
            replace(
                ADVERT,
                name="of a vector",
                vector="decode-advertisement-order-flags-uuids-data",
                ad=bytes.fromhex("0201020303564e0fffb522b9a665d754fe65e665d76a45"),
            ),
        ),
        relays=(Relay("relay 1", "An", 1_200_000, 2_700_000, 600_000, None),),
        cases=(ConfirmedCase("An", MIDNIGHT_MS + 86_400_000),),
        events=(
            ScenarioEvent(120_000, "clock_set", {"by_ms": 1000, "why": ["test"]}),
            ScenarioEvent(300_000, "consent", {}),
        ),
        expectations=(
            Expectation("BZ-RCV-001", Verdict.PASS, ""),
            Expectation("BZ-KEY-006", Verdict.FAIL, "Chi"),
        ),
        text=text,
        sha256=hashlib.sha256(octets).hexdigest(),
    )


def test_the_least_that_it_can_say() -> None:
    found = read_scenario("least.toml", LEAST.encode())
    assert (found.title, found.seed, found.start_ms, found.alone) == ("", 0, None, False)
    assert found.receiver == ReceiverPlan("android", "closed", 40_000, 260_000, 96)
    entries = (found.phones, found.meetings, found.adverts, found.relays, found.cases, found.events)
    assert not any(entries)


@pytest.mark.parametrize(
    ("lines", "on_ms", "off_ms"),
    [
        ("", 40_000, 260_000),
        ('app = "open"', 150_000, 5_000),
        ('app = "open"\nscan_off = "0 s"', 150_000, 0),
        ('platform = "ios"', 40_000, 0),
        ('platform = "ios"\nscan_off = "20 s"', 40_000, 20_000),
    ],
)
def test_how_the_receiver_scans(lines: str, on_ms: int, off_ms: int) -> None:
    found = read_scenario("s.toml", f"{LEAST}[receiver]\n{lines}\n".encode()).receiver
    assert (found.scan_on_ms, found.scan_off_ms) == (on_ms, off_ms)


def test_days_and_instants_of_toml_are_taken_too() -> None:
    text = LEAST + "start = 2026-11-23T07:00:00+07:00\n" + '[[phone]]\nname = "An"\nbase_day = 2026-11-20\n'
    found = read_scenario("s.toml", b"\xef\xbb\xbf" + text.encode())
    assert found.start_ms == MIDNIGHT_MS
    assert found.phones[0].base_day_ms == MIDNIGHT_MS - 3 * 86_400_000
    assert found.text == text


REFUSED = [
    # whole
    ("schema = 1\n", "schema = 2\n", "the schema is not 1", "/schema"),
    ("seed = 7", 'seed = "7"', "it is text, not an integer", "/seed"),
    ("seed = 7", "sead = 7", "the key is unknown here", "/sead"),
    ('"45 min"', '"45 m"', "no number with a unit", "/duration"),
    ('"45 min"', '"0 s"', "zero", "/duration"),
    ('"45 min"', '"401 d"', "at most 400 days", "/duration"),
    ('"45 min"', "2700", "it is an integer, not text", "/duration"),
    ("+00:00", "", "not ISO 8601 with an offset", "/start"),
    ('"2026-11-23T00:00:00+00:00"', "2026-11-23T00:00:00", "not ISO 8601 with an offset", "/start"),
    ('"2026-11-23T00:00:00+00:00"', '"2200-01-01T00:00:00Z"', "2106", "/start"),
    ("alone = true", "alone = 1", "not true or false", "/alone"),
    # receiver
    ('app = "open"', 'app = "away"', "no such state of the app", "/receiver/app"),
    ("max = 144", "max = 97", "no divisor of the day", "/receiver/max"),
    ('scan_on = "30 s"', 'scan_on = "0 s"', "zero", "/receiver/scan_on"),
    ('"1.5 min"', '"-1 s"', "no sign", "/receiver/scan_off"),
    # phones
    ('name = "Binh"', 'name = "An"', "the name 'An' stands there twice", "/phone/1"),
    ('name = "wrong"', 'name = "Chi"', "the name 'Chi' stands there twice", "/advert/0"),
    ('name = "Chi"', 'name = "Chi\\u0007"', "cannot be printed", "/phone/2/name"),
    ('0000"\nbase_day', '00"\nbase_day', "the base id has 31 octets, not 32", "/phone/0/base"),
    ('0000"\nbase_day', '0x00"\nbase_day', "not written in hex", "/phone/0/base"),
    ('base_day = "2026-11-23"', 'base_day = "2026-11-24"', "after the start", "/phone/0/base_day"),
    ('base_day = "2026-11-23"', 'base_day = "23.11.2026"', "no day of the calendar", "/phone/0/base_day"),
    ('base_day = "2026-11-23"', 'base_day = "2026-02-30"', "no day of the calendar", "/phone/0/base_day"),
    ('base_day = "2026-11-23"', "base_day = 2026", "it is an integer, not a day", "/phone/0/base_day"),
    ('"-500 ms"', '"-3 d"', "more than two days", "/phone/0/clock"),
    ('"-500 ms"', '"0.5 ms"', "whole number of milliseconds", "/phone/0/clock"),
    ('platform = "ios"', 'platform = "windows"', "there are 'android', 'ios'", "/phone/1/platform"),
    ('profile = "v2"', 'profile = "v2"\nreads = "refused"', "only an iPhone", "/phone/2/reads"),
    ('profile = "v2"', 'profile = "v4"', "no such profile", "/phone/2/profile"),
    ('profile = "v2"', 'profile = "ios-v3"', "no phone of the platform 'android'", "/phone/2/profile"),
    ('"tx-power"', '"tx-pover"', "did you mean tx-power", "/phone/2/faults/0"),
    ('"tx-power"', '"v1-build"', "contradict each other", "/phone/2"),
    ('"tx-power"', '"owners-name"', "none of this platform", "/phone/2"),
    ('"refused"', '"slowly"', "no such answer to reads", "/phone/1/reads"),
    ('"0c00', '"0400', "Bluezone's bit", "/phone/1/services"),
    # meetings
    ('phones = ["An", "Binh"]', 'phones = ["An", "Bo"]', "there is no phone 'Bo'", "/meeting/0/phones/1"),
    ('phones = ["An", "Binh"]', 'phones = ["An", "An"]', "stands there twice", "/meeting/0/phones/1"),
    ('phones = ["An", "Binh"]', "phones = []", "fewer than 1", "/meeting/0/phones"),
    ('from = "1 min"', 'from = "20 min"', "it ends before it begins", "/meeting/0/to"),
    ('to = "20 min"', 'to = "46 min"', "the scenario has ended by then", "/meeting/0/to"),
    ('to = "20 min"', 'to = "21 min"', "'An' is in another meeting at the same time", "/meeting/1"),
    ("rssi = -60", "rssi = -128", "not -127 to 20 dBm", "/meeting/0/rssi"),
    # adverts
    ('"wrong-company"', '"wrong-sort"', "there is no such crafted advert", "/advert/0/kind"),
    ('"wrong-company"', '"empty"\nad = ""', "exactly one of", "/advert/0"),
    ('"wrong-company"', '"empty"\nresponse = "00"', "brings its own", "/advert/0/response"),
    ('"250 ms"', '"19 ms"', "20 to 10240 ms", "/advert/0/interval"),
    ('"02 01 02"', f'"{"00" * 32}"', "32 octets, more than 31", "/advert/1/ad"),
    ('"ADV_SCAN_IND"', '"ADV_NONCONN_IND"', "nobody asks after ADV_NONCONN_IND", "/advert/1/response"),
    ('"ADV_SCAN_IND"', '"SCAN_RSP"', "no such PDU", "/advert/1/pdu"),
    ("c0:00:00:00:00:01", "80:00:00:00:00:01", "bits 10", "/advert/1/address"),
    ("c0:00:00:00:00:01", "c0:00:00:00:00", "six octets in hex with colons", "/advert/1/address"),
    ("order-flags-uuids-data", "order-none", "no vector of this id", "/advert/2/vector"),
    ("order-flags-uuids-data", "zeros-of-32-octets", "longer than 31 octets", "/advert/2/vector"),
    # relays, cases, events, expectations
    ('delay = "10 min"', 'delay = "45 min"', "after the end of the relay", "/relay/0/delay"),
    (
        '[[relay]]\nphone = "An"',
        '[[relay]]\nphone = "Binh"',
        "an iPhone's adverts show no id",
        "/relay/0/phone",
    ),
    ('"2026-11-24"', '"soon"', "no day of the calendar", "/case/0/confirmed"),
    ('at = "5 min"', 'at = "50 min"', "has ended by then", "/event/0/at"),
    ('at = "5 min"', 'on = "5 min"', "the key 'at' is missing", "/event/0"),
    ('"consent"', '"lunch"', "no such event", "/event/0/name"),
    ("by_ms = 1000", 'by_ms = "1 s"', "not an integer", "/event/1/by_ms"),
    ("by_ms = 1000", "time_us = 1000", "writes this key itself", "/event/1/time_us"),
    ('why = ["test"]', "why = 2026-11-23", "a record holds no such value", "/event/1/why"),
    ('why = ["test"]', "why = nan", "a record holds no such value", "/event/1/why"),
    ('"BZ-RCV-001"', '"RCV-001"', "no id of a requirement", "/expect/0/requirement"),
    ('verdict = "pass"', 'verdict = "good"', "no such verdict", "/expect/0/verdict"),
    ('phone = "Chi"', 'phone = "Cho"', "there is no phone 'Cho'", "/expect/1/phone"),
]


@pytest.mark.parametrize(("before", "after", "reason", "pointer"), REFUSED)
def test_what_is_wrong_is_said_in_one_sentence(
    text: str, before: str, after: str, reason: str, pointer: str
) -> None:
    changed = text.replace(before, after, 1)
    assert changed != text
    error = refusal(changed)
    assert reason in error.reason
    assert error.pointer == pointer
    assert str(error).startswith("session.toml: ")
    assert "\n" not in str(error)


def test_no_toml_is_refused_without_a_place() -> None:
    assert "no TOML" in refusal("schema = = 1").reason
    with pytest.raises(EvidenceError, match="no UTF-8"):
        read_scenario("s.toml", b"\xff")


def test_a_base_id_is_never_repeated(text: str) -> None:
    secret = "5f1d3c0e9a7b4426"
    assert secret not in str(refusal(text.replace("0" * 64, secret)))


def test_the_vector_may_be_named_with_its_operation(text: str) -> None:
    named = text.replace('"decode-advert', '"decode_advertisement/decode-advert')
    assert read_scenario("s.toml", named.encode()).adverts[2].vector.startswith("decode-advertisement")


VALUES = st.sampled_from(
    [
        *('"An"', '"Binh"', '""', '"ios"', '"android"', '"open"', '"closed"', '"1 min"', '"90 s"', '"+3 s"'),
        *('"wrong-company"', '"v1"', '"v2"', '"static-address"', '["An"]', '["Binh", "An"]', "[]", "{}"),
        *("1", "96", "-60", "1.5", "nan", "true", "2026-11-23", "2026-11-23T00:00:00Z", "12:00:00"),
        *('"BZ-RCV-001"', '"pass"', '"consent"', f'"{"0a" * 32}"', f'"08{"00" * 15}"', '"never answered"'),
    ]
)
KEYS = {
    "phone": "name profile platform app base base_day max faults clock reads services",
    "meeting": "phones from to rssi",
    "advert": "name kind ad vector response pdu from to interval rssi address",
    "relay": "name phone delay from to rssi",
    "case": "phone confirmed",
    "event": "at name by_ms note",
    "expect": "requirement verdict phone",
}


@st.composite
def tables(draw: st.DrawFn) -> str:
    lines = [LEAST]
    for name in draw(st.lists(st.sampled_from([*KEYS, "receiver"]), max_size=6)):
        keys = KEYS.get(name, "platform app scan_on scan_off max").split()
        lines.append("[receiver]" if name == "receiver" else f"[[{name}]]")
        chosen = draw(st.lists(st.sampled_from(keys), unique=True))
        lines += [f"{key} = {draw(VALUES)}" for key in chosen]
    return "\n".join(lines)


def outcome(octets: bytes) -> tuple[Scenario | None, str]:
    try:
        return read_scenario("s.toml", octets), ""
    except EvidenceError as error:
        return None, error.reason


@given(tables() | st.text() | st.builds(lambda rest: LEAST + rest, st.text()))
def test_any_text_gives_a_scenario_or_a_sentence(text: str) -> None:
    octets = text.encode("utf-8", "surrogatepass")
    found, reason = outcome(octets)
    assert (found, reason) == outcome(octets)
    if found is None:
        assert reason
        assert "\n" not in reason
        return
    assert found.sha256 == hashlib.sha256(octets).hexdigest()
    for meeting in found.meetings:
        assert 0 <= meeting.from_ms < meeting.until_ms <= found.duration_ms


@given(st.binary(max_size=200))
def test_any_octets_give_a_scenario_or_a_sentence(octets: bytes) -> None:
    found, reason = outcome(octets)
    assert (found is None) == bool(reason)
