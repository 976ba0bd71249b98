"""Backups into databases: a restore, and the proof that one would work.

A restore ends with the digest of every table as it then stands in the database, compared with the digest that was taken
when the backup was. What has been told to counterparts since then is not in a backup, so after a restore they are sent
everything again.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from gateway.errors import Rejected
from gateway.flows.keeping.back_up import KEY_FILE, MANIFEST, manifests, open_key
from gateway.io.shelf import Shelf
from gateway.settings import Settings
from gateway.store import migrating
from gateway.store.alone import alone
from gateway.store.backup_format import Cutter, Damaged, Manifest, Pack, Table, read_manifest, unpacked
from gateway.store.database import Transaction
from gateway.store.keyring import Keyring, read_keyring
from gateway.store.opening import open_database
from gateway.store.snapshot import Whole, snapshot
from gateway.store.tables_connections import UNKNOWN

# Chunks of one table mostly lie one after the other, in packs of several backups.
_PACKS_HELD = 8
Watched = Callable[[str, int, int], None]


class Restored(NamedTuple):
    """What was restored, and whether the vault's key came with it."""

    manifest: Manifest
    key: bool


async def find(shelf: Shelf, name: str = "") -> Manifest:
    """The backup of that name, or the newest complete one; raises LookupError, and :class:`Damaged`."""
    if name:
        try:
            return read_manifest(await shelf.get(f"{name}/{MANIFEST}"))
        except FileNotFoundError:
            raise LookupError(f"there is no complete backup {name!r}") from None
    every = await manifests(shelf, await shelf.objects())
    if not every:
        raise LookupError("there is no complete backup")
    return every[0]


async def restore(
    settings: Settings,
    shelf: Shelf,
    manifest: Manifest,
    *,
    force: bool,
    watched: Watched = lambda table, done, rows: None,
) -> Restored:
    """Fills the database of the settings. Raises :class:`Rejected` if it holds rows, unless forced to replace them.

    And, forced or not, if the key file here is not the one the backup was sealed with; nothing has been touched then.
    """
    url = settings.database
    key = _missing_key(settings, manifest)
    async with alone(url):
        await _prepare(url, shelf, manifest, force=force)
        await _fill(url, shelf, manifest, force=force, watched=watched)
        await _compare(url, manifest)
        await migrating.migrate(url)
        await _mistrust(url)
    if key:
        _put_key(settings, key)
    return Restored(manifest, bool(key))


async def verify(
    shelf: Shelf, manifest: Manifest, url: str = "", watched: Watched = lambda table, done, rows: None
) -> None:
    """Restores the backup beside, into an empty database or a temporary SQLite file; raises :class:`Damaged`."""
    with tempfile.TemporaryDirectory(prefix="gateway-verify-") as folder:
        url = url or f"sqlite:///{Path(folder) / 'beside.sqlite'}"
        await _prepare(url, shelf, manifest, force=False)
        await _fill(url, shelf, manifest, force=False, watched=watched)
        await _compare(url, manifest)


async def _prepare(url: str, shelf: Shelf, manifest: Manifest, *, force: bool) -> None:
    """A database with the schema the backup was taken of.

    Where there is a later one, perhaps of a gateway that came after this one, its tables are dropped. That cannot be
    part of the transaction that fills them, so the backup is proved first.
    """
    present = await migrating.revision_of(url)
    if present is None:
        await migrating.migrate(url, manifest.revision)
        return
    async with snapshot(url) as whole:
        empty = all([await whole.is_empty(layout) for layout in await whole.layouts()])
    if not empty and not force:
        raise Rejected("the database holds data, which a restore would replace; say --force if that is meant")
    if present < manifest.revision:
        await migrating.migrate(url, manifest.revision)
    elif present > manifest.revision:
        await verify(shelf, manifest)
        await migrating.rebuild(url, manifest.revision)


