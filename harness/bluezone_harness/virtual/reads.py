"""What an iPhone offers to whoever connects, and what it answers to a read.

Theory of operation. A ``GattBehaviour`` is declared: the primary services in the order of their handles, and what
makes the answers. ``GattServer`` is that of one phone, with its ids put in: the same source of ids as that of
adverts, so that a planted fault of ids shows in reads too. It knows no connection and no clock; whoever plays it (the
simulated reader of ``sessions``, or a virtual controller) says when it was connected and when it is asked, both by
the phone's clock.

Source: BZ-GAT-001 to BZ-GAT-003; ATT errors: Core Specification, Vol 3 Part F 3.4.1.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bluezone_reference.profiles import V3

from .plans import IdSource, PhonePlan

SERVICE = V3.advertisement.ios_service_uuid
CHARACTERISTIC = V3.advertisement.ios_characteristic_uuid
UNLIKELY_ERROR = 0x0E
"""The ATT error of a phone that has no rolling id."""
INSUFFICIENT_ENCRYPTION = 0x0F

Answer = Callable[[int, int], "bytes | int"]
"""From when the phone is asked and when it was connected, both by its own clock in ms, to octets or an ATT error."""


@dataclass(frozen=True, slots=True)
class OfferedCharacteristic:
    """A characteristic of a GATT service.

    Attributes:
        uuid: In canonical text form.
        properties: Such as ``read``.
    """

    uuid: str
    properties: tuple[str, ...] = ("read",)


@dataclass(frozen=True, slots=True)
class OfferedService:
    """A primary GATT service.

    Attributes:
        uuid: In canonical text form.
        characteristics: In the order of their handles.
    """

    uuid: str
    characteristics: tuple[OfferedCharacteristic, ...]


@dataclass(frozen=True, slots=True)
class GattBehaviour:
    """What an app offers, and what makes its answers.

    Attributes:
        services: Those of the app, in the order of their handles.
        answers: Makes what answers a read of the characteristic of the rolling id; drawn once for a phone.
    """

    services: tuple[OfferedService, ...]
    answers: Callable[[PhonePlan, IdSource], Answer]


@dataclass(frozen=True, slots=True)
class GattServer:
    """What one phone offers, and how it answers.

    Attributes:
        services: Those of the app, in the order of their handles.
        answer: Of a read of the characteristic of the rolling id.
        is_silent: No read is ever answered.
    """

    services: tuple[OfferedService, ...]
    answer: Answer
    is_silent: bool = False

    @property
    def is_readable(self) -> bool:
        """Whether a reader finds the service and the characteristic of the rolling id in it."""
        return any(
            each.uuid == CHARACTERISTIC
            for service in self.services
            if service.uuid == SERVICE
            for each in service.characteristics
        )


def right_answers(phone: PhonePlan, ids: IdSource) -> Answer:
    """Answer each read with the rolling id of its time, or with an error. Source: BZ-GAT-002, BZ-GAT-003."""

    def answer(clock_ms: int, connected_ms: int) -> bytes | int:
        rolling_id = ids(clock_ms)
        return UNLIKELY_ERROR if rolling_id is None else rolling_id

    return answer


RIGHT_SERVICE = OfferedService(SERVICE, (OfferedCharacteristic(CHARACTERISTIC),))
RIGHT_READS = GattBehaviour((RIGHT_SERVICE,), right_answers)
"""What the specification asks for: one service, one characteristic, and an id computed for each read."""
