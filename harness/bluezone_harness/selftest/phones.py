"""Faulty phones against the checks of captures.

Theory of operation. Two hours over midnight of a phone with one fault are simulated, folded, and judged as by ``bzc
check``: with the device file, and without it where the fault is to be found without. Faults of an iPhone that only
GATT reads can show are judged with a reader beside the receiver. Phones without a fault, under the same settings, are
the controls. Loss varies with the seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from bluezone_harness.checks.captures import Capture
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.findings import Verdict
from bluezone_harness.observations import RADIO, Advert, Capability, Event, Extent, GattRead
from bluezone_harness.profiles import profiles_of
from bluezone_harness.sightings import fold
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.behaviours import PlantedFault
from bluezone_harness.virtual.contact_logs import FIRST_DAY_MS
from bluezone_harness.virtual.faults import FAULTS
from bluezone_harness.virtual.phones import Plan, device_file, drawn_phone, prepared, simulate
from bluezone_harness.virtual.sessions import Observed, simulate_reading
from bluezone_reference.key_schedule import DAY_MS
from bluezone_reference.profiles import V3
from bluezone_spec.model import Specification

from .kills import Part, Planted, Trial, of_verdict

SHOWN = tuple(
    each
    for each in Capability
    if each
    in RADIO - {Capability.AD_FIELDS, Capability.GATT, Capability.OWN_COMMANDS, Capability.SEVERAL_RECEIVERS}
)
"""What a sniffer's capture shows."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Under what a phone is heard.

    Attributes:
        interval_ms: Between two adverts of a phone, in ms.
        others: How many phones without a fault are near.
        gatt: iPhones are read by GATT.
    """

    interval_ms: int = 2000
    others: int = 0
    gatt: bool = False

    def __str__(self) -> str:
        """Return it for people."""
        near = f", among {self.others} others" if self.others else ""
        read = ", read by GATT" if self.gatt else ""
        return f"an advert each {self.interval_ms} ms{near}{read}"


THINNED = Setting()
"""Enough for most faults."""
SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        # whether an on-window lasts 5 s or 15 s takes the interval of a real phone
        "other-rhythm": Setting(interval_ms=100),
        # and it takes several to tell that one has an interval of its own
        "own-interval": Setting(interval_ms=100, others=4),
    }
)
"""Of the faults that take more, by name."""
READ = Setting(gatt=True)
"""Of the faults of iPhones that take reads."""
PLATFORMS = ("android", "ios")
_HOUR_MS = 3_600_000
_START_MS = FIRST_DAY_MS + 4 * DAY_MS - _HOUR_MS
_LOSSES = (0.0, 0.1, 0.2, 0.3)


def planted_of(fault: PlantedFault) -> Planted:
    """Return a fault of a phone as a fault of the matrix."""
    return Planted(Part.CAPTURES, fault.name, fault.requirement, fault.text, fault.fault)


def phone_trials(
    specification: Specification, seed: int, faults: Iterable[PlantedFault] = tuple(FAULTS.values())
) -> Iterator[Trial]:
    """Yield the controls and then the trials of each fault: of each platform, with the device file and without.

    Args:
        specification: By which is judged.
        seed: Draws the phones and what is lost.
        faults: Which to try.
    """
    controls = {("ios", READ), *((platform, THINNED) for platform in PLATFORMS)}
    controls |= {(platform, each) for name, each in SETTINGS.items() for platform in FAULTS[name].platforms}
    for platform, setting in sorted(controls, key=str):
        yield from _trials(specification, None, platform, setting, seed)
    for fault in faults:
        for platform in fault.platforms:
            usual = READ if platform == "ios" and fault.by_reads else THINNED
            yield from _trials(specification, fault, platform, SETTINGS.get(fault.name, usual), seed)


def _trials(
    specification: Specification, fault: PlantedFault | None, platform: str, setting: Setting, seed: int
) -> Iterator[Trial]:
    capture, octets = _simulated(fault, platform, setting, seed)
    profile = profiles_of(specification)[V3.name]
    for has_key in (True, False):
        if not has_key and fault is not None and fault.needs_key:
            continue
        file = read_device_file("device.json", octets) if has_key else None
        result = judge(specification, profile, [], file, "selftest", [capture])
        yield Trial(
            Part.CAPTURES,
            None if fault is None else planted_of(fault),
            f"{platform}, {setting}, {'with' if has_key else 'without'} the device file, seed {seed}",
            of_verdict(result, Verdict.FAIL),
            of_verdict(result, Verdict.PASS),
        )


def _simulated(
    fault: PlantedFault | None, platform: str, setting: Setting, seed: int
) -> tuple[Capture, bytes]:
    """Return the capture of a phone with a fault, or without one, and the phone's device file."""
    phones = [drawn_phone("phone", platform, _START_MS, seed, (fault.name,) if fault else ())]
    phones += [
        drawn_phone(f"other {number}", platform, _START_MS, seed) for number in range(1, setting.others + 1)
    ]
    loss = _LOSSES[seed % len(_LOSSES)]
    plan = Plan(
        tuple(phones),
        _START_MS,
        2 * _HOUR_MS,
        loss=loss,
        interval_ms=setting.interval_ms,
        gatt=setting.gatt,
    )
    plan = prepared(plan, seed)
    return heard(plan, seed), device_file(plan.phones[:1])


def heard(plan: Plan, seed: int) -> Capture:
    """Return what is heard of a simulation, as a capture that shows all that a sniffer's can.

    Where its plan has iPhones read, the capture is one of a receiver that reads them.

    Args:
        plan: What to simulate.
        seed: Draws what is lost.
    """
    observed = simulate_reading(plan, seed) if plan.gatt else simulate(plan, seed)
    folded = fold("capture", (_observation(number, each) for number, each in enumerate(observed, 1)))
    shown = dict.fromkeys(SHOWN, Extent.YES)
    if plan.gatt:
        shown[Capability.GATT] = Extent.YES
    if plan.receivers > 1:
        shown[Capability.SEVERAL_RECEIVERS] = Extent.YES
    return Capture("capture", f"{seed:064x}", "pcapng", shown, folded.adverts, False, (), folded)


def _observation(number: int, observed: Observed) -> Advert | GattRead | Event:
    """Return what was observed with its number; a tuple of the air as an advert."""
    if isinstance(observed, GattRead | Event):
        return replace(observed, number=number)
    return Advert(
        number,
        observed.time_us,
        observed.receiver,
        observed.address,
        observed.address_type,
        observed.pdu,
        observed.ad,
        observed.rssi,
        observed.channel,
    )
