"""``bzc convert``: what is kept, what is left out and told, and that nothing private is left."""

from __future__ import annotations

import gzip
import json
import os
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bluezone_harness.checks.captures import Capture
from bluezone_harness.cli import convert, info
from bluezone_harness.cli.evidence_inputs import read_evidence
from bluezone_harness.cli.selections import Selection
from bluezone_harness.observations import Capability, Extent

START_US = 1_597_046_400_000_000  # 2020-08-10T08:00Z
ID = "00112233445566778899aabb"
ANDROID = f"0201020fffb522{ID}0303564e"
OTHER = "020106"
BTSNOOP_EPOCH_US = 0x00DCDDB30F2F8000
CAPABILITIES = {"raw_ad": "yes", "ad_order": "yes", "channel": "yes", "crc": "yes"}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(convert.command, list(arguments), input=stdin)


def advert(at_s: float, number: int = 1, **more: object) -> dict[str, object]:
    given: dict[str, object] = {
        "kind": "advert",
        "time_us": START_US + int(at_s * 1_000_000),
        "receiver": "window",
        "address": f"4A:C3:D2:E1:F0:{number:02X}",
        "address_type": "resolvable",
        "pdu": "ADV_IND",
        "ad": ANDROID,
        "rssi": -60,
        "channel": 37,
        "crc_ok": True,
    }
    return {key: value for key, value in {**given, **more}.items() if value is not None}


def write(path: str, *lines: dict[str, object], ended: bool = True, **capabilities: str) -> list[bytes]:
    header = {"schema": 1, "source": "hand", "receiver": "", "capabilities": CAPABILITIES | capabilities}
    end: list[dict[str, object]] = [{"kind": "end", "reason": "done"}] if ended else []
    written = [json.dumps(line, separators=(",", ":")).encode() for line in (header, *lines, *end)]
    Path(path).write_bytes(b"".join(line + b"\n" for line in written))
    return written[1 : len(lines) + 1]


READ = {
    "kind": "gatt_read",
    "time_us": START_US + 4_000_000,
    "receiver": "window",
    "address": "4A:C3:D2:E1:F0:09",
    "address_type": "resolvable",
    "service": "00004e56-73f5-4bc4-a12f-17d1ad07a667",
    "value": ID,
}
ASKED = {
    "kind": "asked",
    "time_us": START_US + 5_000_000,
    "name": "HCI_LE_Set_Random_Address",
    "octets": "010203040545",
}
EVENT = {"kind": "event", "time_us": START_US + 6_000_000, "name": "push", "text": "Annabella"}
GAP = {"kind": "gap", "time_us": START_US + 7_000_000, "until_us": START_US + 8_000_000}
SESSION = {"kind": "disconnect", "time_us": START_US + 9_000_000, "address": "4A:C3:D2:E1:F0:09"}
LINES = (advert(1), advert(2, 2, ad=OTHER, pdu="SCAN_RSP", channel=38), READ, ASKED, EVENT, GAP, SESSION)


def _without_service() -> dict[str, object]:
    return {key: value for key, value in READ.items() if key != "service"}


def shown_by(path: str) -> dict[str, str]:
    """Return what the header of a recording says that it shows."""
    found = json.loads(lines(path)[0])["capabilities"]
    assert isinstance(found, dict)
    return found


def lines(path: str) -> list[bytes]:
    return Path(path).read_bytes().splitlines()


def captured(path: str) -> Capture:
    (found,) = read_evidence(path)
    assert isinstance(found, Capture)
    return found


@pytest.mark.req("BZ-ADV-001")
def test_a_recording_keeps_every_kind() -> None:
    given = write("in.jsonl", *LINES)
    result = run("in.jsonl", "--out", "out.jsonl")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.endswith(
        "converted 2 of 2 adverts, 1 of 1 GATT reads, 1 of 1 commands, 2 of 2 events, 1 of 1 gaps; "
        "written: out.jsonl\n"
    )
    header, *body, end = lines("out.jsonl")
    assert body == given
    assert json.loads(header) == {
        **{"schema": 1, "source": "converted from recording", "receiver": "", "capabilities": CAPABILITIES}
    }
    assert json.loads(end)["kind"] == "end"
    assert captured("out.jsonl").folded.reads == captured("in.jsonl").folded.reads


