"""The data trace, written a second time from the chapter "Contact log": written by its grammar, read with regrets."""

from __future__ import annotations

import re

from .errors import RefusedError
from .key_schedule import members, number

SECONDS_BELOW = 100_000_000_000
LAST_TIME_MS = 253_402_300_799_999
_MARK = b"\xef\xbb\xbf"

Record = dict[str, object]


def log_export(question: dict[str, object], profile: str) -> dict[str, object]:
    """Answer ``log_export``; iOS writes whole seconds, cut (F-01)."""
    lines = []
    for record in members(question["records"]):
        if not isinstance(record, dict):
            raise TypeError("a record is an object")
        time_ms = number(record["time_ms"])
        own_id, contact_id = str(record["own_id"]).upper(), str(record["contact_id"]).upper()
        time = time_ms // 1000 if profile == "ios-v3" else time_ms
        lines.append(f"{own_id}\t{contact_id}\t{number(record['rssi'])}\t{time}\n")
    return {"text": "".join(lines)}


def log_import(question: dict[str, object], profile: str) -> dict[str, object]:
    """Answer ``log_import``, by the table "Reading an export"; a log is read alike under every profile."""
    *lines, rest = bytes.fromhex(str(question["octets"])).split(b"\n")
    records: list[Record] = []
    defects: list[dict[str, object]] = []
    for place, line in enumerate(lines, start=1):
        record, codes = _read_line(line)
        records += [record] if record else []
        defects += [{"line": place, "code": code} for code in codes]
    if rest:
        record, codes = _read_line(rest)
        records += [record] if record else []
        codes = [*(codes if record else []), "UNTERMINATED_LOG_LINE"]
        defects += [{"line": len(lines) + 1, "code": code} for code in codes]
    return {"records": records, "defects": defects}


def _read_line(line: bytes) -> tuple[Record | None, list[str]]:
    """Return the record of a line, if it can be read, and the codes of its defects, from left to right."""
    before = ["BAD_LOG_LINE"] if line.startswith(_MARK) else []
    after = ["BAD_LOG_LINE"] if line.endswith(b"\r") else []
    line = line.removeprefix(_MARK).removesuffix(b"\r")
    try:
        record, within = _read_columns(line)
    except RefusedError as error:
        return None, [*before, error.code, *after]
    return record, [*before, *within, *after]


def _read_columns(line: bytes) -> tuple[Record, list[str]]:
    columns = line.split(b"\t")
    if any(octet > 127 for octet in line) or len(columns) != 4:
        raise RefusedError("BAD_LOG_LINE")
    codes: list[str] = []
    ids = []
    for column in columns[:2]:
        if not re.fullmatch(rb"(?:[0-9A-Fa-f]{2})+", column):
            raise RefusedError("BAD_LOG_LINE")
        codes += ["BAD_ID_LENGTH"] if len(column) != 24 else []
        codes += ["BAD_LOG_LINE"] if column.upper() != column else []
        ids.append(column.decode("ascii").lower())
    rssi, plain = _integer(columns[2], "BAD_RSSI")
    codes += [] if plain else ["BAD_LOG_LINE"]
    if not (-127 <= rssi <= 20 or rssi == 127):
        raise RefusedError("BAD_RSSI")
    time, plain = _integer(columns[3], "BAD_TIME")
    codes += [] if plain else ["BAD_LOG_LINE"]
    if not 0 <= time <= LAST_TIME_MS:
        raise RefusedError("BAD_TIME")
    time_ms = time * 1000 if time < SECONDS_BELOW else time
    return {"own_id": ids[0], "contact_id": ids[1], "rssi": rssi, "time_ms": time_ms}, codes


def _integer(column: bytes, code: str) -> tuple[int, bool]:
    """Return an integer, and whether it is written as BZ-LOG-003 says."""
    found = re.fullmatch(rb"([+-]?)0*([0-9]+)", column)
    if not found:
        raise RefusedError(code)
    digits = found[2][:20].decode("ascii")  # longer ones are beyond every range all the same
    value = -int(digits) if found[1] == b"-" else int(digits)
    return value, re.fullmatch(rb"0|-?[1-9][0-9]*", column) is not None
