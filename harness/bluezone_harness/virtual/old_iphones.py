"""iPhones of the first generation: a static id in the local name, which comes in the scan response.

Theory of operation. Their service UUID and their name of ten characters find no room beside the Flags, so that the
system sends the name to whoever asks. The name is an obfuscated static id; a read of their characteristic returns the
same ten characters. The app of version 2 was still this one on iPhones.

Advert, scan response and read have to show one id, and are made apart from each other: so it is drawn from the phone's
octets alone.

In the background the system takes the name away and hides the UUID in its overflow field. Nobody published under which
bit: nothing of the app's is sent here then.

Source: chapters Advertisement and GATT, their tables of v1 and v2; source I ``AppUtils.swift``, first generation.
"""

from __future__ import annotations

from random import Random

from bluezone_reference import ad_structures as ad
from bluezone_reference.advertisement import OldIosAdvertisement, encode_advertisement
from bluezone_reference.name_obfuscation import POSITIONS, STATIC_ID_CHARACTERS, STATIC_ID_LENGTH, obfuscate
from bluezone_reference.profiles import V1

from .behaviours import IosFrames
from .plans import PhonePlan
from .reads import GattBehaviour, OfferedCharacteristic, OfferedService, right_answers


def drawn_static_id(random: Random) -> str:
    """Draw a static id: six characters of ``0-9A-Za-z``."""
    letters = (int(len(STATIC_ID_CHARACTERS) * random.random()) for _ in range(STATIC_ID_LENGTH))
    return "".join(STATIC_ID_CHARACTERS[letter] for letter in letters)


def obfuscated_name(phone: PhonePlan) -> bytes:
    """Return the local name of an old iPhone, always the same for one phone.

    Args:
        phone: Its plan.

    Returns:
        Ten octets of ASCII, which hold its static id.
    """
    random = Random(f"static id {phone.base_id.hex()}")  # noqa: S311 - a simulation
    static_id = drawn_static_id(random)
    first = int(len(POSITIONS) * random.random())
    second = int((len(POSITIONS) - 1) * random.random())
    second += second >= first
    return obfuscate(static_id, POSITIONS[first], POSITIONS[second]).encode("ascii")


def old_frames(phone: PhonePlan, random: Random) -> IosFrames:
    """Return what an old iPhone sends."""
    return IosFrames(
        encode_advertisement(OldIosAdvertisement(None, None)),
        None,
        ad.encode_ad([(ad.COMPLETE_LOCAL_NAME, obfuscated_name(phone))]),
    )


OLD_READS = GattBehaviour(
    (
        OfferedService(
            V1.advertisement.ios_service_uuid,
            (OfferedCharacteristic(V1.advertisement.ios_characteristic_uuid),),
        ),
    ),
    right_answers,
)
"""What an old iPhone offers to whoever connects: one service and one characteristic, with the obfuscated name in it."""
