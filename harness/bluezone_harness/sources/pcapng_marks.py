"""What a pcapng file that this project wrote says of itself: what its packets can show, as a recording's header does.

Packets claim more than what they were made of may have shown. So the section header of such a file announces what a
second section, without packets, tells at its end: which capabilities its evidence had, and whether it was damaged. Both
stand in comments, which other programs show and otherwise pass over. Where the end is missing, what was announced is
taken for lost.

Source: the pcapng draft (draft-ietf-opsawg-pcapng), sections 3.5 (comments) and 4.1 (section header).
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.evidence.strict_json import parse
from bluezone_harness.observations import UNLESS_DENIED, Capability, Extent, extent_of, least

from .recording_lines import read_capabilities

COMMENT = 1
"""Code of the option that holds a comment."""
_HEAD = "bluezone-conformance: "
ANNOUNCED = f"{_HEAD}the last section of this file says what it can show"
"""Comment of the first section."""
_LOST = dict.fromkeys(Capability, Extent.YES) | {
    Capability.INTERVAL: Extent.NO,
    Capability.WHOLE_AIR: Extent.NO,
}
"""What is left of the capabilities where nothing says which there were."""


def told(capabilities: Mapping[Capability, Extent], *, damaged: bool) -> str:
    """Return the comment of the last section.

    Args:
        capabilities: What the evidence can show.
        damaged: Something of it could not be read.
    """
    shown = {str(name): str(extent) for name, extent in capabilities.items()}
    return _HEAD + json.dumps({"capabilities": shown, "damaged": damaged})


class Marks:
    """What the comments of one file said so far."""

    def __init__(self) -> None:
        self._announced = 0
        self._limits: list[Mapping[Capability, Extent]] = []
        self._unknown = False
        self._damaged = False

    def read(self, comment: bytes) -> None:
        """Take in the comment of a section header; others' are passed over."""
        if not comment.startswith(_HEAD.encode()):
            return
        if comment == ANNOUNCED.encode():
            self._announced += 1
            return
        try:
            node = parse("", comment.removeprefix(_HEAD.encode()))
            node.keys(("capabilities", "damaged"))
            self._limits.append(read_capabilities(node["capabilities"]))
            self._damaged |= node["damaged"].boolean()
        except EvidenceError:
            self._unknown = True

    @property
    def trouble(self) -> str:
        """Why what the file holds is not all that was heard, for people; empty where nothing says so."""
        if self._unknown:
            return "what it says of itself cannot be read"
        if len(self._limits) < self._announced:
            return "its last section is missing, which says what it can show"
        return "it was converted from evidence that was damaged" if self._damaged else ""

    def limited(self, shown: Mapping[Capability, Extent]) -> dict[Capability, Extent]:
        """Return what packets can show, as far as what they were made of could."""
        lost = self._unknown or len(self._limits) < self._announced
        limits = [*self._limits, *([_LOST] if lost else [])]
        if not limits:
            return dict(shown)
        names = sorted({*shown, *UNLESS_DENIED})
        return {
            name: least([extent_of(shown, name), *(extent_of(each, name) for each in limits)])
            for name in names
        }
