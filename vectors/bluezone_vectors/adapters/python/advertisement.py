"""A small port of the advertisement: AD structures and the kinds of advertisement."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeVar

from schedule import RefusedError

T = TypeVar("T")
MOST = 31
COMPANY, APPLE = 0x22B5, 0x004C
ANDROID = {bytes.fromhex(u)[::-1] for u in ("4e56", "00004e56", "00004e5600001000800000805f9b34fb")}
IOS = bytes.fromhex("00004e5673f54bc4a12f17d1ad07a667")[::-1]
OLD_ANDROID = bytes.fromhex("e20a39f473f54bc4a12f17d1ad07a889")[::-1]
OLD_IOS = bytes.fromhex("e20a39f473f54bc4a12f17d1ad07a667")[::-1]
WIDTHS = {2: 2, 3: 2, 4: 4, 5: 4, 6: 16, 7: 16}
STATIC_ID = re.compile(rb"[0-9A-Za-z]{6}")


def structures(octets: bytes) -> tuple[list[tuple[int, bytes]], str]:
    """Return the AD structures before the damage, as type and data, and the damage's code or nothing."""
    found: list[tuple[int, bytes]] = []
    at = 0
    whole, damage = octets[:MOST], "AD_TOO_LONG" if len(octets) > MOST else ""
    while at < len(whole):
        length = whole[at]
        if length == 0:
            return found, damage or ("DATA_AFTER_END" if any(whole[at:]) else "")
        if at + 1 + length > len(whole):
            return found, damage or "TRUNCATED_AD"
        found.append((whole[at + 1], whole[at + 2 : at + 1 + length]))
        at += 1 + length
    return found, damage


@dataclass
class Content:
    """What the AD structures of an advertisement say together, in no order."""

    uuids: set[bytes] = field(default_factory=set)
    broken_list: bool = False
    short_data: bool = False
    data: list[bytes] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    services: int = 0


def content_of(parts: list[tuple[int, bytes]]) -> Content:
    """Gather what AD structures say."""
    content = Content()
    for ad_type, data in parts:
        if width := WIDTHS.get(ad_type):
            content.uuids |= {data[at : at + width] for at in range(0, len(data) - width + 1, width)}
            content.broken_list |= len(data) % width != 0
        elif ad_type in (8, 9):
            content.names.append(data.decode("utf-8", errors="replace"))
        elif ad_type == 0xFF:
            company = int.from_bytes(data[:2], "little")
            if len(data) < 2:
                content.short_data = True
            elif company == COMPANY:
                content.data.append(data[2:])
            elif company == APPLE and data[2:3] == b"\x01" and len(data) == 19:
                content.services |= int.from_bytes(data[3:], "big")
    if content.broken_list and (
        content.data or content.uuids & ANDROID or content.uuids & {IOS, OLD_ANDROID, OLD_IOS}
    ):
        raise RefusedError("BAD_UUID_LIST")
    return content


def the_one(values: list[T]) -> T:
    """Return what all values are, or refuse the advertisement."""
    if len(set(values)) > 1:
        raise RefusedError("AMBIGUOUS_ID")
    return values[0]


def android_id(content: Content) -> bytes:
    """Return the one rolling id, or refuse the advertisement (BZ-ADV-003)."""
    if content.short_data:
        raise RefusedError("SHORT_MANUFACTURER_DATA")
    if any(len(data) != 12 for data in content.data):
        raise RefusedError("BAD_ID_LENGTH")
    if not content.data:
        raise RefusedError("MISSING_ID")
    return the_one(content.data)


def is_background(content: Content) -> bool:
    """Return whether the bit of Bluezone is set in the overflow form."""
    return bool(content.services >> 120 & 0x08)


def decode(records: list[bytes]) -> dict[str, object]:
    """Return what an advertisement, and its scan response if there is one, say."""
    parts = []
    for octets in records:
        found, damage = structures(octets)
        if damage:
            raise RefusedError(damage)
        parts += found
    content = content_of(parts)
    if content.uuids & ANDROID:
        return {"kind": "android", "id": android_id(content).hex()}
    ids = [data for data in content.data if STATIC_ID.fullmatch(data)]
    if OLD_ANDROID in content.uuids and ids:
        return {"kind": "old_android", "static_id": the_one(ids).decode("ascii")}
    name = the_one(content.names) if content.names and content.uuids & {IOS, OLD_IOS} else None
    if IOS in content.uuids:
        return {"kind": "ios", "local_name": name}
    if OLD_IOS in content.uuids:
        return {"kind": "old_ios", "local_name": name, "static_id": revealed_id(name or "")}
    if is_background(content):
        services = content.services.to_bytes(16, "big")
        return {
            "kind": "ios_background",
            "services": services.hex(),
            "only_bluezone": services == b"\x08" + bytes(15),
        }
    return {"kind": "other"}


def revealed_id(name: str) -> str | None:
    """Return the static id that a name of v1's iPhones hides, or nothing."""
    if not re.fullmatch(r"[1-5][0-9A-Za-z]{8}[1-5]", name) or name[0] == name[9]:
        return None
    start, end = sorted((int(name[0]), int(name[9])))
    if name[start + 1] != name[end + 1] or name[end + 2] != name[start]:
        return None
    return "".join(sign for at, sign in enumerate(name) if at not in (0, start + 1, end + 2, 9))


def encode(kind: str, text: str | None) -> bytes:
    """Return AdvData; ``text`` is what the kind shows: an id or a field as hex, a static id or a local name."""
    name = [(9, text.encode())] if text is not None else []
    company = COMPANY.to_bytes(2, "little")
    match kind:
        case "android":
            if not re.fullmatch("(?:[0-9a-fA-F]{2}){12}", text or ""):
                raise RefusedError("BAD_ID_LENGTH")
            parts = [(0xFF, company + bytes.fromhex(text or "")), (3, b"\x56\x4e")]
        case "old_android":
            if not STATIC_ID.fullmatch((text or "").encode()):
                raise RefusedError("BAD_ID_LENGTH")
            parts = [(0xFF, company + (text or "").encode()), (7, OLD_ANDROID)]
        case "ios" | "old_ios":
            parts = [(7, IOS if kind == "ios" else OLD_IOS), *name]
        case "ios_background":
            parts = [(0xFF, APPLE.to_bytes(2, "little") + b"\x01" + bytes.fromhex(text or ""))]
        case _:
            parts = []
    octets = b"".join(bytes([len(data) + 1, ad_type]) + data for ad_type, data in parts)
    flags = b"\x02\x01\x02" if kind != "other" and len(octets) <= MOST - 3 else b""
    if len(octets) > MOST:
        raise RefusedError("AD_TOO_LONG")
    return flags + octets
