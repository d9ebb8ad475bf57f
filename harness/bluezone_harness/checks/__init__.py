"""The checks: one module for each chapter of the specification, pure functions of a subject and its rules."""

from __future__ import annotations

from bluezone_harness.checks import contact_log, key_schedule, privacy, receiver, registry

__all__ = ["CHECKS", "contact_log", "key_schedule", "privacy", "receiver"]

CHECKS = registry.close()
"""All checks by requirement; closed."""
