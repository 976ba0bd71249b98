"""Statements that come as a ZIP file of texts. Nothing is written to disk and no entry is trusted about its size."""

from __future__ import annotations

import io
import zipfile
import zlib

from gateway.errors import Malformed, Reason

ENTRIES_MAX = 20
BYTES_MAX = 64 * 1024 * 1024


def texts_of(archive: bytes, encoding: str) -> dict[str, str]:
    """Entry name to text, for the plain files in the archive; raises :class:`Malformed`.

    Names are kept as they are: where the archive does not say that they are UTF-8, its names are those of the encoding.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive), metadata_encoding=encoding) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            if len(entries) > ENTRIES_MAX:
                raise Malformed(f"{len(entries)} files in one archive", Reason.TOO_LARGE)
            return _read(opened, entries, encoding)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, UnicodeDecodeError) as error:
        raise Malformed(f"the archive cannot be read: {error}") from None


def inflated(data: bytes) -> bytes:
    """What was deflated (RFC 1950); raises :class:`Malformed`."""
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(data, BYTES_MAX)
    except zlib.error:
        raise Malformed("the file is not deflated as it should be") from None
    if not unpacker.eof:
        raise Malformed("the file is cut off, or too large", Reason.TOO_LARGE)
    return found


def _read(opened: zipfile.ZipFile, entries: list[zipfile.ZipInfo], encoding: str) -> dict[str, str]:
    found: dict[str, str] = {}
    room = BYTES_MAX
    for entry in entries:
        with opened.open(entry) as file:
            data = file.read(room + 1)
        room -= len(data)
        if room < 0:
            raise Malformed(f"the archive holds more than {BYTES_MAX} bytes", Reason.TOO_LARGE)
        found[entry.filename] = data.decode(encoding)
    return found
