"""What a capture says of itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_harness.checks.captures import Capture
from bluezone_harness.sightings import Sighting


@pytest.mark.req("BZ-ADV-001")
def test_a_capture_counts_what_it_holds(
    sighting: Callable[..., Sighting], capture: Callable[..., Capture]
) -> None:
    heard = [sighting(1_597_276_800_000, bytes(12)), sighting(1_597_276_830_000, bytes(12), seconds=5)]
    assert capture(heard).contents == {"packets": 200, "adverts": 200, "sightings": 2}
