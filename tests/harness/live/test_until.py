"""What people write for the end of listening."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.live.until import Until, parse_until


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("decided", Until(decided=True)),
        (" Decided ", Until(decided=True)),
        ("90s", Until(duration_us=90_000_000)),
        ("90 s", Until(duration_us=90_000_000)),
        ("20min", Until(duration_us=1_200_000_000)),
        ("1.5 h", Until(duration_us=5_400_000_000)),
        ("0.001s", Until(duration_us=1000)),
        ("5000", Until(adverts=5000)),
        ("5000 adverts", Until(adverts=5000)),
        ("1 advert", Until(adverts=1)),
    ],
)
def test_what_is_known(text: str, found: Until) -> None:
    assert parse_until(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0s",
        "0.0 min",
        "-1",
        "1.5",
        "20 m",
        "20minutes",
        "s",
        "1.2345s",
        "1e3",
        "decide",
        "\u0663s",
        "1" * 13,
    ],
)
def test_all_else_is_refused_with_what_to_give(text: str) -> None:
    with pytest.raises(
        ValueError, match="give a duration such as 20min or 90s, a count such as 5000, or decided"
    ):
        parse_until(text)


@given(st.text(max_size=12))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    try:
        found = parse_until(text)
    except ValueError:
        return
    given_values = [found.duration_us, found.adverts, found.decided or None]
    assert sum(each is not None and each > 0 for each in given_values) == 1
