"""``bzc decode``: what an advertisement's AdvData hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from bluezone_reference.ad_structures import AdStructure, intact_structures
from bluezone_reference.advertisement import Advertisement, Kind, advertisement_of, describe
from bluezone_reference.errors import MalformedError

from .ad_types import meaning, type_name
from .failures import NAME, CallerError, ExitCode
from .inputs import parse_octets, read_hex_text
from .output import echo_json, examples, one_line, plain, printable, table

KIND_TEXTS: dict[Kind, str] = {
    "android": "an Android phone running Bluezone, version 2 or 3 (the air does not tell which)",
    "ios": "an iPhone running Bluezone 3; its id is read by GATT",
    "ios-background": "an iPhone with an app in the background on Bluezone's bit; its id is read by GATT",
    "old-android": "an Android phone running Bluezone 1, with a static id",
    "old-ios": "an iPhone running Bluezone 1 or 2, with a static id",
    "other": "not Bluezone",
}


@click.command(
    epilog=examples(
        "bzc decode 0201020fffb522b9a665d754fe65e665d76a450303564e",
        "bzc decode 02:01:06 --json",
        "echo 0x02 0x01 0x1A | bzc decode -",
    )
)
@click.argument("groups", metavar="HEX", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(ctx: click.Context, groups: tuple[str, ...], as_json: bool) -> None:
    """Say what an advertisement's AdvData hold.

    HEX is the AdvData of a legacy advertisement, from the first length octet on: hex digits, with or without
    spaces, colons and 0x; - reads them from standard input.

    Malformed AdvData end with exit code 1 and the reject code, the requirement that is broken, and the
    offset; the AD structures before the damage are shown all the same.
    """
    text = read_hex_text("AdvData in hex") if groups == ("-",) else " ".join(groups)
    try:
        octets = parse_octets(text)
    except ValueError as error:
        raise CallerError(f"HEX: {error}") from None
    structures, damage = intact_structures(octets)
    advertisement = None
    if damage is None:
        try:
            advertisement = advertisement_of(structures)
        except MalformedError as error:
            damage = error
    if as_json:
        echo_json(_object(advertisement, damage, structures))
    else:
        for line in _text(advertisement, structures):
            click.echo(line)
    if damage is not None:
        if not as_json:
            # The reject is the answer asked for; as an error it also goes where errors go.
            click.echo(f"{NAME}: {one_line(f'malformed AdvData, {damage}')}", err=True)
        ctx.exit(ExitCode.FAILED)


def _object(
    advertisement: Advertisement | None, damage: MalformedError | None, structures: Sequence[AdStructure]
) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if advertisement is not None:
        answer |= {"kind": describe(advertisement), "fields": plain(advertisement)}
    if damage is not None:
        answer["reject"] = {
            "code": damage.code,
            "requirement": damage.requirement,
            "offset": damage.offset,
            "reason": damage.reason,
        }
    answer["structures"] = [
        {"offset": each.offset, "type": each.ad_type, "name": type_name(each.ad_type), "data": each.data}
        for each in structures
    ]
    return answer


def _text(advertisement: Advertisement | None, structures: Sequence[AdStructure]) -> list[str]:
    lines: list[str] = []
    if advertisement is not None:
        kind = describe(advertisement)
        lines.append(f"{kind}: {KIND_TEXTS[kind]}")
        fields = plain(advertisement)
        assert isinstance(fields, dict)  # noqa: S101 - what plain makes of a dataclass
        lines += [f"  {name.replace('_', ' ')}: {_shown(value)}" for name, value in fields.items()]
    if structures:
        rows = [
            (
                str(each.offset),
                f"0x{each.ad_type:02X}",
                type_name(each.ad_type),
                meaning(each) or each.data.hex(),
            )
            for each in structures
        ]
        lines += [table(("offset", "type", "name", "data"), rows)]
    return lines


def _shown(value: object) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
    return printable(str(value))
