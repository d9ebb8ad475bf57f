"""One test for each vector, and one for the file of deviations; the pytest plugin gives them their contents."""

from __future__ import annotations

from collections.abc import Callable


def test_vector(bluezone_vector: Callable[[], None]) -> None:
    """The implementation answers as the vector expects, each time it is asked."""
    bluezone_vector()


def test_deviations(bluezone_deviations: Callable[[], None]) -> None:
    """All that the file of deviations says is still true."""
    bluezone_deviations()
