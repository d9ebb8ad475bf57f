r"""``multipart/form-data``: the octets of an upload's body taken apart, and put together.

::

    body      = [preamble CRLF] delimiter 1*(part delimiter) -- each on a line of its own, the last with "--" behind
    delimiter = "--" boundary
    part      = *(header CRLF) CRLF content                  -- the CRLF before a delimiter belongs to the delimiter

Theory of operation. A delimiter is looked for only after a line end, each octet is looked at a bounded number of times,
and parts and headers are limited (BZ-MSG-006). A line that begins like a delimiter and goes on otherwise is refused,
because readers differ over it. Two liberties are taken, both with the request captured on 2020-08-08: its boundary
``*****`` is made of a character that RFC 2046 does not allow, and its file is followed by an empty line that does not
belong to it, as the part's ``Content-length`` tells.

Source: RFC 7578, RFC 2046 section 5.1; BZ-MSG-003.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .errors import MalformedError, RejectCode

PART_LIMIT = 64
"""Parts of a body. Source: BZ-MSG-006."""
HEADER_LIMIT = 8192
"""Octets of the headers of one part. Source: BZ-MSG-006."""
BOUNDARY = "*****"
"""The boundary of the captured request."""
_MEDIA_TYPE = b"multipart/form-data"
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_VALUE = re.compile(rb"[ \t]*(" + _TOKEN + rb"(?:/" + _TOKEN + rb")?)")
_PARAMETER = re.compile(rb"[ \t]*;[ \t]*(" + _TOKEN + rb")=(?:(" + _TOKEN + rb')|"((?:[^"\\]|\\.)*)")')
# RFC 2046 section 5.1.1, and the asterisk
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,\-./:=?* ]{0,69}[0-9A-Za-z'()+_,\-./:=?*]")
_END_OF_DELIMITER = re.compile(rb"(--)?[ \t]*(\r\n|\Z)")
_TRANSPARENT = (b"7bit", b"8bit", b"binary")
_LINE_END = b"\r\n"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a body.

    Attributes:
        name: Of the field.
        content: The part's octets.
        file_name: Where it is a file; else ``None``.
        media_type: As written; empty where none is.
        with_length: A header ``Content-length`` tells the length of the content.
        empty_line: An empty line follows that is no part of the content; never without ``with_length``.
        offset: Octets from the start of the body to the content; no part of the value.
    """

    name: str
    content: bytes
    file_name: str | None = None
    media_type: str = ""
    with_length: bool = False
    empty_line: bool = False
    offset: int = field(default=0, compare=False)


def boundary_of(content_type: str) -> str:
    """Return the boundary that a ``Content-Type`` header names.

    Raises:
        MalformedError: BAD_MULTIPART; the offset counts from the start of the header's value.

    Source: RFC 2046 section 5.1.1.
    """
    octets = content_type.encode("utf-8", "surrogatepass")
    value, parameters = _parameters(octets, 0)
    if value != _MEDIA_TYPE:
        raise _malformed(0, "the media type is not multipart/form-data")
    boundary = parameters.get(b"boundary", b"")
    if not _BOUNDARY.fullmatch(boundary):
        raise _malformed(0, "the media type has no boundary of 1 to 70 characters")
    return boundary.decode("ascii")


def media_type(boundary: str = BOUNDARY) -> str:
    """Return the ``Content-Type`` header that names a boundary, written as the captured one.

    Raises:
        ValueError: It is no boundary.
    """
    octets = _boundary_octets(boundary)
    quoted = boundary if re.fullmatch(_TOKEN, octets) else f'"{boundary}"'
    return f"{_MEDIA_TYPE.decode()};boundary={quoted}"


def decode_multipart(content_type: str, body: bytes) -> tuple[Part, ...]:
    """Take a body apart.

    Args:
        content_type: The value of the request's header ``Content-Type``.
        body: The request's body.

    Returns:
        The parts in their order; names may stand there twice.

    Raises:
        MalformedError: BAD_MULTIPART.

    Source: RFC 7578; BZ-MSG-003.
    """
    parts: list[Part] = []
    for start, end in _sections(body, boundary_of(content_type).encode("ascii")):
        if len(parts) == PART_LIMIT:
            raise _malformed(start, f"the body has more than {PART_LIMIT} parts")
        parts.append(_decode_part(body, start, end))
    return tuple(parts)


def encode_multipart(parts: Sequence[Part], boundary: str = BOUNDARY) -> bytes:
    """Put a body together.

    Raises:
        ValueError: It is no boundary, or it stands in a content; or a reader would not read these parts.

    Source: RFC 7578; BZ-MSG-003.
    """
    delimiter = b"--" + _boundary_octets(boundary)
    sections = [delimiter + _LINE_END + _encode_part(part) + _LINE_END for part in parts]
    body = b"".join(sections) + delimiter + b"--" + _LINE_END
    try:
        found: tuple[Part, ...] | None = decode_multipart(media_type(boundary), body)
    except MalformedError:
        found = None
    if found != tuple(parts):
        raise ValueError("a reader would not read these parts: the boundary stands in one, or a name is none")
    return body


