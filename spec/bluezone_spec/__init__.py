"""The Bluezone specification: chapters in Markdown, profiles in TOML, and a strict parser of both.

``load()`` gives the specification that comes with this package; ``parse_specification`` reads any other text
of the same form. The values are those of ``bluezone_spec.model``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from bluezone_spec.errors import SpecificationError
from bluezone_spec.model import Specification
from bluezone_spec.parser import parse_specification

__all__ = ["SpecificationError", "load", "parse_specification"]


@cache
def load() -> Specification:
    """Return the specification of this package, read once.

    Raises:
        SpecificationError: A chapter or a profile is not written as it must be.
    """
    package = files(__name__)
    return parse_specification(dict(_texts(package / "chapters")), dict(_texts(package / "profiles")))


def _texts(directory: Traversable) -> Iterator[tuple[str, str]]:
    """Yield name and text of each file; hidden ones, such as an editor's, do not count."""
    for file in directory.iterdir():
        if not file.name.startswith("."):
            yield file.name, _text(file)


def _text(file: Traversable) -> str:
    octets = file.read_bytes()
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise SpecificationError(file.name, line, "an octet is not UTF-8: save the file as UTF-8") from None
