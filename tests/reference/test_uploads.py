"""Uploads: the captured form, the six endpoints, recognition by path and by parts, and each fault by its code."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import HTTP
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_reference.contact_log import decode_data_trace
from bluezone_reference.errors import MalformedError, RefusedError
from bluezone_reference.key_material import KeyMaterial, encode_key_material, key_material
from bluezone_reference.multipart import media_type
from bluezone_reference.uploads import (
    LOG_FILE_ENDPOINT,
    UPLOADS,
    LogFile,
    Upload,
    UploadKind,
    decode_log_file,
    decode_upload,
    encode_log_file,
    encode_upload,
    upload_endpoint,
    upload_kind,
)

pytestmark = pytest.mark.req("BZ-MSG-003")

GROUP = "/api/AppHistoryContact/"
CONFIRM = GROUP + "ReportHistory_ConfirmContact"
BASE = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")
BASE_DAY_MS = 1_596_844_800_000
INFO = (
    b'{"base_id":"4C5224B397F8AB3896781D5AA0F3119F280513F1B592CA280EBDED6357E21084","time":1596844800,'
    b'"daily_key":"4C5224B397F8AB3896781D5AA0F3119F280513F1B592CA280EBDED6357E21084","time_start":1596844800}'
)
TRACE = (
    b"B9A665D754FE65E665D76A45\t7C3DEC4246EA6F90E38EA254\t-71\t1596866191387\n"
    b"B9A665D754FE65E665D76A45\t7C3DEC4246EA6F90E38EA254\t-73\t1596866201389\n"
)
# The request of 2020-08-08 in its form: its boundary, order, Content-length, and the empty line behind the file.
CAPTURED = (
    b'--*****\r\nContent-Disposition: form-data; name="InfoF"\r\n\r\n' + INFO + b"\r\n"
    b'--*****\r\nContent-Disposition: form-data; name="FindGUID"\r\n\r\n123456\r\n'
    b'--*****\r\nContent-Disposition: form-data; name="TokenFirebase"\r\n\r\nf16Z:APA91\r\n'
    b'--*****\r\nContent-Disposition: form-data; name="history"; filename="data_trace.txt"\r\n'
    b"Content-Type: text/xml\r\nContent-length: 136\r\n\r\n" + TRACE + b"\r\n\r\n--*****--\r\n"
)
CAPTURED_HEADER = "multipart/form-data;boundary=*****"
UPLOAD = Upload(
    UploadKind("FindGUID", True),
    CONFIRM,
    KeyMaterial(BASE, BASE_DAY_MS, BASE, BASE_DAY_MS),
    "f16Z:APA91",
    "123456",
    TRACE,
)
PARTS = {"InfoF": INFO, "FindGUID": b"123456", "TokenFirebase": b"f16Z", "history": TRACE}


def body_of(*parts: tuple[str, bytes], file_name: str = "data_trace.txt") -> bytes:
    """Write parts by hand, with the boundary b; history is a file."""
    body = b""
    for name, content in parts:
        end = f'; filename="{file_name}"' if name == "history" else ""
        body += (
            f'--b\r\nContent-Disposition: form-data; name="{name}"{end}\r\n\r\n'.encode() + content + b"\r\n"
        )
    return body + b"--b--\r\n"


def decode(path: str, *parts: tuple[str, bytes]) -> Upload | None:
    return decode_upload(path, "multipart/form-data; boundary=b", body_of(*parts))


def test_the_captured_request() -> None:
    assert decode_upload(CONFIRM, CAPTURED_HEADER, CAPTURED) == UPLOAD
    log = decode_data_trace(TRACE)
    assert (len(log.lines), log.defects) == (2, ())
    assert encode_upload(UPLOAD, with_length=True) == CAPTURED
    assert b"Content-length" not in encode_upload(UPLOAD)
    assert media_type() == CAPTURED_HEADER


def test_the_endpoints_are_those_of_the_chapter(repository: Path) -> None:
    chapter = (repository / "spec/bluezone_spec/chapters/08-messages.md").read_text("utf-8")
    table = chapter.partition("| endpoint | when | own field |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    expected = {
        cells[0].strip("`") + end: UploadKind("OTP" if "`OTP`" in cells[2] else "FindGUID", not end)
        for cells in rows
        for end in ("", "_NoFile")
    }
    assert len(expected) == 6
    assert expected == UPLOADS


@pytest.mark.parametrize("endpoint", sorted(UPLOADS))
def test_an_upload_to_every_endpoint(endpoint: str) -> None:
    kind = UPLOADS[endpoint]
    parts = [("TokenFirebase", b"t"), (kind.own_field, b"7"), ("PhoneNumber", b"+84"), ("InfoF", INFO)]
    if kind.with_file:
        parts.append(("history", TRACE))
    found = decode(f"/behind/a/proxy{endpoint}?a=/b", *parts)
    assert found == replace(
        UPLOAD,
        kind=kind,
        endpoint=endpoint,
        token_firebase="t",
        own_value="7",
        phone_number="+84",
        data_trace=TRACE if kind.with_file else None,
    )
    assert decode(endpoint, *reversed(parts)) == found
    assert found is not None
    for with_length in (False, True):
        body = encode_upload(found, "b", with_length=with_length)
        assert decode_upload(endpoint, media_type("b"), body) == found
    # elsewhere the parts tell
    elsewhere = decode("/upload", *parts)
    assert elsewhere == replace(found, endpoint="")
    assert decode_upload("", media_type(), encode_upload(elsewhere)) == elsewhere


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("ReportHistory_GetInfo", GROUP + "ReportHistory_GetInfo"),
        ("/x/ReportHistory_GetInfo_NoFile", GROUP + "ReportHistory_GetInfo_NoFile"),
        ("/ReportHistory_GetInfo?x=1", GROUP + "ReportHistory_GetInfo"),
        ("/xReportHistory_GetInfo", None),
        ("/ReportHistory_GetInfo/", None),
        ("/x?ReportHistory_GetInfo", None),
        ("/reporthistory_getinfo", None),
        ("", None),
    ],
)
def test_recognises_an_endpoint_by_the_end_of_its_path(path: str, endpoint: str | None) -> None:
    assert upload_endpoint(path) == endpoint


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["InfoF", "TokenFirebase", "FindGUID", "history", "x"], UploadKind("FindGUID", True)),
        (["InfoF", "TokenFirebase", "OTP"], UploadKind("OTP", False)),
        (["InfoF", "TokenFirebase", "history"], None),
        (["InfoF", "FindGUID", "history"], None),
        (["TokenFirebase", "FindGUID", "history"], None),
        ([], None),
    ],
)
def test_recognises_an_upload_by_its_parts(names: list[str], kind: UploadKind | None) -> None:
    assert upload_kind(names) == kind


@pytest.mark.parametrize("body", [b"", b"{}", CAPTURED, body_of(("InfoF", INFO))])
def test_another_request_is_no_upload(body: bytes) -> None:
    assert decode_upload("/api/App/RegisterUser", "application/json", body) is None
    assert decode("/upload", ("InfoF", INFO), ("history", TRACE)) is None


def test_further_parts_are_named() -> None:
    parts = [*PARTS.items(), ("z", b""), ("a", b"\xff"), ("z", b"")]
    found = decode(CONFIRM, *parts)
    assert found is not None
    assert found.further == ("a", "z")
    twin = decode(CONFIRM + "_NoFile", *PARTS.items())
    assert twin is not None
    assert (twin.data_trace, twin.further) == (None, ("history",))


@pytest.mark.parametrize("name", sorted(PARTS))
def test_a_part_that_is_missing_or_stands_there_twice(name: str) -> None:
    header = "multipart/form-data; boundary=b"
    body = body_of(*((key, content) for key, content in PARTS.items() if key != name))
    with pytest.raises(MalformedError) as caught:
        decode_upload(CONFIRM, header, body)
    assert (caught.value.code, caught.value.offset) == ("MISSING_PART", len(body))
    body = body_of(*PARTS.items(), (name, b"again"))
    with pytest.raises(MalformedError) as caught:
        decode_upload(CONFIRM, header, body)
    assert (caught.value.code, caught.value.offset) == ("REPEATED_PART", body.rindex(b"again"))
    body = body_of(*PARTS.items(), ("PhoneNumber", b"1"), ("PhoneNumber", b"1"))
    with pytest.raises(MalformedError) as caught:
        decode_upload(CONFIRM, header, body)
    assert caught.value.code == "REPEATED_PART"


@pytest.mark.req("BZ-MSG-002")
@pytest.mark.parametrize(
    ("changes", "code", "pointer", "at"),
    [
        ({"TokenFirebase": b"ab\xff"}, "NOT_TEXT", "", b"\xff"),
        ({"FindGUID": b"\x80"}, "NOT_TEXT", "", b"\x80"),
        ({"PhoneNumber": b"\x80"}, "NOT_TEXT", "", b"\x80"),
        ({"InfoF": b"{]"}, "BAD_JSON", "", b"]"),
        ({"InfoF": b"{}"}, "MISSING_FIELD", "/base_id", b"{}"),
        ({"InfoF": INFO.replace(b"4C52", b"4C53", 1)}, "WRONG_DAY_KEY", "/daily_key", b'{"base_id'),
    ],
)
def test_a_part_that_is_malformed(changes: dict[str, bytes], code: str, pointer: str, at: bytes) -> None:
    body = body_of(*(PARTS | changes).items())
    with pytest.raises(MalformedError) as caught:
        decode_upload(CONFIRM, "multipart/form-data; boundary=b", body)
    assert (caught.value.code, caught.value.pointer) == (code, pointer)
    assert caught.value.offset == body.index(at)


@pytest.mark.parametrize("file_name", ["", "log.txt", "DATA_TRACE.TXT", "/data_trace.txt"])
def test_the_file_has_its_name(file_name: str) -> None:
    body = body_of(*PARTS.items(), file_name=file_name)
    with pytest.raises(MalformedError) as caught:
        decode_upload(CONFIRM, "multipart/form-data; boundary=b", body)
    assert (caught.value.code, caught.value.offset) == ("BAD_VALUE", body.index(TRACE))
    no_file = body_of(*PARTS.items()).replace(b'; filename="data_trace.txt"', b"")
    with pytest.raises(MalformedError) as caught:
        decode_upload(CONFIRM, "multipart/form-data; boundary=b", no_file)
    assert caught.value.code == "BAD_VALUE"


def test_what_goes_to_an_endpoint_is_multipart() -> None:
    for header, body in (("application/json", CAPTURED), (CAPTURED_HEADER, b"{}"), ("", b"")):
        with pytest.raises(MalformedError) as caught:
            decode_upload(CONFIRM, header, body)
        assert caught.value.code == "BAD_MULTIPART"


@pytest.mark.parametrize(
    "changes",
    [
        {"endpoint": "/upload"},
        {"endpoint": GROUP + "ReportHistory_ConfirmDeclare"},
        {"kind": UploadKind("OTP", True)},
        {"data_trace": None},
        {"data_trace": b"\r\n--*****"},
        {"further": ("x",)},
        {"own_value": "\ud800"},
    ],
)
def test_writes_no_upload_that_a_reader_would_not_read(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"reader"):
        encode_upload(replace(UPLOAD, **changes))


@pytest.mark.req("BZ-MSG-002")
def test_writes_no_upload_of_bad_key_material() -> None:
    with pytest.raises(RefusedError):
        encode_upload(replace(UPLOAD, key_material=replace(UPLOAD.key_material, day_key=bytes(32))))


def test_the_apps_own_log_file() -> None:
    assert LOG_FILE_ENDPOINT == "/api/AppLog/SaveFile"
    file = LogFile(b"2020-08-08 started\n", "f16Z", "+84")
    body = body_of(
        ("history", file.content), ("TokenFirebase", b"f16Z"), ("PhoneNumber", b"+84"), file_name="log.txt"
    )
    assert decode_log_file("multipart/form-data; boundary=b", body) == file
    assert encode_log_file(file, "b") == body
    # it holds no key material, and is no upload
    assert decode_upload(LOG_FILE_ENDPOINT, "multipart/form-data; boundary=b", body) is None
    with pytest.raises(MalformedError) as caught:
        decode_log_file("multipart/form-data; boundary=b", body_of(*PARTS.items(), ("PhoneNumber", b"1")))
    assert caught.value.code == "BAD_VALUE"
    with pytest.raises(MalformedError) as caught:
        decode_log_file("multipart/form-data; boundary=b", body_of(("history", b""), file_name="log.txt"))
    assert caught.value.code == "MISSING_PART"


texts = st.text(st.characters(codec="utf-8"), max_size=12)
materials = st.builds(
    key_material,
    st.binary(min_size=32, max_size=32),
    st.just(BASE_DAY_MS),
    st.integers(0, 2 * BASE_DAY_MS // 1000),
)


@given(
    endpoint=st.sampled_from(sorted(UPLOADS)),
    material=materials,
    token=texts,
    own_value=texts,
    trace=st.binary(max_size=80),
    phone_number=st.none() | texts,
    with_length=st.booleans(),
)
def test_what_is_written_is_read(
    endpoint: str,
    material: KeyMaterial,
    token: str,
    own_value: str,
    trace: bytes,
    phone_number: str | None,
    with_length: bool,
) -> None:
    kind = UPLOADS[endpoint]
    upload = Upload(
        kind, endpoint, material, token, own_value, trace if kind.with_file else None, phone_number
    )
    body = encode_upload(upload, "a boundary of no text", with_length=with_length)
    assert decode_upload(endpoint, media_type("a boundary of no text"), body) == upload


@given(
    material=materials,
    token=st.text("abc-_:", max_size=20),
    rows=st.integers(0, 3),
    order=st.permutations(range(4)),
)
def test_reads_what_the_email_package_writes(
    material: KeyMaterial, token: str, rows: int, order: list[int]
) -> None:
    written = MIMEMultipart("form-data", boundary="=-=", policy=HTTP)
    row = "B9A665D754FE65E665D76A45\t7C3DEC4246EA6F90E38EA254\t-71\t1596866191387\r\n"
    fields = [
        ("InfoF", None, encode_key_material(material)),
        ("FindGUID", None, "7"),
        ("TokenFirebase", None, token),
        ("history", "data_trace.txt", row * rows),
    ]
    for name, file_name, text in (fields[index] for index in order):
        part: Message = MIMENonMultipart("text", "plain", policy=HTTP)
        named = {"name": name} if file_name is None else {"name": name, "filename": file_name}
        part.add_header("Content-Disposition", "form-data", **named)
        part.set_payload(text)
        written.attach(part)
    body = written.as_bytes().partition(b"\r\n\r\n")[2]
    found = decode_upload(CONFIRM, 'multipart/form-data; boundary="=-="', body)
    assert found == Upload(UPLOADS[CONFIRM], CONFIRM, material, token, "7", (row * rows).encode())


@pytest.mark.req("BZ-MSG-006")
@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from([*PARTS, "OTP", "PhoneNumber", "x"]),
            st.sampled_from([INFO, b"{}", b"\xff", b"7", TRACE, b"\r\n--b"]) | st.binary(max_size=12),
        ),
        max_size=7,
    ),
    path=st.sampled_from([*UPLOADS, "/upload"]),
    junk=st.binary(max_size=20),
)
def test_nothing_but_malformed_error_is_raised(
    parts: list[tuple[str, bytes]], path: str, junk: bytes
) -> None:
    for body in (body_of(*parts), body_of(*parts)[: -len(junk) - 1] + junk):
        found = None
        with suppress(MalformedError):
            found = decode_upload(path, "multipart/form-data; boundary=b", body)
        assert found is None or found.key_material == UPLOAD.key_material
        with suppress(MalformedError):
            assert decode_log_file("multipart/form-data; boundary=b", body).content