@pytest.mark.req("BZ-ADV-001")
def test_pcapng_leaves_out_and_says_what_it_cannot_hold() -> None:
    given = [each for each in LINES if each is not GAP]
    write("in.jsonl", *given, advert(10, pdu="ADV_EXT_IND"), advert(11, address=None, address_type=None))
    result = run("in.jsonl", "--out", "out.pcapng")
    assert result.exit_code == 0
    told = " ".join(result.stderr.split())
    assert "left out, as a pcapng file has no place for it: 1 GATT read, 2 events, 2 adverts" in told
    assert "it holds a part of what was heard, by which nothing passes" in told
    found = captured("out.pcapng")
    assert [(each.ad and each.ad.hex(), each.channels) for each in found.folded.sightings] == [
        (ANDROID, frozenset({37})),
        (OTHER, frozenset({38})),
    ]
    assert [each.octets.hex() for each in found.folded.asked] == ["010203040545"]
    assert not found.partial
    # packets claim more than the evidence showed, which the file says as well
    assert {str(name) for name, extent in found.capabilities.items() if extent is Extent.YES} == {
        *("raw_ad", "ad_order", "true_ids")
    }
    assert found.capabilities[Capability.WHOLE_AIR] is Extent.NO


@pytest.mark.req("BZ-ADV-001")
def test_pcapng_does_not_hide_what_it_cannot_tell() -> None:
    write("in.jsonl", advert(1), GAP)
    result = run("in.jsonl", "--out", "out.pcapng")
    assert (result.exit_code, Path("out.pcapng").exists()) == (1, False)
    assert "it tells of times without listening" in str(result.exception)
    assert list(Path().iterdir()) == [Path("in.jsonl")]


@pytest.mark.req("BZ-ADV-001")
def test_a_receiver_stays_one_in_pcapng() -> None:
    write(
        "in.jsonl",
        advert(1),
        advert(2, channel=None),
        advert(3, receiver="desk", channel=None),
        advert(4, receiver="desk"),
    )
    assert run("in.jsonl", "--out", "out.pcapng").exit_code == 0
    (first, second) = captured("out.pcapng").folded.sightings
    assert (first.receiver, first.count, first.channels) == ("window", 2, frozenset({37}))
    assert (second.receiver, second.count, second.channels) == ("desk", 2, frozenset())


@pytest.mark.req("BZ-ADV-001")
def test_what_was_merged_is_no_packet() -> None:
    write("in.jsonl", advert(1), ad_order="no")
    result = run("in.jsonl", "--out", "out.pcapng")
    assert (result.exit_code, Path("out.pcapng").exists()) == (1, False)
    assert "it does not show ad order" in str(result.exception)
    assert run("in.jsonl", "--out", "out", "--to", "recording").exit_code == 0
    write("in.jsonl", advert(1), true_ids="no")
    result = run("in.jsonl", "--out", "out.pcapng")
    assert "it does not show true ids" in str(result.exception)
    # nor where it holds nothing, and before anything is written
    write("none.jsonl", ad_order="no")
    assert run("none.jsonl", "--out", "-").exit_code == 1
    assert ID not in run("in.jsonl", "--out", "-").stdout_bytes.hex()
    assert bytes.fromhex(ID) not in run("in.jsonl", "--out", "-").stdout_bytes


@pytest.mark.req("BZ-ADV-001")
def test_choosing_by_time_address_and_bluezone() -> None:
    given = write(
        "in.jsonl",
        advert(0, 3, ad=OTHER),
        advert(1),
        advert(2, ad=OTHER, pdu="SCAN_RSP"),
        advert(3, 2, ad=OTHER),
        READ,
        {**_without_service(), "address": "4A:C3:D2:E1:F0:08"},
        ASKED,
        GAP,
        {**_without_service(), "address": "4A:C3:D2:E1:F0:01"},
    )

    def kept(*options: str) -> list[int]:
        assert run("in.jsonl", "--out", "out.jsonl", "--force", *options).exit_code == 0
        return [given.index(line) for line in lines("out.jsonl")[1:-1]]

    assert kept("--from", "2020-08-10T08:00:01Z", "--until", "2020-08-10T08:00:03Z") == [1, 2]
    assert kept("--from", "2020-08-10T08:00:08Z") == [7]  # the gap had not ended
    assert kept("--address", "4a-c3-d2-e1-f0-01", "--address", "4A:C3:D2:E1:F0:08") == [1, 2, 5, 7, 8]
    assert kept("--bluezone-only") == [1, 2, 4, 6, 7, 8]


