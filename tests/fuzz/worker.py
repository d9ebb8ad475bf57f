"""One target under atheris: ``python -m tests.fuzz.worker TARGET [LIBFUZZER'S OPTIONS] CORPUS ...``."""

from __future__ import annotations

import importlib
import sys
from typing import Any


def main(arguments: list[str]) -> None:
    """Fuzz a target until libFuzzer's options say that it is enough, or something is found."""
    atheris = importlib.import_module("atheris")
    # coverage guides: of our own readers, and of nothing that they stand on
    with atheris.instrument_imports(
        include=[
            "bluezone_harness.sources",
            "bluezone_harness.evidence",
            "bluezone_harness.virtual.scenarios",
            "bluezone_reference",
        ]
    ):
        targets = importlib.import_module("tests.fuzz.targets")
    # a small archive may not unpack to megabytes each time; the limits themselves have tests of their own
    inflating: Any = importlib.import_module("bluezone_harness.sources.inflating")
    inflating.FREE_OCTETS = 1 << 18
    target = targets.TARGETS[arguments[0]]
    atheris.Setup([sys.argv[0], f"-max_len={target.longest}", *arguments[1:]], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
