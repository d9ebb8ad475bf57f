"""A session put together from what is wanted of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bluezone_harness.checks.schedules import Slots
from bluezone_harness.evidence.device_files import Device, DeviceFile
from bluezone_harness.observations import Capability, Extent, Observation, extent_of, least, tells_fields
from bluezone_harness.writing.pseudonyms import Pseudonyms
from bluezone_reference.profiles import Profile
from bluezone_spec.model import Specification

from .bystanders import Bystanders, true_ids
from .judging import LiveJudge
from .owners import Owners
from .reading_plan import ReadingPlan
from .receivers import Clock, Receiver
from .recorder import Recorder, RecorderError, new_file
from .rows import Rows
from .session import JudgeCapture, Session, Settings
from .until import Until


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of a session.

    Attributes:
        recording: Where it is recorded.
        packets: Where packets are, if their octets are known, and all are recorded; ``None``: nowhere.
        overwrite: What is there may be lost.
        specification: By which it is judged.
        profile: Whose behaviour is right.
        device_file: Whose evidence it is, where that is known.
        command: Which command asks.
        until: When it ends by itself.
        reads: Read iPhones by GATT.
        keeps: Says which observations are recorded.
        whole_air: How much of what is heard that is.
        key: Makes the pseudonyms of bystanders; ``None``: nobody gets any.
        say: Tells people a sentence.
        judging: Lets something be judged while others go on; ``None``: in a thread.
        judge_each_s: How long it waits at least between two verdicts so far, in seconds.
    """

    recording: Path
    packets: Path | None
    overwrite: bool
    specification: Specification
    profile: Profile
    device_file: DeviceFile | None
    command: str
    until: Until
    reads: bool
    keeps: Callable[[Observation], bool]
    whole_air: Extent
    key: bytes | None
    say: Callable[[str], None]
    judging: JudgeCapture | None = None
    judge_each_s: float = 1.0


_AS_HEARD = (Capability.RAW_AD, Capability.AD_ORDER, Capability.TRUE_IDS, Capability.WHOLE_AIR)


def shows_packets(capabilities: Mapping[Capability, Extent]) -> bool:
    """Tell whether there are packets beside a recording: only where all that was heard is there, octets and all.

    Args:
        capabilities: What the recording can show.
    """
    return not tells_fields(capabilities) and all(
        extent_of(capabilities, each) is Extent.YES for each in _AS_HEARD
    )


def prepared(receiver: Receiver, wanted: Wanted, clock: Clock) -> Session:
    """Return a session that is ready to run, inside an event loop.

    Args:
        receiver: Who hears.
        wanted: What is wanted.
        clock: Tells the time.
    """
    devices = wanted.device_file.devices if wanted.device_file else ()
    owners = Owners(devices, wanted.profile)
    bystanders = Bystanders(Pseudonyms(wanted.key), devices, wanted.profile) if wanted.key else None

    def slots(device: Device | None) -> Slots:
        return Slots(device, wanted.profile)

    def shown_by(heard: Receiver) -> dict[Capability, Extent]:
        shown = dict(heard.capabilities)
        if wanted.reads:
            shown[Capability.GATT] = Extent.YES
        # what is heard may be a recording of a part already
        limits = {Capability.WHOLE_AIR: wanted.whole_air}
        if bystanders is not None:
            limits[Capability.TRUE_IDS] = true_ids(devices)
        for name, limit in limits.items():
            if limit is not Extent.YES:
                shown[name] = least([extent_of(shown, name), limit])
        return shown

    def make_recorder(heard: Receiver) -> Recorder:
        shown = shown_by(heard)
        recording = new_file(wanted.recording, overwrite=wanted.overwrite, rereads=heard.is_clock)
        packets = None
        try:
            if wanted.packets is not None and shows_packets(shown):
                packets = new_file(wanted.packets, overwrite=wanted.overwrite)
            # what a stream shows is known in full at its end
            return Recorder(
                recording, packets, heard.title, "", shown, now=clock.now_us, may_change=heard.is_clock
            )
        except (OSError, RecorderError):
            for each in (recording, packets):
                if each is not None:
                    each.close()
            if not wanted.overwrite:  # they were made here, and hold nothing
                for path in (wanted.recording, wanted.packets if packets is not None else None):
                    if path is not None:
                        with suppress(OSError):
                            path.unlink()
            raise

    own = slots(devices[0]) if devices else slots(None)
    settings = Settings(
        until=wanted.until,
        reads=wanted.reads,
        keeps=wanted.keeps,
        say=wanted.say,
        judges=wanted.device_file is not None or wanted.until.decided,
        judge_each_s=wanted.judge_each_s,
    )
    if bystanders is not None:
        settings = replace(settings, private=bystanders.of, learn=bystanders.learn)
    if wanted.judging is not None:
        settings = replace(settings, judging=wanted.judging)
    return Session(
        receiver,
        make_recorder,
        wanted.recording.name,
        LiveJudge(
            wanted.specification, wanted.profile, wanted.device_file, wanted.recording.name, wanted.command
        ),
        Rows(devices, slots),
        owners,
        ReadingPlan(own, lambda address: owners.of(address) is not None),
        clock,
        settings,
        shown_by if receiver.is_clock else None,
    )