@pytest.mark.req("BZ-PRV-009", "BZ-ADV-001")
def test_what_a_selection_says_of_itself() -> None:
    write("in.jsonl", advert(1), advert(2, 2, ad=OTHER))
    for options, extent in (
        ((), None),
        (("--until", "2020-08-10T09:00:00Z"), None),  # a shorter time, of which nothing is missing
        (("--bluezone-only",), "partial"),
        (("--address", "4A:C3:D2:E1:F0:01"), "no"),
        (("--bluezone-only", "--address", "4A:C3:D2:E1:F0:01"), "no"),
    ):
        assert run("in.jsonl", "--out", "out.jsonl", "--force", *options).exit_code == 0
        assert shown_by("out.jsonl").get("whole_air") == extent
        assert run("in.jsonl", "--out", "out.pcapng", "--force", *options).exit_code == 0
        said = captured("out.pcapng").capabilities[Capability.WHOLE_AIR]
        assert str(said) == (extent or "yes")
        # and whoever takes from it what is left does not make it whole again
        assert run("out.pcapng", "--out", "again.jsonl", "--force").exit_code == 0
        assert shown_by("again.jsonl").get("whole_air") == extent


@pytest.mark.req("BZ-ADV-001")
@pytest.mark.parametrize("form", ["file", "pipe"])
def test_what_an_address_sent_before_it_was_known_is_kept(form: str) -> None:
    given = write("in.jsonl", advert(0, ad=OTHER, pdu="SCAN_RSP"), advert(1, 2, ad=OTHER), advert(2))
    stdin = Path("in.jsonl").read_bytes() if form == "pipe" else None
    result = run("-" if stdin else "in.jsonl", "--out", "out.jsonl", "--bluezone-only", stdin=stdin)
    assert result.exit_code == 0
    assert lines("out.jsonl")[1:-1] == [given[0], given[2]]


@pytest.mark.req("BZ-ADV-001")
def test_several_captures_in_the_order_of_time_each_its_own_receiver() -> None:
    write("a.jsonl", advert(1), advert(3, receiver=None), interval="yes")
    write("b.jsonl", advert(2), interval="yes")
    Path("b.jsonl.gz").write_bytes(gzip.compress(Path("b.jsonl").read_bytes()))
    Path("c").mkdir()
    write("c/b.jsonl", advert(4), interval="yes")
    result = run("a.jsonl", "b.jsonl.gz", "b.jsonl", "c/b.jsonl", "--out", "out.jsonl")
    assert result.exit_code == 0
    assert "b.jsonl: the same octets as b.jsonl.gz: b.jsonl, and converted once" in " ".join(
        result.stderr.split()
    )
    header, *body, _ = map(json.loads, lines("out.jsonl"))
    assert header["capabilities"]["several_receivers"] == "yes"
    # one may have listened when another did not yet
    assert header["capabilities"]["interval"] == "partial"
    assert [each["time_us"] - START_US for each in body] == [1_000_000, 2_000_000, 3_000_000, 4_000_000]
    receivers = [each["receiver"] for each in body]
    assert (receivers[0], receivers[2]) == ("a.jsonl: window", "a.jsonl")
    assert len(set(receivers)) == 4
    piped = run("-", "--out", "piped.jsonl", stdin=Path("b.jsonl.gz").read_bytes())
    assert piped.exit_code == 0
    assert lines("piped.jsonl")[1:-1] == lines("b.jsonl")[1:-1]


@pytest.mark.req("BZ-PRV-003")
def test_several_captures_by_the_clock_of_the_first() -> None:
    def heard(late_s: int) -> list[dict[str, object]]:
        ends = [advert(late_s - 60, 0xF0, ad=OTHER), advert(late_s + 900, 0xF1, ad=OTHER)]
        phones = [
            advert(late_s + 40 * number + step, number, ad=f"{OTHER}{number:02x}" if step else OTHER)
            for number in range(1, 13)
            for step in (0, 1)
        ]
        return [ends[0], *phones, ends[1]]

    write("a.jsonl", *heard(0))
    write(
        "b.jsonl",
        *heard(100),
        advert(1100, 0x77),
        {**GAP, "time_us": START_US + 1_150_000_000, "until_us": START_US + 1_160_000_000},
    )
    result = run("a.jsonl", "b.jsonl", "--out", "out.jsonl")
    assert result.exit_code == 0
    assert "its clock is 1 min 40 s ahead of that of a.jsonl" in " ".join(result.stderr.split())
    body = [json.loads(line) for line in lines("out.jsonl")[1:-1]]
    times = {each["receiver"]: each["time_us"] for each in body if each.get("address", "").endswith("F0:05")}
    assert times == {f"{name}.jsonl: window": START_US + 201_000_000 for name in "ab"}
    assert (body[-1]["time_us"], body[-1]["until_us"]) == (START_US + 1_050_000_000, START_US + 1_060_000_000)


