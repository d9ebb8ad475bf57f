"""``bzc simulate``: what it writes, what it refuses, and that it leaves nothing half written."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bluezone_harness.cli import bzc, simulate
from bluezone_harness.virtual.faults import FAULTS
from bluezone_harness.virtual.plans import AirPacket

BASE_ID = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
DAY_MS = 86_400_000
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
START_MS = 1_597_046_400_000  # 2020-08-10T08:00Z
MAGIC = {"pcap": "d4c3b2a1", "pcapng": "0a0d0d0a", "btsnoop": b"btsn".hex(), "jsonl": b'{"sc'.hex()}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(bzc, ["simulate", *arguments], input=stdin)


def refused(result: Result, exit_code: int = 64) -> str:
    """Return the one line of a run that failed and wrote nothing."""
    assert (result.exit_code, result.stdout) == (exit_code, ""), result.output
    assert result.stderr.startswith("bzc: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def hashed(time_ms: int, base_id: str = BASE_ID, base_day_ms: int = BASE_DAY_MS, count: int = 96) -> str:
    key = bytes.fromhex(base_id)
    for _ in range((time_ms - base_day_ms) // DAY_MS):
        key = sha256(key).digest()
    subkey = sha256(key + b"bluzonesubkey").digest()
    for _ in range(time_ms % DAY_MS * count // DAY_MS):
        subkey = sha256(subkey).digest()
    return bytes(subkey[place] for place in (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)).hex()


def adverts(path: str) -> list[dict[str, object]]:
    return [
        line for line in map(json.loads, Path(path).read_text().splitlines()) if line.get("kind") == "advert"
    ]


@pytest.mark.parametrize("format_name", MAGIC)
def test_each_format_by_option_and_by_ending(format_name: str) -> None:
    short = ("--hours", "0.05", "--interval-ms", "500")
    assert run("--out", "named", "--format", format_name, *short).exit_code == 0
    result = run("--out", f"ends.{format_name}", *short)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("simulated 3 min from 2020-08-10T08:00:00.000+00:00: ")
    assert result.stderr.endswith(f" packets of 1 phone; written: ends.{format_name}\n")
    assert Path("named").read_bytes() == Path(f"ends.{format_name}").read_bytes()
    assert Path("named").read_bytes()[:4].hex() == MAGIC[format_name]
    assert sorted(path.name for path in Path().iterdir()) == [f"ends.{format_name}", "named"]


def test_hci_is_another_link_type() -> None:
    for name, place in (("a.pcap", 20), ("a.pcapng", 36)):
        assert run("--out", name, "--hours", "0.01", "--hci").exit_code == 0
        assert Path(name).read_bytes()[place] == 201
        assert run("--out", name, "--hours", "0.01", "--force").exit_code == 0
        assert Path(name).read_bytes()[place : place + 2] == b"\x00\x01"


def test_the_same_arguments_give_the_same_octets() -> None:
    arguments = (
        "--hours",
        "0.2",
        "--fault",
        "relay",
        "--strangers",
        "7",
        "--loss",
        "0.1",
        "--interval-ms",
        "400",
    )
    for name in ("a.pcap", "b.pcap"):
        assert run("--out", name, *arguments).exit_code == 0
    assert run("--out", "c.pcap", "--seed", "2", *arguments).exit_code == 0
    first, second, third = (Path(name).read_bytes() for name in ("a.pcap", "b.pcap", "c.pcap"))
    assert first == second != third
    assert sha256(first).hexdigest() == "527fd05bab94692a0730a7d29f8845e3e325f701ce3d82d4fb4dc82cc698874a"


@pytest.mark.req("BZ-ADV-004", "BZ-KEY-004")
def test_the_phone_of_a_device_file() -> None:
    device = {"base_id": BASE_ID, "base_day": "2020-08-08"}
    result = run(
        *("--out", "a.jsonl", "--device", "-", "--hours", "1", "--start", "2020-08-08T23:30:00Z"),
        stdin=json.dumps(device).encode(),
    )
    assert result.exit_code == 0, result.output
    found = adverts("a.jsonl")
    assert len(found) > 15_000
    first: dict[object, int] = {}
    for advert in found:
        time_ms = int(str(advert["time_us"])) // 1000
        began_ms = first.setdefault(advert["address"], time_ms)
        assert str(advert["ad"])[14:38] in {
            hashed(began_ms),
            hashed(began_ms - 11),
            hashed(began_ms - 15_000),
        }
        assert began_ms - 15_000 < time_ms <= began_ms + 15_000


@pytest.mark.req("BZ-KEY-009")
def test_the_whole_device_file_counts() -> None:
    device = {
        "name": "An",
        "platform": "android",
        "clock_offset_ms": 20_000,
        "bases": [{"base_id": BASE_ID, "base_day": "2020-08-08"}],
        "max": [{"from": BASE_DAY_MS, "value": 144}, {"from": START_MS + 1_800_000, "value": 48}],
        "foreground": [{"from": START_MS + 600_000, "to": START_MS + 900_000}],
    }
    Path("device.json").write_text(
        json.dumps({"schema": 1, "devices": [device, {**device, "name": "Binh", "max": []}]})
    )
    result = run("--out", "a.jsonl", "--device", "device.json", "--hours", "1", "--interval-ms", "500")
    assert result.exit_code == 0, result.output
    assert " of 2 phones; " in result.stderr
    times: dict[tuple[object, str], list[int]] = {}
    for advert in adverts("a.jsonl"):
        times.setdefault((advert["address"], str(advert["ad"])[14:38]), []).append(
            int(str(advert["time_us"])) // 1000
        )
    counts: dict[int, int] = dict.fromkeys((144, 48, 96), 0)
    for (_, rolling_id), heard_ms in times.items():
        began_ms = heard_ms[0] + 20_000
        for count in counts:
            if rolling_id in {hashed(began_ms, count=count), hashed(began_ms - 15_000, count=count)}:
                counts[count] += 1
                if count == 144:
                    assert began_ms <= START_MS + 1_800_000 + 15_000
                if count == 48:
                    assert began_ms >= START_MS + 1_800_000 - 15_000
    assert min(counts.values()) > 20
    longest = max(heard_ms[-1] - heard_ms[0] for heard_ms in times.values())
    assert 140_000 < longest <= 165_000


def test_the_app_open_all_the_time() -> None:
    device = {"base_id": BASE_ID, "base_day": "2020-08-08", "foreground": True}
    result = run("--out", "a.jsonl", "--device", "-", "--hours", "0.2", stdin=json.dumps(device).encode())
    assert result.exit_code == 0
    assert len({advert["address"] for advert in adverts("a.jsonl")}) in (5, 6)


def test_the_device_file_that_is_written_fits() -> None:
    for fault in ("clock-seeded-base", "stale-list", "unsaved-base", "before-base-day", "empty-base"):
        arguments = ("--hours", "0.1", "--fault", fault, "--force", "--interval-ms", "500")
        result = run("--out", "a.jsonl", "--write-device", "device.json", *arguments)
        assert result.exit_code == 0, result.output
        assert f"planted: {fault}; written: a.jsonl, device.json" in result.stderr
        (device,) = json.loads(Path("device.json").read_text())["devices"]
        ((base,), changes) = device["bases"], device["max"]
        assert (base["base_id"] == "") == (fault == "empty-base")
        assert (base["base_day"] == "2020-08-10") == (fault == "unsaved-base")
        assert (base["base_day"] == "2020-08-11") == (fault == "before-base-day")
        assert [each["value"] for each in changes] == ([48] if fault == "stale-list" else [])


def test_a_correct_phone_and_its_device_file() -> None:
    assert run("--out", "a.jsonl", "--write-device", "device.json", "--hours", "0.5").exit_code == 0
    (device,) = json.loads(Path("device.json").read_text())["devices"]
    (base,) = device["bases"]
    day_ms = BASE_DAY_MS - (8 - int(base["base_day"][-2:])) * DAY_MS
    assert base["base_day"][:8] in ("2020-08-", "2020-07-")
    if base["base_day"][:8] == "2020-07-":
        day_ms -= 31 * DAY_MS
    for advert in adverts("a.jsonl"):
        time_ms = int(str(advert["time_us"])) // 1000
        right = {hashed(at, base["base_id"], day_ms) for at in (time_ms, time_ms - 15_000)}
        assert str(advert["ad"])[14:38] in right


def test_platform_receivers_and_standard_output() -> None:
    result = run("--out", "-", "--platform", "ios", "--receivers", "2", "--hours", "0.1", "--format", "jsonl")
    assert result.exit_code == 0
    assert result.stderr.endswith("written: standard output\n")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert {line.get("receiver") for line in lines[1:-1]} == {"receiver-1", "receiver-2"}
    assert any(bytes.fromhex(line["ad"]).endswith(b"\x09\x09Bluezone") for line in lines[1:-1])


def test_the_list_of_faults() -> None:
    result = run("--list-faults")
    assert (result.exit_code, result.stderr) == (0, "")
    header, *rows = result.stdout.splitlines()
    assert header.split()[:3] == ["name", "requirement", "fault"]
    assert [row.split()[:2] for row in rows] == [[each.name, each.requirement] for each in FAULTS.values()]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "missing option '--out'"),
        (("--fault", "slotlate"), "did you mean slot-late? (see 'bzc simulate --list-faults')"),
        (("--fault", "F-99"), "there is no planted fault 'F-99'; did you mean"),
        (("--fault", "F-21"), "'F-21' is copied by v1-build and six-octets: name one"),
        (("--fault", "relay", "--fault", "late-stop"), "relay and late-stop contradict each other"),
        (("--fault", "owners-name"), "owners-name is none of this platform (android)"),
        (("--fault", "relay", "--platform", "ios"), "relay is none of this platform (ios)"),
        (
            ("--fault", "slot-late", "--platform", "ios"),
            "GATT reads alone can show it: give --gatt, and --format",
        ),
        (("--gatt",), "--gatt: a pcap file has no place for GATT reads: give --format jsonl"),
        (("--gatt", "--format", "btsnoop"), "a btsnoop file has no place for GATT reads"),
        (("--gatt", "--format", "pcapng", "--hci"), "a pcapng file has no place for GATT reads"),
        (("--hours", "0"), "--hours: give more than 0"),
        (("--hours", "nan"), "--hours: give more than 0"),
        (("--hours", "x"), "'x' is not a valid float"),
        (("--loss", "1"), "the loss is not from 0 to below 1"),
        (("--loss", "nan"), "the loss is not from 0 to below 1"),
        (("--receivers", "2"), "a pcap file has no place for several receivers"),
        (("--receivers", "2", "--format", "btsnoop"), "a btsnoop file has no place"),
        (("--receivers", "0", "--format", "jsonl"), "there are not 1 to 16 receivers"),
        (("--strangers", "-1"), "there are not 0 to 1000 strangers"),
        (("--interval-ms", "1"), "the interval is not 20 to 10240 ms"),
        (("--start", "2020-08-08"), "--start '2020-08-08': give ISO 8601"),
        (("--start", "2106-03-01T00:00:00Z"), "the times are not from 1970"),
        (("--format", "har"), "'har' is not one of"),
        (("--format", "btsnoop", "--hci"), "--hci is for pcap and pcapng"),
        (("--write-device", "a.pcap"), "--out and --write-device name one file"),
        (("--seed", "x"), "give a whole number"),
        (("--plattform", "ios"), "did you mean --platform or --format?"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], expected: str) -> None:
    out = ("--out", "a.pcap") if arguments else ()
    assert expected in refused(run(*out, *arguments))
    assert list(Path().iterdir()) == []


@pytest.mark.req("BZ-GAT-002")
def test_reads_of_an_iphone_stand_in_a_recording() -> None:
    Path("device.json").write_text(
        json.dumps({"base_id": BASE_ID, "base_day": "2020-08-08", "platform": "ios"})
    )
    device = ("--device", "device.json", "--hours", "0.3", "--interval-ms", "1000")
    assert run("--out", "with.jsonl", "--gatt", *device).exit_code == 0
    lines = [json.loads(line) for line in Path("with.jsonl").read_text().splitlines()]
    assert lines[0]["capabilities"]["gatt"] == "yes"
    assert {each.get("kind") for each in lines[1:]} == {
        "advert",
        "gatt_services",
        "gatt_read",
        "disconnect",
        "end",
    }
    reads = [each for each in lines if each.get("kind") == "gatt_read"]
    assert len(reads) == 2
    for each in reads:
        assert each["value"] == hashed(each["time_us"] // 1000)
    assert run("--out", "without.jsonl", *device).exit_code == 0
    first = json.loads(Path("without.jsonl").read_text().splitlines()[0])
    assert first["capabilities"]["gatt"] == "no"
    assert "gatt_" not in Path("without.jsonl").read_text().replace(json.dumps(first), "").split("\n", 1)[1]


@pytest.mark.parametrize(
    ("device", "more", "exit_code", "expected"),
    [
        ({"base_id": "00", "base_day": "2020-08-08"}, (), 64, "a base id is 32 octets, not 1"),
        ({"base_id": "", "base_day": "2020-08-08"}, (), 64, "a base id is 32 octets, not 0"),
        (
            {"base_id": BASE_ID, "base_day": "2020-08-08", "platform": "ios"},
            ("--platform", "android"),
            64,
            "says ios",
        ),
        ({"base_id": BASE_ID, "base_day": "2030-01-01"}, (), 64, "was made on 2030-01-01, after the end"),
        ({"base_id": BASE_ID}, (), 3, "base_day"),
        (
            {
                "base_id": BASE_ID,
                "base_day": "2020-08-08",
                "foreground": [{"from": 5, "to": 9}, {"from": 8, "to": 10}],
            },
            (),
            64,
            "overlap",
        ),
        (
            {
                "schema": 1,
                "devices": [
                    {
                        "name": "An",
                        "platform": "android",
                        "max": [],
                        "foreground": [],
                        "bases": [
                            {"base_id": BASE_ID, "base_day": "2020-08-08"},
                            {"base_id": BASE_ID, "base_day": "2020-08-08", "from": START_MS},
                        ],
                    }
                ],
            },
            (),
            64,
            "'An' has 2 base ids",
        ),
    ],
)
def test_device_files_that_do_not_do(
    device: dict[str, object], more: tuple[str, ...], exit_code: int, expected: str
) -> None:
    result = run("--out", "a.pcap", "--device", "-", *more, stdin=json.dumps(device).encode())
    message = refused(result, exit_code)
    assert expected in message
    assert BASE_ID not in message
    assert list(Path().iterdir()) == []


def test_what_exists_is_not_written_over() -> None:
    Path("a.pcap").write_bytes(b"dear")
    assert "'a.pcap' is there already: give --force" in refused(run("--out", "a.pcap", "--hours", "0.01"))
    assert Path("a.pcap").read_bytes() == b"dear"
    assert run("--out", "a.pcap", "--hours", "0.01", "--force").exit_code == 0
    assert Path("a.pcap").read_bytes()[:4].hex() == MAGIC["pcap"]
    Path("device.json").write_bytes(b"dear")
    again = run("--out", "b.pcap", "--hours", "0.01", "--write-device", "device.json")
    assert "'device.json' is there already" in refused(again)
    assert sorted(path.name for path in Path().iterdir()) == ["a.pcap", "device.json"]


def test_places_that_cannot_be_written() -> None:
    Path("folder").mkdir()
    assert refused(run("--out", "folder"), 3) == (
        "bzc: 'folder' cannot be written, is a directory: give a file\n"
    )
    no_folder = "bzc: 'none/a.pcap' cannot be written, no such file or directory: check the path\n"
    assert refused(run("--out", "none/a.pcap"), 3) == no_folder
    again = run("--out", "a.pcap", "--hours", "0.01", "--write-device", "none/device.json")
    assert refused(again, 3) == no_folder.replace("a.pcap", "device.json")
    assert sorted(path.name for path in Path().iterdir()) == ["a.pcap", "folder"]


def test_an_interrupted_run_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(packets: list[AirPacket], file: object, link: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(simulate, "write_pcap", broken)
    assert "interrupted" in refused(run("--out", "a.pcap"), 130)
    assert list(Path().iterdir()) == []
