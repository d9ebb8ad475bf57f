"""What ``bzc convert`` writes: pcapng or a recording, from observations as they come, in constant memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import BinaryIO

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import (
    Advert,
    Capability,
    Extent,
    Gap,
    GattRead,
    Observation,
    extent_of,
    tells_fields,
)
from bluezone_harness.reports.texts import words
from bluezone_harness.sources.pcapng_marks import ANNOUNCED, told
from bluezone_harness.sources.recording_lines import LATEST_US
from bluezone_harness.sources.recordings import LONGEST_LINE
from bluezone_harness.writing.packets import HCI, packet_of
from bluezone_harness.writing.pcapng import PcapngWriter
from bluezone_harness.writing.recordings import end_line, header_line, observation_line

from .convertible import KINDS, Inputs

_AS_SENT = (Capability.RAW_AD, Capability.AD_ORDER, Capability.TRUE_IDS)
"""What evidence must show for its AdvData to be written as packets: others' programs take them for what was sent."""
_OCTETS_COPIED = 1024 * 1024


def write_pcapng(observations: Iterator[Observation], file: BinaryIO, inputs: Inputs) -> None:
    """Write packets, and in a last section what they can show.

    Args:
        observations: In the order of time.
        file: Open for writing.
        inputs: Where they come from; it counts what becomes of them.

    Raises:
        EvidenceError: Packets would claim what the evidence does not show.
    """
    writer = PcapngWriter(file, ANNOUNCED)
    counts = inputs.counts
    links: dict[str, int] = {}
    for each in observations:
        kind = KINDS[type(each)]
        if isinstance(each, Gap):
            reason = "it tells of times without listening, and packets cannot: give --to recording"
            raise EvidenceError(inputs.name, reason)
        try:
            receiver, link, octets = packet_of(each, links)
        except ValueError:
            counts.formless[kind] += 1
            continue
        if not counts.kept:
            _refuse_unsent(inputs)
        writer.add(receiver, link, each.time_us, octets)
        counts.kept[kind] += 1
    if not counts.kept:
        writer.add_interface("", HCI)
    _refuse_unsent(inputs)
    writer.begin_section(told(of_written(inputs), damaged=inputs.damaged))


def _refuse_unsent(inputs: Inputs) -> None:
    """Refuse evidence that does not show AdvData as they were sent.

    Raises:
        EvidenceError: It does not.
    """
    for source in inputs.sources:
        shown = source.capabilities
        lacking = [each for each in _AS_SENT if shown and extent_of(shown, each) is not Extent.YES]
        if lacking:
            raise EvidenceError(
                source.name,
                f"it does not show {' and '.join(map(words, lacking))}, and packets would claim that it does: "
                "give --to recording",
            )


def write_recording(
    observations: Iterator[Observation], file: BinaryIO, inputs: Inputs, *, true_ids: bool
) -> None:
    """Write a recording; its header, which comes first, is known last.

    Args:
        observations: In the order of time.
        file: Open for writing.
        inputs: Where they come from; it counts what becomes of them.
        true_ids: They are as they were sent, and no pseudonyms.

    Raises:
        EvidenceError: Some of the captures tell fields, and others octets.
    """
    with TemporaryFile() as body:
        _write_body(observations, body, inputs)
        shown = of_written(inputs)
        if not true_ids:
            shown = {**shown, Capability.TRUE_IDS: Extent.NO}
            shown.pop(Capability.SENT, None)  # what a record tells that was sent is left out
        file.write(header_line(f"converted from {inputs.kinds}", "", shown))
        body.seek(0)
        shutil.copyfileobj(body, file, _OCTETS_COPIED)
        if not inputs.damaged:
            # without its end a recording is known to be damaged, as what it came from is
            file.write(end_line("all was converted"))


def _write_body(observations: Iterator[Observation], body: BinaryIO, inputs: Inputs) -> None:
    counts = inputs.counts
    checked: dict[tuple[str, bool], bool] = {}
    as_fields = _tell_fields(inputs)
    for each in observations:
        kind = KINDS[type(each)]
        crc_ok = False
        if isinstance(each, Advert):
            who = each.receiver, each.channel is not None
            if who not in checked:
                # only who listens to the air itself knows the channel, and the CRC
                known = inputs.capabilities.get(Capability.CRC, Extent.NO) is not Extent.NO
                checked[who] = known and each.channel is not None
            crc_ok = checked[who]
        line = observation_line(each, crc_ok=crc_ok, as_fields=as_fields)
        if not 0 <= each.time_us <= LATEST_US or len(line) > LONGEST_LINE:
            counts.formless[kind] += 1
            continue
        counts.kept[kind] += 1
        body.write(line)


def _tell_fields(inputs: Inputs) -> bool:
    """Tell whether AdvData were put together of fields.

    Raises:
        EvidenceError: Some were, and others are octets that were sent: nobody could tell them apart afterwards.
    """
    told = {tells_fields(source.capabilities) for source in inputs.sources}
    if len(told) > 1:
        reason = "some of them tell fields of adverts, and others octets that were sent: convert them apart"
        raise EvidenceError(inputs.name, reason)
    return told == {True}


def of_written(inputs: Inputs) -> dict[Capability, Extent]:
    """Return what can be shown of what was written: where adverts or reads had no form, not all that was heard."""
    formless = any(inputs.counts.formless[KINDS[kind]] for kind in (Advert, GattRead))
    return inputs.capabilities | ({Capability.WHOLE_AIR: Extent.NO} if formless else {})
