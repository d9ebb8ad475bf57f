"""Write the vector pack, or with ``--check`` say whether what stands is what would be written."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .writing import pack_texts

PACKAGE = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None, folder: Path = PACKAGE) -> int:
    """Run the command.

    Args:
        arguments: Of the command line.
        folder: Where the pack stands.

    Returns:
        0 if the pack stands as it should, 1 if ``--check`` found a difference.
    """
    parser = argparse.ArgumentParser(prog="python -m bluezone_vectors.generator", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    check = parser.parse_args(arguments).check
    texts = pack_texts(folder)
    stale = [name for name, text in texts.items() if _stands(folder / name) != text.encode("utf-8")]
    strange = sorted(
        file.relative_to(folder).as_posix()
        for file in (folder / "pack").glob("*")
        if file.relative_to(folder).as_posix() not in texts
    )
    if check:
        for name in (*stale, *strange):
            print(f"{name} is not what the generator writes; run python -m bluezone_vectors.generator")
        return 1 if stale or strange else 0
    for name in stale:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(texts[name].encode("utf-8"))
    for name in strange:
        (folder / name).unlink()
    print(f"{len(stale)} of {len(texts)} files written, {len(strange)} removed")
    return 0


def _stands(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
