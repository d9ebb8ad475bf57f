"""``bzc doctor``: what it finds, what it says of what is missing, and that it loads nothing for it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from bluezone_harness.cli import bzc, doctor
from bluezone_harness.cli.doctor import Part, State, fits, holds_files, packages, settings
from bluezone_harness.cli.doctor_receivers import WAYS, found_ways, way_text
from bluezone_harness.cli.evidence_options import DEVICE_VARIABLE
from bluezone_reference import __version__

REQUIRED = (
    ">=3.11",
    [
        "click>=8.2",
        "rich >= 13.7, <99",
        "tomlkit (>=1) ; python_version < '3.0'",
        "hypothesis>=6; extra == 'test'",
        "pytest; extra == 'test'",
        "numpy; extra == 'fast'",
        "???",
    ],
)


def found(versions: dict[str, str], required: tuple[str, list[str]] | None = REQUIRED) -> dict[str, Part]:
    return {part.name: part for part in packages(required, versions.get)}


def test_what_is_there_is_told_with_its_version() -> None:
    parts = found({"click": "8.2.1", "rich": "13.7", "hypothesis": "6.1", "pytest": "8.0", "numpy": "2"})
    assert list(parts)[1:] == ["bluezone-conformance", "click", "rich", "test", "fast"]
    assert all(part.state is State.OK and part.advice == "" for part in parts.values())
    assert (parts["click"].version, parts["click"].needed) == ("8.2.1", True)
    assert (parts["test"].kind, parts["test"].needed) == ("extra", False)
    assert parts["bluezone-conformance"].version == __version__


def test_what_is_missing_or_too_old_is_told_with_advice() -> None:
    parts = found({"rich": "13.6.9", "hypothesis": "5.9"})
    click, rich = parts["click"], parts["rich"]
    assert (click.state, click.version, click.advice) == (State.MISSING, "", "pip install 'click>=8.2'")
    assert (rich.state, rich.version, rich.advice) == (
        State.UNFIT,
        "13.6.9",
        "pip install 'rich>= 13.7, <99'",
    )
    assert parts["test"].state is State.MISSING
    assert parts["test"].advice == "pip install 'bluezone-conformance[test]': it lacks hypothesis, pytest"
    assert parts["fast"].advice == "pip install 'bluezone-conformance[fast]': it lacks numpy"


def test_a_python_that_is_too_old_is_told() -> None:
    python = next(packages((">=99", []), lambda name: None))
    assert (python.kind, python.state, python.needed, python.wanted) == ("python", State.UNFIT, True, ">=99")


def test_without_notes_of_an_installer_nothing_is_claimed() -> None:
    parts = found({}, None)
    assert len(parts) == 2
    package = parts["bluezone-conformance"]
    assert (package.state, package.needed) == (State.MISSING, False)
    assert package.advice == "pip install bluezone-conformance: what it needs cannot be told"


@pytest.mark.parametrize(
    ("version", "wanted", "answer"),
    [
        ("8.2", ">=8.2", True),
        ("8.2.0", ">=8.2", True),
        ("8.2", ">=8.2.0", True),
        ("8.10", ">=8.9", True),
        ("8.1.9", ">=8.2", False),
        ("3.0", ">=2.10.70,<3", False),
        ("2.10.70", ">=2.10.70,<3", True),
        ("2.10.69", ">=2.10.70,<3", False),
        ("4", "<=4.0", True),
        ("4.1", "<=4", False),
        ("1.5", "==1.5.0", True),
        ("1.5", "!=1.5", False),
        ("1.5", ">1.5", False),
        ("1.5.1rc1", ">1.5", True),
        ("odd", ">=1", False),
        ("1.5", "", True),
        ("1.5", "~=9.9", True),
    ],
)
def test_versions_against_bounds(version: str, wanted: str, answer: bool) -> None:
    assert fits(version, wanted) is answer


def test_it_agrees_with_the_installer() -> None:
    result = CliRunner().invoke(bzc, ["doctor", "--json"])
    assert (result.exit_code, result.stderr) == (0, "")
    answer = json.loads(result.stdout)
    assert (answer["schema"], answer["works"]) == (1, True)
    parts = {part["name"]: part for part in answer["parts"]}
    for name in ("click", "construct", "markdown-it-py", "rich"):
        assert parts[name]["version"] == metadata.version(name)
        assert (parts[name]["state"], parts[name]["needed"]) == ("ok", True)
        assert parts[name]["use"] != ""
    assert parts["test"]["state"] == "ok"
    assert parts["sqlite3"]["state"] == "ok"
    assert parts["the specification's chapters and profiles"]["state"] == "ok"
    assert set(parts["tshark"]) == {
        *("name", "kind", "state", "needed", "version", "wanted", "use", "advice"),
    }


def test_every_dependency_says_what_it_is_for() -> None:
    answer = json.loads(CliRunner().invoke(bzc, ["doctor", "--json"]).stdout)
    assert [part["name"] for part in answer["parts"] if not part["use"]] == []


def test_text_has_a_line_for_each_part() -> None:
    result = CliRunner().invoke(bzc, ["doctor"])
    lines = result.stdout.splitlines()
    assert lines[0].split()[:2] == ["ok", "python"]
    assert f"ok                 dependency  click {metadata.version('click')}" in lines
    assert lines[-1] == "all that bzc needs is there"


def test_a_dependency_that_is_missing_ends_with_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor.version_of
    monkeypatch.setattr(doctor, "version_of", lambda name: None if name == "rich" else real(name))
    result = CliRunner().invoke(bzc, ["doctor"])
    assert result.exit_code == 3
    text = " ".join(result.stdout.split())
    assert "missing dependency rich: reports for people: check, demo; pip install 'rich>=13.7'" in text
    assert result.stdout.splitlines()[-1].startswith("bzc cannot work as it should")


def test_a_tool_that_is_missing_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    result = CliRunner().invoke(bzc, ["doctor"])
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert "missing, optional tool tshark: the project's own tests" in text
    assert "install tshark, if you need that" in text


def test_a_python_without_sqlite_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_spec", lambda name: None if name == "_sqlite3" else find_spec(name))
    result = CliRunner().invoke(bzc, ["doctor"])
    assert result.exit_code == 3
    assert "missing            library     sqlite3: phones' databases" in result.stdout


def test_a_package_without_its_files_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert holds_files("bluezone_spec", ["chapters/*.md", "profiles/*.toml"])
    assert not holds_files("bluezone_spec", ["chapters/*.md", "chapters/*.nothing"])
    assert not holds_files("bluezone_nothing", ["*"])
    monkeypatch.setattr(doctor, "holds_files", lambda package, patterns: False)
    assert CliRunner().invoke(bzc, ["doctor"]).exit_code == 3


def test_an_uninstalled_checkout_still_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "metadata", missing)
    monkeypatch.setattr(metadata, "version", missing)
    result = CliRunner().invoke(bzc, ["doctor"])
    assert result.exit_code == 0
    assert "missing, optional  package     bluezone-conformance" in result.stdout
    assert doctor.version_of("click") is None


def test_settings_that_change_what_it_does(tmp_path: Path) -> None:
    assert doctor.DEVICE_VARIABLE == DEVICE_VARIABLE
    file = tmp_path / "device.json"
    file.write_text("{}", "utf-8")
    for path, state in ((str(file), State.OK), ("-", State.OK), (str(tmp_path / "none"), State.UNFIT)):
        (part,) = settings({"BZC_DEVICE": path, "PATH": "x"})
        assert (part.name, part.kind, part.state, part.needed) == ("BZC_DEVICE", "setting", state, False)
        assert path not in part.advice
    assert [part.name for part in settings({"NO_COLOR": "1", "BZC_DEBUG": "1"})] == ["NO_COLOR", "BZC_DEBUG"]
    assert list(settings({"BZC_DEVICE": "", "NO_COLOR": ""})) == []


def test_it_loads_nothing_of_what_it_asks_about() -> None:
    program = (
        "import sys\n"
        "from bluezone_harness.cli import bzc\n"
        "try:\n    bzc.main(['doctor'], 'bzc')\n"
        "finally:\n    print(' '.join(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=True)
    loaded = {name.partition(".")[0] for name in done.stderr.decode().split()}
    assert "click" in loaded
    assert loaded & {"construct", "rich", "markdown_it", "sqlite3", "hypothesis", "pytest", "scapy"} == set()
    assert loaded & {"bleak", "bumble", "dbus_fast", "usb1"} == set()


def test_a_version_that_does_not_do_is_told_with_what_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor.version_of
    monkeypatch.setattr(doctor, "version_of", lambda name: "1.0" if name == "click" else real(name))
    result = CliRunner().invoke(bzc, ["doctor"])
    assert result.exit_code == 3
    assert "unfit              dependency  click 1.0 (wanted >=8.2): the command line" in result.stdout


def test_ways_to_listen_are_told_by_the_system_and_what_is_installed() -> None:
    linux = {each.command: each for each in found_ways("Linux", {"bleak": "3.1", "dbus-fast": "4"}.get)}
    assert len(linux) == len(WAYS)
    assert linux["bzc sniff"].works
    assert linux["bzc sniff -"].works
    dongle = linux["bzc sniff --hci usb:0"]
    assert (dongle.works, dongle.missing) == (False, ("bumble", "libusb1"))
    assert dongle.advice == "pip install 'bluezone-conformance[hci]'"
    mac = {each.command: each for each in found_ways("Darwin", {"bleak": "3.1", "bumble": "0.0.236"}.get)}
    assert mac["bzc sniff"].missing == ("pyobjc-framework-corebluetooth",)
    assert mac["bzc sniff --hci tcp-client:HOST:PORT"].works
    assert mac["bzc sniff --hci hci-socket:0"].missing == ()
    assert not mac["bzc sniff --hci hci-socket:0"].works
    assert mac["bzc sniff --hci hci-socket:0"].advice == "there is no such way on Darwin: take another"
    assert not any(each.works for each in found_ways("", lambda name: "1"))


def test_what_nobody_could_try_says_so() -> None:
    told = list(found_ways("Linux", lambda name: "1"))
    assert not any(each.tried_on_hardware for each in told)
    assert all(f"{each.title}; not tried on hardware, " in way_text(each) for each in told)
    texts = {each.command: way_text(each) for each in told}
    assert texts["bzc sniff --hci usb:0"].endswith("not tried on hardware, nor otherwise")
    assert texts["bzc sniff"].endswith("not tried on hardware, only with virtual phones")


def test_each_way_is_one_that_sniff_takes() -> None:
    from bluezone_harness.live.controllers import SCHEMES

    for way in WAYS:
        words = way.command.split()
        assert words[:2] == ["bzc", "sniff"]
        assert words[2:] in ([], ["-"], ["--hci-socket", "0"]) or (
            words[2] == "--hci" and words[3].partition(":")[0] in SCHEMES
        )


def test_ways_to_listen_are_lines_of_the_text_and_objects_of_the_json(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = doctor.version_of
    monkeypatch.setattr(doctor, "version_of", lambda name: None if name == "grpcio" else real(name))
    monkeypatch.setattr("platform.system", lambda: "Linux")
    text = " ".join(CliRunner().invoke(bzc, ["doctor"]).stdout.split())
    assert "ok receiver bzc sniff: this computer's Bluetooth; not tried on hardware, only with" in text
    assert "missing, optional receiver bzc sniff --hci android-netsim: the simulated radio" in text
    result = CliRunner().invoke(bzc, ["doctor", "--json"])
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["works"]) == (0, True)
    listed = {each["command"]: each for each in answer["receivers"]}
    assert list(listed) == [way.command for way in WAYS]
    assert listed["bzc sniff --hci tcp-client:HOST:PORT"] == {
        "command": "bzc sniff --hci tcp-client:HOST:PORT",
        "title": "a controller that is served on the network",
        "works": True,
        "missing": [],
        "tried_on_hardware": False,
        "tried_with": "virtual phones",
        "advice": "",
    }
    assert "grpcio" in listed["bzc sniff --hci android-netsim"]["missing"]
