"""Sightings: one address sending one payload without a pause, folded out of adverts.

A phone repeats the same octets hundreds of times. Adverts of one source and receiver, one address, one PDU type and
one payload become one sighting as long as no pause exceeds the tolerance ``window_pause``; checks see sightings and
never a packet. Every path from evidence to checks (plain, bulk, live) makes sightings, and nothing else.
"""

from __future__ import annotations

from .choosing import HELD, chosen, in_order, of_kind, those
from .columns import OrderedSightings, SightingColumns, Who
from .folding import Folding, Gathering, fold
from .model import PAUSE_US, Folded, Sighting

__all__ = [
    "HELD",
    "PAUSE_US",
    "Folded",
    "Folding",
    "Gathering",
    "OrderedSightings",
    "Sighting",
    "SightingColumns",
    "Who",
    "chosen",
    "fold",
    "in_order",
    "of_kind",
    "those",
]
