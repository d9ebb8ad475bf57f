"""``bzc info``: what it says of evidence whose contents were written by hand."""

from __future__ import annotations

import json
import struct
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from bluezone_harness.cli import info
from bluezone_harness.observations import Capability
from bluezone_spec.model import Specification

START_US = 1_597_046_400_000_000  # 2020-08-10T08:00Z
ID = "00112233445566778899aabb"
ANDROID = "020102" + f"0fffb522{ID}" + "0303564e"
BTSNOOP_EPOCH_US = 0x00DCDDB30F2F8000


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(info.command, list(arguments), input=stdin)


def advert(at_s: float, **more: object) -> dict[str, object]:
    given: dict[str, object] = {
        "kind": "advert",
        "time_us": START_US + int(at_s * 1_000_000),
        "receiver": "window",
        "address": "4A:00:00:00:00:01",
        "address_type": "resolvable",
        "pdu": "ADV_IND",
        "ad": ANDROID,
        "rssi": -60,
        "channel": 37,
    }
    return {key: value for key, value in {**given, **more}.items() if value is not None}


def recording(*lines: dict[str, object], ended: bool = True) -> bytes:
    capabilities = {"raw_ad": "yes", "address": "yes", "channel": "partial", "gatt": "no"}
    header = {"schema": 1, "source": "hand", "receiver": "", "capabilities": capabilities}
    end: list[dict[str, object]] = [{"kind": "end", "reason": "done"}] if ended else []
    return b"".join(json.dumps(line).encode() + b"\n" for line in (header, *lines, *end))


LINES = (
    advert(0),
    advert(0.1, channel=38, rssi=-50),
    advert(1, address="4A:00:00:00:00:02", receiver="door", rssi=None, channel=None),
    advert(2, address="C0:00:00:00:00:03", address_type="static", ad="020106", pdu="SCAN_RSP"),
    advert(2, address=None, address_type=None, pdu=None, ad="020106"),
    advert(100, address="4A:00:00:00:00:02", receiver="door"),
    {"kind": "gap", "time_us": START_US + 3_000_000, "until_us": START_US + 5_500_000},
    {"kind": "event", "name": "push", "time_us": START_US + 4_000_000},
    {"kind": "asked", "name": "HCI_LE_Set_Random_Address", "octets": "010203040506", "time_us": START_US},
    {"kind": "gatt_read", "time_us": START_US + 200_000_000, "value": ID},
)


SCHEMA = json.loads(files("bluezone_harness").joinpath("schemas", "contents.schema.json").read_text("utf-8"))


def told(*arguments: str) -> dict[str, object]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert isinstance(answer, dict)
    Draft202012Validator(SCHEMA).validate(answer)
    return answer


@pytest.mark.req("BZ-ADV-001")
def test_the_schema_is_one_and_strict() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Path("r.jsonl").write_bytes(recording(*LINES))
    answer = told("r.jsonl")
    evidence = answer["evidence"]
    assert isinstance(evidence, list)
    for spoiled in (
        {**answer, "more": 1},
        {**answer, "evidence": [{**evidence[0], "kind": "picture"}]},
        {**answer, "evidence": [{**evidence[0], "air": {}}]},
        {**answer, "evidence": [{**evidence[0], "name": "a/b"}]},
        {**answer, "unreadable": [{"name": "a"}]},
    ):
        assert not Draft202012Validator(SCHEMA).is_valid(spoiled)


@pytest.mark.req("BZ-ADV-001")
def test_all_that_a_recording_holds() -> None:
    octets = recording(*LINES)
    Path("r.jsonl").write_bytes(octets)
    answer = told("r.jsonl")
    assert (answer["schema"], answer["profile"], answer["unreadable"]) == (1, "v3", [])
    evidence = answer["evidence"]
    assert isinstance(evidence, list)
    (found,) = evidence
    assert found["name"] == "r.jsonl"
    assert found["sha256"] == sha256(octets).hexdigest()
    assert (found["kind"], found["partial"], found["diagnostics"]) == ("recording", False, [])
    assert found["contents"] == {"packets": 10, "adverts": 6, "sightings": 5}
    start_ms = START_US // 1000
    assert found["time"] == {"from_ms": start_ms, "until_ms": start_ms + 200_000}
    assert found["air"] == {
        "receivers": {"door": 2, "window": 4},
        "addresses": {"resolvable": 2, "static": 1},
        "without_address": 1,
        "pdus": {"ADV_IND": 4, "SCAN_RSP": 1, "unknown": 1},
        "channels": [37, 38],
        "rssi_min": -60,
        "rssi_max": -50,
        # one id under two addresses is one sender
        "bluezone": {"android": {"adverts": 4, "addresses": 2, "ids": 1, "senders": 1}},
        "overflow": 0,
        "reads": 1,
        "asked": {"HCI_LE_Set_Random_Address": 1},
        "events": {"push": 1},
        "gaps": [{"from_ms": start_ms + 3000, "until_ms": start_ms + 5500}],
        "silences": [{"from_ms": start_ms + 2000, "until_ms": start_ms + 100_000}],
    }
    assert found["capabilities"] == {
        **{"raw_ad": "yes", "address": "yes", "channel": "partial", "gatt": "no"},
        **{"true_ids": "yes", "whole_air": "yes"},  # which every capture has that does not say otherwise
    }
    text = run("r.jsonl").stdout
    for line in (
        "  what      recording, whole\n",
        "  holds     10 packets, 6 adverts, 5 sightings\n",
        "  receivers 2, with their adverts: door (2), window (4)\n",
        "  addresses 2 resolvable, 1 static; 1 advert without any\n",
        "  Bluezone  android: 4 adverts, 2 addresses, 1 id; linked, 1 sender\n",
        "  signal    -60 to -50 dBm\n",
        "  channels  37, 38\n",
        "  gaps      1 noted, 2 s 500 ms in all\n",
        "  in part   channel\n",
    ):
        assert line in text


