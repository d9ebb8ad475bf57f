"""The device file: whose evidence it is, with base ids, settings and times.

Theory of operation. JSON in, ``Device`` values out, strictly: a key that is missing, unknown or written
twice, a value of another type, and values that contradict one another are refused in one sentence with a JSON
Pointer. A short form for one device stands beside the full form. What the protocol has an opinion about is
kept as it is: a base id of another length than 32 octets is for BZ-KEY-001 to judge, a ``max`` that no phone
may use is for BZ-KEY-007.

No error repeats a base id.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Literal, TypeVar

from bluezone_harness.evidence.strict_json import Node, parse

KIND = "device_file"
"""What a report calls it among the inputs."""

_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ADDRESS = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHORT_NAME = "phone"


@dataclass(frozen=True, slots=True)
class Base:
    """A base id that the device used.

    Attributes:
        base_id: Of any length; 32 octets if it is right.
        base_day_ms: UTC midnight of the day on which it was made.
        from_ms: When the device began to use it; ``None``: it always did.
    """

    base_id: bytes
    base_day_ms: int
    from_ms: int | None


@dataclass(frozen=True, slots=True)
class MaxSetting:
    """A setting of ``max``; ``from_ms`` is when it arrived, ``None``: it was always there."""

    from_ms: int | None
    value: int


@dataclass(frozen=True, slots=True)
class Foreground:
    """An interval in which the app was open; ``None``: without an end on that side."""

    from_ms: int | None
    to_ms: int | None


@dataclass(frozen=True, slots=True)
class Device:
    """A device under test.

    Attributes:
        name: For reports.
        platform: Empty where the file does not say.
        address: Bluetooth address in upper-case hex with colons; empty where it is not known.
        clock_offset_ms: By how much its clock is ahead of the receiver's; ``None``: to be estimated.
        bases: In the order of ``from_ms``; at least one.
        max_settings: In the order of ``from_ms``; none: nothing was configured.
        foreground: When the app was open.
    """

    name: str
    platform: Literal["android", "ios", ""]
    address: str
    clock_offset_ms: int | None
    bases: tuple[Base, ...]
    max_settings: tuple[MaxSetting, ...]
    foreground: tuple[Foreground, ...]


@dataclass(frozen=True, slots=True)
class DeviceFile:
    """A device file, read.

    Attributes:
        name: Of the file, without folders.
        sha256: Of its octets, in hex.
        devices: At least one.
    """

    name: str
    sha256: str
    devices: tuple[Device, ...]


_Dated = TypeVar("_Dated", Base, MaxSetting)


def read_device_file(name: str, octets: bytes) -> DeviceFile:
    """Read a device file in either form.

    Args:
        name: Of the file, without folders; for messages.
        octets: All of it: UTF-8, with or without a byte order mark.

    Raises:
        EvidenceError: It is no JSON, or not as the form asks for; the sentence says where.
    """
    node = parse(name, octets)
    if "devices" in node:
        node.keys(required=("schema", "devices"))
        schema = node["schema"]
        if schema.integer() != 1:
            raise schema.refusal("the schema is not 1, the only one there is")
        devices = tuple(_full(item) for item in node["devices"].items(least=1))
    else:
        node.keys(required=("base_id", "base_day"), optional=("max", "address", "platform", "foreground"))
        devices = (_short(node),)
    for what in ("name", "address"):
        values = [value for device in devices if (value := getattr(device, what))]
        for index, value in enumerate(values):
            if value in values[:index]:
                raise node["devices"].refusal(f"two devices have the {what} {value!r}")
    return DeviceFile(name, sha256(octets).hexdigest(), devices)


def _short(node: Node) -> Device:
    return Device(
        name=_SHORT_NAME,
        platform=_platform(node["platform"]) if "platform" in node else "",
        address=_address(node["address"]) if "address" in node else "",
        clock_offset_ms=None,
        bases=(_base(node),),
        max_settings=(MaxSetting(None, node["max"].integer()),) if "max" in node else (),
        foreground=_short_foreground(node["foreground"]) if "foreground" in node else (),
    )


def _full(node: Node) -> Device:
    node.keys(
        required=("name", "platform", "bases", "max", "foreground"), optional=("address", "clock_offset_ms")
    )
    name = node["name"].text()
    if not name.strip() or not name.isprintable():
        raise node["name"].refusal("the name is empty, or holds what cannot be printed")
    for item in node["bases"].items(least=1):
        item.keys(required=("base_id", "base_day"), optional=("from",))
    return Device(
        name=name,
        platform=_platform(node["platform"]),
        address=_address(node["address"]) if "address" in node else "",
        clock_offset_ms=node["clock_offset_ms"].integer() if "clock_offset_ms" in node else None,
        bases=_in_order(node["bases"], _base, "base ids"),
        max_settings=_in_order(node["max"], _max_setting, "values of max"),
        foreground=tuple(_foreground(item) for item in node["foreground"].items()),
    )


def _base(node: Node) -> Base:
    base_id = node["base_id"].text()
    if not _HEX.fullmatch(base_id):
        odd = len(base_id) % 2 and re.fullmatch(r"[0-9A-Fa-f]*", base_id)
        raise node["base_id"].refusal(
            "the base id has an odd number of hex digits" if odd else "the base id is no hex"
        )
    base_day_ms = _day_ms(node["base_day"])
    from_ms = _time_ms(node["from"]) if "from" in node else None
    if from_ms is not None and from_ms < base_day_ms:
        raise node["from"].refusal("the base id is used before the day on which it was made")
    return Base(bytes.fromhex(base_id), base_day_ms, from_ms)


def _max_setting(node: Node) -> MaxSetting:
    node.keys(required=("from", "value"))
    return MaxSetting(_time_ms(node["from"]), node["value"].integer())


def _foreground(node: Node) -> Foreground:
    node.keys(required=("from", "to"))
    from_ms, to_ms = _time_ms(node["from"]), _time_ms(node["to"])
    if to_ms <= from_ms:
        raise node["to"].refusal("the interval ends before it begins")
    return Foreground(from_ms, to_ms)


def _short_foreground(node: Node) -> tuple[Foreground, ...]:
    """Read ``true`` (the app was open all the time), ``false``, or a list of intervals."""
    if isinstance(node.value, bool):
        return (Foreground(None, None),) if node.value else ()
    return tuple(_foreground(item) for item in node.items())


def _platform(node: Node) -> Literal["android", "ios"]:
    match node.text():
        case "android":
            return "android"
        case "ios":
            return "ios"
    raise node.refusal("the platform is neither 'android' nor 'ios'")


def _address(node: Node) -> str:
    if not _ADDRESS.fullmatch(node.text()):
        raise node.refusal(
            "the address is not six octets in hex with colons between, such as 5A:00:00:00:00:01"
        )
    return node.text().upper()


def _day_ms(node: Node) -> int:
    text = node.text()
    try:
        day = date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise node.refusal("it is no day of the calendar as YYYY-MM-DD, such as 2020-08-08") from None
    return (day - _EPOCH.date()) // timedelta(milliseconds=1)


def _time_ms(node: Node) -> int:
    if isinstance(node.value, str):
        try:
            moment = datetime.fromisoformat(node.value)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise node.refusal("the time is not ISO 8601 with an offset, such as 2020-08-08T05:56:31Z")
        return (moment - _EPOCH) // timedelta(milliseconds=1)
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.value
    raise node.refusal(
        "the time is neither ISO 8601 with an offset nor an integer of milliseconds since 1970"
    )


def _in_order(node: Node, read: Callable[[Node], _Dated], what: str) -> tuple[_Dated, ...]:
    """Read what holds from an instant on; two of one instant contradict each other."""
    found: dict[int | None, _Dated] = {}
    for item in node.items():
        value = read(item)
        if value.from_ms in found:
            raise item.refusal(f"two {what} hold from the same instant on")
        found[value.from_ms] = value
    return tuple(sorted(found.values(), key=lambda value: (value.from_ms is not None, value.from_ms or 0)))
