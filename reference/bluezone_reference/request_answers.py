"""Answers to requests: the envelope ``{isOk, isError, Status, Object}``, and the closed table of status codes."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import RejectCode
from .json_text import decode_object, encode_json
from .requests import (
    CONFIRM_CODE,
    DECLARE_HEALTH,
    DECLARE_IDENTITY,
    REGISTER,
    REGISTER_AGAIN,
    REQUESTS,
    SEND_CODE,
    UPDATE,
)
from .uploads import LOG_FILE_ENDPOINT, UPLOADS

_KEYS = ("isOk", "isError", "Status", "Object")
_BY_GUID = (*(name for name, kind in UPLOADS.items() if kind.own_field == "FindGUID"), DECLARE_HEALTH)
_BY_OTP = tuple(name for name, kind in UPLOADS.items() if kind.own_field == "OTP")
ENDPOINTS = (*REQUESTS, *UPLOADS, LOG_FILE_ENDPOINT)
"""All endpoints that answer in the envelope."""


@dataclass(frozen=True, slots=True)
class StatusCode:
    """One row of the table.

    Attributes:
        status: The number.
        endpoints: Those of ``ENDPOINTS`` that answer with it.
        meaning: A phrase for people.
    """

    status: int
    endpoints: tuple[str, ...]
    meaning: str


STATUS_CODES = (
    StatusCode(1, ENDPOINTS, "server error"),
    StatusCode(2, ENDPOINTS, "invalid request"),
    StatusCode(
        11, (REGISTER, UPDATE, *UPLOADS, DECLARE_HEALTH, REGISTER_AGAIN), "TokenFirebase is empty or bad"
    ),
    StatusCode(21, (SEND_CODE,), "TokenFirebase is bad"),
    StatusCode(22, (SEND_CODE,), "TokenFirebase is not registered"),
    StatusCode(23, (SEND_CODE,), "the phone number is bad"),
    StatusCode(31, (CONFIRM_CODE,), "TokenFirebase is not registered"),
    StatusCode(32, (CONFIRM_CODE,), "the phone number is bad"),
    StatusCode(33, (CONFIRM_CODE,), "the one-time code is wrong"),
    StatusCode(34, (CONFIRM_CODE,), "the one-time code has expired"),
    StatusCode(41, (UPDATE,), "the old TokenFirebase is not registered"),
    StatusCode(51, _BY_OTP, "the one-time code is wrong"),
    StatusCode(52, _BY_OTP, "the one-time code has expired"),
    StatusCode(61, _BY_GUID, "FindGUID is invalid"),
    StatusCode(62, _BY_GUID, "FindGUID has expired"),
    StatusCode(71, (DECLARE_HEALTH,), "Token is invalid"),
    StatusCode(72, (DECLARE_HEALTH,), "Token has expired"),
    StatusCode(81, (DECLARE_IDENTITY,), "TokenFirebase is not registered"),
    StatusCode(82, (DECLARE_IDENTITY,), "the name is bad"),
    StatusCode(83, (DECLARE_IDENTITY,), "the address is bad"),
)
"""Why a request failed; a closed table. Source: source J ``core/apis/errorCode.js``; BZ-MSG-005."""


@dataclass(frozen=True, slots=True)
class RequestAnswer:
    """What the server answered.

    Attributes:
        ok: ``isOk``.
        error: ``isError``.
        status: ``Status``; where the request succeeded, what stands there, or ``None``.
        value: ``Object``, whatever it is.
        further: Keys that nobody knows, sorted.
    """

    ok: bool
    error: bool
    status: int | None
    value: object
    further: tuple[str, ...] = ()

    def succeeded(self, http_status: int) -> bool:
        """Tell whether the request succeeded; the chapter Messages says when."""
        return http_status == 200 and self.ok


def status_code(endpoint: str, status: int) -> StatusCode | None:
    """Return what a status means in the answer of an endpoint; ``None`` where it cannot stand there."""
    return next((row for row in STATUS_CODES if row.status == status and endpoint in row.endpoints), None)


def decode_answer(endpoint: str, body: bytes) -> RequestAnswer:
    """Read an answer.

    Args:
        endpoint: One of ``ENDPOINTS``, which was asked.
        body: JSON in UTF-8.

    Raises:
        MalformedError: BAD_JSON, NOT_AN_OBJECT, MISSING_FIELD, NOT_AN_INTEGER, or BAD_VALUE: ``isOk`` or
            ``isError`` is neither true nor false, or a failed request has a ``Status`` that is not the endpoint's.

    Source: BZ-MSG-005.
    """
    answer = decode_object(body, "BZ-MSG-005")
    ok, error = answer.boolean("isOk"), answer.boolean("isError")
    # no evidence tells what Status is where nothing failed: any number, or null
    status = None if ok and answer.value("Status") is None else answer.integer("Status")
    if not ok and status is not None and status_code(endpoint, status) is None:
        raise answer.malformed(
            RejectCode.BAD_VALUE, "Status", "Status is none that this endpoint answers with"
        )
    return RequestAnswer(ok, error, status, answer.plain_value("Object"), answer.further(_KEYS))


def encode_answer(answer: RequestAnswer) -> str:
    """Write an answer.

    Args:
        answer: Its further keys are not written, for nobody knows their values.

    Raises:
        ValueError: Its value is none of JSON.

    Source: BZ-MSG-005.
    """
    values = (answer.ok, answer.error, answer.status, answer.value)
    return encode_json(dict(zip(_KEYS, values, strict=True)))
