"""multipart/form-data: bodies written by hand and by the standard library's email package, whole, cut and damaged."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from email import message_from_bytes
from email.message import Message
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import HTTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_reference.errors import MalformedError, RejectCode
from bluezone_reference.multipart import (
    HEADER_LIMIT,
    PART_LIMIT,
    Part,
    boundary_of,
    decode_multipart,
    encode_multipart,
    media_type,
)

pytestmark = pytest.mark.req("BZ-MSG-003")

HEADER = "multipart/form-data; boundary=b"
PLAIN = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'


def body_of(*sections: bytes, end: bytes = b"--b--\r\n") -> bytes:
    return b"".join(b"--b\r\n" + section + b"\r\n" for section in sections) + end


def section(
    content: bytes = b"1", headers: bytes = b"", disposition: bytes = b'form-data; name="a"'
) -> bytes:
    return b"Content-Disposition: " + disposition + b"\r\n" + headers + b"\r\n" + content


def refusal_of(body: bytes, header: str = HEADER) -> MalformedError:
    with pytest.raises(MalformedError) as caught:
        decode_multipart(header, body)
    assert caught.value.code is RejectCode.BAD_MULTIPART
    assert caught.value.requirement == "BZ-MSG-003"
    assert 0 <= caught.value.offset <= max(len(body), len(header))
    return caught.value


def test_a_body_written_by_hand() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="InfoF"\r\n\r\n{}\r\n'
        b"--b\r\ncontent-type: text/xml\r\n"
        b'CONTENT-DISPOSITION:form-data;filename="data_trace.txt" ; name=history\r\n\r\nA\tB\n\r\n--c\r\n'
        b"--b--"
    )
    info, history = decode_multipart(HEADER, body)
    assert info == Part("InfoF", b"{}")
    assert history == Part("history", b"A\tB\n\r\n--c", "data_trace.txt", "text/xml")
    assert [body[part.offset :][:2] for part in (info, history)] == [b"{}", b"A\t"]


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (PLAIN, (Part("a", b"1"),)),
        (b"before\r\n" + PLAIN + b"after\r\n--b\r\nnothing", (Part("a", b"1"),)),
        (b"\r\n" + PLAIN, (Part("a", b"1"),)),
        (PLAIN.replace(b"--b\r\n", b"--b \t\r\n").replace(b"--b--", b"--b-- "), (Part("a", b"1"),)),
        (b"--b--", ()),
        (body_of(section(b"")), (Part("a", b""),)),
        # no content at all: the line end of the last header ends the part
        (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n--b--', (Part("a", b""),)),
        (body_of(section(b"\r\n"), section(b"\r\n\r\n")), (Part("a", b"\r\n"), Part("a", b"\r\n\r\n"))),
        (body_of(section(b"x--b--")), (Part("a", b"x--b--"),)),
        (body_of(section(b"\n--b--\n")), (Part("a", b"\n--b--\n"),)),
        (body_of(section(disposition=b'form-data; name="a\\"\\\\b"')), (Part('a"\\b', b"1"),)),
        (body_of(section(disposition=b'form-data;\r\n name="a";\r\n\tfilename=""')), (Part("a", b"1", ""),)),
        (body_of(section(disposition='form-data; name="Tiếp"'.encode())), (Part("Tiếp", b"1"),)),
        (body_of(section(disposition=b'FORM-DATA; NAME="a";')), (Part("a", b"1"),)),
        (body_of(section(headers=b"X-Any: b\r\nContent-Transfer-Encoding: 8BIT\r\n")), (Part("a", b"1"),)),
    ],
)
def test_forms_that_the_standards_allow(body: bytes, parts: tuple[Part, ...]) -> None:
    assert decode_multipart(HEADER, body) == parts


def test_the_offset_of_a_part_without_content_is_where_it_ends() -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n--b--'
    assert [part.offset for part in decode_multipart(HEADER, body)] == [body.rindex(b"\r\n--b--")]


@pytest.mark.parametrize(
    ("length", "content", "expected", "empty_line"),
    [
        (b"4", b"ABC\n\r\n", b"ABC\n", True),
        (b"6", b"ABC\n\r\n", b"ABC\n\r\n", False),
        (b"4", b"ABC\n", b"ABC\n", False),
        (b"2", b"\r\n", b"\r\n", False),
        (b"0", b"\r\n", b"", True),
        (b"0", b"", b"", False),
    ],
)
def test_the_empty_line_behind_the_captured_file_is_not_the_files(
    length: bytes, content: bytes, expected: bytes, empty_line: bool
) -> None:
    body = body_of(section(content, b"Content-length: " + length + b"\r\n"))
    assert decode_multipart(HEADER, body) == (Part("a", expected, with_length=True, empty_line=empty_line),)


@pytest.mark.parametrize("length", [b"3", b"5", b"7", b"8", b"04", b"-4", b"", b"four", b"9" * 5000])
def test_a_length_that_fits_neither_way_is_refused(length: bytes) -> None:
    found = refusal_of(body_of(section(b"ABC\n\r\n", b"Content-length: " + length + b"\r\n")))
    assert "length" in found.reason


@pytest.mark.parametrize(
    ("body", "offset"),
    [
        (b"", 0),
        (b"--c\r\n", 0),
        (PLAIN.replace(b"\r\n", b"\n"), 0),
        (b" " + PLAIN[:-9], 0),
        (b"--b", 3),
        (b"--b\r\n", 5),
        (PLAIN[:-4], len(PLAIN) - 4),
        (PLAIN[:-3] + b"\r\n", 52),
        (body_of(section(b"1\r\n--bx")), 52),
        (body_of(section(b"1\r\n--b\n")), 52),
        (body_of(section(b"1\r\n--b--x")), 52),
        (b"--b\r\n--b--\r\n", 5),
        (b"--b\r\n\r\n--b--\r\n", 5),
        (b"--b\r\n\r\n1\r\n--b--\r\n", 5),
        (b"--b\r\nContent-Disposition: form-data; name=a\r\n--b--\r\n", 5),
        (body_of(section(headers=b"X\r\n")), 47),
        (body_of(section(disposition=b'form-data;\r\n name="a"', headers=b"X\r\n")), 49),
        (body_of(section(headers=b"X y: 1\r\n")), 47),
        (body_of(section(headers=b": 1\r\n")), 47),
        (body_of(section(headers=b"X: 1\n2\r\n")), 47),
        (body_of(section(headers=b"X: 1\r2\r\n")), 47),
        (body_of(b" " + section()), 5),
        (body_of(section(headers=b"content-disposition: form-data; name=b\r\n")), 47),
        (body_of(b"Content-Type: text/plain\r\n\r\n1"), 5),
        (body_of(section(disposition=b'attachment; name="a"')), 25),
        (body_of(section(disposition=b"form-data")), 25),
        (body_of(section(disposition=b"")), 25),
        (body_of(section(disposition=b'form-data; name="a"; name="a"')), 25),
        (body_of(section(disposition=b'form-data; name="a')), 25),
        (body_of(section(disposition=b"form-data; name=a b")), 25),
        (body_of(section(disposition=b"form-data; name=")), 25),
        (body_of(section(disposition=b'form-data; name="a";;')), 25),
        (body_of(section(disposition=b'form-data; name="\xff"')), 49),
        (body_of(section(disposition=b'form-data; name="a"; filename="\xff"')), 63),
        (body_of(section(headers=b"Content-Type: \xff\r\n")), 66),
        (body_of(section(headers=b"Content-Transfer-Encoding: base64\r\n")), 73),
    ],
)
def test_points_at_what_is_malformed(body: bytes, offset: int) -> None:
    assert refusal_of(body).offset == offset


@pytest.mark.parametrize(
    "header",
    [
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        'multipart/form-data; boundary="b "',
        'multipart/form-data; boundary="b',
        "multipart/form-data; boundary=" + "b" * 71,
        "multipart/form-data; boundary=b; boundary=b",
        "multipart/form-data; boundary=b c",
        "multipart/mixed; boundary=b",
        "form-data; boundary=b",
        "application/json",
        'multipart/form-data; boundary="ế"',
        'multipart/form-data; boundary="\ud800"',
        "multipart/form-data" + " " * 1_000_000 + "x",
    ],
)
def test_a_header_without_a_boundary(header: str) -> None:
    assert refusal_of(PLAIN, header).offset == 0
    with pytest.raises(MalformedError):
        boundary_of(header)


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ("multipart/form-data;boundary=*****", "*****"),
        ('Multipart/Form-Data ; Charset=utf-8 ; BOUNDARY="a b"', "a b"),
        ("multipart/form-data; boundary=" + "b" * 70, "b" * 70),
        ("multipart/form-data; boundary=a;", "a"),
    ],
)
def test_a_header_with_a_boundary(header: str, boundary: str) -> None:
    assert boundary_of(header) == boundary
    assert boundary_of(media_type(boundary)) == boundary


def test_writes_the_header_as_captured() -> None:
    assert media_type() == "multipart/form-data;boundary=*****"
    assert media_type("a b") == 'multipart/form-data;boundary="a b"'


@pytest.mark.req("BZ-MSG-006")
def test_parts_and_headers_are_limited() -> None:
    assert (PART_LIMIT, HEADER_LIMIT) == (64, 8192)
    assert len(decode_multipart(HEADER, body_of(*[section()] * PART_LIMIT))) == PART_LIMIT
    assert "parts" in refusal_of(body_of(*[section()] * (PART_LIMIT + 1))).reason
    room = HEADER_LIMIT - len(section(b"", b"X: \r\n")) + 2
    assert decode_multipart(HEADER, body_of(section(headers=b"X: " + b"x" * room + b"\r\n")))
    assert "headers" in refusal_of(body_of(section(headers=b"X: " + b"x" * (room + 1) + b"\r\n"))).reason


@pytest.mark.req("BZ-MSG-006")
@pytest.mark.parametrize(
    "body",
    [
        b"--b\r\n" + b"\r\n--" * 500_000,
        b"--b" + b" " * 2_000_000,
        b"--b\r\n" + b"\r\n" * 1_000_000,
        body_of(section(disposition=b"form-data" + b"; " * 4000)),
        body_of(section(disposition=b'form-data; name="' + b"\\" * 8001)),
    ],
)
def test_no_body_keeps_a_reader_busy(body: bytes) -> None:
    refusal_of(body)


def test_every_cut_of_a_body_is_refused() -> None:
    body = body_of(section(), section(b"22"), end=b"--b--")
    assert len(decode_multipart(HEADER, body)) == 2
    for length in range(len(body)):
        refusal_of(body[:length])


def test_writes_a_body() -> None:
    parts = [
        Part("a", b"1"),
        Part("f", b"A\n", "data_trace.txt", "text/xml", with_length=True, empty_line=True),
    ]
    assert encode_multipart(parts) == (
        b'--*****\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
        b'--*****\r\nContent-Disposition: form-data; name="f"; filename="data_trace.txt"\r\n'
        b"Content-Type: text/xml\r\nContent-length: 2\r\n\r\nA\n\r\n\r\n"
        b"--*****--\r\n"
    )


@pytest.mark.parametrize(
    ("part", "boundary"),
    [
        (Part("a", b"1"), ""),
        (Part("a", b"1"), "b "),
        (Part("a", b"1"), "b\r\n"),
        (Part("a", b"1"), "ế"),
        (Part("a", b"\r\n--b"), "b"),
        (Part("a", b"--b--"), "b"),
        (Part("a\r\nX: 1", b"1"), "b"),
        (Part("\ud800", b"1"), "b"),
        (Part("a", b"1", media_type="text/xml\r\nX: 1"), "b"),
        (Part("a", b"1", media_type=" text/xml"), "b"),
        (Part("a", b"1", empty_line=True), "b"),
    ],
)
def test_writes_nothing_that_a_reader_would_read_otherwise(part: Part, boundary: str) -> None:
    with pytest.raises(ValueError, match=r"boundary"):
        encode_multipart([part], boundary)
    assert (
        encode_multipart([replace(part, name="a", content=b"1", media_type="", empty_line=False)], "b")
        == PLAIN
    )


names = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=12)
contents = st.binary(max_size=60) | st.lists(
    st.sampled_from([b"\r\n", b"--", b"b", b"*", b"\n", b"\r", b"-", b"x"]), max_size=12
).map(b"".join)
parts_strategy = st.lists(
    st.builds(
        Part,
        name=names,
        content=contents,
        file_name=st.none() | names,
        media_type=st.sampled_from(["", "text/xml", "text/plain; charset=utf-8"]),
        with_length=st.just(True),
        empty_line=st.booleans(),
    )
    | st.builds(Part, name=names, content=contents),
    max_size=4,
)


@given(parts=parts_strategy, boundary=st.sampled_from(["*****", "b", "----x", "a b", "'()+_,-./:=?"]))
def test_what_is_written_is_read(parts: list[Part], boundary: str) -> None:
    delimiter = b"--" + boundary.encode()
    clash = any((b"\r\n" + part.content).find(b"\r\n" + delimiter) >= 0 for part in parts)
    if clash:
        with pytest.raises(ValueError, match=r"boundary"):
            encode_multipart(parts, boundary)
        return
    body = encode_multipart(parts, boundary)
    found = decode_multipart(media_type(boundary), body)
    assert found == tuple(parts)
    assert all(body[part.offset :].startswith(part.content) for part in found)


field_text = st.text("abc 0{}\"'-*ế", max_size=30)


@given(fields=st.lists(field_text, min_size=1, max_size=4), file=st.binary(max_size=80))
def test_reads_what_the_email_package_writes_and_the_other_way(fields: list[str], file: bytes) -> None:
    written = MIMEMultipart("form-data", boundary="=-=", policy=HTTP)
    for index, text in enumerate(fields):
        field = MIMENonMultipart("text", "plain", policy=HTTP)
        field.replace_header("Content-Type", "text/plain; charset=utf-8")
        field.add_header("Content-Disposition", "form-data", name=f"field{index}")
        field.set_payload(text.encode().decode("ascii", "surrogateescape"))
        written.attach(field)
    attached = MIMEApplication(file, "octet-stream", lambda message: None, policy=HTTP)
    attached.set_payload(file.replace(b"\r", b"").replace(b"\n", b"\r\n").decode("ascii", "surrogateescape"))
    attached.add_header("Content-Disposition", "form-data", name="history", filename="data_trace.txt")
    written.attach(attached)
    head, _, body = written.as_bytes().partition(b"\r\n\r\n")
    header = message_from_bytes(head)["Content-Type"]
    *texts, trace = decode_multipart(header, body)
    assert [part.content.decode() for part in texts] == fields
    assert (trace.name, trace.file_name, trace.media_type) == (
        "history",
        "data_trace.txt",
        "application/octet-stream",
    )
    assert trace.content == file.replace(b"\r", b"").replace(b"\n", b"\r\n")

    ours = encode_multipart([*texts, trace], "=-=")
    parsed = message_from_bytes(b"Content-Type: " + media_type("=-=").encode() + b"\r\n\r\n" + ours)
    payload = parsed.get_payload()
    assert isinstance(payload, list)
    theirs = [part for part in payload if isinstance(part, Message)]
    assert [part.get_param("name", header="Content-Disposition") for part in theirs] == [
        part.name for part in (*texts, trace)
    ]
    assert [part.get_payload(decode=True) for part in theirs] == [part.content for part in (*texts, trace)]


@pytest.mark.req("BZ-MSG-006")
@given(
    body=st.lists(
        st.sampled_from(
            [
                *(b"--b", b"--", b"\r\n", b"\r\n\r\n", b"b", b" ", b";", b'"', b"\\", b":", b"\xff", b"1"),
                *(b"Content-Disposition: form-data", b"; name=a", b"Content-length: ", b"\n"),
            ]
        ),
        max_size=16,
    ).map(b"".join)
    | st.binary(max_size=60),
    header=st.text(max_size=20) | st.sampled_from([HEADER, "multipart/form-data;boundary=*****"]),
)
def test_nothing_but_malformed_error_is_raised(body: bytes, header: str) -> None:
    parts: tuple[Part, ...] = ()
    with suppress(MalformedError):
        parts = decode_multipart(header, body)
    for part in parts:
        assert body[part.offset :].startswith(part.content)
