"""Uploads: how a phone sends its contact log and its key material, as typed values.

Three endpoints, each with a twin that has the same parts without the file (BZ-MSG-003). An upload is recognised by the
end of its path, and at any other path by its parts. ``SaveFile``, which sends the app's own log file, stands here too,
because it is a body of the same kind; it is no upload, for it holds no key material.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from .errors import MalformedError, RejectCode
from .json_text import octets_of
from .key_material import KeyMaterial, decode_key_material, encode_key_material
from .multipart import BOUNDARY, Part, decode_multipart, encode_multipart, media_type

DATA_TRACE_NAME = "data_trace.txt"
LOG_FILE_NAME = "log.txt"
LOG_FILE_ENDPOINT = "/api/AppLog/SaveFile"
_MEDIA_TYPE = "text/xml"
_LOG_FILE_PARTS = ("history", "TokenFirebase", "PhoneNumber")


@dataclass(frozen=True, slots=True)
class UploadKind:
    """What tells the uploads apart.

    Attributes:
        own_field: The part that is the endpoint's own.
        with_file: The contact log goes with it; ``False`` for a twin.
    """

    own_field: Literal["FindGUID", "OTP"]
    with_file: bool


_NAMES: tuple[tuple[str, Literal["FindGUID", "OTP"]], ...] = (
    ("ReportHistory_GetInfo", "FindGUID"),
    ("ReportHistory_ConfirmDeclare", "OTP"),
    ("ReportHistory_ConfirmContact", "FindGUID"),
)
UPLOADS: Mapping[str, UploadKind] = {
    f"/api/AppHistoryContact/{name}{end}": UploadKind(own_field, not end)
    for name, own_field in _NAMES
    for end in ("", "_NoFile")
}
"""The endpoints of the uploads and of their twins. Source: BZ-MSG-003."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload.

    Attributes:
        kind: Its own field, and whether it has the file.
        endpoint: One of ``UPLOADS``; empty where it was recognised by its parts alone.
        key_material: The part ``InfoF``.
        token_firebase: The part ``TokenFirebase``.
        own_value: The part ``FindGUID`` or ``OTP``.
        data_trace: The file of the part ``history`` as it came, for ``decode_data_trace``; ``None`` in a twin.
        phone_number: The part ``PhoneNumber``, where there is one (3.0.3).
        further: Names of parts that nobody knows there, sorted, each once; in a twin ``history`` too.
    """

    kind: UploadKind
    endpoint: str
    key_material: KeyMaterial
    token_firebase: str
    own_value: str
    data_trace: bytes | None
    phone_number: str | None = None
    further: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogFile:
    """A request to ``SaveFile``: the app's own log file.

    Attributes:
        content: The file.
        token_firebase: The part ``TokenFirebase``.
        phone_number: The part ``PhoneNumber``.
        further: Names of parts that nobody knows there, sorted, each once.
    """

    content: bytes
    token_firebase: str
    phone_number: str
    further: tuple[str, ...] = ()


def upload_endpoint(path: str) -> str | None:
    """Return the one of ``UPLOADS`` whose name a path ends in, whatever comes before it; else ``None``."""
    name = path.partition("?")[0].rpartition("/")[2]
    return next((endpoint for endpoint in UPLOADS if endpoint.rpartition("/")[2] == name), None)


def upload_kind(names: Collection[str]) -> UploadKind | None:
    """Return what kind of upload has parts of these names, or ``None``. Source: BZ-MSG-003."""
    if "InfoF" in names and "TokenFirebase" in names:
        for own_field in ("FindGUID", "OTP"):
            if own_field in names:
                return UploadKind(own_field, "history" in names)
    return None


def decode_upload(path: str, content_type: str, body: bytes) -> Upload | None:
    """Read a request that may be an upload.

    Args:
        path: Of the request, with or without a query.
        content_type: The value of its header ``Content-Type``.
        body: Its body.

    Returns:
        The upload; ``None`` where neither path nor parts are one's.

    Raises:
        MalformedError: BAD_MULTIPART, MISSING_PART, REPEATED_PART, NOT_TEXT (a part is not UTF-8), BAD_VALUE (the
            file has another name), or what ``decode_key_material`` finds; its offset is that of the part ``InfoF``.

    Source: BZ-MSG-002, BZ-MSG-003.
    """
    endpoint = upload_endpoint(path)
    try:
        parts = decode_multipart(content_type, body)
    except MalformedError:
        if endpoint is None:
            return None
        raise
    kind = UPLOADS[endpoint] if endpoint is not None else upload_kind({part.name for part in parts})
    if kind is None:
        return None
    required = ("InfoF", kind.own_field, "TokenFirebase", *(("history",) if kind.with_file else ()))
    found = _parts(parts, required, ("PhoneNumber",), len(body))
    info = found["InfoF"]
    return Upload(
        kind=kind,
        endpoint=endpoint or "",
        key_material=decode_key_material(info.content, offset=info.offset),
        token_firebase=_text(found["TokenFirebase"]),
        own_value=_text(found[kind.own_field]),
        data_trace=_file(found["history"], DATA_TRACE_NAME) if kind.with_file else None,
        phone_number=_text(found["PhoneNumber"]) if "PhoneNumber" in found else None,
        further=_further(parts, found),
    )


def encode_upload(upload: Upload, boundary: str = BOUNDARY, *, with_length: bool = False) -> bytes:
    """Write an upload's body, its parts in the order of the captured request.

    Args:
        upload: Its own endpoint and kind must agree, and it has no further parts.
        boundary: Of the body; ``media_type`` gives the header for it.
        with_length: As captured: the file has its ``Content-length``, and an empty line behind it.

    Raises:
        ValueError: A reader would not read this upload.
        RefusedError: A reader would refuse its key material.

    Source: BZ-MSG-003; captured.
    """
    parts = [
        Part("InfoF", octets_of(encode_key_material(upload.key_material))),
        Part(upload.kind.own_field, octets_of(upload.own_value)),
        Part("TokenFirebase", octets_of(upload.token_firebase)),
    ]
    if upload.phone_number is not None:
        parts.append(Part("PhoneNumber", octets_of(upload.phone_number)))
    if upload.data_trace is not None:
        parts.append(
            Part("history", upload.data_trace, DATA_TRACE_NAME, _MEDIA_TYPE, with_length, with_length)
        )
    body = encode_multipart(parts, boundary)
    try:
        found = decode_upload(upload.endpoint, media_type(boundary), body)
    except MalformedError:
        found = None
    if found != upload:
        raise ValueError("a reader would not read this upload as it was given")
    return body


def decode_log_file(content_type: str, body: bytes) -> LogFile:
    """Read a request to ``SaveFile``.

    Args:
        content_type: The value of its header ``Content-Type``.
        body: Its body.

    Raises:
        MalformedError: BAD_MULTIPART, MISSING_PART, REPEATED_PART, NOT_TEXT or BAD_VALUE.

    Source: source J ``core/apis/bluezone.js``.
    """
    parts = decode_multipart(content_type, body)
    found = _parts(parts, _LOG_FILE_PARTS, (), len(body))
    return LogFile(
        content=_file(found["history"], LOG_FILE_NAME),
        token_firebase=_text(found["TokenFirebase"]),
        phone_number=_text(found["PhoneNumber"]),
        further=_further(parts, found),
    )


def encode_log_file(log_file: LogFile, boundary: str = BOUNDARY) -> bytes:
    """Write the body of a request to ``SaveFile``.

    Args:
        log_file: Its further parts are not written, for nobody knows their contents.
        boundary: Of the body.

    Raises:
        ValueError: The boundary is none or stands in a part.

    Source: source J ``core/apis/bluezone.js``.
    """
    parts = (
        Part("history", log_file.content, LOG_FILE_NAME),
        Part("TokenFirebase", octets_of(log_file.token_firebase)),
        Part("PhoneNumber", octets_of(log_file.phone_number)),
    )
    return encode_multipart(parts, boundary)


def _parts(
    parts: Collection[Part], required: Collection[str], optional: Collection[str], end: int
) -> dict[str, Part]:
    """Return the parts of these names, each of which stands there once; ``end`` is the body's."""
    found: dict[str, Part] = {}
    for part in parts:
        if part.name in found:
            raise _malformed(
                RejectCode.REPEATED_PART, part.offset, f"the part {part.name} stands there twice"
            )
        if part.name in required or part.name in optional:
            found[part.name] = part
    for name in required:
        if name not in found:
            raise _malformed(RejectCode.MISSING_PART, end, f"the part {name} is missing")
    return found


def _further(parts: Collection[Part], found: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted({part.name for part in parts if part.name not in found}))


def _text(part: Part) -> str:
    try:
        return part.content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed(
            RejectCode.NOT_TEXT, part.offset + error.start, f"the part {part.name} is not UTF-8"
        ) from None


def _file(part: Part, name: str) -> bytes:
    if part.file_name != name:
        raise _malformed(RejectCode.BAD_VALUE, part.offset, f"the part {part.name} is no file named {name}")
    return part.content


def _malformed(code: RejectCode, offset: int, reason: str) -> MalformedError:
    return MalformedError(code, "BZ-MSG-003", offset, reason)
