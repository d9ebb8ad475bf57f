"""What ``--address`` and ``--bluezone-only`` keep of adverts, and of the GATT sessions that belong to them."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from bluezone_harness.cli import bzc
from bluezone_harness.cli.selections import BluezoneAddresses, Selection, StreamingSelection
from bluezone_harness.observations import Advert, Asked, Observation
from bluezone_harness.sources import open_source

pytestmark = [pytest.mark.req("BZ-GAT-001")]

START_US = 1_597_046_400_000_000
SERVICE = "00004e56-73f5-4bc4-a12f-17d1ad07a667"
OTHER_SERVICE = "0000180f-0000-1000-8000-00805f9b34fb"
ANDROID = "0201020fffb52200112233445566778899aabb0303564e"
OPEN_IPHONE = "020106" + "110767a607add1172fa1c44bf573564e0000"
OVERFLOW = "020106" + "14ff4c000108" + "00" * 15
PLAIN = "020106"
HEADER = {
    **{"schema": 1, "source": "by hand", "receiver": ""},
    "capabilities": {"ad_order": "yes", "address": "yes", "raw_ad": "yes", "gatt": "yes"},
}
NOBODYS, ANDROIDS, OPENS, OVERFLOWS, READS = (f"5A:00:00:00:00:0{number}" for number in range(1, 6))


def advert(address: str, ad: str) -> dict[str, object]:
    return {"kind": "advert", "address": address, "address_type": "resolvable", "pdu": "ADV_IND", "ad": ad}


def services(address: str | None, *uuids: str) -> dict[str, object]:
    listed = [{"uuid": uuid, "characteristics": []} for uuid in uuids]
    return {"kind": "gatt_services", **({"address": address} if address else {}), "services": listed}


def read(address: str | None, service: str) -> dict[str, object]:
    told = {"service": service, "characteristic": service, "value": "00112233445566778899aabb"}
    return {"kind": "gatt_read", **({"address": address} if address else {}), **told}


def failed(address: str | None) -> dict[str, object]:
    told = {"step": "connect", "reason": "no answer"}
    return {"kind": "gatt_error", **({"address": address} if address else {}), **told}


def over(address: str | None) -> dict[str, object]:
    return {"kind": "disconnect", **({"address": address} if address else {})}


def session(address: str, *uuids: str) -> list[dict[str, object]]:
    reads = [read(address, uuid) for uuid in uuids]
    return [services(address, *uuids), *reads, failed(address), over(address)]


def recording(lines: Sequence[dict[str, object]]) -> bytes:
    timed = [
        {"kind": line["kind"], "time_us": START_US + number, **line} for number, line in enumerate(lines)
    ]
    whole = [HEADER, *timed, {"kind": "end", "reason": "done"}]
    return b"".join(json.dumps(line).encode() + b"\n" for line in whole)


def converted(folder: Path, lines: Sequence[dict[str, object]], *options: str) -> list[int]:
    """Return the places of the lines that ``bzc convert`` keeps."""
    (folder / "in.jsonl").write_bytes(recording(lines))
    names = (str(folder / "in.jsonl"), "--out", str(folder / "out.jsonl"))
    done = CliRunner().invoke(bzc, ["convert", *names, "--force", *options])
    assert done.exit_code == 0, done.output
    found = [json.loads(line) for line in (folder / "out.jsonl").read_bytes().splitlines()[1:-1]]
    return [line["time_us"] - START_US for line in found]


def heard(lines: Sequence[dict[str, object]]) -> list[Observation]:
    return list(open_source("in.jsonl", io.BytesIO(recording(lines))))


def streamed(lines: Sequence[dict[str, object]], selection: Selection) -> list[int]:
    """Return the places of the lines that are kept as they come."""
    keeps = StreamingSelection(selection).keeps
    return [each.time_us - START_US for each in heard(lines) if keeps(each)]


def address_of(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


LINES = (
    advert(NOBODYS, PLAIN),  # 0
    advert(ANDROIDS, PLAIN),  # 1: nobody knows yet
    advert(ANDROIDS, ANDROID),  # 2
    advert(OPENS, OPEN_IPHONE),  # 3
    advert(OVERFLOWS, OVERFLOW),  # 4
    advert(OVERFLOWS, PLAIN),  # 5
    *session(NOBODYS, OTHER_SERVICE),  # 6 to 9
    *session(OPENS, OTHER_SERVICE, SERVICE),  # 10 to 14
    *session(OVERFLOWS, OTHER_SERVICE),  # 15 to 18
    advert(READS, PLAIN),  # 19: its services will tell
    *session(READS, SERVICE),  # 20 to 23
    advert(READS, PLAIN),  # 24
    services(None, SERVICE),  # 25
    services(None, OTHER_SERVICE),  # 26
    read(None, SERVICE),  # 27
    read(None, OTHER_SERVICE),  # 28
    failed(None),  # 29
    over(None),  # 30
)
BLUEZONES = [2, 3, 4, *range(10, 19), *range(20, 24), 24, 25, 27]


def test_bluezone_alone_of_a_file(tmp_path: Path) -> None:
    assert converted(tmp_path, LINES, "--bluezone-only") == sorted([1, 19, *BLUEZONES])


def test_bluezone_alone_of_several_files(tmp_path: Path) -> None:
    (tmp_path / "other.jsonl").write_bytes(recording([advert("5A:00:00:00:00:09", PLAIN)]))
    found = converted(tmp_path, LINES, "--bluezone-only", str(tmp_path / "other.jsonl"))
    assert found == sorted([1, 19, *BLUEZONES])


def test_bluezone_alone_as_it_comes() -> None:
    # what an address sent before it was known is gone
    assert streamed(LINES, Selection(bluezone_only=True)) == BLUEZONES


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        (NOBODYS, [0, *range(6, 10)]),
        (ANDROIDS, [1, 2]),
        (OPENS, [3, *range(10, 15)]),
        (OVERFLOWS, [4, 5, *range(15, 19)]),
    ],
)
def test_an_address_alone(tmp_path: Path, address: str, kept: list[int]) -> None:
    assert converted(tmp_path, LINES, "--address", address) == kept
    assert streamed(LINES, Selection(addresses=frozenset({address_of(address)}))) == kept


def test_an_address_alone_and_of_it_bluezone(tmp_path: Path) -> None:
    assert converted(tmp_path, LINES, "--address", NOBODYS, "--bluezone-only") == []
    # an overflow form may be another app's: its other adverts show nothing
    assert converted(tmp_path, LINES, "--address", OVERFLOWS, "--bluezone-only") == [4, *range(15, 19)]


def test_without_a_selection_all_is_kept(tmp_path: Path) -> None:
    everything = list(range(len(LINES)))
    assert converted(tmp_path, LINES) == everything
    assert streamed(LINES, Selection()) == everything


def test_who_is_bluezones() -> None:
    found = BluezoneAddresses()
    found.hear_all([*heard(LINES), Asked(1, START_US, "", "HCI_Reset", b"")])
    assert found.sure == {address_of(each) for each in (ANDROIDS, OPENS, READS)}
    assert found.ambiguous == {address_of(OVERFLOWS)}
    # who turns out to run it is ambiguous no longer, whatever else is heard of it
    found.hear_all(heard(session(OVERFLOWS, SERVICE)))
    assert address_of(OVERFLOWS) in found.sure


def test_commands_of_a_host() -> None:
    plain = Asked(1, START_US, "", "HCI_LE_Set_Advertising_Data", b"\x03" + bytes.fromhex(PLAIN))
    ours = Asked(1, START_US, "", "HCI_LE_Set_Advertising_Data", b"\x17" + bytes.fromhex(ANDROID))
    reset = Asked(1, START_US, "", "HCI_Reset", b"")
    nobody = BluezoneAddresses()
    only = Selection(bluezone_only=True)
    assert [only.keeps(each, nobody) for each in (plain, ours, reset)] == [False, True, True]
    alone = Selection(addresses=frozenset({address_of(ANDROIDS)}))
    assert not any(alone.keeps(each, nobody) for each in (plain, ours, reset))


def test_an_advert_without_an_address() -> None:
    (known,) = heard([advert(ANDROIDS, ANDROID)])
    assert isinstance(known, Advert)
    nameless = Advert(1, START_US, "", None, None, known.pdu, known.ad, None, None)
    found = BluezoneAddresses()
    found.hear(nameless)
    assert (found.sure, found.ambiguous) == (set(), set())
    assert Selection(bluezone_only=True).keeps(nameless, found)
    assert not Selection(addresses=frozenset({address_of(ANDROIDS)})).keeps(nameless, found)


def test_a_time_alone() -> None:
    lines: list[dict[str, object]] = [
        *(over(ANDROIDS) for _ in range(4)),
        {"kind": "gap", "until_us": START_US + 10},
    ]
    assert streamed(lines, Selection(from_us=START_US + 1, until_us=START_US + 3)) == [1, 2]
    # a gap that ends later is there still
    assert streamed(lines, Selection(from_us=START_US + 10, bluezone_only=True)) == [4]
    assert streamed(lines, Selection(from_us=START_US + 11)) == []
