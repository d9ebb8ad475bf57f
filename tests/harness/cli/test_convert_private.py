"""``bzc convert --private``: of what was planted nothing is left, in whatever spelling, wherever it stood."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bluezone_harness.cli import convert
from bluezone_reference.name_obfuscation import obfuscate, reveal

START_US = 1_597_046_400_000_000  # 2020-08-10T08:00Z
SECRET_ADDRESS = "7B:9E:21:D4:A8:3C"
OTHER_ADDRESS = "C9:61:F7:0A:55:EE"
SECRET_ID = "e17a52c9048bd63f91a40c77"
SECRET_NAME = "Thanh Huong"
STATIC_ID = "q7Lw2Z"
SECRET_VALUE = "5ad07cc4911b"
SECRET_UUID = f"{SECRET_ID[:8]}-0000-1000-8000-{SECRET_VALUE}"
OBFUSCATED = obfuscate(STATIC_ID, 2, 5)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(convert.command, list(arguments))


def advert(number: int, ad: str) -> dict[str, object]:
    heard: dict[str, object] = {
        "kind": "advert",
        "time_us": START_US + number * 1_000_000,
        "receiver": SECRET_NAME,
    }
    sent = {"address": SECRET_ADDRESS, "address_type": "resolvable", "pdu": "ADV_IND", "ad": ad}
    return heard | sent | {"rssi": -60, "channel": 37, "crc_ok": True}


def write(path: str, lines: list[dict[str, object]]) -> None:
    capabilities = {"raw_ad": "yes", "ad_order": "yes", "channel": "yes", "crc": "yes"}
    header = {"schema": 1, "source": SECRET_NAME, "receiver": SECRET_NAME, "capabilities": capabilities}
    written = [
        json.dumps(line, separators=(",", ":"))
        for line in (header, *lines, {"kind": "end", "reason": SECRET_NAME})
    ]
    Path(path).write_text("".join(f"{line}\n" for line in written), encoding="utf-8")


def _named(*structures: tuple[int, bytes]) -> str:
    return b"".join(bytes([len(data) + 1, kind]) + data for kind, data in structures).hex()


def secret_lines() -> list[dict[str, object]]:
    """Return observations that hold secrets wherever they can stand."""
    rolling, value = bytes.fromhex(SECRET_ID), bytes.fromhex(SECRET_VALUE)
    address = bytes.fromhex(SECRET_ADDRESS.replace(":", ""))
    other = bytes.fromhex(OTHER_ADDRESS.replace(":", ""))
    name = SECRET_NAME.encode()
    adverts = [
        _named((0x01, b"\x02"), (0xFF, b"\xb5\x22" + rolling), (0x03, b"\x56\x4e")),
        _named((0x09, name), (0x08, name[:5]), (0x0A, b"\x04")),
        _named((0x16, b"\x56\x4e" + rolling), (0x1B, address[::-1] + b"\x01")),
        _named((0xFF, b"\x4c\x00\x10" + rolling), (0x17, other[::-1])),
        _named((0xFF, b"\xb5\x22" + STATIC_ID.encode()), (0x21, bytes(16) + value)),
        _named((0x09, OBFUSCATED.encode()), (0x24, name), (0x55, value + value)),
        (bytes([20, 0xFF, 0xB5, 0x22]) + rolling).hex(),  # cut: it announces more than there is
        ("0000" + SECRET_ID + SECRET_VALUE),  # behind the end
        _named((0x07, rolling + b"\x01\x02\x03\x04"), (0x2A, address)),
    ]
    found = [advert(number, ad) for number, ad in enumerate(adverts, 1)]
    asked = {
        "HCI_LE_Set_Random_Address": address[::-1],
        "HCI_LE_Set_Advertising_Parameters": bytes(7) + other[::-1] + b"\x07\x00",
        "HCI_LE_Set_Advertising_Data": bytes([len(rolling) + 4, 15, 0xFF, 0xB5, 0x22]) + rolling + value,
        "HCI_LE_Set_Scan_Response_Data": bytes([len(name) + 2, len(name) + 1, 9]) + name + name,
        "HCI_LE_Set_Extended_Advertising_Data": b"\x00\x01\x00\x0c" + rolling,
        "HCI_LE_Set_Advertising_Set_Random_Address": b"\x00" + address[::-1],
        "HCI_LE_Create_Connection": address + rolling,
        "HCI_Write_Local_Name": name,
    }
    found += [
        {"kind": "asked", "time_us": START_US + 20_000_000, "name": command, "octets": octets.hex()}
        for command, octets in asked.items()
    ]
    later: dict[str, object] = {"time_us": START_US + 30_000_000}
    read = {**later, "kind": "gatt_read", "receiver": SECRET_NAME, "address": SECRET_ADDRESS}
    found += [
        {**read, "value": SECRET_ID},
        {
            **read,
            "service": f"{SECRET_ID[:8]}-0000-1000-8000-{SECRET_VALUE}",
            "value": name.hex(),
        },
        {
            "kind": "event",
            **later,
            "name": "upload",
            "text": SECRET_NAME,
            "own_id": SECRET_ID,
            "x": {"y": [SECRET_VALUE]},
        },
        {"kind": "disconnect", **later, "address": OTHER_ADDRESS, "reason": SECRET_NAME},
        {
            "kind": "gatt_services",
            **later,
            "address": SECRET_ADDRESS,
            "services": [{"uuid": SECRET_UUID, "characteristics": [{"uuid": SECRET_UUID, "properties": []}]}],
        },
        {
            "kind": "gatt_error",
            **later,
            "address": SECRET_ADDRESS,
            **{"step": "read", "characteristic": SECRET_UUID, "att_error": 5, "reason": SECRET_NAME},
        },
    ]
    return found


def spellings(octets: bytes) -> set[bytes]:
    """Return how some octets may be written, in either order."""
    found = set()
    for each in (octets, octets[::-1]):
        digits = each.hex()
        for text in (digits, each.hex(":"), each.hex("-"), each.hex(" ")):
            found |= {text.encode(), text.upper().encode()}
        found.add(each)
    return found


@pytest.mark.req("BZ-PRV-002", "BZ-PRV-008")
def test_private_leaves_nothing_and_a_key_file_repeats_it() -> None:
    write(f"{SECRET_NAME}.jsonl", secret_lines())
    write("other.jsonl", secret_lines()[:3])
    Path("key").write_bytes(bytes(range(32)))
    for out, key in (("a", ("--key-file", "key")), ("b", ("--key-file", "key")), ("c", ()), ("d", ())):
        result = run(
            *(f"{SECRET_NAME}.jsonl", "other.jsonl"), "--out", out, "--to", "recording", "--private", *key
        )
        assert result.exit_code == 0, result.output
        assert "can no longer be judged" in result.stderr
        assert "left out, as nobody knows where it holds an id: 2 commands" in " ".join(result.stderr.split())
        octets = Path(out).read_bytes()
        for secret in (SECRET_ADDRESS, OTHER_ADDRESS, SECRET_ID, SECRET_VALUE):
            whole = bytes.fromhex(secret.replace(":", ""))
            # of more than four octets in a row nothing is left
            for part in (whole[at : at + 4] for at in range(len(whole) - 3)):
                assert not [each for each in spellings(part) if len(each) > 4 and each in octets]
        for name in (SECRET_NAME, SECRET_NAME[:5], STATIC_ID, OBFUSCATED, OBFUSCATED[1:-1]):
            told = {name.encode(), *spellings(name.encode())}
            assert not [each for each in told if each.lower() in octets.lower()]
    assert Path("a").read_bytes() == Path("b").read_bytes()
    assert len({Path(name).read_bytes() for name in "acd"}) == 3
    written = [json.loads(line) for line in Path("a").read_bytes().splitlines()]
    assert written[0]["capabilities"]["true_ids"] == "no"
    addresses = {each["address"] for each in written if each.get("kind") in ("advert", "gatt_read")}
    assert len(addresses) == 1  # one address, one pseudonym, whoever heard it
    own = {each["ad"][14:38] for each in written if each.get("ad", "").startswith("0201020fffb522")}
    assert own == {each["value"] for each in written if each.get("kind") == "gatt_read"} & own
    # what hides a static id hides its pseudonym, the same that stands elsewhere
    names = [bytes.fromhex(each["ad"])[2:12].decode("latin-1") for each in written if "ad" in each]
    hidden = [reveal(each) for each in names if each.startswith("2") and each.endswith("5")]
    assert hidden
    assert all(f"ffb522{each.encode().hex()}" in Path("a").read_text("ascii") for each in hidden)
