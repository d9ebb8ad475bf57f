"""``bzc ids``: the rolling ids of a base id, at an instant or of a day."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from bluezone_reference.errors import RefusedError, RejectCode
from bluezone_reference.key_schedule import SlotId, id_at, ids_of_day, slots_a_day
from bluezone_reference.profiles import PROFILES

from .failures import CallerError
from .inputs import DAY, NUMBER, TIME, parse_key, read_hex_line
from .options import profile_option
from .output import duration_text, echo_json, examples, plain, table, time_text

_ADVICE = {
    RejectCode.BAD_BASE_ID: "give --base-id 64 hex digits",
    RejectCode.BAD_MAX: "give --max such a number, or leave it out for the default",
    RejectCode.BEFORE_BASE_DAY: "give --at or --day a time on or after --base-day, or mend --base-day",
    RejectCode.DAY_OUT_OF_RANGE: "give --at or --day an earlier day, or mend --base-day",
    RejectCode.NO_KEY_SCHEDULE: "choose another --profile",
}


@click.command(
    epilog=examples(
        "bzc ids --base-id - --base-day 2020-08-08 --at 2020-08-08T05:56:31Z < base_id.txt",
        "bzc ids --base-id - --base-day 2020-08-08 --day 0 --json < base_id.txt",
        "bzc ids --base-id - --base-day 2020-08-08 --at 1596866191387 --profile ios-v3 --max 7 < base_id.txt",
    )
)
@click.option(
    "--base-id",
    "base_id_text",
    metavar="HEX|-",
    required=True,
    help="The base id, 64 hex digits; - reads it from standard input.",
)
@click.option(
    "--base-day",
    "base_day_ms",
    type=DAY,
    required=True,
    metavar="YYYY-MM-DD",
    help="The UTC day on which the base id was made.",
)
@click.option(
    "--at",
    "time_ms",
    type=TIME,
    metavar="TIME",
    help="An instant: ISO 8601 with an offset, or milliseconds since 1970.",
)
@click.option("--day", type=NUMBER, metavar="N", help="A whole day, counted from the base day, which is 0.")
@click.option(
    "--max", "max_per_day", type=NUMBER, metavar="N", help="Slots a day; else the profile's default."
)
@profile_option("Whose arithmetic.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    base_id_text: str,
    base_day_ms: int,
    time_ms: int | None,
    day: int | None,
    max_per_day: int | None,
    profile_name: str,
    as_json: bool,
) -> None:
    """Compute the rolling ids of a base id.

    The id of an instant (--at), or all ids of a day (--day), each with its slot and the interval in which it
    is valid. Times are UTC; the end of an interval is the first instant after it.

    A quirk profile such as android-v3 computes what that published build computed; where the build gave no
    answer, the exit code is 1 and the message names the fault.
    """
    if (time_ms is None) == (day is None):
        raise CallerError("give either --at TIME or --day N; see 'bzc ids --help'")
    profile = PROFILES[profile_name]
    base_id = _base_id(base_id_text)
    with _refused_with_advice():
        count = slots_a_day(max_per_day, profile)
        if time_ms is not None:
            found = id_at(base_id, base_day_ms, time_ms, max_per_day, profile)
            if as_json:
                echo_json(plain(found))
            else:
                click.echo(_one(found, count))
        else:
            ids = ids_of_day(base_id, base_day_ms, day or 0, max_per_day, profile)
            if as_json:
                echo_json({"day": day, "max": count, "ids": ids})
            else:
                click.echo(_all(ids))


def _base_id(text: str) -> bytes:
    if text == "-":
        text = read_hex_line("the base id")
    try:
        return parse_key(text)
    except ValueError as error:
        raise CallerError(f"--base-id: {error}") from None


@contextmanager
def _refused_with_advice() -> Iterator[None]:
    """Say what to do about a question that the key schedule refuses."""
    try:
        yield
    except RefusedError as error:
        raise CallerError(f"{error}: {_ADVICE[error.code]}") from None


def _one(found: SlotId, count: int) -> str:
    length = duration_text(found.valid_until_ms - found.valid_from_ms)
    return "\n".join(
        (
            f"rolling id   {found.rolling_id.hex()}",
            f"day          {found.day}",
            f"slot         {found.slot} of {count}",
            f"valid from   {time_text(found.valid_from_ms)}",
            f"valid until  {time_text(found.valid_until_ms)} (not included; {length})",
        )
    )


def _all(ids: tuple[SlotId, ...]) -> str:
    rows = [
        (str(each.slot), each.rolling_id.hex(), time_text(each.valid_from_ms), time_text(each.valid_until_ms))
        for each in ids
    ]
    return table(("slot", "rolling id", "valid from", "valid until (not included)"), rows)
