"""What a backup is made of: rows in the order of their keys, cut into chunks that are named by what is in them.

A chunk ends where the bytes of a row say so, not after so many rows, so a row that is added or changed renews the chunk
it lies in and leaves the others as they were. A backup lists all its chunks; those that an earlier one has already are
not written again. So every backup is a whole one, none needs a chain of others to be replayed, and a table in which
nothing changed costs its list of names.

Rows are msgpack arrays of texts, integers, bytes and None: the key first, then the other columns by name. That is the
same for SQLite and PostgreSQL, so a backup of one can be restored into the other.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

FORMAT = 1
CHUNK_BYTES = 128 * 1024  # on average
CHUNK_BYTES_MAX = 2 * 1024 * 1024
_COMPRESSION = 3
_LIMIT = 2**32

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[list[Any]]).decode


class Damaged(Exception):
    """A backup does not hold what its manifest says; it cannot be trusted."""


class Layout(msgspec.Struct, frozen=True):
    """A table as it stood in the database: ``columns`` begin with the primary key, of ``width`` columns."""

    name: str
    columns: tuple[str, ...]
    width: int


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a chunk lies: its name (SHA-256 of what it unpacks to), the pack, and the bytes in it."""

    name: str
    pack: str
    offset: int
    length: int


class Table(msgspec.Struct, frozen=True):
    """A table in a backup; ``digest`` is SHA-256 over all its rows in order, however they are cut."""

    layout: Layout
    rows: int
    digest: str
    chunks: tuple[Place, ...]


class Pack(msgspec.Struct, frozen=True):
    """A file of chunks, one after the other."""

    name: str
    digest: str
    size: int


class Manifest(msgspec.Struct, frozen=True):
    """A backup. It is written last: what has no manifest is no backup.

    ``revision`` is the database's schema. ``key`` is the vault's key, sealed by a passphrase, or empty.
    """

    format: int
    name: str
    created_ms: int
    kind: str
    dialect: str
    revision: str
    tables: tuple[Table, ...]
    packs: tuple[Pack, ...]
    key: str = ""

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def digests(self) -> dict[str, str]:
        """By table."""
        return {table.layout.name: table.digest for table in self.tables}


class Cutter:
    """Takes a table's rows in order and cuts them into chunks."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = hashlib.sha256()
        self._waiting: list[msgspec.Raw] = []
        self._size = 0

    def add(self, rows: Iterable[Sequence[Any]]) -> list[bytes]:
        """The chunks that are complete now."""
        chunks = []
        for row in rows:
            raw = _encode(row)
            self.rows += 1
            self._sum.update(raw)
            self._waiting.append(msgspec.Raw(raw))
            self._size += len(raw)
            # A row ends a chunk with a probability that grows with its length, whatever stands around it.
            if zlib.crc32(raw) < len(raw) * _LIMIT // CHUNK_BYTES or self._size >= CHUNK_BYTES_MAX:
                chunks.append(self._take())
        return chunks

    def end(self) -> list[bytes]:
        """The last chunk, if anything is left."""
        return [self._take()] if self._waiting else []

    @property
    def digest(self) -> str:
        return self._sum.hexdigest()

    def _take(self) -> bytes:
        chunk = _encode(self._waiting)
        self._waiting, self._size = [], 0
        return chunk


def name_of(chunk: bytes) -> str:
    """What the chunk is called."""
    return hashlib.sha256(chunk).hexdigest()


def packed(chunk: bytes) -> bytes:
    """The chunk as it lies in a pack."""
    return zlib.compress(chunk, _COMPRESSION)


def unpacked(place: Place, data: bytes) -> list[list[Any]]:
    """The rows of a chunk; raises :class:`Damaged` if these are not its bytes."""
    try:
        chunk = zlib.decompress(data)
    except zlib.error:
        raise Damaged(f"a chunk of {place.pack} cannot be unpacked") from None
    if name_of(chunk) != place.name:
        raise Damaged(f"a chunk of {place.pack} is not what its name says")
    return _decode(chunk)


def write_manifest(manifest: Manifest) -> bytes:
    """A first line with the SHA-256 of the rest, which is JSON."""
    body = msgspec.json.encode(manifest)
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def read_manifest(data: bytes) -> Manifest:
    """Raises :class:`Damaged`."""
    digest, _, body = data.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise Damaged("the manifest was changed or cut off")
    try:
        manifest = msgspec.json.decode(body, type=Manifest)
    except msgspec.MsgspecError as error:
        raise Damaged(f"the manifest cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise Damaged(f"the backup is of format {manifest.format}, and this gateway reads format {FORMAT}")
    return manifest
