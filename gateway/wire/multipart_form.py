"""``multipart/form-data`` (RFC 7578): a handful of named parts, read whole and written.

Read with the parser that comes with the web framework; what is capped here is how many parts there are and how long
their headers. The size of the whole is the reader's to cap.
"""

from __future__ import annotations

from collections.abc import Mapping

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from gateway.errors import Malformed

_PARTS_MAX = 16
_HEADERS_MAX = 8
_HEADER_BYTES_MAX = 1024
_BOUNDARY = "gateway-boundary-7d1f0a"


def read_parts(content_type: str, body: bytes) -> dict[str, bytes]:
    """The parts by name, in lower case; a field and an uploaded file are the same. Raises :class:`Malformed`."""
    try:
        media_type, options = parse_options_header(content_type)
        boundary = options.get("boundary", "")
        if media_type.lower() != "multipart/form-data" or not boundary:
            raise Malformed("the body is not multipart/form-data")
        return _parse(boundary, body)
    except (MultipartError, ValueError):
        raise Malformed("the body is not the multipart/form-data that its header says") from None


def _parse(boundary: str, body: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    name, chunks = "", list[bytes]()
    parser = PushMultipartParser(
        boundary, max_header_size=_HEADER_BYTES_MAX, max_header_count=_HEADERS_MAX, max_segment_count=_PARTS_MAX
    )
    for event in parser.parse(body):
        if isinstance(event, MultipartSegment):
            name, chunks = (event.name or "").lower(), []
            if name in found:
                raise Malformed(f"there are two parts {name[:40]!r}")
        elif event is not None:
            chunks.append(bytes(event))
        else:
            found[name] = b"".join(chunks)
    parser.close()
    return found


def write_parts(parts: Mapping[str, bytes]) -> tuple[str, bytes]:
    """The Content-Type and the body. The boundary is always the same where no part holds it, so bytes repeat."""
    boundary = _BOUNDARY
    while any(boundary.encode() in part for part in parts.values()):
        boundary += "0"
    lines = [
        b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (boundary.encode(), name.encode(), part)
        for name, part in parts.items()
    ]
    return f"multipart/form-data; boundary={boundary}", b"".join(lines) + b"--%b--\r\n" % boundary.encode()