@pytest.mark.req("BZ-ADV-001")
def test_damage_stays_known() -> None:
    ad = bytes.fromhex(ANDROID)
    event = b"\x02\x01\x00\x01" + bytes.fromhex("01000000004a") + bytes([len(ad)]) + ad + b"\xc4"
    packet = bytes([4, 0x3E, len(event)]) + event
    record = struct.pack(">IIIIq", len(packet), len(packet), 3, 0, START_US + BTSNOOP_EPOCH_US) + packet
    Path("cut.log").write_bytes((b"btsnoop\0" + struct.pack(">II", 1, 1002) + record * 2)[:-1])
    result = run("cut.log", "--out", "out.jsonl")
    assert result.exit_code == 2
    assert f"at octet {16 + len(record)}" in result.stderr
    assert captured("out.jsonl").partial
    assert captured("out.jsonl").folded.adverts == 1
    result = run("cut.log", "--out", "out.pcapng")
    assert (result.exit_code, captured("out.pcapng").folded.adverts) == (2, 1)
    found = captured("out.pcapng")
    assert found.partial
    assert [each.message for each in found.diagnostics] == ["it was converted from evidence that was damaged"]
    # whatever is cut off at its end, it does not become whole
    octets = Path("out.pcapng").read_bytes()
    Path("cut.pcapng").write_bytes(octets[: octets.index(b"\x0a\x0d\x0d\x0a", 4)])
    assert captured("cut.pcapng").partial
    assert captured("cut.pcapng").capabilities[Capability.WHOLE_AIR] is Extent.NO


@pytest.mark.req("BZ-PRV-001", "BZ-PRV-007")
def test_private_keeps_when_and_how_and_says_that_ids_are_none() -> None:
    write("in.jsonl", *LINES)
    assert run("in.jsonl", "--out", "out.jsonl", "--private").exit_code == 0
    found, given = captured("out.jsonl"), captured("in.jsonl")
    assert found.folded.adverts == given.folded.adverts
    assert [
        (each.first_us, each.rssi_min, each.pdu, each.address_type) for each in found.folded.sightings
    ] == [(each.first_us, each.rssi_min, each.pdu, each.address_type) for each in given.folded.sightings]
    assert found.capabilities[Capability.TRUE_IDS] is Extent.NO
    told = " ".join(CliRunner().invoke(info.command, ["out.jsonl"]).stdout.split())
    assert "several receivers, true ids can judge" in told  # among what it does not show
    assert "BZ-PRV 007: for want of true ids" in told
    result = run("in.jsonl", "--out", "out.pcapng", "--private")
    assert (result.exit_code, Path("out.pcapng").exists()) == (64, False)
    assert "give --to recording" in result.output
    # nor do they come true by another conversion
    assert run("out.jsonl", "in.jsonl", "--out", "both.jsonl").exit_code == 0
    assert captured("both.jsonl").capabilities[Capability.TRUE_IDS] is Extent.NO


@pytest.mark.req("BZ-ADV-001")
def test_what_is_refused() -> None:
    write("in.jsonl", advert(1))
    Path("out.pcapng").write_bytes(b"here")
    Path("short").write_bytes(bytes(15))
    for options, text in (
        (("in.jsonl", "--out", "out.pcapng"), "give --force"),
        (("in.jsonl", "--out", "x", "--key-file", "short"), "--key-file is for --private"),
        (
            ("in.jsonl", "--out", "x", "--to", "recording", "--private", "--key-file", "short"),
            "the key has 15 octets",
        ),
        (("-", "-", "--out", "x"), "only once"),
        (("in.jsonl", "--out", "x", "--address", "4A:00"), "give six octets"),
        (("in.jsonl", "--out", "x", "--address", "4A:C3:D2:E1:F0:XX"), "give six octets"),
        (
            ("in.jsonl", "--out", "x", "--from", "1597046400000", "--until", "1597046400000"),
            "nothing would be left",
        ),
    ):
        result = run(*options)
        assert (result.exit_code, text in result.output) == (64, True), result.output
    assert Path("out.pcapng").read_bytes() == b"here"
    assert not Path("x").exists()
    Path("empty.gz").write_bytes(gzip.compress(b"no capture at all, but some text of some length"))
    result = run("empty.gz", "--out", "x")
    assert "holds no capture" in str(result.exception)
    result = run("missing", "--out", "x")
    assert "cannot be read" in str(result.exception)


