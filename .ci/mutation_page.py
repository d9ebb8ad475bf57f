"""The page on mutation testing, tests/MUTATION.md, and the survivors that tests/mutation_survivors.toml explains."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from mutants import Mutant

ROOT = Path(__file__).resolve().parents[1]
SURVIVORS = ROOT / "tests" / "mutation_survivors.toml"
PAGE = ROOT / "tests" / "MUTATION.md"


def explained() -> dict[Mutant, str]:
    """Return the survivors that tests/mutation_survivors.toml explains, with the reasons."""
    found: dict[Mutant, str] = {}
    for group in tomllib.loads(SURVIVORS.read_text("utf-8"))["survivor"]:
        mutant = Mutant(*(group[key] for key in ("module", "place", "line", "mutant", "operator")))
        if mutant in found:
            raise ValueError(f"{mutant} is explained twice")
        found[mutant] = group["why"]
    return found


def listing(survivors: dict[Mutant, str], order: Sequence[str]) -> str:
    """Return the page's list of the explained survivors, module by module in an order."""
    text = ""
    module = ""
    for mutant, why in sorted(survivors.items(), key=lambda each: order.index(each[0].module)):
        if mutant.module != module:
            module = mutant.module
            text += f"\n### {module}\n\n"
        place = f"`{mutant.place}`: " if mutant.place else ""
        becomes = f"becomes `` {mutant.mutant} ``" if mutant.mutant else "goes"
        text += f"- {place}`` {mutant.line} `` {becomes}: {why}\n"
    return text


ROW = re.compile(r"^\| `(?P<module>[\w.]+)` \|(?P<figures>(?: \d+ \|){5})$", re.MULTILINE)
TABLE = "| module | mutants | judged | killed before | killed | survivors |\n|---|---:|---:|---:|---:|---:|\n"


def rows(page: str) -> dict[str, tuple[int, ...]]:
    """Return the figures of the page's table by module: mutants, judged, killed before, killed now, survivors."""
    return {
        found["module"]: tuple(int(each) for each in found["figures"].split(" |") if each)
        for found in ROW.finditer(page)
    }


def page_with(
    page: str,
    figures: dict[str, tuple[int, ...]],
    survivors: dict[Mutant, str],
    run: str,
    order: Sequence[str],
) -> str:
    """Return the page with other figures, survivors and sentence about the run, its modules in an order."""
    ordered = [(module, figures[module]) for module in order if module in figures]
    table = TABLE + "".join(
        f"| `{module}` |{''.join(f' {each} |' for each in numbers)}\n" for module, numbers in ordered
    )
    sums = [sum(column) for column in zip(*(numbers for _, numbers in ordered), strict=True)]
    table += f"| all |{''.join(f' {each} |' for each in sums)}\n"
    before, now = (100 * sums[column] / sums[1] for column in (2, 3))
    score = f"\nKilled before: {before:.1f} %; killed now: {now:.1f} %; the rest is explained below.\n"
    for name, text in (("run", run), ("figures", table + score), ("survivors", listing(survivors, order))):
        if text:
            begin, end = f"<!-- {name} -->\n", "<!-- end -->"
            head, _, rest = page.partition(begin)
            page = f"{head}{begin}\n{text.strip()}\n\n{end}{rest.partition(end)[2]}"
    return page
