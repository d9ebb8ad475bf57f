"""The checks: one module for each chapter of the specification, pure functions of a subject and its rules."""

from __future__ import annotations

from bluezone_harness.checks import (
    addresses,
    advertisement,
    contact_log,
    disclosure,
    gatt,
    key_schedule,
    payloads,
    privacy,
    privacy_air,
    receiver,
    registry,
)

__all__ = [
    "CHECKS",
    "addresses",
    "advertisement",
    "contact_log",
    "disclosure",
    "gatt",
    "key_schedule",
    "payloads",
    "privacy",
    "privacy_air",
    "receiver",
]

CHECKS = registry.close()
"""All checks by requirement; closed."""
