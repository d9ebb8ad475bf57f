"""The form in which Android phones send a rolling id, known without taking AdvData apart.

::

    02 01 flags                          of any value
    0F FF B5 22 (12 octets)              manufacturer specific data of company 0x22B5
    03 03 56 4E                          service UUID 0x4E56

BZ-ADV-011 leaves the order to the phone, and other structures may stand beside these, so what has this form is an
Android phone's, and what has not may be one's all the same: ``advertisement`` takes it apart. That takes some ten
times as long, and nearly all that is ever heard of Android phones has this form.

Source: requirements BZ-ADV-002, BZ-ADV-003; AOSP puts the structures in this order.
"""

from __future__ import annotations

from bluezone_reference.ad_structures import (
    COMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS,
    FLAGS,
    MANUFACTURER_SPECIFIC_DATA,
    encode_ad,
)
from bluezone_reference.profiles import V3

_COMPANY = V3.advertisement.company.to_bytes(2, "little")
# Core Specification, Vol 3 Part B 2.5.1: a UUID of 16 bits is these digits of its long form
_SERVICE = bytes.fromhex(V3.advertisement.android_service_uuid[4:8])[::-1]
_ID_OCTETS = V3.advertisement.id_octets
_HEAD = encode_ad([(FLAGS, b"\0")])[:-1]
_COMPANY_AT = len(_HEAD) + 1
_BEFORE_ID = encode_ad([(MANUFACTURER_SPECIFIC_DATA, _COMPANY + bytes(_ID_OCTETS))])[:-_ID_OCTETS]
_ID_AT = _COMPANY_AT + len(_BEFORE_ID)
_TAIL_AT = _ID_AT + _ID_OCTETS
_TAIL = encode_ad([(COMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS, _SERVICE)])
OCTETS = _TAIL_AT + len(_TAIL)
"""Of AdvData in this form: 23."""


def rolling_id_in(octets: bytes) -> bytes | None:
    """Return the rolling id of AdvData in this form; ``None`` where they have another.

    Args:
        octets: AdvData.
    """
    if (
        len(octets) == OCTETS
        and octets[_COMPANY_AT:_ID_AT] == _BEFORE_ID
        and octets[_TAIL_AT:] == _TAIL
        and octets.startswith(_HEAD)
    ):
        return octets[_ID_AT:_TAIL_AT]
    return None
