"""What all sources have in common that read a file or pipe from its start to its end, once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from bluezone_harness.observations import Observation

from .octets import OctetStream


class StreamSource(ABC):
    """A source that reads octets; with capabilities and diagnostics, a ``Source`` of the observations.

    Args:
        name: Of the evidence, without folders.
        kind: What it is, such as ``pcap``.
        octets: What is left to read of it.
    """

    def __init__(self, name: str, kind: str, octets: OctetStream) -> None:
        self._name = name
        self._kind = kind
        self._octets = octets
        self._packets = 0
        self._begun = False

    @property
    def name(self) -> str:
        """Name of the evidence, without folders."""
        return self._name

    @property
    def kind(self) -> str:
        """What it is."""
        return self._kind

    @property
    def packets(self) -> int:
        """Packets or lines read so far, of any kind."""
        return self._packets

    @property
    def sha256(self) -> str:
        """Of the octets read so far, in hex; of all of them once everything was read."""
        return self._octets.sha256

    def __iter__(self) -> Iterator[Observation]:
        """Yield the observations; once.

        Raises:
            ValueError: They were asked for before.
        """
        if self._begun:
            raise ValueError("a source is read once")
        self._begun = True
        return self._observations()

    @abstractmethod
    def _observations(self) -> Iterator[Observation]:
        """Yield the observations, and read to the end whatever comes."""
