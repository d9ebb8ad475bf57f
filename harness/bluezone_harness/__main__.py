"""``python -m bluezone_harness``: the same as ``bzc``."""

from bluezone_harness.cli import main

main()
