"""The receiver: records from literal adverts, each fault beside its absence, and a naive model to run against."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, takewhile
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bluezone_reference.contact_log import LAST_TIME_MS, Record
from bluezone_reference.errors import BuildFailureError, RefusedError, RejectCode
from bluezone_reference.key_schedule import id_at
from bluezone_reference.profiles import ANDROID_V3, IOS_V3, V1, V2, V3, V3_HARDENED, Profile
from bluezone_reference.receiver import HeardAdvert, Outcome, ReadValue, Receiver, Reception

MIDNIGHT = 1_596_844_800_000  # 2020-08-08T00:00:00+00:00
NOON = MIDNIGHT + 43_200_000
SLOT = 900_000
DAY = 86_400_000

# Rolling ids that a real phone sent on 2020-08-08 (captured)
ID = bytes.fromhex("b9a665d754fe65e665d76a45")
OTHER_ID = bytes.fromhex("3aa8dfc0a15682b27216fc31")
OWN_ID = bytes.fromhex("286bce589ab994efa5f73cad")

IPHONE = bytes.fromhex("02011a110767a607add1172fa1c44bf573564e0000")
ADDRESS = "4a:00:00:00:00:01"
OTHER_ADDRESS = "4a:00:00:00:00:02"

ALL = [V3, V3_HARDENED, ANDROID_V3, IOS_V3, V2]
LOGGED, REPEATED, IGNORED = Outcome.LOGGED, Outcome.REPEATED, Outcome.IGNORED
READ_WANTED, READ_PENDING = Outcome.READ_WANTED, Outcome.READ_PENDING


def own_id(time_ms: int) -> bytes:
    """Give an id that tells at which instant it was asked for."""
    return time_ms.to_bytes(12, "big")


def android(rolling_id: bytes = ID) -> bytes:
    return bytes.fromhex("0201020fffb522") + rolling_id + bytes.fromhex("0303564e")


def hear(
    receiver: Receiver, time_ms: int, ad: bytes, address: str = ADDRESS, delivered_ms: int | None = None
) -> Reception:
    return receiver.hear(HeardAdvert(time_ms, address, ad, -60, delivered_ms=delivered_ms))


def read(receiver: Receiver, time_ms: int, value: bytes | None, address: str = ADDRESS) -> Reception:
    return receiver.read(ReadValue(time_ms, address, value, -50))


def outcomes(receiver: Receiver, *times_ms: int) -> list[Outcome]:
    return [hear(receiver, time_ms, android()).outcome for time_ms in times_ms]


def named(profile: Profile) -> str:
    return profile.name


# --- records ------------------------------------------------------------------------------------------------


@pytest.mark.req("BZ-RCV-001", "BZ-LOG-001", "BZ-LOG-005")
def test_an_android_phone_heard_is_a_record() -> None:
    reception = hear(Receiver(lambda time_ms: OWN_ID), NOON, android())
    assert reception == Reception(LOGGED, Record(OWN_ID, ID, -60, NOON), "")


@pytest.mark.req("BZ-LOG-005", "BZ-KEY-008")
def test_the_own_id_is_that_of_the_records_time() -> None:
    receiver = Receiver(lambda time_ms: id_at(bytes(32), MIDNIGHT, time_ms).rolling_id)
    record = hear(receiver, MIDNIGHT + SLOT - 1, android()).record
    assert record is not None
    assert record.own_id.hex() == "490c085d937456a4dd07e710"  # executed: zero base, slot 0
    record = hear(receiver, MIDNIGHT + SLOT + 5000, android()).record
    assert record is not None
    assert record.own_id.hex() == "cc4111fec540c346ec6a053f"  # executed: zero base, slot 1
    # What it raises passes through, and nothing is recorded: the same id is not a repeat afterwards.
    with pytest.raises(RefusedError, match="BEFORE_BASE_DAY"):
        hear(receiver, MIDNIGHT - 1, android(OTHER_ID))
    assert hear(receiver, MIDNIGHT, android(OTHER_ID)).outcome is LOGGED


@pytest.mark.req("BZ-RCV-002")
@pytest.mark.parametrize("profile", ALL, ids=named)
def test_anothers_advert_is_ignored(profile: Profile) -> None:
    reception = hear(Receiver(own_id, profile), NOON, bytes.fromhex("02011a"))
    assert (reception.outcome, reception.record) == (IGNORED, None)
    assert reception.reason != ""


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-004", "F-01")
def test_what_ios_writes() -> None:
    receiver = Receiver(own_id, IOS_V3)
    time_ms = NOON + 999
    assert hear(receiver, time_ms, android()).record == Record(own_id(NOON), ID, -60, NOON, "Android")
    assert hear(receiver, time_ms, IPHONE, OTHER_ADDRESS).outcome is READ_WANTED
    assert read(receiver, time_ms + 500, OTHER_ID, OTHER_ADDRESS).record == Record(
        own_id(NOON + 1000), OTHER_ID, -50, NOON + 1000, "iOS"
    )


@pytest.mark.req("BZ-PRV-008", "F-21")
def test_the_first_generation_logs_static_ids() -> None:
    receiver = Receiver(lambda time_ms: b"OwnId1", V1)
    old_android = bytes.fromhex("09ffb522416263313233110789a807add1172fa1c44bf573f4390ae2")
    assert hear(receiver, NOON, old_android).record == Record(b"OwnId1", b"Abc123", -60, NOON, ADDRESS)
    old_iphone = bytes.fromhex("110767a607add1172fa1c44bf573f4390ae2")
    assert hear(receiver, NOON, old_iphone, OTHER_ADDRESS).outcome is READ_WANTED
    record = read(receiver, NOON + 900, b"2Ab1c1b234", OTHER_ADDRESS).record
    # It is the same id as the Android phone's, so it is a repeat; another one is not.
    assert record is None
    # The first generation waits for 50 s, not 5.
    assert hear(receiver, NOON + 49_999, old_iphone, OTHER_ADDRESS).outcome is REPEATED
    assert hear(receiver, NOON + 50_000, old_iphone, OTHER_ADDRESS).outcome is LOGGED
    # A static id has no slot: it is kept for the day.
    assert hear(receiver, MIDNIGHT + DAY - 1, old_iphone, OTHER_ADDRESS).outcome is LOGGED
    assert hear(receiver, MIDNIGHT + DAY, old_iphone, OTHER_ADDRESS).outcome is READ_WANTED


@pytest.mark.req("BZ-LOG-001")
@pytest.mark.parametrize(
    ("time_ms", "delivered_ms", "rssi"),
    [(-1, None, -60), (LAST_TIME_MS + 1, None, -60), (0, -1, -60), (0, None, -128), (0, None, 21)],
)
def test_a_callers_mistake_is_refused(time_ms: int, delivered_ms: int | None, rssi: int) -> None:
    receiver = Receiver(own_id)
    with pytest.raises(ValueError, match=r"RSSI|the time is before 1970 or after the year 9999"):
        receiver.hear(HeardAdvert(time_ms, ADDRESS, android(), rssi, delivered_ms=delivered_ms))
    if delivered_ms is None:
        with pytest.raises(ValueError, match=r"RSSI|the time is before 1970 or after the year 9999"):
            receiver.read(ReadValue(time_ms, ADDRESS, ID, rssi))


@pytest.mark.req("BZ-KEY-007")
def test_a_wrong_max_is_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        Receiver(own_id, V3, max_per_day=7)
    assert caught.value.code is RejectCode.BAD_MAX


@pytest.mark.req("BZ-RCV-003", "F-17")
def test_f_17_the_crash_leaves_no_trace() -> None:
    short = bytes.fromhex("02ffb50303564e")
    assert hear(Receiver(own_id), NOON, short).outcome is IGNORED
    receiver = Receiver(own_id, IOS_V3)
    with pytest.raises(BuildFailureError, match="F-17"):
        hear(receiver, NOON, short)
    assert hear(receiver, NOON, android()).outcome is LOGGED


# --- de-duplication -----------------------------------------------------------------------------------------


@pytest.mark.req("BZ-LOG-002", "F-20")
@pytest.mark.parametrize("profile", ALL, ids=named)
def test_the_same_id_is_recorded_again_after_5000_ms(profile: Profile) -> None:
    receiver = Receiver(own_id, profile)
    assert outcomes(receiver, NOON, NOON + 4999, NOON + 5000, NOON + 9999, NOON + 10_000) == [
        LOGGED,
        REPEATED,
        LOGGED,
        REPEATED,
        LOGGED,
    ]


@pytest.mark.req("BZ-LOG-002", "F-20")
@pytest.mark.parametrize("profile", ALL, ids=named)
def test_f_20_ios_counts_whole_seconds(profile: Profile) -> None:
    # 4001 ms later, in which five seconds have begun
    again = LOGGED if profile is IOS_V3 else REPEATED
    assert outcomes(Receiver(own_id, profile), NOON + 999, NOON + 5000) == [LOGGED, again]
    assert outcomes(Receiver(own_id, profile), NOON + 999, NOON + 4999) == [LOGGED, REPEATED]


@pytest.mark.req("BZ-LOG-002")
@pytest.mark.parametrize("profile", ALL, ids=named)
def test_another_id_is_no_repeat_and_a_restart_forgets(profile: Profile) -> None:
    receiver = Receiver(own_id, profile)
    assert hear(receiver, NOON, android()).outcome is LOGGED
    assert hear(receiver, NOON, android(OTHER_ID)).outcome is LOGGED
    # whatever the address
    assert hear(receiver, NOON, android(), OTHER_ADDRESS).outcome is REPEATED
    assert hear(Receiver(own_id, profile), NOON, android()).outcome is LOGGED


@pytest.mark.req("BZ-LOG-002")
def test_a_clock_set_back_locks_nobody_out_and_doubles_nothing() -> None:
    back, forth = NOON - 3_600_000, NOON + 2000
    assert outcomes(Receiver(own_id), NOON, back, back + 4999, NOON - 4999, forth, NOON + 5000) == [
        LOGGED,
        LOGGED,
        REPEATED,
        REPEATED,
        REPEATED,
        LOGGED,
    ]
    # The published builds record nothing of this id until the clock has caught up.
    for profile in (ANDROID_V3, IOS_V3, V2):
        assert outcomes(Receiver(own_id, profile), NOON, back, back + 1_800_000, forth, NOON + 5000) == [
            LOGGED,
            REPEATED,
            REPEATED,
            REPEATED,
            LOGGED,
        ]


@pytest.mark.req("BZ-LOG-002", "BZ-MAT-002", "F-28")
def test_f_28_an_advert_delivered_late() -> None:
    heard, delivered = MIDNIGHT + SLOT - 1, MIDNIGHT + SLOT + 9_900
    for profile in (V3, V3_HARDENED):
        record = hear(Receiver(own_id, profile), heard, android(), delivered_ms=delivered).record
        assert record == Record(own_id(heard), ID, -60, heard)
    for profile in (ANDROID_V3, V2):
        # In the next slot, of which this is not the id
        record = hear(Receiver(own_id, profile), heard, android(), delivered_ms=delivered).record
        assert record == Record(own_id(delivered), ID, -60, delivered)


@pytest.mark.req("BZ-LOG-002", "F-28")
def test_a_batch_is_taken_by_the_times_heard() -> None:
    receiver = Receiver(own_id)
    assert outcomes(receiver, NOON + 9000) == [LOGGED]
    batch = [hear(receiver, NOON + at, android(), delivered_ms=NOON + 10_000) for at in (0, 1000, 4500, 5000)]
    assert [reception.outcome for reception in batch] == [LOGGED, REPEATED, REPEATED, REPEATED]
    # Delivered at one instant, a build's batch is one record.
    receiver = Receiver(own_id, ANDROID_V3)
    batch = [hear(receiver, NOON + at, android(), delivered_ms=NOON + 10_000) for at in (0, 5000, 9999)]
    assert [reception.outcome for reception in batch] == [LOGGED, REPEATED, REPEATED]


# --- reading by GATT ----------------------------------------------------------------------------------------


@pytest.mark.req("BZ-RCV-004")
@pytest.mark.parametrize("profile", [V3, V3_HARDENED, ANDROID_V3], ids=named)
def test_an_iphone_is_read_and_logged(profile: Profile) -> None:
    receiver = Receiver(own_id, profile)
    wanted = hear(receiver, NOON, IPHONE)
    assert (wanted.outcome, wanted.record) == (READ_WANTED, None)
    reception = read(receiver, NOON + 9999, ID)
    assert reception == Reception(LOGGED, Record(own_id(NOON + 9999), ID, -50, NOON + 9999), "")


@pytest.mark.req("BZ-RCV-004")
@pytest.mark.parametrize("profile", ALL[:3], ids=named)
def test_an_attempt_is_given_up_after_10_s(profile: Profile) -> None:
    receiver = Receiver(own_id, profile)
    assert hear(receiver, NOON, IPHONE).outcome is READ_WANTED
    late = read(receiver, NOON + 10_000, ID)
    assert (late.outcome, late.reason) == (IGNORED, "no attempt to read this address is under way")
    # and nothing was kept of it
    assert hear(receiver, NOON + 10_001, IPHONE).outcome is READ_WANTED


@pytest.mark.req("BZ-RCV-004")
def test_ios_waits_without_a_limit() -> None:
    receiver = Receiver(own_id, IOS_V3)
    assert hear(receiver, NOON, IPHONE).outcome is READ_WANTED
    assert hear(receiver, NOON + 60_000, IPHONE, OTHER_ADDRESS).outcome is READ_WANTED
    assert read(receiver, NOON + 120_000, ID).outcome is LOGGED
    # but no value is taken that it did not ask for
    assert read(receiver, NOON + 180_000, ID).outcome is IGNORED


@pytest.mark.req("BZ-PRV-017")
@pytest.mark.parametrize("profile", [V3, V3_HARDENED, ANDROID_V3, V2, IOS_V3], ids=named)
def test_no_record_holds_a_hardware_address(profile: Profile) -> None:
    record = hear(Receiver(own_id, profile), NOON, android()).record
    assert record is not None
    assert record.address == ("Android" if profile is IOS_V3 else "")


@pytest.mark.req("BZ-RCV-004")
@pytest.mark.parametrize("profile", [V3, ANDROID_V3], ids=named)
def test_phones_are_read_one_after_another(profile: Profile) -> None:
    receiver = Receiver(own_id, profile)
    assert hear(receiver, NOON, IPHONE).outcome is READ_WANTED
    assert hear(receiver, NOON + 1, IPHONE).outcome is READ_PENDING
    assert hear(receiver, NOON + 9999, IPHONE, OTHER_ADDRESS).outcome is READ_PENDING
    # A phone that has to be read waits; one that sends its id does not.
    assert hear(receiver, NOON + 9999, android()).outcome is LOGGED
    assert hear(receiver, NOON + 10_000, IPHONE, OTHER_ADDRESS).outcome is READ_WANTED
    # The first attempt is over, and its value comes too late.
    assert read(receiver, NOON + 10_001, OTHER_ID).outcome is IGNORED
    assert read(receiver, NOON + 10_002, OTHER_ID, OTHER_ADDRESS).outcome is LOGGED
    assert hear(receiver, NOON + 10_003, IPHONE).outcome is READ_WANTED


@pytest.mark.req("BZ-RCV-004")
def test_an_attempt_that_failed_makes_room() -> None:
    receiver = Receiver(own_id)
    receiver.give_up(ADDRESS)
    assert hear(receiver, NOON, IPHONE).outcome is READ_WANTED
    receiver.give_up(OTHER_ADDRESS)
    assert hear(receiver, NOON + 1, IPHONE, OTHER_ADDRESS).outcome is READ_PENDING
    receiver.give_up(ADDRESS)
    assert hear(receiver, NOON + 1, IPHONE, OTHER_ADDRESS).outcome is READ_WANTED
    assert read(receiver, NOON + 2, ID).outcome is IGNORED


@pytest.mark.req("BZ-RCV-004")
def test_a_clock_set_back_ends_no_attempt_for_ever() -> None:
    receiver = Receiver(own_id)
    assert hear(receiver, NOON, IPHONE).outcome is READ_WANTED
    assert read(receiver, NOON - 3_600_000, ID).outcome is LOGGED
    assert hear(receiver, NOON, IPHONE).outcome is READ_WANTED
    # An attempt that began in what is now the future does not keep others waiting.
    assert hear(receiver, NOON - 3_600_000, IPHONE, OTHER_ADDRESS).outcome is READ_WANTED


@pytest.mark.req("BZ-RCV-004")
def test_a_late_delivered_iphone_is_read_when_it_is_delivered() -> None:
    receiver = Receiver(own_id)
    assert hear(receiver, NOON - 9000, IPHONE, delivered_ms=NOON).outcome is READ_WANTED
    assert read(receiver, NOON + 9999, ID).outcome is LOGGED


@pytest.mark.req("BZ-RCV-002", "BZ-GAT-002")
@pytest.mark.parametrize("value", [b"", bytes(11), bytes(13), b"2Ab1c1b234"])
def test_a_value_of_another_length_is_not_logged_or_kept(value: bytes) -> None:
    for profile in (V3, ANDROID_V3):
        receiver = Receiver(own_id, profile)
        assert hear(receiver, NOON, IPHONE).outcome is READ_WANTED
        assert read(receiver, NOON + 1, value).outcome is IGNORED
        assert hear(receiver, NOON + 2, IPHONE).outcome is READ_WANTED


@pytest.mark.req("BZ-RCV-004")
def test_a_phone_without_the_service() -> None:
    receiver = Receiver(own_id)
    assert hear(receiver, NOON, IPHONE).outcome is READ_WANTED
    assert read(receiver, NOON + 1, None).outcome is IGNORED
    assert hear(receiver, NOON + 2, IPHONE).outcome is READ_WANTED
    # Android keeps it, and leaves that address alone while the slot has the same number.
    receiver = Receiver(own_id, ANDROID_V3)
    assert hear(receiver, NOON, IPHONE).outcome is READ_WANTED
    assert read(receiver, NOON + 1, None).reason == "the phone does not have the service"
    kept = hear(receiver, NOON + 2, IPHONE)
    assert (kept.outcome, kept.reason) == (IGNORED, "the phone is kept as one without the service")
    assert hear(receiver, NOON + SLOT, IPHONE).outcome is READ_WANTED


@pytest.mark.req("BZ-RCV-004", "F-20")
def test_ios_reads_an_address_at_most_every_5_s() -> None:
    receiver = Receiver(own_id, IOS_V3)
    assert hear(receiver, NOON, IPHONE).outcome is READ_WANTED
    assert hear(receiver, NOON, IPHONE).outcome is READ_PENDING
    assert read(receiver, NOON + 1000, ID).outcome is LOGGED
    pending = hear(receiver, NOON + 4999, IPHONE)
    assert (pending.outcome, pending.reason) == (
        READ_PENDING,
        "the last attempt to read this address was a moment ago",
    )
    # Another address is another matter, and it has no cache: each time it is read.
    assert hear(receiver, NOON + 4999, IPHONE, OTHER_ADDRESS).outcome is READ_WANTED
    assert hear(receiver, NOON + 5000, IPHONE).outcome is READ_WANTED
    # after an error at once again
    receiver.give_up(ADDRESS)
    assert hear(receiver, NOON + 5001, IPHONE).outcome is READ_WANTED
    # and after the clock was set back too
    assert hear(receiver, NOON - 3_600_000, IPHONE).outcome is READ_WANTED


# --- the cache ----------------------------------------------------------------------------------------------


def having_read(profile: Profile, time_ms: int, max_per_day: int | None = None) -> Receiver:
    """Give a receiver that has read ``ID`` from ``ADDRESS``."""
    receiver = Receiver(own_id, profile, max_per_day)
    assert hear(receiver, time_ms, IPHONE).outcome is READ_WANTED
    assert read(receiver, time_ms, ID).outcome is LOGGED
    return receiver


@pytest.mark.req("BZ-RCV-005", "F-19")
@pytest.mark.parametrize("profile", [V3, V3_HARDENED, ANDROID_V3], ids=named)
def test_an_id_that_was_read_serves_until_its_slot_ends(profile: Profile) -> None:
    receiver = having_read(profile, NOON)
    assert hear(receiver, NOON + 4999, IPHONE).outcome is REPEATED
    last = NOON + SLOT - 1
    assert hear(receiver, last, IPHONE).record == Record(own_id(last), ID, -60, last)
    assert hear(receiver, NOON + SLOT, IPHONE, OTHER_ADDRESS).outcome is READ_WANTED
    receiver.give_up(OTHER_ADDRESS)
    assert hear(receiver, NOON + SLOT, IPHONE).outcome is READ_WANTED


@pytest.mark.req("BZ-RCV-005", "F-19")
def test_f_19_yesterdays_id() -> None:
    tomorrow = NOON + DAY
    assert hear(having_read(V3, NOON), tomorrow, IPHONE).outcome is READ_WANTED
    for profile in (ANDROID_V3,):
        record = hear(having_read(profile, NOON), tomorrow, IPHONE).record
        assert record == Record(own_id(tomorrow), ID, -60, tomorrow)


@pytest.mark.req("BZ-RCV-005", "F-19")
def test_f_19_the_oldest_row_makes_every_later_sighting_read_again() -> None:
    for profile, again in ((V3, REPEATED), (ANDROID_V3, READ_WANTED)):
        receiver = having_read(profile, NOON)
        assert hear(receiver, NOON + SLOT, IPHONE).outcome is READ_WANTED
        assert read(receiver, NOON + SLOT + 1, OTHER_ID).outcome is LOGGED
        assert hear(receiver, NOON + SLOT + 2, IPHONE).outcome is again


@pytest.mark.req("BZ-RCV-005", "F-02", "F-19")
def test_the_slot_is_that_of_the_setting() -> None:
    # Two slots a day
    assert hear(having_read(V3, MIDNIGHT, 2), NOON - 1, IPHONE).outcome is LOGGED
    assert hear(having_read(V3, MIDNIGHT, 2), NOON, IPHONE).outcome is READ_WANTED
    # 144 slots a day in the second generation, whose iPhones gave names
    receiver = Receiver(own_id, V2)
    old_iphone = bytes.fromhex("110767a607add1172fa1c44bf573f4390ae2")
    assert hear(receiver, MIDNIGHT, old_iphone).outcome is READ_WANTED
    assert read(receiver, MIDNIGHT, b"2Ab1c1b234").outcome is LOGGED
    assert hear(receiver, MIDNIGHT + 599_999, old_iphone).outcome is LOGGED
    assert hear(receiver, MIDNIGHT + 600_000, old_iphone).outcome is READ_WANTED
    # Seven a day do not fill it: in its last milliseconds the number is 7, and no exception (F-02 is the ids').
    receiver = having_read(ANDROID_V3, MIDNIGHT + DAY - 1, 7)
    assert hear(receiver, MIDNIGHT + DAY - 2, IPHONE).outcome is READ_WANTED
    assert hear(receiver, MIDNIGHT + 2 * DAY - 1, IPHONE).outcome is LOGGED


@pytest.mark.req("BZ-RCV-005", "BZ-PRV-017")
def test_no_address_is_kept_beyond_its_slot() -> None:
    receiver = having_read(V3, NOON)
    assert hear(receiver, NOON + SLOT, IPHONE, OTHER_ADDRESS).outcome is READ_WANTED
    assert read(receiver, NOON + SLOT, OTHER_ID, OTHER_ADDRESS).outcome is LOGGED
    # Even where a late advert, or the clock, comes back to the first slot.
    assert hear(receiver, NOON + 1, IPHONE).outcome is READ_WANTED


@pytest.mark.req("BZ-RCV-005", "F-28")
def test_a_late_advert_is_served_by_the_slot_in_which_it_was_heard() -> None:
    receiver = having_read(V3, NOON)
    late = hear(receiver, NOON + SLOT - 1, IPHONE, delivered_ms=NOON + SLOT + 9000)
    assert late.record == Record(own_id(NOON + SLOT - 1), ID, -60, NOON + SLOT - 1)


# --- against a naive model ----------------------------------------------------------------------------------

IDS = [ID, OTHER_ID, OWN_ID]
ADDRESSES = [ADDRESS, OTHER_ADDRESS, "4a:00:00:00:00:03"]
steps = st.sampled_from([0, 1, 2500, 4999, 5000, 9999, 10_000, 450_000, SLOT, DAY, -1, -5000, -SLOT, -DAY])
delays = st.sampled_from([None, 0, 1000, 9_900])


class ReceiverMachine(RuleBasedStateMachine):
    """Runs a receiver beside lists of all that ever happened, searched anew at each event."""

    profile: ClassVar[Profile] = V3

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = NOON
        self.receiver = Receiver(own_id, self.profile)
        self.records: list[tuple[bytes, int]] = []
        self.reads: list[tuple[str, bytes, int]] = []
        self.attempts: list[tuple[str, int]] = []

    def expected_record(self, contact_id: bytes, time_ms: int) -> Outcome:
        near = any(known == contact_id and abs(time_ms - at) < 5000 for known, at in self.records)
        if not near:
            self.records.append((contact_id, time_ms))
        return REPEATED if near else LOGGED

    def expected_cached(self, address: str, time_ms: int) -> bytes | None:
        # A read of another slot makes it forget all before (BZ-PRV-017).
        kept = list(takewhile(lambda row: row[2] // SLOT == self.reads[-1][2] // SLOT, reversed(self.reads)))
        served = [row for row in kept if row[0] == address and row[2] // SLOT == time_ms // SLOT]
        return served[0][1] if served else None

    def record_time(self, time_ms: int, delivered_ms: int) -> int:
        return time_ms

    @rule(step=steps)
    def clock_moves(self, step: int) -> None:
        self.now_ms += step

    @rule(contact_id=st.sampled_from(IDS), address=st.sampled_from(ADDRESSES), delay=delays)
    def hears_an_android_phone(self, contact_id: bytes, address: str, delay: int | None) -> None:
        heard_ms = self.now_ms - (delay or 0)
        delivered_ms = None if delay is None else self.now_ms
        reception = hear(self.receiver, heard_ms, android(contact_id), address, delivered_ms)
        time_ms = self.record_time(heard_ms, self.now_ms)
        assert reception.outcome is self.expected_record(contact_id, time_ms)
        self.holds(reception, contact_id, time_ms)

    @rule(address=st.sampled_from(ADDRESSES), delay=delays)
    def hears_an_iphone(self, address: str, delay: int | None) -> None:
        heard_ms = self.now_ms - (delay or 0)
        delivered_ms = None if delay is None else self.now_ms
        reception = hear(self.receiver, heard_ms, IPHONE, address, delivered_ms)
        time_ms = self.record_time(heard_ms, self.now_ms)
        cached = self.expected_cached(address, time_ms)
        if cached is not None:
            assert reception.outcome is self.expected_record(cached, time_ms)
            self.holds(reception, cached, time_ms)
            return
        self.attempts = [item for item in self.attempts if item[1] <= self.now_ms < item[1] + 10_000]
        assert reception.outcome is (READ_PENDING if self.attempts else READ_WANTED)
        if not self.attempts:
            self.attempts.append((address, self.now_ms))

    @rule(contact_id=st.sampled_from(IDS), address=st.sampled_from(ADDRESSES))
    def gets_a_value(self, contact_id: bytes, address: str) -> None:
        reception = read(self.receiver, self.now_ms, contact_id, address)
        live = [began_ms for other, began_ms in self.attempts if other == address]
        self.attempts = [item for item in self.attempts if item[0] != address]
        if not live or self.now_ms >= live[0] + 10_000:
            assert reception.outcome is IGNORED
            return
        self.reads.append((address, contact_id, self.now_ms))
        assert reception.outcome is self.expected_record(contact_id, self.now_ms)
        self.holds(reception, contact_id, self.now_ms)

    @rule(address=st.sampled_from(ADDRESSES))
    def loses_the_connection(self, address: str) -> None:
        self.receiver.give_up(address)
        self.attempts = [item for item in self.attempts if item[0] != address]

    def holds(self, reception: Reception, contact_id: bytes, time_ms: int) -> None:
        """Hold the record, if there is one, to what it must say."""
        if reception.outcome is LOGGED:
            record = reception.record
            assert record is not None
            assert (record.contact_id, record.time_ms, record.own_id) == (
                contact_id,
                time_ms,
                own_id(time_ms),
            )
        else:
            assert reception.record is None

    @invariant()
    def no_two_records_of_an_id_are_nearer_than_5_s(self) -> None:
        for contact_id in IDS:
            times = sorted(at for known, at in self.records if known == contact_id)
            if self.profile is V3:
                assert all(later - at >= 5000 for at, later in pairwise(times))


class AndroidBuildMachine(ReceiverMachine):
    """The same with what Android 3.0.3 did: times of delivery, the last record alone, the oldest row (F-19)."""

    profile: ClassVar[Profile] = ANDROID_V3

    def record_time(self, time_ms: int, delivered_ms: int) -> int:
        return delivered_ms

    def expected_record(self, contact_id: bytes, time_ms: int) -> Outcome:
        last = [at for known, at in self.records if known == contact_id][-1:]
        if last and time_ms - last[0] < 5000:
            return REPEATED
        self.records.append((contact_id, time_ms))
        return LOGGED

    def expected_cached(self, address: str, time_ms: int) -> bytes | None:
        oldest = [(contact_id, read_ms) for other, contact_id, read_ms in self.reads if other == address][:1]
        same = [
            contact_id for contact_id, read_ms in oldest if read_ms % DAY // SLOT == time_ms % DAY // SLOT
        ]
        return same[0] if same else None


RUNS = settings(max_examples=60, stateful_step_count=40)
TestProtocol: Callable[..., object] = pytest.mark.req("BZ-LOG-002", "BZ-RCV-004", "BZ-RCV-005")(
    ReceiverMachine.TestCase
)
TestAndroidBuild: Callable[..., object] = pytest.mark.req("BZ-LOG-002", "BZ-RCV-005", "F-19", "F-28")(
    AndroidBuildMachine.TestCase
)
ReceiverMachine.TestCase.settings = RUNS
AndroidBuildMachine.TestCase.settings = RUNS


# --- properties ---------------------------------------------------------------------------------------------

times = st.integers(0, 40_000).map(lambda offset: NOON + offset)


@pytest.mark.req("BZ-LOG-002")
@given(st.lists(times, max_size=12))
def test_no_two_records_are_near_and_none_is_missing_without_a_near_one(heard: list[int]) -> None:
    receiver = Receiver(own_id)
    logged: list[int] = []
    for time_ms in heard:
        free = all(abs(time_ms - other) >= 5000 for other in logged)
        assert hear(receiver, time_ms, android()).outcome is (LOGGED if free else REPEATED)
        if free:
            logged.append(time_ms)


@pytest.mark.req("BZ-RCV-003")
@given(st.lists(st.binary(max_size=40), max_size=6), st.sampled_from([V1, V2, V3, ANDROID_V3]))
def test_no_octets_break_a_receiver(heard: list[bytes], profile: Profile) -> None:
    receiver = Receiver(own_id, profile)
    for octets in heard:
        assert hear(receiver, NOON, octets).outcome in Outcome
        assert read(receiver, NOON, octets).outcome in {LOGGED, REPEATED, IGNORED}
    assert hear(receiver, NOON, bytes.fromhex("02010a")).outcome is IGNORED