@pytest.mark.req("BZ-ADV-001")
def test_silence_is_more_than_two_periods() -> None:
    Path("r").write_bytes(recording(advert(0), advert(60), advert(120.001)))
    found = told("r")["evidence"]
    assert isinstance(found, list)
    start_ms = START_US // 1000
    assert found[0]["air"]["silences"] == [{"from_ms": start_ms + 60_000, "until_ms": start_ms + 120_001}]


@pytest.mark.req("BZ-ADV-001")
def test_damage_is_told_with_its_place() -> None:
    ad = bytes.fromhex(ANDROID)
    event = (
        b"\x02\x01\x00\x01"
        + bytes.fromhex("0100000000 4a".replace(" ", ""))
        + bytes([len(ad)])
        + ad
        + b"\xc4"
    )
    packet = bytes([4, 0x3E, len(event)]) + event
    record = struct.pack(">IIIIq", len(packet), len(packet), 3, 0, START_US + BTSNOOP_EPOCH_US) + packet
    octets = b"btsnoop\0" + struct.pack(">II", 1, 1002) + record * 2
    Path("cut.log").write_bytes(octets[:-1])
    found = told("cut.log")["evidence"]
    assert isinstance(found, list)
    assert found[0]["partial"] is True
    assert found[0]["contents"]["adverts"] == 1
    assert [each["offset"] for each in found[0]["diagnostics"]] == [16 + len(record)]
    text = run("cut.log").stdout
    assert "  what      btsnoop, damaged\n" in text
    assert f"at octet {16 + len(record)}" in " ".join(text.split())


@pytest.mark.req("BZ-LOG-003")
def test_a_contact_log_and_both_together(good_log: bytes) -> None:
    Path("data_trace.txt").write_bytes(good_log)
    Path("r.jsonl").write_bytes(recording(*LINES))
    answer = told("data_trace.txt", "r.jsonl")
    evidence, together = answer["evidence"], answer["together"]
    assert isinstance(evidence, list)
    assert isinstance(together, dict)
    log, capture = evidence
    assert (log["kind"], log["air"], log["contents"]) == ("contact_log_export", None, {"rows": 200})
    assert "BZ-LOG-003" in log["requirements"]["alone"]
    assert "BZ-LOG-003" in capture["requirements"]["lacking"]
    assert "BZ-ADV-001" in capture["requirements"]["alone"]
    assert {"BZ-LOG-003", "BZ-ADV-001"} <= set(together["alone"])
    assert "together\n" in run("data_trace.txt", "r.jsonl").stdout
    assert "together\n" not in run("r.jsonl").stdout


@pytest.mark.req("BZ-KEY-002", "BZ-ADV-008")
def test_what_can_be_judged_follows_from_what_is_shown(specification: Specification) -> None:
    def shown(*has: Capability) -> dict[str, object]:
        header = dict.fromkeys(has, "yes")
        line = {"schema": 1, "source": "hand", "receiver": "", "capabilities": header}
        Path("c.jsonl").write_bytes(json.dumps(line).encode() + b'\n{"kind": "end", "reason": "done"}\n')
        evidence = told("c.jsonl")["evidence"]
        assert isinstance(evidence, list)
        requirements = evidence[0]["requirements"]
        assert isinstance(requirements, dict)
        return requirements

    bound = [each for each in specification.requirements.values() if "v3" in each.profiles]
    for has in ((), (Capability.RAW_AD,), (Capability.RAW_AD, Capability.ADDRESS, Capability.INTERVAL)):
        found = shown(*has)
        lists = [found[key] for key in ("alone", "with_device", "lacking", "other")]
        names = [name for each in lists for name in each]  # type: ignore[attr-defined]  # of JSON
        assert sorted(names) == sorted(each.id for each in bound)
        assert found["musts"] == sum(each.level == "MUST" for each in bound)
    lacking = shown(Capability.RAW_AD, Capability.ADDRESS)["lacking"]
    assert isinstance(lacking, dict)
    assert "interval" in str(lacking["BZ-ADV-008"])
    assert "BZ-ADV-008" in str(shown(Capability.RAW_AD, Capability.ADDRESS, Capability.INTERVAL)["alone"])
    assert "BZ-KEY-002" in str(
        shown(Capability.RAW_AD, Capability.ADDRESS, Capability.INTERVAL)["with_device"]
    )
    assert shown()["alone"] == shown()["with_device"] == []


