"""The scenario file: TOML in, a ``Scenario`` out, strictly.

Theory of operation. A scenario is written by hand, and a mistake in it would make a judgement say what is not so.
Whatever is unknown, missing or contradictory is therefore refused in one sentence that says where: a key that does not
exist, a phone in a meeting that nobody defined, a time after the end. What can be found out without playing is found
out here; of a scenario without a start, what depends on its day shows when it is played.

No error repeats a base id.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from bluezone_harness.evidence.strict_json import Node, parse_toml
from bluezone_harness.virtual.plans import GREATEST_DURATION_MS, GREATEST_TIME_MS
from bluezone_reference.key_schedule import DAY_MS, slots_a_day

from .entries import Stage, advert_of, case_of, event_of, expectation_of, meeting_of, relay_of
from .model import Meeting, ReceiverPlan, Scenario
from .phones import app_of, max_of, phone_of, platform_of
from .values import duration_ms, instant_ms, positive_ms

SCHEMA = 1
"""Version of the form of the file."""

_SCAN_MS = {"closed": (40_000, 260_000), "open": (150_000, 5_000)}
"""How an Android phone scans and pauses. Source: ``schedule`` of the profile ``android-v3``."""
_CONTINUOUS_MS = (40_000, 0)
"""How an iPhone scans, as far as its system lets it. Source: chapter Receiver, "Scan windows"."""
_RECEIVER = ReceiverPlan("android", "closed", *_SCAN_MS["closed"], slots_a_day())


def read_scenario(name: str, octets: bytes) -> Scenario:
    """Read a scenario.

    Args:
        name: Of the file, without folders; for messages.
        octets: All of it: TOML, as UTF-8, with or without a byte order mark.

    Raises:
        EvidenceError: It is no TOML, or not as the form asks for; the sentence says where.
    """
    node = parse_toml(name, octets)
    node.keys(
        ("schema", "duration"),
        (
            *("title", "seed", "start", "alone", "receiver"),
            *("phone", "meeting", "advert", "relay", "case", "event", "expect"),
        ),
    )
    if node["schema"].integer() != SCHEMA:
        raise node["schema"].refusal(f"the schema is not {SCHEMA}, the only one there is")
    lasts_ms = _duration_ms(node["duration"])
    start_ms = _start_ms(node["start"], lasts_ms) if "start" in node else None
    phones = tuple(phone_of(each, start_ms) for each in _entries(node, "phone"))
    known: set[str] = set()
    _refuse_known_names(_entries(node, "phone"), (each.name for each in phones), known)
    stage = Stage(lasts_ms, {each.name: each for each in phones})
    meetings = tuple(meeting_of(each, stage) for each in _entries(node, "meeting"))
    _refuse_two_at_once(node, meetings)
    adverts = tuple(advert_of(each, stage) for each in _entries(node, "advert"))
    relays = tuple(
        relay_of(each, stage, number) for number, each in enumerate(_entries(node, "relay"), start=1)
    )
    _refuse_known_names(_entries(node, "advert"), (each.name for each in adverts), known)
    _refuse_known_names(_entries(node, "relay"), (each.name for each in relays), known)
    events = sorted((event_of(each, stage) for each in _entries(node, "event")), key=lambda each: each.at_ms)
    return Scenario(
        name=name,
        title=node["title"].text() if "title" in node else "",
        seed=node["seed"].integer() if "seed" in node else 0,
        start_ms=start_ms,
        duration_ms=lasts_ms,
        alone=node["alone"].boolean() if "alone" in node else False,
        receiver=_receiver(node) if "receiver" in node else _RECEIVER,
        phones=phones,
        meetings=meetings,
        adverts=adverts,
        relays=relays,
        cases=tuple(case_of(each, stage) for each in _entries(node, "case")),
        events=tuple(events),
        expectations=tuple(expectation_of(each, stage) for each in _entries(node, "expect")),
        text=octets.decode("utf-8-sig"),
        sha256=sha256(octets).hexdigest(),
    )


def _entries(node: Node, key: str) -> tuple[Node, ...]:
    return node[key].items() if key in node else ()


def _duration_ms(node: Node) -> int:
    lasts_ms = positive_ms(node)
    if lasts_ms > GREATEST_DURATION_MS:
        raise node.refusal(f"a scenario lasts at most {GREATEST_DURATION_MS // DAY_MS} days")
    return lasts_ms


def _start_ms(node: Node, lasts_ms: int) -> int:
    start_ms = instant_ms(node)
    if not 0 <= start_ms <= GREATEST_TIME_MS - lasts_ms:
        raise node.refusal("the scenario does not lie between 1970 and the first days of 2106")
    return start_ms


def _receiver(top: Node) -> ReceiverPlan:
    node = top["receiver"]
    node.keys((), ("platform", "app", "scan_on", "scan_off", "max"))
    platform = platform_of(node["platform"]) if "platform" in node else "android"
    app = app_of(node["app"]) if "app" in node else "closed"
    on_ms, off_ms = _CONTINUOUS_MS if platform == "ios" else _SCAN_MS[app]
    return ReceiverPlan(
        platform,
        app,
        positive_ms(node["scan_on"]) if "scan_on" in node else on_ms,
        duration_ms(node["scan_off"]) if "scan_off" in node else off_ms,
        max_of(node["max"]) if "max" in node else slots_a_day(),
    )


def _refuse_two_at_once(node: Node, meetings: tuple[Meeting, ...]) -> None:
    """Refuse meetings of one phone that overlap: it would be near twice."""
    for number, meeting in enumerate(meetings):
        for before in meetings[:number]:
            both = set(meeting.phones) & set(before.phones)
            if both and before.from_ms < meeting.until_ms and meeting.from_ms < before.until_ms:
                first = next(each for each in meeting.phones if each in both)
                raise (
                    node["meeting"]
                    .items()[number]
                    .refusal(
                        f"{first!r} is in another meeting at the same time: let one end before the other begins"
                    )
                )


def _refuse_known_names(entries: Iterable[Node], names: Iterable[str], known: set[str]) -> None:
    """Refuse a name that stands there already, and know the others from now on."""
    for entry, name in zip(entries, names, strict=True):
        if name in known:
            raise entry.refusal(f"the name {name!r} stands there twice: give each sender its own")
        known.add(name)
