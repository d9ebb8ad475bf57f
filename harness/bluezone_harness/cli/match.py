"""``bzc match``: positive cases against a contact log."""

from __future__ import annotations

import click

from bluezone_harness.evidence.contact_log_model import ContactLogEvidence, LogKind
from bluezone_harness.evidence.contact_logs import read_contact_log
from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import Capability
from bluezone_reference.errors import MalformedError
from bluezone_reference.matching import Answer, CaseAnswer, match
from bluezone_reference.positive_cases import decode_cases
from bluezone_reference.profiles import PROFILES

from .failures import NAME, CallerError, ExitCode
from .inputs import INPUT_FILE, file_name, read_file
from .options import profile_option
from .output import echo_json, examples, one_line, table, time_text


@click.command(
    epilog=examples(
        "bzc match --cases cases.json --log data_trace.txt",
        "bzc match --cases - --log app_db_2.db --json < cases.json",
    )
)
@click.option(
    "--cases",
    "cases_path",
    type=INPUT_FILE,
    required=True,
    metavar="CASES.json",
    help="The message of positive cases; - reads it from standard input.",
)
@click.option(
    "--log",
    "log_path",
    type=INPUT_FILE,
    required=True,
    metavar="LOG",
    help="A contact log: data_trace.txt, or the phone's SQLite database; - reads it from standard input.",
)
@profile_option("Who matches.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(ctx: click.Context, cases_path: str, log_path: str, profile_name: str, as_json: bool) -> None:
    """Match positive cases against a contact log.

    Every case is evaluated and every hit is named, with its time and RSSI. A malformed case is refused by
    itself and hides no other; rows of the log that cannot be read are counted on standard error. A quirk
    profile such as android-v3 stops where that build stopped.

    CASES.json is {"data": [{"daily_key", "time_start", "time_end", "max"}, ...]}, times in seconds.

    Exit code: 0 every case was evaluated, contact or not; 1 a case was refused, or the published build gives
    no answer; 3 the log, or the message as a whole, cannot be read.
    """
    if cases_path == log_path == "-":
        raise CallerError("standard input can be read only once: give '-' once")
    profile = PROFILES[profile_name]
    try:
        cases = decode_cases(read_file(cases_path), profile)
    except MalformedError as error:
        # No case was refused here: the message as a whole is unreadable evidence.
        raise EvidenceError(file_name(cases_path), f"{error}: give a message of positive cases") from None
    log = _log(log_path)
    answer = match(cases, log.records, profile)
    if as_json:
        echo_json(_object(answer))
    else:
        click.echo("\n".join(_text(answer, len(cases))))
    if any(each.rejected for each in answer.cases):
        ctx.exit(ExitCode.FAILED)


def _log(path: str) -> ContactLogEvidence:
    """Read a contact log; what of it could not be read is said on standard error, what could is kept."""
    log = read_contact_log(file_name(path), read_file(path))
    if Capability.RECORDS not in log.capabilities:
        raise EvidenceError(log.name, "a database of addresses alone, without records: give app_db_2.db")
    read = {row.number for row in (*log.rows, log.unfinished) if row}
    unread = {defect.number: defect for defect in log.defects if defect.number not in read}
    reasons = {defect.reason for defect in unread.values()}
    notes = [each.message for each in log.diagnostics if each.message not in reasons]
    if unread:
        first = next(iter(unread.values()))
        where = "line" if log.kind is LogKind.EXPORT else "row"
        rows = "1 row" if len(unread) == 1 else f"{len(unread)} rows"
        where = f"first: {where} {first.number}, {first.reason}"
        notes.append(f"{rows} could not be read ({where}); the others were matched")
    for note in notes:
        click.echo(f"{NAME}: {one_line(f'{log.name}: {note}')}", err=True)
    return log


def _object(answer: Answer) -> dict[str, object]:
    return {
        "contact": answer.contact,
        "cases": [
            {
                "index": each.index,
                "contact": each.contact,
                "hits": [
                    {
                        "day": hit.day,
                        "slot": hit.slot,
                        "rolling_id": hit.rolling_id,
                        "time_ms": hit.time_ms,
                        "rssi": hit.rssi,
                    }
                    for hit in each.hits
                ],
                "rejected": str(each.rejected) if each.rejected else None,
            }
            for each in answer.cases
        ],
    }


def _text(answer: Answer, count: int) -> list[str]:
    lines = ["contact" if answer.contact else "no contact"]
    for each in answer.cases:
        lines.append(f"case {each.index}: {_outcome(each)}")
        if each.hits:
            rows = [
                (str(hit.day), str(hit.slot), hit.rolling_id.hex(), time_text(hit.time_ms), f"{hit.rssi} dBm")
                for hit in each.hits
            ]
            lines += [
                f"  {line}"
                for line in table(("day", "slot", "rolling id", "time", "RSSI"), rows).splitlines()
            ]
    if len(answer.cases) < count:
        lines.append(f"{count - len(answer.cases)} of {count} cases not evaluated: this build stops there")
    return lines


def _outcome(each: CaseAnswer) -> str:
    if each.rejected:
        return f"refused: {each.rejected}"
    records = "record" if len(each.hits) == 1 else "records"
    return f"contact, {len(each.hits)} {records}" if each.contact else "no contact"
