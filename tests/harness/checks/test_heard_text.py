"""What was heard, in words and by its first packet."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_harness.checks.heard_text import address_text, of_sighting
from bluezone_harness.sightings import Sighting

TIME_MS = 1_596_931_200_000
FIRST = b"first id 12o"

Sight = Callable[..., Sighting]


@pytest.mark.req("BZ-PRV-002")
def test_a_sighting_is_pointed_at_by_its_first_packet(sighting: Sight) -> None:
    heard = sighting(TIME_MS, FIRST, number=5, receiver="lab")
    evidence = of_sighting(heard)
    assert evidence.octets == heard.ad
    assert FIRST in evidence.octets
    assert (evidence.number, evidence.time_ms, evidence.receiver) == (5, TIME_MS, "lab")
    assert evidence.text == "ADV_IND from 4B:00:00:00:00:01: 150 in 15 s"
    assert of_sighting(sighting(TIME_MS, None, pdu=None, address=None)).text.startswith(
        "advert from no address"
    )


@pytest.mark.req("BZ-PRV-002")
def test_an_address_that_nobody_tells_is_named_so() -> None:
    assert address_text(None) == "no address"
    assert address_text(bytes.fromhex("4b0000000001")) == "4B:00:00:00:00:01"
