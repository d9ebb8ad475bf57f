"""The thresholds, written down once more by hand, and both sides of each."""

from __future__ import annotations

import pytest

from bluezone_reference.proximity import CLOSE_FROM_DBM, Platform, ProximityClass, proximity_class

THRESHOLDS = [
    (Platform.ANDROID, Platform.ANDROID, -86),
    (Platform.ANDROID, Platform.IOS, -69),
    (Platform.IOS, Platform.ANDROID, -88),
    (Platform.IOS, Platform.IOS, -74),
]


@pytest.mark.req("BZ-PRV-018")
@pytest.mark.parametrize(("own", "other", "threshold_dbm"), THRESHOLDS)
def test_close_from_the_threshold_on(own: Platform, other: Platform, threshold_dbm: int) -> None:
    assert proximity_class(threshold_dbm, own, other) is ProximityClass.CLOSE
    assert proximity_class(threshold_dbm - 1, own, other) is ProximityClass.FAR
    assert proximity_class(20, own, other) is ProximityClass.CLOSE
    assert proximity_class(-127, own, other) is ProximityClass.FAR


@pytest.mark.req("BZ-PRV-018")
def test_every_pair_of_platforms_has_its_threshold() -> None:
    assert set(CLOSE_FROM_DBM) == {(own, other) for own in Platform for other in Platform}


@pytest.mark.req("BZ-PRV-018", "BZ-LOG-001")
@pytest.mark.parametrize("rssi", [127, 21, -128, 126, 2**63])
def test_without_an_rssi_there_is_no_class(rssi: int) -> None:
    with pytest.raises(ValueError, match="there is no proximity class"):
        proximity_class(rssi, Platform.ANDROID, Platform.IOS)
