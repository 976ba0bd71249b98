"""Taking backups: one snapshot, cut into chunks, and only the chunks written that no earlier backup has."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from gateway.io.shelf import FolderShelf, Object, Shelf
from gateway.model.dates import Instant
from gateway.settings import Settings
from gateway.store.backup_format import (
    FORMAT,
    Cutter,
    Damaged,
    Layout,
    Manifest,
    Pack,
    Place,
    Table,
    name_of,
    packed,
    read_manifest,
    write_manifest,
)
from gateway.store.snapshot import Whole, snapshot

MANIFEST = "manifest"
PACK_BYTES = 8 * 1024 * 1024
KEY_FILE = "gateway.key"
# What has no manifest after so long is what a killed backup has left.
ABANDONED_MS = 24 * 3_600_000
_SCRYPT_MEMORY_BYTES = 64 * 1024 * 1024
_S3 = "s3://"

Watched = Callable[[str, int], None]


def open_shelf(settings: Settings) -> Shelf:
    """Where the settings say that backups lie."""
    if not settings.backup_to.startswith(_S3):
        return FolderShelf(Path(settings.backup_to or Path(settings.data_dir) / "backups"))
    from gateway.io.s3 import S3Shelf

    return S3Shelf(settings.backup_to.removeprefix(_S3), settings)


async def back_up(
    settings: Settings, shelf: Shelf, now_ms: Instant, *, full: bool, watched: Watched = lambda table, rows: None
) -> Manifest:
    """Takes a backup. With ``full`` every chunk is written anew, even if an earlier backup has it.

    ``watched`` is told the table and how many of its rows are done.
    """
    present = await shelf.objects()
    earlier = [] if full else await manifests(shelf, present)
    known = _known(earlier, present)
    kind = "incremental" if known else "full"
    writer = _Writer(shelf, _free_name(now_ms, kind, present), known)
    async with snapshot(settings.database) as whole:
        tables = [await _table(whole, layout, writer, watched) for layout in await whole.layouts()]
        revision = await whole.revision()
        await writer.end()
        manifest = Manifest(
            FORMAT,
            writer.name,
            now_ms,
            kind,
            whole.dialect,
            revision,
            tuple(tables),
            tuple(writer.used.values()),
            seal_key(settings),
        )
    await shelf.put(f"{writer.name}/{MANIFEST}", write_manifest(manifest))
    return manifest


async def manifests(shelf: Shelf, present: Iterable[Object]) -> list[Manifest]:
    """Every backup that is complete and readable, the newest first."""
    found = []
    for at in sorted({item.name for item in present if item.name.endswith(f"/{MANIFEST}")}, reverse=True):
        try:
            found.append(read_manifest(await shelf.get(at)))
        except Damaged:
            continue  # no later backup is built on it; whoever asks for it by name is told
    return found


async def prune(shelf: Shelf, keep: int, now_ms: Instant) -> list[str]:
    """Deletes all backups but the newest ``keep``, and packs that none of these needs. The names of what went."""
    present = await shelf.objects()
    every = await manifests(shelf, present)
    kept = every[:keep]
    needed = {pack.name for manifest in kept for pack in manifest.packs}
    needed |= {f"{manifest.name}/{MANIFEST}" for manifest in kept}
    complete = {manifest.name for manifest in every}
    gone = [
        item.name
        for item in present
        if item.name not in needed and (item.name.split("/")[0] in complete or now_ms - item.modified_ms > ABANDONED_MS)
    ]
    # A manifest goes before its packs: a backup with packs missing must not look like one.
    for name in sorted(gone, key=lambda name: not name.endswith(f"/{MANIFEST}")):
        await shelf.delete(name)
    return gone


def _known(earlier: Iterable[Manifest], present: Iterable[Object]) -> dict[str, tuple[Place, Pack]]:
    """The chunks that lie on the shelf, in packs that have the size they should have."""
    sizes = {item.name: item.size for item in present}
    known: dict[str, tuple[Place, Pack]] = {}
    for manifest in earlier:
        packs = {pack.name: pack for pack in manifest.packs if sizes.get(pack.name) == pack.size}
        for table in manifest.tables:
            known.update((place.name, (place, packs[place.pack])) for place in table.chunks if place.pack in packs)
    return known


def _free_name(now_ms: Instant, kind: str, present: Iterable[Object]) -> str:
    taken = {item.name.split("/")[0] for item in present}
    stamp = f"{datetime.fromtimestamp(now_ms / 1000, UTC):%Y%m%dT%H%M%S}.{now_ms % 1000:03}Z-{kind}"
    return next(name for name in _numbered(stamp) if name not in taken)


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    count = 1
    while True:
        count += 1
        yield f"{stem}-{count}"


async def _table(whole: Whole, layout: Layout, writer: _Writer, watched: Watched) -> Table:
    cutter = Cutter()
    places: list[Place] = []
    async for rows in whole.rows(layout):
        for chunk in await asyncio.to_thread(cutter.add, rows):
            places.append(await writer.write(chunk))
        watched(layout.name, cutter.rows)
    for chunk in cutter.end():
        places.append(await writer.write(chunk))
    return Table(layout, cutter.rows, cutter.digest, tuple(places))


class _Writer:
    """Fills packs and puts them on the shelf. ``used`` are all packs that the backup needs, by name."""

    def __init__(self, shelf: Shelf, name: str, known: dict[str, tuple[Place, Pack]]) -> None:
        self.name = name
        self.used: dict[str, Pack] = {}
        self._shelf = shelf
        self._known = known
        self._mine: dict[str, Place] = {}
        self._filling = bytearray()
        self._count = 1

    async def write(self, chunk: bytes) -> Place:
        """Where it lies, or will lie."""
        name = await asyncio.to_thread(name_of, chunk)
        if name in self._mine:
            return self._mine[name]
        if name in self._known:
            place, pack = self._known[name]
            self.used[pack.name] = pack
            return place
        data = await asyncio.to_thread(packed, chunk)
        place = Place(name, f"{self.name}/{self._count:05}.pack", len(self._filling), len(data))
        self._mine[name] = place
        self._filling += data
        if len(self._filling) >= PACK_BYTES:
            await self.end()
        return place

    async def end(self) -> None:
        """Whatever is left lies on the shelf."""
        if not self._filling:
            return
        name, data = f"{self.name}/{self._count:05}.pack", bytes(self._filling)
        await self._shelf.put(name, data)
        self.used[name] = Pack(name, hashlib.sha256(data).hexdigest(), len(data))
        self._filling.clear()
        self._count += 1


# --- the vault's key --------------------------------------------------------------------------------------------------


def seal_key(settings: Settings) -> str:
    """The vault's key sealed by the passphrase (scrypt, Fernet); empty without a passphrase: never in clear."""
    path = Path(settings.data_dir) / KEY_FILE
    if not settings.backup_passphrase or not path.exists():
        return ""
    salt = os.urandom(16)
    sealed = Fernet(_key_of(settings.backup_passphrase, salt)).encrypt(path.read_bytes().strip())
    return f"{base64.b64encode(salt).decode()}:{sealed.decode()}"


def open_key(sealed: str, passphrase: str) -> bytes:
    """The vault's key; ValueError for another passphrase."""
    salt, _, token = sealed.partition(":")
    try:
        return Fernet(_key_of(passphrase, base64.b64decode(salt))).decrypt(token.encode())
    except InvalidToken:
        raise ValueError("the key in this backup was sealed with another passphrase") from None


def _key_of(passphrase: str, salt: bytes) -> bytes:
    key = hashlib.scrypt(passphrase.encode(), salt=salt, n=2**15, r=8, p=1, maxmem=_SCRYPT_MEMORY_BYTES, dklen=32)
    return base64.urlsafe_b64encode(key)
