"""Key material, the ``InfoF`` of an upload: a base id, its day, and the day key that is published.

::

    {"base_id": 64 hex digits, "time": s, "daily_key": 64 hex digits, "time_start": s}

Both times are midnights UTC, and the day key follows from the base id (BZ-MSG-002), so that a reader can tell whether
a phone computed right. What an upload publishes when is BZ-MSG-004.
"""

from __future__ import annotations

from dataclasses import dataclass

from .errors import MalformedError, RefusedError, RejectCode
from .json_text import JsonObject, decode_object, encode_json, octets_of
from .key_schedule import DAY_MS, DAYS_PUBLISHED, LAST_DAY, day_key, published_day_key
from .positive_cases import LAST_SECOND, is_hex_key

_DAY_S = DAY_MS // 1000
_KEYS = ("base_id", "time", "daily_key", "time_start")


@dataclass(frozen=True, slots=True)
class KeyMaterial:
    """What an upload says of a phone's keys.

    Attributes:
        base_id: 32 octets.
        base_day_ms: UTC midnight of the base day.
        day_key: 32 octets; that of the day of ``time_start_ms``.
        time_start_ms: UTC midnight, not before the base day.
        further: Keys of the object that nobody knows, sorted.
    """

    base_id: bytes
    base_day_ms: int
    day_key: bytes
    time_start_ms: int
    further: tuple[str, ...] = ()


def key_material(
    base_id: bytes, base_day_ms: int, now_ms: int, days_back: int = DAYS_PUBLISHED
) -> KeyMaterial:
    """Return the key material that a phone uploads.

    Args:
        base_id: 32 octets.
        base_day_ms: UTC midnight of the base day.
        now_ms: The instant of the upload.
        days_back: The days asked for.

    Raises:
        ValueError: ``days_back`` is negative, or an argument is of another type.
        RefusedError: NOT_MIDNIGHT, ``base_day_ms`` is none; BAD_BASE_ID or DAY_OUT_OF_RANGE.

    Source: BZ-MSG-004.
    """
    if type(base_day_ms) is int and base_day_ms % DAY_MS:
        raise RefusedError(RejectCode.NOT_MIDNIGHT, "BZ-MSG-002", "the base day must be a midnight UTC")
    published = published_day_key(base_id, base_day_ms, now_ms, days_back)
    return KeyMaterial(base_id, base_day_ms, published.day_key, published.time_start_ms)


def decode_key_material(text: bytes, *, pointer: str = "", offset: int = 0) -> KeyMaterial:
    """Read the ``InfoF`` of an upload.

    Args:
        text: JSON in UTF-8.
        pointer: Where the text stands, if it is a value of another JSON text; for errors.
        offset: Octets from the start of what was received to the text; for errors.

    Raises:
        MalformedError: BAD_JSON, MISSING_FIELD, NOT_TEXT, NOT_AN_INTEGER, BAD_BASE_ID, BAD_DAY_KEY, BAD_TIME,
            NOT_MIDNIGHT, DAY_BEFORE_BASE_DAY, DAY_OUT_OF_RANGE or WRONG_DAY_KEY.

    Source: BZ-MSG-002.
    """
    info = decode_object(text, "BZ-MSG-002", pointer=pointer, offset=offset, code=RejectCode.BAD_JSON)
    base_text, base_day_s = info.text("base_id"), info.integer("time")
    key_text, start_s = info.text("daily_key"), info.integer("time_start")
    base_id = _key(info, "base_id", base_text, RejectCode.BAD_BASE_ID)
    key = _key(info, "daily_key", key_text, RejectCode.BAD_DAY_KEY)
    for name, time_s in (("time", base_day_s), ("time_start", start_s)):
        if not 0 <= time_s <= LAST_SECOND:
            raise info.malformed(
                RejectCode.BAD_TIME, name, f"{name} is no time between 1970 and 9999 in seconds"
            )
    for name, time_s in (("time", base_day_s), ("time_start", start_s)):
        if time_s % _DAY_S:
            raise info.malformed(RejectCode.NOT_MIDNIGHT, name, f"{name} is no midnight UTC")
    day = (start_s - base_day_s) // _DAY_S
    if day < 0:
        raise info.malformed(RejectCode.DAY_BEFORE_BASE_DAY, "time_start", "time_start is before time")
    # bounds the work that a text can ask for (BZ-MSG-006)
    if day > LAST_DAY:
        raise info.malformed(
            RejectCode.DAY_OUT_OF_RANGE, "time_start", f"time_start is more than {LAST_DAY} days after time"
        )
    if key != day_key(base_id, day):  # BZ-KEY-003
        raise info.malformed(
            RejectCode.WRONG_DAY_KEY, "daily_key", "daily_key is not that of base_id on the day of time_start"
        )
    return KeyMaterial(base_id, base_day_s * 1000, key, start_s * 1000, info.further(_KEYS))


def encode_key_material(material: KeyMaterial) -> str:
    """Write the ``InfoF`` of an upload as Android does: on one line, hex digits in upper case.

    Args:
        material: Its further keys are not written, for nobody knows their values.

    Raises:
        RefusedError: A reader would refuse it, or a time is no whole second.

    Source: BZ-MSG-002; captured.
    """
    if material.base_day_ms % 1000 or material.time_start_ms % 1000:
        raise RefusedError(
            RejectCode.NOT_MIDNIGHT, "BZ-MSG-002", "a time of an upload must be a midnight UTC"
        )
    values = (
        material.base_id.hex().upper(),
        material.base_day_ms // 1000,
        material.day_key.hex().upper(),
        material.time_start_ms // 1000,
    )
    text = encode_json(dict(zip(_KEYS, values, strict=True)))
    try:
        decode_key_material(octets_of(text))
    except MalformedError as error:
        raise error.refusal() from None
    return text


def _key(info: JsonObject, name: str, text: str, code: RejectCode) -> bytes:
    if not is_hex_key(text):
        raise info.malformed(code, name, f"{name} is not 64 hex digits")
    return bytes.fromhex(text)