async def _fill(url: str, shelf: Shelf, manifest: Manifest, *, force: bool, watched: Watched) -> None:
    packs = _Packs(shelf, manifest)
    async with snapshot(url, writing=True) as whole:
        layouts = {layout.name: layout for layout in await whole.layouts()}
        if {name: set(layout.columns) for name, layout in layouts.items()} != {
            table.layout.name: set(table.layout.columns) for table in manifest.tables
        }:
            raise Damaged("the tables of the backup are not those of its revision")
        for layout in layouts.values():
            if force:
                await whole.clear(layout)
            elif not await whole.is_empty(layout):
                raise Rejected(f"somebody else is writing into {layout.name}")
        for table in manifest.tables:
            await _load(whole, table, packs, watched)


async def _load(whole: Whole, table: Table, packs: _Packs, watched: Watched) -> None:
    done = 0
    for place in table.chunks:
        pack = await packs.get(place.pack)
        rows = unpacked(place, pack[place.offset : place.offset + place.length])
        await whole.insert(table.layout, rows)
        done += len(rows)
        watched(table.layout.name, done, table.rows)
    if done != table.rows:
        raise Damaged(f"the backup has {done} rows of {table.layout.name}, not {table.rows}")


class _Packs:
    """The packs of a backup, the last few of them kept."""

    def __init__(self, shelf: Shelf, manifest: Manifest) -> None:
        self._shelf = shelf
        self._packs: dict[str, Pack] = {pack.name: pack for pack in manifest.packs}
        self._held: dict[str, bytes] = {}

    async def get(self, name: str) -> bytes:
        """Its bytes; raises :class:`Damaged` if it is not what the manifest says."""
        if name not in self._held:
            while len(self._held) >= _PACKS_HELD:
                del self._held[next(iter(self._held))]
            self._held[name] = await self._read(name)
        return self._held[name]

    async def _read(self, name: str) -> bytes:
        if name not in self._packs:
            raise Damaged(f"the manifest does not know its pack {name}")
        try:
            data = await self._shelf.get(name)
        except FileNotFoundError:
            raise Damaged(f"{name} is missing") from None
        if hashlib.sha256(data).hexdigest() != self._packs[name].digest:
            raise Damaged(f"{name} is not what the manifest says")
        return data


async def digests(url: str) -> dict[str, str]:
    """Of every table of a database as it stands."""
    found = {}
    async with snapshot(url) as whole:
        for layout in await whole.layouts():
            cutter = Cutter()
            async for rows in whole.rows(layout):
                cutter.add(rows)
            found[layout.name] = cutter.digest
    return found


async def _compare(url: str, manifest: Manifest) -> None:
    found = await digests(url)
    different = sorted(name for name, digest in manifest.digests.items() if found.get(name) != digest)
    if different:
        raise Damaged(f"restored, these tables differ from what was backed up: {', '.join(different)}")


async def _mistrust(url: str) -> None:
    """Nobody knows what counterparts were told after the backup: everything is sent to them again."""
    database = open_database(url)
    await database.open()
    try:
        await database.write(_forget)
    finally:
        await database.close()


async def _forget(tx: Transaction) -> None:
    await tx.fetch("UPDATE connection SET synced_version = ?, paused_until_ms = 0", UNKNOWN)
    await tx.fetch("DELETE FROM lease")


def _missing_key(settings: Settings, manifest: Manifest) -> bytes:
    """The vault's key out of the backup, where there is no key file here yet; nothing where it cannot be opened."""
    if not manifest.key or not settings.backup_passphrase:
        return b""
    key = open_key(manifest.key, settings.backup_passphrase)
    path = Path(settings.data_dir) / KEY_FILE
    if not path.exists():
        return key
    here, needed = read_keyring(path).keys, Keyring.parse(key).keys
    if any(version not in here or here[version].key != used.key for version, used in needed.items()):
        raise Rejected(f"{path} is not the key file this backup was taken with: move it away, and restore again")
    return b""


def _put_key(settings: Settings, key: bytes) -> None:
    path = Path(settings.data_dir) / KEY_FILE
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
