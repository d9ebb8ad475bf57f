"""Arrays that grow."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_Kind = TypeVar("_Kind", bound=np.generic)


def longer(array: NDArray[_Kind], rows: int) -> NDArray[_Kind]:
    """Return an array of more rows that begins as another and goes on with zeros."""
    grown = np.zeros((rows, *array.shape[1:]), array.dtype)
    grown[: array.shape[0]] = array
    return grown
