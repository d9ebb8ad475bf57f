"""The vector pack, as it comes with this package: read, and held to its manifest.

Theory of operation. ``load()`` reads ``MANIFEST.json``, then each file that it names, whose SHA-256 must be the one
that stands there, and whose digests together must give the digest of the suite. What a vector says is then taken as
it stands: that it obeys its schema, and what no schema can hold, is what ``lint`` and the tests see to. ``read_pack``
does the same with any other folder, such as a pack of somebody's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal

MANIFEST = "MANIFEST.json"
SCHEMA = 1

Level = Literal["MUST", "SHOULD", "MAY"]
Evidence = Literal["captured", "executed", "source", "standard", "inferred"]


class PackError(ValueError):
    """A pack that is not as its manifest says; the message is one sentence for people."""


@dataclass(frozen=True, slots=True)
class Vector:
    """A question with its expected answer.

    Attributes:
        id: Slug; never used again.
        operation: Which question it is.
        requirements: Which requirements it holds to, the first above all.
        level: Of the strictest of them.
        profile: For whom it is meant; ``v3``, or a quirk profile that its question names too.
        question: What is asked: its ``in``.
        expect: One of ``ok``, ``reject``, ``failure`` and ``properties``, with what is expected.
        boundary: The boundary that it stands beside; empty where it stands beside none.
        kills: Names of the faulty implementations that it is there to find.
        flags: What goes wrong in the field when it fails, by name.
        comment: Why, in a sentence.
        since: The version of the pack that brought it.
        evidence: How the expectation is known.
    """

    id: str
    operation: str
    requirements: tuple[str, ...]
    level: Level
    profile: str
    question: Mapping[str, object]
    expect: Mapping[str, object]
    boundary: str
    kills: tuple[str, ...]
    flags: tuple[str, ...]
    comment: str
    since: str
    evidence: Evidence

    @property
    def is_negative(self) -> bool:
        """Whether the question is to be refused."""
        return "reject" in self.expect


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A vector that was withdrawn.

    Attributes:
        id: Its slug, never used again.
        withdrawn: In which version of the pack.
        reason: Why.
    """

    id: str
    withdrawn: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pack:
    """All vectors of one version.

    Attributes:
        version: Semantic: a changed expectation is major, a new MUST vector minor.
        digest: SHA-256 over the digests of all files.
        vectors: In the order of the manifest's operations.
        flags: Each flag with its explanation.
        tombstones: What was withdrawn.
    """

    version: str
    digest: str
    vectors: tuple[Vector, ...]
    flags: Mapping[str, str]
    tombstones: tuple[Tombstone, ...]


@cache
def load() -> Pack:
    """Return the pack of this package, read once.

    Raises:
        PackError: A file is missing, is another than the manifest says, or is no JSON of its form.
    """
    return read_pack(files(__package__))


def read_pack(folder: Traversable) -> Pack:
    """Return the pack of a folder.

    Args:
        folder: Holds the manifest and what that names.

    Raises:
        PackError: As ``load``.
    """
    try:
        manifest = _object(_octets(folder, MANIFEST), MANIFEST)
        texts = _checked_files(folder, manifest)
        vectors = tuple(
            vector
            for each in manifest["operations"]
            for vector in _vectors(texts[f"pack/{each['operation']}.json"], each["operation"])
        )
        if len(vectors) != manifest["vectors"]:
            raise PackError(f"the pack has {len(vectors)} vectors, its manifest names {manifest['vectors']}")
        flags = _object(texts["flags.json"], "flags.json")["flags"]
        return Pack(
            version=manifest["version"],
            digest=manifest["digest"],
            vectors=vectors,
            flags={each["flag"]: each["text"] for each in flags},
            tombstones=tuple(Tombstone(**each) for each in manifest["tombstones"]),
        )
    except (KeyError, TypeError) as error:
        raise PackError(f"the pack is not of its form: {error}") from None


def suite_digest(digests: Sequence[tuple[str, str]]) -> str:
    """Return the digest of a suite: SHA-256 of a line ``<sha256>  <path>`` for each file, each ended by LF.

    Args:
        digests: Path and SHA-256 of each file, in the order of the manifest.
    """
    return sha256("".join(f"{digest}  {path}\n" for path, digest in digests).encode()).hexdigest()


def _checked_files(folder: Traversable, manifest: dict[str, Any]) -> dict[str, bytes]:
    """Return the octets of each file that the manifest names."""
    found = {}
    digests = [(file["path"], file["sha256"]) for file in manifest["files"]]
    if suite_digest(digests) != manifest["digest"]:
        raise PackError("the digest of the suite is not that of the files of its manifest")
    for path, digest in digests:
        found[path] = _octets(folder, path)
        if sha256(found[path]).hexdigest() != digest:
            raise PackError(f"{path} is not the file that the manifest names: its SHA-256 is another")
    return found


def _octets(folder: Traversable, path: str) -> bytes:
    try:
        return folder.joinpath(*path.split("/")).read_bytes()
    except OSError:
        raise PackError(f"the pack has no file {path} that can be read") from None


def _object(octets: bytes, path: str) -> dict[str, Any]:
    try:
        value = json.loads(octets.decode("utf-8"))
    except (ValueError, RecursionError):
        raise PackError(f"{path} is not JSON in UTF-8") from None
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise PackError(f"{path} is not of version {SCHEMA} of its form")
    return value


def _vectors(octets: bytes, operation: str) -> Iterator[Vector]:
    for item in _object(octets, operation)["vectors"]:
        members: dict[str, Any] = dict(item)
        for name in ("requirements", "kills", "flags"):
            members[name] = tuple(members[name])
        yield Vector(operation=operation, question=members.pop("in"), **members)
