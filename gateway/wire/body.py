"""Request bodies: put together and unpacked, never larger than allowed."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from gateway.errors import Malformed, Reason, Unsupported

_GZIP = 31  # zlib's window size for a gzip header


def collect(chunks: Iterable[bytes], encoding: str, bytes_max: int) -> bytes:
    """The whole body after its Content-Encoding (gzip or none); raises :class:`Malformed` once it is too large."""
    encoding = encoding.strip().lower()
    if encoding in ("gzip", "x-gzip"):
        return _gunzip(chunks, bytes_max)
    if encoding not in ("", "identity"):
        raise Unsupported(f"the content encoding {encoding[:20]!r} is not taken")
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > bytes_max:
            raise _too_large(bytes_max)
        parts.append(chunk)
    return b"".join(parts)


def _gunzip(chunks: Iterable[bytes], bytes_max: int) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    parts: list[bytes] = []
    size = 0
    try:
        for chunk in chunks:
            part = unpacker.decompress(chunk, bytes_max - size + 1)
            size += len(part)
            if size > bytes_max:
                raise _too_large(bytes_max)
            parts.append(part)
    except zlib.error:
        raise Malformed("the body is not gzip as its header says") from None
    if not unpacker.eof or unpacker.unused_data:
        raise Malformed("the gzip body is cut off or followed by something else")
    return b"".join(parts)


def _too_large(bytes_max: int) -> Malformed:
    return Malformed(f"the body is larger than {bytes_max} bytes", Reason.TOO_LARGE)