@pytest.mark.req("BZ-ADV-001")
def test_standard_output_and_nothing_at_all() -> None:
    write("none.jsonl")
    result = run("none.jsonl", "--out", "-")
    assert result.exit_code == 0
    assert result.stdout_bytes[:4].hex() == "0a0d0d0a"
    assert result.stderr.endswith("converted nothing; written: standard output\n")


@pytest.mark.req("BZ-ADV-001")
@pytest.mark.parametrize("out", ["out.jsonl", "out.pcapng"])
def test_who_interrupts_leaves_no_file(out: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write("in.jsonl", advert(1), advert(2))
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spool))
    seen: list[object] = []

    def keeps(self: Selection, observation: object, bluezone: object) -> bool:
        seen.append(observation)
        if len(seen) > 1:
            raise KeyboardInterrupt
        return True

    monkeypatch.setattr(Selection, "keeps", keeps)
    stdin = Path("in.jsonl").read_bytes()
    result = run("-", "--bluezone-only", "--out", out, stdin=stdin)
    assert (result.exit_code, len(seen)) == (1, 2)
    assert sorted(each.name for each in Path().iterdir()) == ["in.jsonl", "spool"]
    assert list(spool.iterdir()) == []


@pytest.mark.req("BZ-ADV-001")
@pytest.mark.parametrize("name", ["in.jsonl", "./in.jsonl", "symbolic.jsonl", "hard.jsonl"])
def test_evidence_is_never_written_over(name: str) -> None:
    write("in.jsonl", advert(1), advert(2, 2, ad=OTHER))
    write("other.jsonl", advert(3))
    before = Path("in.jsonl").read_bytes()
    Path("symbolic.jsonl").symlink_to("in.jsonl")
    os.link("in.jsonl", "hard.jsonl")
    result = run("other.jsonl", "in.jsonl", "--out", name, "--bluezone-only", "--force")
    assert result.exit_code == 64
    assert f"--out {Path(name).name!r} is what is read, and would be lost: give another file" in result.output
    assert Path("in.jsonl").read_bytes() == before


@pytest.mark.req("BZ-PRV-001")
def test_nor_is_the_key_of_pseudonyms() -> None:
    write("in.jsonl", advert(1))
    Path("key.bin").write_bytes(bytes(32))
    result = run(
        "in.jsonl", "--to", "recording", "--private", "--key-file", "key.bin", "--out", "key.bin", "--force"
    )
    assert (result.exit_code, Path("key.bin").read_bytes()) == (64, bytes(32))


@pytest.mark.req("BZ-ADV-001")
def test_a_named_pipe_comes_once_and_is_read_twice() -> None:
    given = write("in.jsonl", advert(1), advert(2, 2, ad=OTHER))
    octets = Path("in.jsonl").read_bytes()
    for content in (octets, gzip.compress(octets)):
        os.mkfifo("pipe")
        writer = threading.Thread(target=lambda content=content: Path("pipe").write_bytes(content))
        writer.start()
        result = run("pipe", "--out", "out.jsonl", "--bluezone-only", "--force")
        writer.join()
        Path("pipe").unlink()
        assert result.exit_code == 0
        assert lines("out.jsonl")[1:-1] == given[:1]


