"""Compiles loops, and keeps what was compiled between runs where there is a place for it.

That is beside the module where the folder can be written to, else in the user's folder for such things, else nowhere:
then it is compiled anew by each process. Whatever may be wrong with what was kept, it is never an error. What was
compiled from another version of any module of this folder is not used.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import uuid4

import numba
from numba.core import caching

_Part = Any
"""Of what a compiler is made; numba tells no types of it."""
_Function = TypeVar("_Function", bound=Callable[..., object])


_STAMP = sha256(
    b"".join(each.read_bytes() for each in sorted(Path(__file__).parent.glob("*.py")))
).hexdigest()
"""Of all modules of this folder: what one of them calls or builds in may stand in another."""


class _Index(caching.IndexDataCacheFile):
    """An index of what was kept."""

    def _data_name(self, number: int) -> str:
        # a name of its own: an index is never read together with what another version of the module left behind
        return str(self._data_name_pattern.format(number=uuid4().int))


class _Kept(caching.FunctionCache):
    """What was kept of one function, if all goes well; nothing otherwise."""

    def __init__(self, function: Callable[..., object]) -> None:
        base: _Part = super()
        base.__init__(function)
        index = self._cache_file
        index.__class__ = _Index
        index._source_stamp = _STAMP

    def load_overload(self, sig: _Part, target_context: _Part) -> _Part:
        # what is damaged raises all kinds of errors, and is compiled anew
        with suppress(Exception):
            base: _Part = super()
            return base.load_overload(sig, target_context)
        return None

    def save_overload(self, sig: _Part, data: _Part) -> None:
        # such as a disk that is full
        with suppress(Exception):
            base: _Part = super()
            base.save_overload(sig, data)


def inlined(function: _Function) -> _Function:
    """Return a function that is compiled into each that calls it."""
    return cast(
        _Function,
        numba.njit(nogil=True, error_model="numpy", forceinline=True)(function),
    )


def compiled(function: _Function) -> _Function:
    """Return a function that is compiled when it is called first, and does not hold Python's lock."""
    dispatcher: _Part = numba.njit(nogil=True, error_model="numpy")(function)
    # there is no place that can be written to, or this version of numba has all that elsewhere
    with suppress(RuntimeError, AttributeError, TypeError, OSError):
        dispatcher._cache = _Kept(function)
    return cast(_Function, dispatcher)
