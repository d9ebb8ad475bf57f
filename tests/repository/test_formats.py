"""The page on formats names every format and link type of the code, what each shows, and tests that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bluezone_harness.live.bleak_receiver import BleakReceiver, System
from bluezone_harness.observations import Extent
from bluezone_harness.sources import btsnoop, formats, link_types

pytestmark = pytest.mark.req("BZ-ADV-001")

TESTS = Path("tests", "harness", "sources")
SYSTEMS: dict[str, System] = {"Linux": "Linux", "macOS": "Darwin", "Windows": "Windows"}
PROOF = re.compile(r"`(test_\w+\.py)(?:::(test_\w+))?`")
ROW = re.compile(r"^\| (.+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "harness" / "FORMATS.md").read_text("utf-8")


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading, without its own two lines."""
    part = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [[cell.strip() for cell in row.split(" | ")] for row in ROW.findall(part)][2:]


def kinds(repository: Path) -> set[str]:
    """Return what the sources that ``open_source`` returns call themselves: the literals of their constructors."""
    folder = repository / "harness" / "bluezone_harness" / "sources"
    opened = set(re.findall(r"return (\w+)\.\w+Source\(", Path(formats.__file__).read_text("utf-8")))
    found = set()
    for module in opened:
        for node in ast.walk(ast.parse((folder / f"{module}.py").read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func) == "super().__init__"
                and len(node.args) > 1
                and isinstance(node.args[1], ast.Constant)
            ):
                found.add(str(node.args[1].value))
    assert len(opened) == len(found)
    return found


def test_every_format_of_the_code_stands_there_and_no_other(page: str, repository: Path) -> None:
    assert {row[0].strip("`") for row in rows(page, "Files")} == kinds(repository)
    (snoop,) = (row for row in rows(page, "Files") if row[0] == "`btsnoop`")
    assert set(map(int, re.findall(r"\b\d{4}\b", snoop[2]))) == set(btsnoop._DECODERS)


def test_every_link_type_shows_what_its_decoder_shows(page: str) -> None:
    said = {int(row[0]): set(row[2].split(", ")) for row in rows(page, "Packets")}
    assert set(said) == set(link_types._DECODERS)
    for link_type, make in link_types._DECODERS.items():
        shown = {each.value for each, extent in make().capabilities.items() if extent is Extent.YES}
        assert said[link_type] == shown, link_type


@pytest.mark.req("BZ-ADV-003")
def test_every_system_shows_what_its_receiver_says(page: str) -> None:
    said = {
        row[0].partition("(")[2].strip(")"): set(row[1].split(", "))
        for row in rows(page, "Operating systems")
    }
    assert set(said) == set(SYSTEMS)
    for name, system in SYSTEMS.items():
        receiver = BleakReceiver(_Clock(), system)
        shown = {each.value for each, extent in receiver.capabilities.items() if extent is Extent.YES}
        assert said[name] - {"gatt"} == shown - {"gatt"}, name
    assert {row[-1] for row in rows(page, "Operating systems")} == {"no"}


class _Clock:
    """A clock that nobody asks."""

    def now_us(self) -> int:
        raise NotImplementedError


def test_every_row_has_a_proof_and_every_proof_is_there(page: str, repository: Path) -> None:
    for row in rows(page, "Files") + rows(page, "Packets"):
        assert PROOF.search(row[-1]), row[0]
        # somebody else's hand, and not only our own
        assert re.search(r"tshark|scapy|standard library", row[-1]), row[0]
    named = PROOF.findall(page)
    assert len(named) > 20
    for file, function in named:
        text = (repository / TESTS / file).read_text("utf-8")
        defined = {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}
        assert not function or function in defined, (file, function)


def test_who_is_named_takes_part(page: str, repository: Path) -> None:
    """A test that is said to ask tshark or scapy names it."""
    for row in rows(page, "Files") + rows(page, "Packets"):
        for claim in row[-1].split("; "):
            files = [file for file, _ in PROOF.findall(claim)]
            text = "".join((repository / TESTS / file).read_text("utf-8") for file in files)
            for hand in re.findall(r"\b(tshark|scapy)\b", claim.partition(":")[0]):
                assert hand in text, (claim, hand)
