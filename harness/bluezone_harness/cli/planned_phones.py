"""Phones as people ask for them: those of a device file, or one that is drawn, with planted faults."""

from __future__ import annotations

from collections.abc import Sequence

from bluezone_harness.evidence.device_files import Device, DeviceFile, read_device_file
from bluezone_harness.virtual.faults import find_fault
from bluezone_harness.virtual.phones import drawn_phone
from bluezone_harness.virtual.plans import PhonePlan
from bluezone_reference.key_schedule import DAY_MS, day_start_ms

from .failures import CallerError
from .inputs import file_name, read_file

_LONGEST_MS = 401 * DAY_MS
"""For so long an app is open whose device file does not say until when."""


def fault_names(faults: Sequence[str]) -> tuple[str, ...]:
    """Return the names of planted faults, each once.

    Args:
        faults: Names, or faults of annex A that they copy.

    Raises:
        CallerError: One is not known.
    """
    try:
        return tuple(dict.fromkeys(find_fault(name).name for name in faults))
    except ValueError as error:
        raise CallerError(f"--fault: {error} (see 'bzc simulate --list-faults')") from None


def planned_phones(
    path: str | None, platform: str | None, start_ms: int, seed: int, faults: tuple[str, ...]
) -> tuple[PhonePlan, ...]:
    """Return the phones of a device file; without one, one that is drawn.

    Args:
        path: Of the device file; ``-`` for standard input.
        platform: Of the phone that is drawn, or where the device file does not say.
        start_ms: When they begin.
        seed: Draws what is drawn.
        faults: Names of planted faults.

    Raises:
        CallerError: The device file is of another platform, or has several base ids of a phone.
        EvidenceError: It cannot be read.
    """
    if path is None:
        return (drawn_phone("phone", platform or "android", start_ms, seed, faults),)
    file: DeviceFile = read_device_file(file_name(path), read_file(path))
    return tuple(_phone(device, platform, start_ms, faults) for device in file.devices)


def _phone(device: Device, platform: str | None, start_ms: int, faults: tuple[str, ...]) -> PhonePlan:
    if platform and device.platform and platform != device.platform:
        raise CallerError(f"--platform {platform}: the device file says {device.platform} of {device.name!r}")
    if len(device.bases) > 1:
        raise CallerError(f"--device: {device.name!r} has {len(device.bases)} base ids: give a file with one")
    base = device.bases[0]
    from_the_start = [
        each.value for each in device.max_settings if each.from_ms is None or each.from_ms <= start_ms
    ]
    later = [
        (each.from_ms, each.value)
        for each in device.max_settings
        if each.from_ms is not None and each.from_ms > start_ms
    ]
    return PhonePlan(
        name=device.name,
        platform="ios" if (device.platform or platform) == "ios" else "android",
        base_id=base.base_id,
        base_day_ms=base.base_day_ms,
        max_per_day=from_the_start[-1] if from_the_start else None,
        faults=faults,
        openings=tuple(
            (
                day_start_ms(start_ms) if each.from_ms is None else each.from_ms,
                start_ms + _LONGEST_MS if each.to_ms is None else each.to_ms,
            )
            for each in sorted(device.foreground, key=lambda each: each.from_ms or 0)
        ),
        offset_ms=device.clock_offset_ms or 0,
        max_changes=tuple(later),
    )