PEAK = """
import resource, sys
from bluezone_harness.cli.convert import command
for options in (["--out", "out.jsonl", "--private"], ["--out", "out.pcapng", "--bluezone-only"]):
    command(["in.pcap", "--force", *options], standalone_mode=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.long
@pytest.mark.req("BZ-ADV-001")
def test_large_captures_take_no_more_memory() -> None:
    def peak_kib(count: int) -> int:
        ad = bytes.fromhex(ANDROID)
        head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 187)
        packets = [head]
        for number in range(count):
            address = (number % 200).to_bytes(5, "little") + b"\x4a"
            event = b"\x02\x01\x00\x01" + address + bytes([len(ad)]) + ad + b"\xc4"
            packet = b"\x04\x3e" + bytes([len(event)]) + event
            packets.append(struct.pack("<IIII", 1_597_046_400 + number, 0, len(packet), len(packet)) + packet)
        Path("in.pcap").write_bytes(b"".join(packets))
        run = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
        assert f"converted {count} of {count} adverts" in run.stderr
        return int(run.stdout)

    assert peak_kib(40_000) < peak_kib(10_000) + 3000


@pytest.mark.req("BZ-ADV-001")
def test_nothing_is_made_up() -> None:
    known = advert(1)
    less = [
        {key: value for key, value in known.items() if key not in without.split()}
        for without in (
            "rssi",
            "channel crc_ok",
            "address address_type",
            "pdu",
            "ad",
            "receiver",
            "crc_ok",
            "receiver address address_type pdu ad rssi channel crc_ok",
        )
    ]
    given = write("in.jsonl", *less, crc="no")
    assert run("in.jsonl", "--out", "out.jsonl").exit_code == 0
    # where no CRC was looked at, none is told
    assert lines("out.jsonl")[1:-1] == [line.replace(b',"crc_ok":true', b"") for line in given]


@pytest.mark.req("BZ-ADV-001")
def test_times_before_all_calendars_are_left_out_and_told() -> None:
    ad = bytes.fromhex(ANDROID)
    event = b"\x02\x01\x00\x01" + bytes.fromhex("01000000004a") + bytes([len(ad)]) + ad + b"\xc4"
    packet = bytes([4, 0x3E, len(event)]) + event
    octets = b"btsnoop\0" + struct.pack(">II", 1, 1002)
    for time_us in (BTSNOOP_EPOCH_US - 1, START_US + BTSNOOP_EPOCH_US):
        octets += struct.pack(">IIIIq", len(packet), len(packet), 3, 0, time_us) + packet
    Path("in.log").write_bytes(octets)
    for out in ("out.jsonl", "out.pcapng"):
        result = run("in.log", "--out", out)
        assert result.exit_code == 0
        assert "has no place for it: 1 advert" in " ".join(result.stderr.split())
        assert captured(out).folded.adverts == 1
        assert captured(out).capabilities[Capability.WHOLE_AIR] is Extent.NO


@pytest.mark.req("BZ-ADV-001")
def test_of_commands_those_with_others_adv_data_go() -> None:
    def data(ad: str, name: str = "HCI_LE_Set_Advertising_Data") -> dict[str, object]:
        octets = bytes.fromhex(ad)
        return {**ASKED, "name": name, "octets": (bytes([len(octets)]) + octets.ljust(31, b"\0")).hex()}

    given = write(
        "in.jsonl", data(ANDROID), data(OTHER), data(""), data(OTHER, "HCI_LE_Set_Scan_Response_Data")
    )
    assert run("in.jsonl", "--out", "out.jsonl", "--bluezone-only").exit_code == 0
    assert [given.index(line) for line in lines("out.jsonl")[1:-1]] == [0, 2]


@pytest.mark.req("BZ-ADV-003")
def test_what_an_operating_system_tells_stays_no_octets() -> None:
    told: dict[str, object] = {
        "kind": "advert",
        "time_us": START_US,
        "address": "4A:C3:D2:E1:F0:01",
        "rssi": -60,
    }
    told["fields"] = {"manufacturer_data": {"22b5": "00112233445566778899aabb"}, "local_name": "x"}
    header = {"schema": 1, "source": "by hand", "receiver": "", "capabilities": {"ad_fields": "yes"}}
    end = {"kind": "end", "reason": "done"}
    Path("in.jsonl").write_text("".join(json.dumps(each) + "\n" for each in (header, told, end)))
    assert run("in.jsonl", "--out", "out.jsonl").exit_code == 0
    first, second, *_ = (json.loads(each) for each in lines("out.jsonl"))
    assert (second, first["capabilities"]["ad_fields"]) == (told, "yes")
    result = run("in.jsonl", "--out", "out.pcapng")
    assert "packets would claim that it does" in str(result.exception)
    write("octets.jsonl", advert(2))
    result = run("in.jsonl", "octets.jsonl", "--out", "both.jsonl")
    assert "convert them apart" in str(result.exception)
    assert not Path("both.jsonl").exists()