@pytest.mark.req("BZ-ADV-003", "BZ-KEY-006", "BZ-PRV-007")
def test_what_fields_and_others_pseudonyms_can_show() -> None:
    def text(**capabilities: str) -> str:
        line = {"schema": 1, "source": "hand", "receiver": "", "capabilities": capabilities}
        Path("c.jsonl").write_bytes(json.dumps(line).encode() + b'\n{"kind": "end", "reason": "done"}\n')
        return " ".join(run("c.jsonl").stdout.split())

    fields = text(raw_ad="no", ad_fields="yes", address="yes")
    assert "shows ad fields, address, true ids, whole air" in fields
    assert " not raw ad, ad order, address type, " in fields
    assert "fields an operating system told what adverts hold, put together" in fields
    assert " alone BZ-KEY 001, BZ-ADV 003, BZ-PRV 001 003 004 005 007 009 device BZ-KEY 002 " in fields
    assert "for want of raw ad" in fields
    octets = text(raw_ad="yes", address="yes")
    assert " not ad order, address type, " in octets
    assert "an operating system told" not in octets
    # true of the device under test is enough beside its device file, and not alone
    alone, _, beside = text(raw_ad="yes", true_ids="partial").partition(" device BZ-")
    assert "private ids, addresses and names are true of the device under test only" in alone
    assert "BZ-PRV 004 005" in alone.partition(" alone ")[2]
    assert "007" not in alone.partition(" alone ")[2]
    assert "KEY 001 002 003" in beside.partition(" cannot ")[0]
    none = text(raw_ad="yes", true_ids="no")
    assert "private ids" not in none
    assert "BZ-KEY 002" not in none.partition(" cannot ")[0]


@pytest.mark.req("BZ-ADV-001")
def test_one_unreadable_file_does_not_hide_the_others() -> None:
    Path("r.jsonl").write_bytes(recording(*LINES))
    Path("x.bin").write_bytes(b"\x00\x01\x02\x03" * 20)
    result = run("missing", "x.bin", "r.jsonl")
    assert result.exit_code == 3
    assert "  what      recording, whole\n" in result.stdout
    assert result.stderr.startswith("bzc: missing: it cannot be read")
    assert "bzc: x.bin: " in result.stderr
    answer = json.loads(run("missing", "r.jsonl", "--json").stdout)
    assert [each["name"] for each in answer["unreadable"]] == ["missing"]
    assert [each["name"] for each in answer["evidence"]] == ["r.jsonl"]


@pytest.mark.req("BZ-ADV-001")
def test_standard_input_once_and_nothing_steers_the_terminal() -> None:
    octets = recording(advert(0, receiver="\x1b[31mred"))
    result = run("-", stdin=octets)
    assert (result.exit_code, "\x1b" in result.stdout) == (0, False)
    assert "\\x1b[31mred (1)" in result.stdout
    assert run("-", "-", stdin=octets).exit_code == 64
    assert "nothing is marked as Bluezone's" in run("-", stdin=recording(advert(0, ad="020106"))).stdout


@pytest.mark.req("BZ-ADV-001")
def test_the_clocks_of_several_captures_are_compared() -> None:
    """Two receivers that listen without a pause hear phones come and go; one's clock is 20 s ahead."""

    def heard(ahead_s: float) -> list[dict[str, object]]:
        times = []
        for phone in range(40):
            begin = 61.7 * phone + 300 + (phone * phone % 37) * 1.3
            address = f"4A:00:00:00:01:{phone:02X}"
            times += [(begin + beat, address) for beat in range(20 + phone % 7)]
        # a beacon that is always there tells that the receiver listens
        times += [(each * 1.0, "C0:00:00:00:00:01") for each in range(3600)]
        return [advert(at_s + ahead_s, address=address, receiver=None) for at_s, address in sorted(times)]

    Path("door").write_bytes(recording(*heard(0)))
    Path("window").write_bytes(recording(*heard(20)))
    Path("elsewhere").write_bytes(recording(advert(0, address="4A:00:00:00:09:09")))
    answer = told("door", "window", "elsewhere")
    clocks = answer["clocks"]
    assert isinstance(clocks, list)
    first, second, third = clocks
    assert (first["agreements"], third["agreements"]) == ([], None)
    assert all(abs(each["offset_us"] - 20_000_000) <= each["uncertainty_us"] for each in second["agreements"])
    assert second["agreements"]
    text = " ".join(run("door", "window", "elsewhere").stdout.split())
    assert "clock window: its clock is " in text
    assert "clock elsewhere: by how much its clock differs from that of door is not sure" in text
    assert told("door")["clocks"] == []
