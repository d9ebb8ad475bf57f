"""AD types and Flags by name, and what the data of an AD structure say.

Source: Assigned Numbers, 2.3 Common Data Types; Core Specification Supplement, Part A.
"""

from __future__ import annotations

from bluezone_reference.ad_structures import AdStructure

AD_TYPE_NAMES = {
    0x01: "Flags",
    0x02: "Incomplete List of 16-bit Service UUIDs",
    0x03: "Complete List of 16-bit Service UUIDs",
    0x04: "Incomplete List of 32-bit Service UUIDs",
    0x05: "Complete List of 32-bit Service UUIDs",
    0x06: "Incomplete List of 128-bit Service UUIDs",
    0x07: "Complete List of 128-bit Service UUIDs",
    0x08: "Shortened Local Name",
    0x09: "Complete Local Name",
    0x0A: "Tx Power Level",
    0x0D: "Class of Device",
    0x0E: "Simple Pairing Hash C-192",
    0x0F: "Simple Pairing Randomizer R-192",
    0x10: "Device ID, or Security Manager TK Value",
    0x11: "Security Manager Out of Band Flags",
    0x12: "Peripheral Connection Interval Range",
    0x14: "List of 16-bit Service Solicitation UUIDs",
    0x15: "List of 128-bit Service Solicitation UUIDs",
    0x16: "Service Data - 16-bit UUID",
    0x17: "Public Target Address",
    0x18: "Random Target Address",
    0x19: "Appearance",
    0x1A: "Advertising Interval",
    0x1B: "LE Bluetooth Device Address",
    0x1C: "LE Role",
    0x1D: "Simple Pairing Hash C-256",
    0x1E: "Simple Pairing Randomizer R-256",
    0x1F: "List of 32-bit Service Solicitation UUIDs",
    0x20: "Service Data - 32-bit UUID",
    0x21: "Service Data - 128-bit UUID",
    0x22: "LE Secure Connections Confirmation Value",
    0x23: "LE Secure Connections Random Value",
    0x24: "URI",
    0x25: "Indoor Positioning",
    0x26: "Transport Discovery Data",
    0x27: "LE Supported Features",
    0x28: "Channel Map Update Indication",
    0x29: "PB-ADV",
    0x2A: "Mesh Message",
    0x2B: "Mesh Beacon",
    0x2C: "BIGInfo",
    0x2D: "Broadcast_Code",
    0x2E: "Resolvable Set Identifier",
    0x2F: "Advertising Interval - long",
    0x30: "Broadcast_Name",
    0x31: "Encrypted Advertising Data",
    0x32: "Periodic Advertising Response Timing Information",
    0x34: "Electronic Shelf Label",
    0x3D: "3D Information Data",
    0xFF: "Manufacturer Specific Data",
}
FLAG_NAMES = (
    "LE Limited Discoverable Mode",
    "LE General Discoverable Mode",
    "BR/EDR Not Supported",
    "Simultaneous LE and BR/EDR to Same Device Capable (Controller)",
)
"""From the least significant bit on."""
_UUID_OCTETS = {0x02: 2, 0x03: 2, 0x04: 4, 0x05: 4, 0x06: 16, 0x07: 16}
_COMPANY_NAMES = {0x22B5: "Bluezone", 0x004C: "Apple"}


def type_name(ad_type: int) -> str:
    """Return the name of an AD type."""
    return AD_TYPE_NAMES.get(ad_type, "not assigned")


def meaning(structure: AdStructure) -> str:
    """Return what the data of an AD structure say, for people; empty where this module does not know."""
    data = structure.data
    match structure.ad_type:
        case 0x01 if data:
            return ", ".join(name for bit, name in enumerate(FLAG_NAMES) if data[0] >> bit & 1) or "none set"
        case 0x02 | 0x03 | 0x04 | 0x05 | 0x06 | 0x07 as ad_type if (
            data and not len(data) % _UUID_OCTETS[ad_type]
        ):
            size = _UUID_OCTETS[ad_type]
            return ", ".join(_uuid(data[start : start + size]) for start in range(0, len(data), size))
        case 0x08 | 0x09:
            return repr(data.decode("utf-8", "replace"))
        case 0x0A if len(data) == 1:
            return f"{int.from_bytes(data, signed=True)} dBm"
        case 0xFF if len(data) >= 2:
            company = int.from_bytes(data[:2], "little")
            owner = f" ({_COMPANY_NAMES[company]})" if company in _COMPANY_NAMES else ""
            return f"company 0x{company:04X}{owner}, {len(data) - 2} octets: {data[2:].hex()}"
    return ""


def _uuid(octets: bytes) -> str:
    digits = octets[::-1].hex()
    if len(octets) < 16:
        return f"0x{digits.upper()}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
