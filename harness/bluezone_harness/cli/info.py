"""``bzc info``: what a file holds, and what it can show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import click

from bluezone_harness.checks.alignment import offset_text
from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.rows import count_text
from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.merging import SAME_CLOCK, clock_offsets
from bluezone_harness.observations import (
    RADIO,
    Capability,
    Extent,
    duration_text,
    instant_text,
    shows_octets,
    tells_fields,
)
from bluezone_harness.reports.texts import contents_text, words
from bluezone_spec import load

from .evidence_contents import Air, Contents, Shown, Span, contents_of, shown
from .evidence_inputs import read_evidence
from .failures import CallerError, ExitCode
from .inputs import INPUT_FILE, file_name
from .options import profile_option
from .output import echo_json, examples, labelled, printable
from .watching import watched

SCHEMA = 1
"""Version of the JSON form."""
_LABEL_COLUMNS = 12
_SILENCES_SHOWN = 3
_SECOND_MS = 1000
_STANDARD_INPUT = "-"
_FIELDS_TEXT = (
    "an operating system told what adverts hold, put together and not repeated where nothing changed: ids and "
    "addresses count, octets and silence do not"
)
_PRIVATE_TEXT = (
    "ids, addresses and names are true of the device under test only; everybody else's are pseudonyms, and none of "
    "them is taken for it"
)


@click.command(
    epilog=examples(
        "bzc info capture.pcapng",
        "bzc info bugreport.zip data_trace.txt --profile android-v3",
        "bzc info - --json < recording.jsonl",
    )
)
@click.argument("evidence", nargs=-1, required=True, type=INPUT_FILE)
@profile_option("Whose requirements to look at.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with all lists in full.")
@click.pass_context
def command(ctx: click.Context, evidence: Sequence[str], profile_name: str, as_json: bool) -> None:
    """Say what evidence holds and can show.

    Of each capture, recording and contact log: what it is, packets, adverts, senders, times, receivers, gaps and
    damage; what such evidence can show; and which requirements can be judged by it, alone or beside a device file.
    Nothing is judged: whether there is enough of it, only 'bzc check' tells. Of several captures, by how much their
    clocks differ, where that is sure.

    Ctrl-C while a file is read ends the reading: what was read so far is told, as damaged, and no other file.

    Exit code: 0, whatever it holds; 3 a file cannot be read, which does not keep the others from being told; 130
    interrupted.
    """
    if list(evidence).count(_STANDARD_INPUT) > 1:
        raise CallerError("standard input can be read only once: give '-' once")
    specification = load()
    found: list[Contents] = []
    captures: list[Capture] = []
    unreadable: list[tuple[str, str]] = []
    for path in evidence:
        with watched([path]) as watch:
            try:
                pieces = read_evidence(path, watch, keep_times=len(evidence) > 1)
            except EvidenceError as error:
                if watch.interrupted:
                    raise KeyboardInterrupt from None
                unreadable.append((file_name(path), str(error)))
                if not as_json:
                    click.echo(f"bzc: {printable(str(error))}", err=True)
                continue
        for piece in pieces:
            contents = contents_of(piece, specification, profile_name)
            found.append(contents)
            captures += [piece] if isinstance(piece, Capture) else []
            if not as_json:
                click.echo("\n".join([*_text(contents, profile_name), ""]))
        if watch.interrupted:
            break
    together = shown([each.capabilities for each in found], specification, profile_name)
    clocks = clock_offsets([each.folded for each in captures]) if len(captures) > 1 else ()
    if as_json:
        echo_json(
            {
                "schema": SCHEMA,
                "profile": profile_name,
                "evidence": found,
                "together": together,
                "clocks": [
                    {"name": capture.name, "agreements": None if offset is None else offset.agreements}
                    for capture, offset in zip(captures, clocks, strict=False)
                ],
                "unreadable": [{"name": name, "reason": reason} for name, reason in unreadable],
            }
        )
    elif len(found) > 1:
        click.echo("\n".join(["together", *_shown_text(together, profile_name)]))
        for capture, offset in [*zip(captures, clocks, strict=False)][1:]:
            text = (
                f"{capture.name}: {offset_text(captures[0], capture, offset)}" if offset != SAME_CLOCK else ""
            )
            click.echo(_line("clock", printable(text or f"{capture.name}: that of {captures[0].name}")))
    if watch.interrupted:
        ctx.exit(ExitCode.INTERRUPTED)
    ctx.exit(ExitCode.UNREADABLE if unreadable else ExitCode.HOLDS)


def _text(found: Contents, profile: str) -> Iterator[str]:
    yield click.style(printable(found.name), bold=True)
    yield _line("what", f"{words(found.kind)}, {'damaged' if found.partial else 'whole'}")
    yield _line("sha256", found.sha256)
    yield _line("holds", contents_text(found.contents))
    yield _line("time", "none" if found.time is None else _span_text(found.time))
    if found.air is not None:
        yield from _air_text(found.air)
    for each in found.diagnostics:
        where = "" if each.offset is None else f" at octet {each.offset}"
        yield _line("damage" if each.severity != "info" else "note", printable(f"{each.message}{where}"))
    yield from _capabilities_text(found)
    yield from _shown_text(found.requirements, profile)


def _air_text(air: Air) -> Iterator[str]:
    if len(air.receivers) > 1 or "" not in air.receivers:
        named = ", ".join(
            f"{printable(name) or 'unnamed'} ({count})" for name, count in air.receivers.items()
        )
        yield _line("receivers", f"{len(air.receivers)}, with their adverts: {named}" if named else "none")
    addresses = _counts_text(air.addresses) or "none"
    without = f"; {count_text(air.without_address, 'advert')} without any" if air.without_address else ""
    yield _line("addresses", f"{addresses}{without}")
    if air.pdus:
        yield _line("adverts", _counts_text(air.pdus))
    for platform, each in air.bluezone.items():
        yield _line(
            "Bluezone",
            f"{platform}: {count_text(each.adverts, 'advert')}, {count_text(each.addresses, 'address')}, "
            f"{count_text(each.ids, 'id')}; linked, {count_text(each.senders, 'sender')}",
        )
    if not air.bluezone:
        yield _line("Bluezone", "nothing is marked as Bluezone's: there is nothing to judge")
    if air.overflow:
        yield _line(
            "iPhones",
            f"{count_text(air.overflow, 'address')} with Bluezone's bit, which others may set as well",
        )
    if air.rssi_min is not None:
        yield _line("signal", f"{air.rssi_min} to {air.rssi_max} dBm")
    if air.channels:
        yield _line("channels", ", ".join(map(str, air.channels)))
    for label, counts in (("asked", air.asked), ("events", air.events)):
        if counts:
            yield _line(label, _counts_text(counts))
    if air.reads:
        yield _line("reads", f"{count_text(air.reads, 'value')} by GATT")
    if air.gaps:
        length_ms = sum(each.until_ms - each.from_ms for each in air.gaps)
        yield _line("gaps", f"{len(air.gaps)} noted, {duration_text(length_ms)} in all")
    if air.silences:
        longest = "; ".join(map(_span_text, air.silences[:_SILENCES_SHOWN]))
        yield _line("silences", f"{len(air.silences)} of more than a minute without any advert: {longest}")


def _capabilities_text(found: Contents) -> Iterator[str]:
    for label, extent in (("shows", Extent.YES), ("in part", Extent.PARTIAL)):
        named = [words(name) for name, each in found.capabilities.items() if each is extent]
        if named:
            yield _line(label, ", ".join(named))
    if found.air is not None:
        hidden = [
            words(name)
            for name in Capability
            if name in RADIO and found.capabilities.get(name, Extent.NO) is Extent.NO
            # octets show all that fields do, and more
            if name is not Capability.AD_FIELDS or not shows_octets(found.capabilities)
        ]
        yield _line("not", ", ".join(hidden) or "nothing is missing")
        if tells_fields(found.capabilities):
            yield _line("fields", _FIELDS_TEXT)
        if found.capabilities.get(Capability.TRUE_IDS) is Extent.PARTIAL:
            yield _line("private", _PRIVATE_TEXT)


def _shown_text(shown: Shown, profile: str) -> Iterator[str]:
    yield _line(
        "can judge",
        f"{shown.musts_alone} of {shown.musts} MUSTs of {profile} alone, {shown.musts_with_device} more with a "
        "device file, if there is enough of it",
    )
    if shown.alone:
        yield _line("  alone", _ids_text(shown.alone))
    if shown.with_device:
        yield _line("  device", _ids_text(shown.with_device))
    by_lack: dict[str, list[str]] = {}
    for name, missing in shown.lacking.items():
        by_lack.setdefault(", ".join(map(words, missing)), []).append(name)
    for lack, names in sorted(by_lack.items()):
        yield _line("cannot", f"{_ids_text(names)}: for want of {lack}")
    if shown.other:
        yield _line("no check", f"{_ids_text(shown.other)}: 'bzc explain ID' says what shows them")


def _ids_text(names: Sequence[str]) -> str:
    """Write ids of requirements by their areas, such as ``BZ-KEY 001 003, BZ-ADV 001``."""
    areas: dict[str, list[str]] = {}
    for name in names:
        area, _, number = name.rpartition("-")
        areas.setdefault(area, []).append(number)
    return ", ".join(f"{area} {' '.join(numbers)}" for area, numbers in areas.items())


def _counts_text(counts: Mapping[str, int]) -> str:
    return ", ".join(
        f"{count} {printable(words(name) if name.islower() else name)}"
        for name, count in Counter(counts).most_common()
    )


def _span_text(span: Span) -> str:
    lasts_ms = span.until_ms - span.from_ms
    if lasts_ms >= _SECOND_MS:
        # the instants beside it tell milliseconds
        lasts_ms = round(lasts_ms / _SECOND_MS) * _SECOND_MS
    return f"{instant_text(span.from_ms)} to {instant_text(span.until_ms)}, {duration_text(lasts_ms)}"


def _line(label: str, text: str) -> str:
    return labelled(f"  {label.ljust(_LABEL_COLUMNS - 2)}", text)
