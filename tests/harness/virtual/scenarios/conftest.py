"""Scenario files for these tests, written by hand."""

from __future__ import annotations

import pytest

TEXT = """
schema = 1
title = "Two and one"
seed = 7
start = "2026-11-23T00:00:00+00:00"
duration = "45 min"
alone = true

[receiver]
platform = "android"
app = "open"
scan_on = "30 s"
scan_off = "1.5 min"
max = 144

[[phone]]
name = "An"
base = "0000000000000000000000000000000000000000000000000000000000000000"
base_day = "2026-11-23"
max = 96
clock = "-500 ms"

[[phone]]
name = "Binh"
platform = "ios"
app = "closed"
reads = "refused"
services = "0c00 0000000000000000000000000001"

[[phone]]
name = "Chi"
profile = "v2"
faults = ["tx-power"]

[[meeting]]
phones = ["An", "Binh"]
from = "1 min"
to = "20 min"
rssi = -60

[[meeting]]
phones = ["An"]
from = "20 min"

[[advert]]
name = "wrong"
kind = "wrong-company"
interval = "250 ms"
to = "0.1 h"

[[advert]]
name = "octets"
ad = "02 01 02"
response = "0303564e"
pdu = "ADV_SCAN_IND"
address = "c0:00:00:00:00:01"
rssi = -70

[[advert]]
name = "of a vector"
vector = "decode-advertisement-order-flags-uuids-data"

[[relay]]
phone = "An"
from = "20 min"
delay = "10 min"

[[case]]
phone = "An"
confirmed = "2026-11-24"

[[event]]
at = "5 min"
name = "consent"

[[event]]
at = "2 min"
name = "clock_set"
by_ms = 1000
why = ["test"]

[[expect]]
requirement = "BZ-RCV-001"
verdict = "pass"

[[expect]]
requirement = "BZ-KEY-006"
verdict = "fail"
phone = "Chi"
"""


@pytest.fixture(scope="session")
def text() -> str:
    """Return a scenario that says everything that one can say."""
    return TEXT
