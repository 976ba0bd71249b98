"""Forms: read with what can be wrong with them, and written so that they are read the same."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Malformed
from gateway.wire.multipart_form import read_parts, write_parts

FORM = "multipart/form-data; boundary=abc"


def _body(*parts: str, end: str = "--abc--\r\n") -> bytes:
    return ("".join(f"--abc\r\n{part}\r\n" for part in parts) + end).encode()


ACTION = 'Content-Disposition: form-data; name="action"\r\n\r\ngetVersion'


@given(st.dictionaries(st.sampled_from(["action", "request", "other"]), st.binary(max_size=200), max_size=3))
def test_what_is_written_is_read(parts: dict[str, bytes]) -> None:
    if parts:
        assert read_parts(*write_parts(parts)) == parts


def test_a_boundary_inside_a_part_is_avoided() -> None:
    _, body = write_parts({"action": b"x"})
    parts = {"action": body, "request": body + b"0"}
    assert read_parts(*write_parts(parts)) == parts


def test_names_and_headers_in_any_case_and_files_are_parts() -> None:
    request = (
        'CONTENT-DISPOSITION: form-data; name="Request"; filename="a.xml"\r\nContent-Type: text/xml\r\n\r\n<a/>\r\n'
    )
    assert read_parts('Multipart/Form-Data; boundary="abc"', _body(ACTION, request)) == {
        "action": b"getVersion",
        "request": b"<a/>\r\n",
    }


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("", _body(ACTION)),
        ("text/xml", _body(ACTION)),
        ("multipart/form-data", _body(ACTION)),
        ("multipart/mixed; boundary=abc", _body(ACTION)),
        ("multipart/form-data; boundary=é", _body(ACTION)),
        (f"multipart/form-data; boundary={'b' * 10_000}", _body(ACTION)),
        (FORM, b""),
        (FORM, _body(ACTION, end="")),
        (FORM, _body(ACTION, end="--abc-")),
        (FORM, _body(ACTION, ACTION)),
        (FORM, _body(ACTION, ACTION.replace("action", "Action"))),
        (FORM, _body("no header")),
        (FORM, _body("Content-Disposition: attachment\r\n\r\nx")),
        (FORM, _body(f"{'X: y' * 1000}\r\n{ACTION}")),
        (FORM, _body("X: y\r\n" * 20 + ACTION)),
        (FORM, _body(*(ACTION.replace("action", f"part{n}") for n in range(17)))),
        (FORM, b"--abc\r\nContent-Disposition: form-data; name=\xff\xfe\r\n\r\nx\r\n--abc--\r\n"),
    ],
)
def test_what_is_no_form_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(Malformed):
        read_parts(content_type, body)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(Malformed):
        read_parts(FORM, b"--abc\r\n" + body)
