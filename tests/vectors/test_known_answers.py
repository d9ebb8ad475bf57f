"""The known answers: well-formed, complete, and explained by hashlib alone."""

from __future__ import annotations

import json
from collections import Counter
from hashlib import sha256
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from bluezone_vectors import (
    KnownPublishedDayKey,
    KnownRollingId,
    known_published_day_keys,
    known_rolling_ids,
)

DAY_MS = 86_400_000
FOLDER = files("bluezone_vectors") / "known_answers"


@pytest.mark.parametrize("name", ["rolling_ids.json", "published_day_keys.json"])
def test_files_obey_their_schema(name: str) -> None:
    schema = json.loads((FOLDER / "known_answers.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    content = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    assert list(Draft202012Validator(schema).iter_errors(content)) == []


def test_the_schema_forbids_what_is_unknown() -> None:
    schema = json.loads((FOLDER / "known_answers.schema.json").read_text(encoding="utf-8"))
    content = json.loads((FOLDER / "rolling_ids.json").read_text(encoding="utf-8"))
    content["answers"][0]["surprise"] = 1
    assert list(Draft202012Validator(schema).iter_errors(content)) != []


def test_ids_are_unique_and_nothing_was_lost() -> None:
    ids = [answer.id for answer in known_rolling_ids()] + [answer.id for answer in known_published_day_keys()]
    assert max(Counter(ids).values()) == 1
    assert Counter(answer.evidence for answer in known_rolling_ids()) == {"captured": 6, "executed": 59}
    assert len(known_published_day_keys()) == 12
    # the contact log of the first captured phone has 118 rows
    assert sum(answer.rows for answer in known_rolling_ids()) == 118


def _naive_day_key(base_id: bytes, day: int) -> bytes:
    for _ in range(day):
        base_id = sha256(base_id).digest()
    return base_id


@pytest.mark.req("BZ-KEY-002", "BZ-KEY-003", "BZ-KEY-004", "BZ-KEY-005", "BZ-KEY-006")
@pytest.mark.parametrize("answer", known_rolling_ids(), ids=lambda answer: answer.id)
def test_rolling_ids_are_explained_by_hashlib_alone(answer: KnownRollingId) -> None:
    subkey = sha256(_naive_day_key(answer.base_id, answer.day) + b"bluzonesubkey").digest()
    for _ in range(answer.slot):
        subkey = sha256(subkey).digest()
    assert subkey[0:16:4] + subkey[16:32:2] == answer.rolling_id
    assert answer.times_ms
    for time_ms in answer.times_ms:
        assert (time_ms - answer.base_day_ms) // DAY_MS == answer.day
        assert time_ms % DAY_MS // (DAY_MS // answer.max_per_day) == answer.slot


@pytest.mark.req("BZ-MSG-004", "F-24")
@pytest.mark.parametrize("answer", known_published_day_keys(), ids=lambda answer: answer.id)
def test_published_day_keys_are_explained_by_hashlib_alone(answer: KnownPublishedDayKey) -> None:
    day = max(0, (answer.now_ms - answer.base_day_ms) // DAY_MS - answer.days_back)
    assert answer.day_key == _naive_day_key(answer.base_id, day)
    assert answer.time_start_ms == answer.base_day_ms + day * DAY_MS
