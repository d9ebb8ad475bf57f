"""AdvData, written a second time from the chapter "Advertisement": AD structures, kinds, and how they are written."""

from __future__ import annotations

from .errors import RefusedError

LEGACY_OCTETS = 31
COMPANY = bytes.fromhex("b522")
ANDROID = "00004e56-0000-1000-8000-00805f9b34fb"
IOS = "00004e56-73f5-4bc4-a12f-17d1ad07a667"
OLD_ANDROID = "e20a39f4-73f5-4bc4-a12f-17d1ad07a889"
OLD_IOS = "e20a39f4-73f5-4bc4-a12f-17d1ad07a667"
UUID_OCTETS = {2: 2, 3: 2, 4: 4, 5: 4, 6: 16, 7: 16}
NAMES = (8, 9)
MANUFACTURER = 255
OVERFLOW = bytes.fromhex("4c0001")
STATIC_CHARACTERS = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

Structures = list[tuple[int, bytes]]


def on_air(uuid: str) -> bytes:
    """Return the 16 octets of a UUID, least significant first."""
    return bytes.fromhex(uuid.replace("-", ""))[::-1]


def structure(ad_type: int, data: bytes) -> bytes:
    """Return the octets of one AD structure."""
    return bytes((len(data) + 1, ad_type)) + data


def intact_structures(record: bytes) -> tuple[Structures, str]:
    """Take a record apart up to its damage, and name the damage by its code; empty where there is none.

    Source: BZ-ADV-001, BZ-RCV-003.
    """
    found: Structures = []
    cut = record[:LEGACY_OCTETS]
    code = "AD_TOO_LONG" if len(record) > LEGACY_OCTETS else ""
    at = 0
    while at < len(cut):
        length = cut[at]
        if length == 0:
            if any(cut[at:]):
                code = code or "DATA_AFTER_END"
            break
        if at + 1 + length > len(cut):
            code = code or "TRUNCATED_AD"
            break
        found.append((cut[at + 1], cut[at + 2 : at + 1 + length]))
        at += 1 + length
    return found, code


def strict_structures(record: bytes) -> Structures:
    """Take a record apart, or refuse the whole of it."""
    found, code = intact_structures(record)
    if code:
        raise RefusedError(code)
    return found


def manufacturer_data(structures: Structures) -> list[bytes]:
    """Return the data of each manufacturer specific structure."""
    return [data for ad_type, data in structures if ad_type == MANUFACTURER]


