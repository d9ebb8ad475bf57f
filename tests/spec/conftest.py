"""A tiny specification that is well formed, and a way to plant one fault into it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from bluezone_spec import SpecificationError, parse_specification
from bluezone_spec.model import Specification

OVERVIEW = """\
# Overview

BZ-KEY-001 comes first; F-14b is a fault.

## Glossary

| term | meaning | not |
|---|---|---|
| base id | 32 octets | seed, master \\| key |
| slot | a part of a day | |

## Plain words

time, text,
decode
"""

KEY_SCHEDULE = """\
# Key schedule

How ids are made.

## A worked example

| day | key |
|-----|-----|
| 0   | `a\\|b` |

### BZ-KEY-001 The base id is random

**MUST** (phone). The base id is 32 octets
from a random source.

1. Never empty.
2. Never short.

```
### BZ-KEY-002 is no heading in here
```

- **Rationale:** whoever guesses it
  follows the phone.
- **Evidence:** source A: `BluezoneIdGenerator`; captured: two phones
- **Profiles:** v3, v1
- **Verified by:** V, C+K. A vector shows a weak one.
- **Not verifiable:** randomness, from outside.
- **Not verified yet:** its dreams, since nobody reads them.
- **Faults:** F-14b
- **Broken by:** iOS 3.0.3 (F-14b): it goes on with none: day after day.
- **Broken by:** Android 1.x: it has none.

### BZ-KEY-002 Days are UTC days

**SHOULD** (phone, Android). A day begins at midnight UTC.

- **Rationale:** phones travel.
- **Evidence:** executed: on a desktop
- **Profiles:** v3
- **Verified by:** none. Nobody sees it.

## More prose

After BZ-KEY-002.
"""

PRIVACY = """\
# Privacy

### BZ-PRV-001 The replay window

**REPORT** (protocol). The report states it.

- **Rationale:** it is long.
- **Evidence:** inferred: from the rest
- **Profiles:** v1
- **Verified by:** T+C, T+T. By two uploads.
"""

FAULTS = """\
# Faults

| id | kind | builds | what | evidence |
|---|---|---|---|---|
| F-14b | defect, platform | iOS 3.0.3, Android 1.x | no base id | source I: `Generator.swift`; inferred: so |
| F-15 | semantics | protocol | another | captured: once |
"""

REJECT_CODES = """\
# Reject codes

| code | requirement | meaning |
|---|---|---|
| `BAD_MAX` | BZ-KEY-002 | it does not divide the day |
| BAD_BASE_ID | BZ-KEY-001 | it is short |
"""

TOLERANCES = """\
# Tolerances

| name | value | unit | reason |
|---|---|---|---|
| window | 15000 | ms | the alarm |
| retention | 14 | days | the paper |
"""

V3 = """\
name = "v3"
title = "The protocol"
generation = 3
platform = "any"

[key_schedule]
default_max = { value = 96, evidence = "captured", source = "uploads of 2020-08-08" }
max_rule = { value = "divisor", evidence = "inferred", source = "F-15" }

[advertisement]
company = { value = 0x22B5, evidence = "source", source = "A: `AppConstants`" }

[receiver]
takes_any_company = { value = false, evidence = "inferred", source = "the corrected protocol" }

[contact_log]
days = { value = [1, 2], evidence = "paper", source = "page 2" }

[matching]
every_case = { value = true, evidence = "standard", source = "none" }

[schedule]
on_ms = { value = 15000, evidence = "executed", source = "on a desktop" }

[privacy]
local_name = { value = "", evidence = "captured", source = "uploads" }
"""

V1 = re.sub(
    r"(?s)\[key_schedule\].*?(?=\[advertisement\])",
    "",
    V3.replace('"v3"', '"v1"').replace("generation = 3", "generation = 1"),
)

CHAPTERS = {
    "01-overview.md": OVERVIEW,
    "02-key-schedule.md": KEY_SCHEDULE,
    "03-advertisement.md": "# Advertisement\n",
    "04-gatt.md": "# GATT\n",
    "05-receiver.md": "# Receiver\n",
    "06-contact-log.md": "# Contact log\n",
    "07-matching.md": "# Matching\n",
    "08-messages.md": "# Messages\n",
    "09-privacy.md": PRIVACY,
    "A-faults.md": FAULTS,
    "B-reject-codes.md": REJECT_CODES,
    "C-tolerances.md": TOLERANCES,
}
PROFILES = {"v3.toml": V3, "v1.toml": V1}


@pytest.fixture(scope="session")
def chapters() -> dict[str, str]:
    """The chapters of the tiny specification, by file name; copy before changing."""
    return CHAPTERS


@pytest.fixture(scope="session")
def profiles() -> dict[str, str]:
    """The profiles of the tiny specification, by file name; copy before changing."""
    return PROFILES


@pytest.fixture(scope="session")
def tiny() -> Specification:
    """The tiny specification, parsed."""
    return parse_specification(CHAPTERS, PROFILES)


@pytest.fixture(scope="session")
def plant() -> Callable[[str, str, str], tuple[SpecificationError, str]]:
    """Return a function that replaces text in one file, and gives the error and the line that it names."""

    def plant_one(file: str, old: str, new: str) -> tuple[SpecificationError, str]:
        texts = {**CHAPTERS, **PROFILES}
        assert texts[file].count(old) == 1, "a planted fault is exactly one"
        texts[file] = texts[file].replace(old, new)
        with pytest.raises(SpecificationError) as caught:
            parse_specification(
                {name: text for name, text in texts.items() if name.endswith(".md")},
                {name: text for name, text in texts.items() if name.endswith(".toml")},
            )
        error = caught.value
        assert str(error) == f"{error.file}:{error.line}: {error.reason}"
        return error, texts[error.file].split("\n")[error.line - 1]

    return plant_one
