"""Questions of ``new_base_ids``: random, so that properties are expected and no values."""

from __future__ import annotations

from collections.abc import Iterator

from bluezone_vectors.generator.drafts import Draft


def drafts() -> Iterator[Draft]:
    """Yield all questions of this operation."""
    for count, kills, comment in (
        (
            1,
            ("empty-base-ids", "short-bases", "zero-base-ids"),
            "One base id, of 32 octets, and none of the weak ones (F-15).",
        ),
        (2, ("repeated-bases",), "Two base ids differ."),
        (16, ("counting-bases",), "None counts up from another, nor within itself."),
        (64, ("counting-bases", "repeated-bases"), "Sixty-four phones, none guessable, no two alike (F-22)."),
    ):
        yield Draft(
            id=f"new-base-ids-{count}",
            requirements=("KEY-001",),
            question={"count": count},
            comment=comment,
            kills=kills,
            flags=("guessable-ids",),
            properties={"count": count, "octets": 32, "different": True, "weak": False},
        )
