"""What a capture says of itself."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest

from bluezone_harness.checks.captures import Capture, read_capture
from bluezone_harness.sightings import Sighting
from bluezone_harness.sources.formats import open_source


@pytest.mark.req("BZ-ADV-001")
def test_a_capture_counts_what_it_holds(
    sighting: Callable[..., Sighting], capture: Callable[..., Capture]
) -> None:
    heard = [sighting(1_597_276_800_000, bytes(12)), sighting(1_597_276_830_000, bytes(12), seconds=5)]
    assert capture(heard).contents == {"packets": 200, "adverts": 200, "sightings": 2}


@pytest.mark.req("BZ-ADV-001")
def test_when_each_advert_was_heard_is_kept_where_captures_are_compared() -> None:
    header = {"schema": 1, "source": "by hand", "receiver": "", "capabilities": {"raw_ad": "yes"}}
    advert = {"kind": "advert", "time_us": 1_597_276_800_000_000, "ad": "020106"}
    octets = "".join(f"{json.dumps(each)}\n" for each in (header, advert)).encode()

    def read(**more: bool) -> Capture:
        return read_capture(open_source("a.jsonl", io.BytesIO(octets)), **more)

    assert read().folded.times == {}
    assert [*read(keep_times=True).folded.times.values()] == [[1_597_276_800_000_000]]
