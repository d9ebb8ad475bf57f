"""What a scenario says: who is near a device under test, when, and what it is to be judged by.

Times are milliseconds after the start of the scenario, which is only known when it is played, unless it names its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from bluezone_harness.findings import Verdict
from bluezone_harness.observations import PduType

Platform = Literal["android", "ios"]

ADVERT_INTERVAL_MS = 100
"""The advertising interval where a scenario does not say."""


class Reads(StrEnum):
    """What an iPhone does when it is read."""

    ANSWERED = "answered"
    """It answers with its rolling id."""
    NEVER_ANSWERED = "never answered"
    """It takes the connection, and answers nothing."""
    REFUSED = "refused"
    """It answers with an ATT error."""
    NO_SERVICE = "no service"
    """It does not offer the service that it advertises."""
    OTHER_LENGTH = "thirteen octets"
    """It answers with its rolling id and one octet more."""


@dataclass(frozen=True, slots=True)
class ReceiverPlan:
    """The device under test, as a receiver: when it scans, and by which slots it counts.

    Attributes:
        platform: ``android`` or ``ios``.
        app: Whether the app is ``open`` or ``closed`` on it.
        scan_on_ms: How long it scans.
        scan_off_ms: How long it pauses then; 0: it scans continuously.
        max_per_day: Its setting of ``max``, slots a day.
    """

    platform: Platform
    app: Literal["open", "closed"]
    scan_on_ms: int
    scan_off_ms: int
    max_per_day: int


@dataclass(frozen=True, slots=True)
class PlayedPhone:
    """A phone that is played.

    Attributes:
        name: Its own.
        profile: Name of the profile that it follows.
        platform: ``android`` or ``ios``.
        app: Whether the app is ``open`` or ``closed`` on it; a closed one of an iPhone is in the background.
        base_id: 32 octets; ``None``: drawn.
        base_day_ms: UTC midnight of the day of the base id, since the Unix epoch; ``None``: drawn.
        max_per_day: Its setting of ``max``; ``None``: the default.
        faults: Names of planted faults.
        offset_ms: By how much its clock is ahead.
        reads: What it does when it is read; iPhones only.
        services: The field of its overflow form, 16 octets; empty: that of an iPhone with no other app.
    """

    name: str
    profile: str
    platform: Platform
    app: Literal["open", "closed"]
    base_id: bytes | None
    base_day_ms: int | None
    max_per_day: int | None
    faults: tuple[str, ...]
    offset_ms: int
    reads: Reads
    services: bytes


@dataclass(frozen=True, slots=True)
class Meeting:
    """When phones are near the device under test.

    Attributes:
        phones: Their names.
        from_ms: Its beginning.
        until_ms: Its end.
        rssi: In dBm, in the middle of what is heard; ``None``: as it comes.
    """

    phones: tuple[str, ...]
    from_ms: int
    until_ms: int
    rssi: int | None


@dataclass(frozen=True, slots=True)
class PlayedAdvert:
    """One advertising set, whatever its octets: a crafted advert, or octets as given.

    Attributes:
        name: Its own.
        kind: Name of a crafted advert; empty where octets are given.
        vector: Id of the vector whose octets were taken; empty where none was.
        ad: AdvData; ``None``: as the crafted advert makes them.
        response: AdvData of the scan response that is given; empty: none.
        pdu: Which PDU is sent.
        address: 6 octets, the most significant first; ``None``: drawn.
        interval_ms: Nominal advertising interval.
        from_ms: Its beginning.
        until_ms: Its end.
        rssi: In dBm, in the middle of what is heard; ``None``: as it comes.
    """

    name: str
    kind: str
    vector: str
    ad: bytes | None
    response: bytes
    pdu: PduType
    address: bytes | None
    interval_ms: int
    from_ms: int
    until_ms: int
    rssi: int | None


@dataclass(frozen=True, slots=True)
class Relay:
    """Somebody who sends again what a phone sent.

    Attributes:
        name: Its own.
        phone: Name of the phone.
        from_ms: When it begins to send.
        until_ms: When it ends.
        delay_ms: How much later it sends than the phone did.
        rssi: In dBm, in the middle of what is heard; ``None``: as it comes.
    """

    name: str
    phone: str
    from_ms: int
    until_ms: int
    delay_ms: int
    rssi: int | None


@dataclass(frozen=True, slots=True)
class ConfirmedCase:
    """A phone whose owner is confirmed positive.

    Attributes:
        phone: Its name.
        day_ms: UTC midnight of the day of the confirmation, since the Unix epoch.
    """

    phone: str
    day_ms: int


@dataclass(frozen=True, slots=True)
class ScenarioEvent:
    """Something that happens and that the record notes; nothing on the air comes of it.

    Attributes:
        at_ms: When.
        name: Which event of a recording it is.
        fields: What else it says, as in a recording.
    """

    at_ms: int
    name: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a judgement is expected to say.

    Attributes:
        requirement: Its id.
        verdict: Which.
        phone: About which phone; empty: about the device under test.
    """

    requirement: str
    verdict: Verdict
    phone: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario, read.

    Attributes:
        name: Of its file, without folders.
        title: What it is about; may be empty.
        seed: What everything drawn is drawn from.
        start_ms: When it begins, in milliseconds since the Unix epoch; ``None``: when it is played.
        duration_ms: How long it lasts.
        alone: Nobody else's phones are near the device under test: what was not sent was invented.
        receiver: The device under test.
        phones: Those that are played.
        meetings: When phones are near; a phone without any is near all the time.
        adverts: Sets beside those of phones.
        relays: Who sends again what phones sent.
        cases: Whose owners are confirmed positive.
        events: What the record notes, in the order of time.
        expectations: What judgements are expected to say.
        text: The whole file.
        sha256: Of its octets, in hex.
    """

    name: str
    title: str
    seed: int
    start_ms: int | None
    duration_ms: int
    alone: bool
    receiver: ReceiverPlan
    phones: tuple[PlayedPhone, ...]
    meetings: tuple[Meeting, ...]
    adverts: tuple[PlayedAdvert, ...]
    relays: tuple[Relay, ...]
    cases: tuple[ConfirmedCase, ...]
    events: tuple[ScenarioEvent, ...]
    expectations: tuple[Expectation, ...]
    text: str
    sha256: str
