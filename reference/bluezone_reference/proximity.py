"""The app's classes of nearness, which it showed to its user and used for nothing else.

A record is ``CLOSE`` if its RSSI reaches a threshold that depends on both phones' platforms, else ``FAR``.
Matching considers neither RSSI nor duration (BZ-PRV-018). The official statements say "within 2 m"; no
source derives the thresholds from a distance.

Source: source J ``configuration.js`` (the thresholds), paper (2 m).
"""

from __future__ import annotations

from enum import StrEnum

from .contact_log import RSSI_NOT_AVAILABLE, is_rssi


class Platform(StrEnum):
    """Of a phone."""

    ANDROID = "android"
    IOS = "ios"


class ProximityClass(StrEnum):
    """How near the app said that the other phone was."""

    CLOSE = "close"
    FAR = "far"


CLOSE_FROM_DBM: dict[tuple[Platform, Platform], int] = {
    (Platform.ANDROID, Platform.ANDROID): -86,
    (Platform.ANDROID, Platform.IOS): -69,
    (Platform.IOS, Platform.ANDROID): -88,
    (Platform.IOS, Platform.IOS): -74,
}
"""Least RSSI that counts as close, by own and other platform. Source: source J ``configuration.js``."""


def proximity_class(rssi: int, own_platform: Platform, other_platform: Platform) -> ProximityClass:
    """Class a record's RSSI.

    Args:
        rssi: In dBm, -127 to 20.
        own_platform: Of the phone that keeps the record.
        other_platform: Of the phone that it is about.

    Raises:
        ValueError: The RSSI is 127, which stands for none, or no controller reports it.

    Source: source J ``configuration.js``.
    """
    if rssi == RSSI_NOT_AVAILABLE or not is_rssi(rssi):
        raise ValueError("without an RSSI of -127 to 20 dBm there is no proximity class")
    threshold_dbm = CLOSE_FROM_DBM[own_platform, other_platform]
    return ProximityClass.CLOSE if rssi >= threshold_dbm else ProximityClass.FAR