def _sections(body: bytes, boundary: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each part begins, after its delimiter's line, and where it ends, before the next one."""
    delimiter = b"--" + boundary
    at = 0 if body.startswith(delimiter) else body.find(_LINE_END + delimiter)
    if at < 0:
        raise _malformed(0, "the boundary does not stand in the body")
    start = None
    while at >= 0:
        if start is not None:
            yield start, at
        line = at if body.startswith(delimiter, at) else at + len(_LINE_END)
        end = _END_OF_DELIMITER.match(body, line + len(delimiter))
        if end is None:
            raise _malformed(line, "a line begins like the boundary's and goes on otherwise")
        if end[1]:
            return
        if not end[2]:
            break
        start = end.end()
        # of a part that is not even a line, the delimiter's own line end is the next one's
        at = body.find(_LINE_END + delimiter, start - len(_LINE_END))
    raise _malformed(len(body), "the body ends before its last boundary")


def _decode_part(body: bytes, start: int, end: int) -> Part:
    """Read one part; ``end`` may lie before ``start`` where a delimiter follows a delimiter."""
    # RFC 2046: without a content, the line end of the last header ends the part
    section = body[start:end] + _LINE_END
    length = section.find(_LINE_END * 2)
    block = section[: length + len(_LINE_END)]
    if length < 0:
        raise _malformed(start, "the headers of a part do not end")
    if len(block) > HEADER_LIMIT:
        raise _malformed(start, f"the headers of a part have more than {HEADER_LIMIT} octets")
    headers = dict(_headers(block, start))
    if b"content-disposition" not in headers:
        raise _malformed(start, "a part has no Content-Disposition")
    at, disposition = headers[b"content-disposition"]
    value, parameters = _parameters(disposition, at)
    if value != b"form-data" or b"name" not in parameters:
        raise _malformed(at, "a part's Content-Disposition is not form-data with a name")
    at, encoding = headers.get(b"content-transfer-encoding", (start, b"binary"))
    if encoding.lower() not in _TRANSPARENT:
        raise _malformed(at, "a part is encoded for transfer")
    offset = min(start + len(block) + len(_LINE_END), end)
    content, empty_line = body[offset:end], False
    if b"content-length" in headers:
        at, length_text = headers[b"content-length"]
        if _is_length(length_text, content.removesuffix(_LINE_END)) and content.endswith(_LINE_END):
            content, empty_line = content.removesuffix(_LINE_END), True
        elif not _is_length(length_text, content):
            raise _malformed(at, "a part has another length than its Content-length")
    file_name = parameters.get(b"filename")
    return Part(
        name=_text(parameters[b"name"], offset, "name"),
        content=content,
        file_name=None if file_name is None else _text(file_name, offset, "file name"),
        media_type=_text(headers.get(b"content-type", (0, b""))[1], offset, "media type"),
        with_length=b"content-length" in headers,
        empty_line=empty_line,
        offset=offset,
    )


def _headers(block: bytes, start: int) -> Iterator[tuple[bytes, tuple[int, bytes]]]:
    """Yield the name in lower case, the offset and the value of each header; none may stand there twice."""
    # a header may go on in a line that begins with a blank; the length stays, and with it every offset
    unfolded = re.sub(rb"\r\n(?=[ \t])", b"  ", block)
    seen = set()
    for line in unfolded.removesuffix(_LINE_END).split(_LINE_END):
        name, colon, value = line.partition(b":")
        if not colon or not re.fullmatch(_TOKEN, name) or b"\r" in value or b"\n" in value:
            raise _malformed(start, "a line is no header")
        if name.lower() in seen:
            raise _malformed(start, "a header stands there twice")
        seen.add(name.lower())
        yield name.lower(), (start + len(name) + 1, value.strip(b" \t"))
        start += len(line) + len(_LINE_END)


def _parameters(value: bytes, offset: int) -> tuple[bytes, dict[bytes, bytes]]:
    """Return a header's value in lower case without its parameters, and those; names in lower case."""
    head = _VALUE.match(value)
    if head is None:
        raise _malformed(offset, "a header has no value")
    parameters: dict[bytes, bytes] = {}
    at = head.end()
    while found := _PARAMETER.match(value, at):
        name = found[1].lower()
        if name in parameters:
            raise _malformed(offset, "a parameter stands there twice")
        token, quoted = found[2], found[3]
        parameters[name] = token if quoted is None else re.sub(rb"\\(.)", rb"\1", quoted)
        at = found.end()
    if value[at:].strip(b" \t") not in (b"", b";"):
        raise _malformed(offset, "a header's parameters cannot be read")
    return head[1].lower(), parameters


def _encode_part(part: Part) -> bytes:
    disposition = f'Content-Disposition: form-data; name="{_quoted(part.name)}"'
    if part.file_name is not None:
        disposition += f'; filename="{_quoted(part.file_name)}"'
    lines = [disposition]
    if part.media_type:
        lines.append(f"Content-Type: {part.media_type}")
    if part.with_length:
        lines.append(f"Content-length: {len(part.content)}")
    headers = "".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogatepass")
    return headers + _LINE_END + part.content + (_LINE_END if part.empty_line else b"")


def _quoted(text: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", text)


def _is_length(text: bytes, content: bytes) -> bool:
    return text == str(len(content)).encode("ascii")


def _boundary_octets(boundary: str) -> bytes:
    octets = boundary.encode("utf-8", "surrogatepass")
    if not _BOUNDARY.fullmatch(octets):
        raise ValueError("a boundary is 1 to 70 characters of RFC 2046, or asterisks")
    return octets


def _text(octets: bytes, offset: int, what: str) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed(offset, f"a part's {what} is not UTF-8") from None


def _malformed(offset: int, reason: str) -> MalformedError:
    return MalformedError(RejectCode.BAD_MULTIPART, "BZ-MSG-003", offset, reason)
