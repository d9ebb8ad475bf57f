"""The files of the pack: vectors one a line, flags, and the manifest with its digests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import chain
from pathlib import Path

from .drafts import Draft, vector_of
from .questions import (
    bad_cases,
    decode_advertisement,
    decode_info,
    decode_push,
    derive_ids,
    encode_advertisement,
    encode_info,
    flags,
    hits,
    id_at,
    ids_over_time,
    iphones,
    log_export,
    log_import,
    match,
    new_base_ids,
    published_key,
    reads,
    receive,
    repeats,
)

VERSION = "1.0.0"
"""Of the pack: a changed expectation is major, a new MUST vector minor."""
TOMBSTONES: tuple[tuple[str, str, str], ...] = ()
"""Vectors that were withdrawn: id, version, reason. Their ids are never used again."""
_FORMS = ("OPERATIONS.md", "schemas")
"""What the manifest names besides the pack: the form of questions, answers and files."""
DRAFTS: dict[str, Callable[[], Iterator[Draft]]] = {
    "derive_ids": derive_ids.drafts,
    "id_at": id_at.drafts,
    "ids_over_time": ids_over_time.drafts,
    "new_base_ids": new_base_ids.drafts,
    "published_key": published_key.drafts,
    "encode_advertisement": encode_advertisement.drafts,
    "decode_advertisement": lambda: chain(decode_advertisement.drafts(), iphones.drafts()),
    "receive": lambda: chain(receive.drafts(), repeats.drafts(), reads.drafts()),
    "log_export": log_export.drafts,
    "log_import": log_import.drafts,
    "match": lambda: chain(match.drafts(), hits.drafts(), bad_cases.drafts()),
    "decode_push": decode_push.drafts,
    "decode_info": decode_info.drafts,
    "encode_info": encode_info.drafts,
}
"""Every operation, in the order of the manifest."""

Vectors = list[dict[str, object]]


def pack_vectors() -> dict[str, Vectors]:
    """Return all vectors, answered, by operation."""
    return {
        operation: [vector_of(operation, draft) for draft in drafts()] for operation, drafts in DRAFTS.items()
    }


def pack_texts(folder: Path) -> dict[str, str]:
    """Return the text of each file of the pack.

    Args:
        folder: Where the schemas and ``OPERATIONS.md`` stand, which the manifest names too.

    Returns:
        By path from the folder; the manifest last.
    """
    vectors = pack_vectors()
    texts = {f"pack/{operation}.json": vectors_text(operation, some) for operation, some in vectors.items()}
    texts["flags.json"] = _lines(
        {
            "schema": 1,
            "licence": "CC0-1.0",
            "flags": [{"flag": f, "text": t} for f, t in flags.FLAGS.items()],
        },
        "flags",
    )
    for name in _FORMS:
        for file in sorted([folder / name, *(folder / name).glob("*.schema.json")]):
            if file.is_file():
                texts[file.relative_to(folder).as_posix()] = file.read_text("utf-8")
    return {**texts, "MANIFEST.json": _manifest(vectors, texts)}


def vectors_text(operation: str, vectors: Vectors) -> str:
    """Return a file of vectors, one a line."""
    return _lines({"schema": 1, "operation": operation, "vectors": vectors}, "vectors")


def suite_digest(files: list[dict[str, str]]) -> str:
    """Return the digest of a suite: SHA-256 over ``<sha256>  <path>`` and a line feed for each file."""
    return sha256("".join(f"{file['sha256']}  {file['path']}\n" for file in files).encode()).hexdigest()


def _manifest(vectors: dict[str, Vectors], texts: dict[str, str]) -> str:
    files = [
        {"path": name, "sha256": sha256(text.encode("utf-8")).hexdigest()}
        for name, text in sorted(texts.items())
    ]
    manifest: dict[str, object] = {
        "schema": 1,
        "licence": "CC0-1.0",
        "version": VERSION,
        "digest": suite_digest(files),
        "vectors": sum(map(len, vectors.values())),
        "operations": [
            {"operation": operation, "vectors": len(some), "negative": sum(map(_is_negative, some))}
            for operation, some in vectors.items()
        ],
        "files": files,
        "tombstones": [
            {"id": name, "withdrawn": version, "reason": reason} for name, version, reason in TOMBSTONES
        ],
    }
    return _lines(manifest, "operations", "files", "tombstones")


def _is_negative(vector: dict[str, object]) -> bool:
    expect = vector["expect"]
    return isinstance(expect, dict) and "reject" in expect


def _lines(value: dict[str, object], *spread: str) -> str:
    """Return JSON with a line for each key, and for each member of the lists named."""
    rows = []
    for key, member in value.items():
        if key in spread and isinstance(member, list) and member:
            inner = ",\n".join(f"    {_line(each)}" for each in member)
            rows.append(f"  {_line(key)}: [\n{inner}\n  ]")
        else:
            rows.append(f"  {_line(key)}: {_line(member)}")
    return "{\n" + ",\n".join(rows) + "\n}\n"


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False)