def service_uuids(structures: Structures) -> tuple[set[str], bool]:
    """Return all service UUIDs in their long form, and whether a list is no whole number of them."""
    found = set()
    ragged = False
    for ad_type, data in structures:
        width = UUID_OCTETS.get(ad_type)
        if width is None:
            continue
        ragged = ragged or len(data) % width != 0
        for at in range(0, len(data) // width * width, width):
            digits = data[at : at + width][::-1].hex()
            if width < 16:
                digits = digits.rjust(8, "0") + "00001000800000805f9b34fb"
            found.add("-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))
    return found, ragged


def reveal(name: str) -> str | None:
    """Return the static id that a local name of the first generation holds, or ``None`` if it does not check out."""
    if len(name) != 10 or not STATIC_CHARACTERS.issuperset(name) or name[0] == name[9]:
        return None
    if name[0] not in "12345" or name[9] not in "12345":
        return None
    low, high = sorted((int(name[0]), int(name[9])))
    if name[low + 1] != name[high + 1] or name[high + 2] != name[low]:
        return None
    kept = [at for at in range(1, 9) if at not in (low + 1, high + 2)]
    return "".join(name[at] for at in kept)


def obfuscated(static_id: str, p: int, q: int) -> str:
    """Write a static id as a local name of the first generation, by the three steps of the chapter."""
    parts = list(static_id)
    parts[p - 1] += static_id[q - 1]
    parts[q - 1] += static_id[p - 1]
    return f"{p}{''.join(parts)}{q}"


def is_static_id(text: str) -> bool:
    """Tell whether a text is six characters of 0-9A-Za-z."""
    return len(text) == 6 and STATIC_CHARACTERS.issuperset(text)


def advertisement_of(structures: Structures) -> dict[str, object]:
    """Say what the AD structures of one advertisement are, by the table of kinds.

    Raises:
        RefusedError: By a code of BZ-ADV-002 or BZ-ADV-003.
    """
    uuids, ragged = service_uuids(structures)
    own = [data[2:] for data in manufacturer_data(structures) if data[:2] == COMPANY]
    if ragged and (own or uuids & {ANDROID, IOS, OLD_ANDROID, OLD_IOS}):
        raise RefusedError("BAD_UUID_LIST")
    if ANDROID in uuids:
        return {"kind": "android", "id": _rolling_id(structures, own).hex()}
    static_ids = {data.decode("latin-1") for data in own}
    if OLD_ANDROID in uuids and len(static_ids) == 1 and is_static_id(min(static_ids)):
        return {"kind": "old_android", "static_id": min(static_ids)}
    names = [data.decode("utf-8", "replace") for ad_type, data in structures if ad_type in NAMES]
    name = names[0] if names else None
    if IOS in uuids:
        return {"kind": "ios", "local_name": name}
    if OLD_IOS in uuids:
        return {"kind": "old_ios", "local_name": name, "static_id": None if name is None else reveal(name)}
    services = overflow_services(structures)
    if services[0] & 0x08:
        alone = services == b"\x08" + bytes(15)
        return {"kind": "ios_background", "services": services.hex(), "only_bluezone": alone}
    return {"kind": "other"}


def _rolling_id(structures: Structures, own: list[bytes]) -> bytes:
    if any(len(data) < 2 for data in manufacturer_data(structures)):
        raise RefusedError("SHORT_MANUFACTURER_DATA")
    if any(len(octets) != 12 for octets in own):
        raise RefusedError("BAD_ID_LENGTH")
    if not own:
        raise RefusedError("MISSING_ID")
    if len(set(own)) > 1:
        raise RefusedError("AMBIGUOUS_ID")
    return own[0]


def overflow_services(structures: Structures) -> bytes:
    """Return all overflow fields of 16 octets joined by OR; zeros where there is none."""
    joined = bytearray(16)
    for data in manufacturer_data(structures):
        if len(data) == 19 and data[:3] == OVERFLOW:
            joined = bytearray(a | b for a, b in zip(joined, data[3:], strict=True))
    return bytes(joined)


def decode_advertisement(question: dict[str, object], profile: str) -> dict[str, object]:
    """Answer ``decode_advertisement``; what an advertisement is does not depend on the profile."""
    records = [bytes.fromhex(str(question.get(key, ""))) for key in ("ad", "scan_response")]
    structures = [each for record in records for each in strict_structures(record)]
    return {"advertisement": advertisement_of(structures)}


def encode_advertisement(question: dict[str, object], profile: str) -> dict[str, object]:
    """Answer ``encode_advertisement``."""
    asked = question["advertisement"]
    if not isinstance(asked, dict):
        raise TypeError("an advertisement is an object")
    return {"ad": b"".join(_structures_of(asked)).hex()}


def _structures_of(asked: dict[str, object]) -> list[bytes]:
    match asked:
        case {"kind": "android", "id": str(digits)}:
            if len(digits) != 24:
                raise RefusedError("BAD_ID_LENGTH")
            id_data = structure(MANUFACTURER, COMPANY + bytes.fromhex(digits))
            return [structure(1, b"\x02"), id_data, structure(3, b"\x56\x4e")]
        case {"kind": "ios", "local_name": name}:
            return [structure(1, b"\x1a"), structure(7, on_air(IOS)), *_name(name)]
        case {"kind": "ios_background", "services": str(digits)}:
            return [structure(1, b"\x1a"), structure(MANUFACTURER, OVERFLOW + bytes.fromhex(digits))]
        case {"kind": "old_android", "static_id": str(static_id)}:
            id_data = structure(MANUFACTURER, COMPANY + static_id.encode("ascii"))
            return [structure(1, b"\x02"), id_data, structure(7, on_air(OLD_ANDROID))]
        case {"kind": "old_ios", "local_name": name}:
            return [structure(7, on_air(OLD_IOS)), *_name(name)]
    raise TypeError("no advertisement of ours")


def _name(name: object) -> list[bytes]:
    return [structure(9, name.encode("utf-8"))] if isinstance(name, str) else []
