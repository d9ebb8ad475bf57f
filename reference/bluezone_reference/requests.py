"""The requests whose body is a JSON object: registration by a one-time code, profile, health declaration.

All of them are HTTP POST, and each has its fields, all text (BZ-MSG-005). Uploads are in ``uploads``, the answers in
``request_answers``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .errors import MalformedError, RejectCode
from .json_text import JsonObject, decode_object, encode_json, octets_of
from .key_material import KeyMaterial, decode_key_material

REGISTER = "/api/App/RegisterUser"
SEND_CODE = "/api/App/CreateAndSendOTPCode"
CONFIRM_CODE = "/api/App/ConfirmOTPCode"
UPDATE = "/api/App/UpdateTokenFirebase"
DECLARE_IDENTITY = "/api/App/DeclareInformation"
DECLARE_HEALTH = "/api/AppHistoryContact/DeclareInformation"
REGISTER_AGAIN = "/api/AppHistoryContact/PushInfoApp"
REGISTRATION = (REGISTER, SEND_CODE, CONFIRM_CODE)
"""The requests that register a phone number, in their order. Source: BZ-MSG-005."""

REQUESTS: Mapping[str, tuple[str, ...]] = {
    REGISTER: ("TokenFirebase", "TypeOS"),
    UPDATE: ("TokenFirebaseNew", "TokenFirebaseOld", "PhoneNumber"),
    SEND_CODE: ("PhoneNumber", "TokenFirebase", "TypeOS"),
    CONFIRM_CODE: ("TokenFirebase", "PhoneNumber", "OTPCode", "TypeOS"),
    DECLARE_IDENTITY: ("PhoneNumber", "TokenFirebase", "Fullname", "Address"),
    DECLARE_HEALTH: ("FindGUID", "Token", "InfoF", "TokenFirebase", "UserInfo"),
    REGISTER_AGAIN: ("TokenFirebaseNew", "TokenFirebaseOld", "PhoneNumber", "PushGUID", "TypeOS"),
}
"""The endpoints and the fields of their requests. Source: BZ-MSG-005."""
IDENTITY = ("PhoneNumber", "FullName", "Address")
"""The fields of ``UserInfo``, which is JSON text of an object."""
PLATFORMS = ("android", "ios")
"""What ``TypeOS`` may be."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request.

    Attributes:
        endpoint: One of ``REQUESTS``.
        fields: All of its fields as they came.
        key_material: What ``InfoF`` says; ``None`` where the endpoint has no such field.
        identity: What ``UserInfo`` says; empty where the endpoint has no such field.
        further: Keys of the body that nobody knows, sorted.
    """

    endpoint: str
    fields: Mapping[str, str]
    key_material: KeyMaterial | None = None
    identity: Mapping[str, str] = field(default_factory=dict)
    further: tuple[str, ...] = ()


def request_endpoint(path: str) -> str | None:
    """Return the one of ``REQUESTS`` that a path ends in, with or without a query; else ``None``."""
    path = path.partition("?")[0]
    return next((endpoint for endpoint in REQUESTS if path.endswith(endpoint)), None)


def decode_request(path: str, body: bytes) -> Request | None:
    """Read a request that may be one of ``REQUESTS``.

    Args:
        path: Of the request, with or without a query.
        body: JSON in UTF-8.

    Returns:
        The request; ``None`` where the path is none of them.

    Raises:
        MalformedError: BAD_JSON, NOT_AN_OBJECT, MISSING_FIELD, NOT_TEXT, BAD_VALUE (``TypeOS``), or what
            ``decode_key_material`` finds in ``InfoF``. In a pointer, what ``InfoF`` and ``UserInfo`` hold stands
            below them as if it were no text.

    Source: BZ-MSG-002, BZ-MSG-005.
    """
    endpoint = request_endpoint(path)
    if endpoint is None:
        return None
    request = decode_object(body, "BZ-MSG-005")
    names = REQUESTS[endpoint]
    fields = _texts(request, names)
    if "TypeOS" in fields and fields["TypeOS"] not in PLATFORMS:
        raise request.malformed(RejectCode.BAD_VALUE, "TypeOS", "TypeOS is neither android nor ios")
    material = None
    if "InfoF" in fields:
        material = decode_key_material(octets_of(fields["InfoF"]), pointer="/InfoF")
    identity = _texts(request.inner("UserInfo"), IDENTITY) if "UserInfo" in fields else {}
    return Request(endpoint, fields, material, identity, request.further(names))


def encode_request(endpoint: str, fields: Mapping[str, str]) -> str:
    """Write the body of a request.

    Args:
        endpoint: One of ``REQUESTS``.
        fields: Its fields and no others; ``InfoF`` by ``encode_key_material``, ``UserInfo`` by ``encode_identity``.

    Raises:
        ValueError: The endpoint is none, or a field is not the endpoint's.
        RefusedError: A reader would refuse the request.

    Source: BZ-MSG-005.
    """
    if endpoint not in REQUESTS or not set(fields) <= set(REQUESTS[endpoint]):
        raise ValueError("there is no such request, or it has no such field")
    text = encode_json(dict(fields))
    try:
        decode_request(endpoint, octets_of(text))
    except MalformedError as error:
        raise error.refusal() from None
    return text


def encode_identity(phone_number: str, full_name: str, address: str) -> str:
    """Write ``UserInfo``. Source: source J ``core/apis/bluezone.js``."""
    return encode_json(dict(zip(IDENTITY, (phone_number, full_name, address), strict=True)))


def _texts(request: JsonObject, names: tuple[str, ...]) -> dict[str, str]:
    return {name: request.text(name) for name in names}
