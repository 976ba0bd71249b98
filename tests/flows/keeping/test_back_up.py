"""A backup is restored as it was, or known to be damaged; and what is not complete is no backup."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from cryptography.fernet import Fernet

from gateway.errors import Rejected
from gateway.flows.keeping import back_up as backing_up
from gateway.flows.keeping.back_up import KEY_FILE, back_up, manifests, open_shelf, prune
from gateway.flows.keeping.restore import digests, find, restore, verify
from gateway.io.shelf import FolderShelf, Object
from gateway.settings import Settings
from gateway.store.alone import Occupied, working_on
from gateway.store.backup_format import Damaged, Manifest
from gateway.store.database import Database
from gateway.store.keyring import read_keyring, write_keyring
from gateway.store.migrating import migrate, revision_of
from gateway.store.tables import MessageRow
from gateway.store.tables_connections import UNKNOWN, ConnectionRow
from tests.flows.house import House, new, stay
from tests.store.jobs import message

NOW_MS = 1_795_000_000_000
ROOT = Path(__file__).resolve().parents[3]


class Safe:
    """A hotel's database, and a folder for its backups."""

    def __init__(self, house: House, url: str, folder: Path) -> None:
        self.house = house
        self.settings = Settings(data_dir=str(folder / "data"), database_url=url, backup_to=str(folder / "shelf"))
        self.shelf = FolderShelf(folder / "shelf")
        self._folder = folder
        self._now_ms = NOW_MS

    async def take(self, *, full: bool = False) -> Manifest:
        self._now_ms += 60_000
        return await back_up(self.settings, self.shelf, self._now_ms, full=full)

    async def write(self, *rows: MessageRow) -> None:
        await self.house.services.database.write(lambda tx: tx.upsert(MessageRow, rows))

    def beside(self, **changes: str) -> Settings:
        """Another gateway's settings, with a database of its own."""
        url = f"sqlite:///{self._folder / 'beside.sqlite'}"
        return msgspec.structs.replace(self.settings, **({"database_url": url} | changes))

    def files(self) -> dict[str, Path]:
        return {f"{path.parent.name}/{path.name}": path for path in (self._folder / "shelf").glob("*/*")}


@pytest.fixture
async def safe(house: House, database_url: str, tmp_path: Path) -> Safe:
    await house.open_for_sale()
    await house.say(new(stay(0, 2)))
    await house.push()
    await house.deliver()
    return Safe(house, database_url, tmp_path)


def blob(number: int, size: int = 20_000) -> MessageRow:
    return message("h", number, raw=bytes((number * n * n) % 251 for n in range(size)))


async def test_a_backup_is_restored_as_it_was(safe: Safe) -> None:
    taken = await safe.take()
    assert (taken.kind, taken.dialect) == ("full", safe.house.services.database.dialect)
    assert taken.digests == await digests(safe.settings.database)
    beside = safe.beside()
    await restore(beside, safe.shelf, await find(safe.shelf), force=False)
    restored = await digests(beside.database)
    # What counterparts hold by now is not known, and so are they marked.
    assert {name for name in restored if restored[name] != taken.digests[name]} == {"connection"}


@pytest.mark.postgres(fsync=False)
async def test_a_backup_of_one_kind_of_database_goes_into_the_other(safe: Safe, postgres_url: str) -> None:
    taken = await safe.take()
    await verify(safe.shelf, taken, postgres_url)
    assert await digests(postgres_url) == taken.digests


async def test_after_a_restore_counterparts_are_told_everything_again(safe: Safe) -> None:
    await restore(safe.settings, safe.shelf, await safe.take(), force=True)
    rows = await safe.house.rows(ConnectionRow)
    assert {row.synced_version for row in rows} == {UNKNOWN}
    sent = len(safe.house.wire.pushes("ota"))
    await safe.house.push()
    assert len(safe.house.wire.pushes("ota")) > sent


async def test_an_increment_writes_what_is_new_and_restores_everything(safe: Safe) -> None:
    await safe.write(*(blob(n) for n in range(1, 101)))
    full = await safe.take()
    await safe.write(blob(50)._replace(detail="changed"), blob(101))
    await safe.house.services.database.write(lambda tx: tx.delete(MessageRow, [("h", 7)]))
    increment = await safe.take()
    assert increment.kind == "incremental"
    own = [pack.size for pack in increment.packs if pack.name.startswith(increment.name)]
    assert 0 < sum(own) < sum(pack.size for pack in full.packs) / 2
    assert increment.digests == await digests(safe.settings.database) != full.digests
    await verify(safe.shelf, increment)
    await verify(safe.shelf, full)


async def test_where_nothing_changed_nothing_is_written(safe: Safe) -> None:
    await safe.take()
    again = await safe.take()
    assert not [pack for pack in again.packs if pack.name.startswith(again.name)]
    whole = await safe.take(full=True)
    assert all(pack.name.startswith(whole.name) for pack in whole.packs)


async def test_a_backup_is_one_instant(safe: Safe, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await digests(safe.settings.database)
    written: list[str] = []

    async def put(self: FolderShelf, name: str, data: bytes) -> None:
        if not written:
            written.append(name)
            await safe.write(blob(1))
        await plain(self, name, data)

    plain = FolderShelf.put
    monkeypatch.setattr(backing_up, "PACK_BYTES", 1_000)
    monkeypatch.setattr(FolderShelf, "put", put)
    assert (await safe.take()).digests == before != await digests(safe.settings.database)


# --- what went wrong --------------------------------------------------------------------------------------------------


async def test_a_flipped_byte_is_seen_wherever_it_is(safe: Safe) -> None:
    taken = await safe.take()
    for name, path in safe.files().items():
        whole = path.read_bytes()
        for at in (0, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
            with pytest.raises(Damaged):
                await verify(safe.shelf, await find(safe.shelf, taken.name))
            assert path.read_bytes() != whole, name
        path.write_bytes(whole)
    await verify(safe.shelf, await find(safe.shelf, taken.name))


async def test_a_pack_that_is_gone_is_seen_and_not_built_upon(safe: Safe) -> None:
    taken = await safe.take()
    (pack,) = (path for name, path in safe.files().items() if name.endswith(".pack"))
    pack.unlink()
    with pytest.raises(Damaged, match="missing"):
        await verify(safe.shelf, taken)
    await verify(safe.shelf, await safe.take())


class Ending(FolderShelf):
    """Ends like a full disk, or a killed process, at one of its writes."""

    def __init__(self, folder: Path, puts: int, end: Callable[[], None]) -> None:
        super().__init__(folder)
        self._puts, self._end = puts, end

    async def put(self, name: str, data: bytes) -> None:
        self._puts -= 1
        if self._puts < 0:
            self._end()
        await super().put(name, data)


def full_disk() -> None:
    raise OSError("no space left on device")


async def test_a_backup_that_was_cut_off_is_none(safe: Safe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backing_up, "PACK_BYTES", 4_000)
    await safe.write(*(blob(n) for n in range(1, 11)))
    good = await safe.take()
    for puts in range(len(good.packs) + 1):
        ending = Ending(Path(safe.settings.backup_to), puts, full_disk)
        with pytest.raises(OSError, match="no space"):
            await back_up(safe.settings, ending, NOW_MS + puts, full=True)
        assert await find(safe.shelf) == good
    # It is cleared away once it certainly is no backup in the making.
    left = set(safe.files())
    assert await prune(safe.shelf, 1, NOW_MS) == []
    later_ms = max(path.stat().st_mtime_ns for path in safe.files().values()) // 1_000_000 + 2 * 86_400_000
    gone = await prune(safe.shelf, 1, later_ms)
    assert set(safe.files()) == left - set(gone) == {f"{good.name}/manifest", *(pack.name for pack in good.packs)}


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from gateway.flows.keeping import back_up as backing_up
from gateway.settings import Settings
from tests.flows.keeping.test_back_up import Ending
backing_up.PACK_BYTES = 4_000
folder, url = sys.argv[1:]
shelf = Ending(Path(folder), 2, lambda: os.kill(os.getpid(), signal.SIGKILL))
asyncio.run(backing_up.back_up(Settings(data_dir=folder, database_url=url), shelf, 1, full=True))
"""


async def test_a_backup_that_was_killed_is_none(safe: Safe, tmp_path: Path) -> None:
    await safe.write(*(blob(n) for n in range(1, 11)))
    program = [sys.executable, "-c", KILLED, safe.settings.backup_to, safe.settings.database]
    process = await asyncio.create_subprocess_exec(*program, cwd=ROOT)
    assert await process.wait() == -signal.SIGKILL
    assert len(safe.files()) == 2
    with pytest.raises(LookupError, match="no complete backup"):
        await find(safe.shelf)
    await verify(safe.shelf, await safe.take())


async def test_a_restore_never_replaces_data_unless_it_is_told_to(safe: Safe) -> None:
    taken = await safe.take()
    await safe.write(blob(1))
    before = await digests(safe.settings.database)
    with pytest.raises(Rejected, match="--force"):
        await restore(safe.settings, safe.shelf, taken, force=False)
    assert await digests(safe.settings.database) == before
    await restore(safe.settings, safe.shelf, taken, force=True)
    assert (await digests(safe.settings.database))["message"] == taken.digests["message"]


async def test_a_restore_that_meets_damage_changes_nothing(safe: Safe) -> None:
    await safe.write(*(blob(n) for n in range(1, 11)))
    taken = await safe.take()
    (pack,) = (path for name, path in safe.files().items() if name.endswith(".pack"))
    pack.write_bytes(pack.read_bytes()[:-1] + b"?")
    before = await digests(safe.settings.database)
    with pytest.raises(Damaged):
        await restore(safe.settings, safe.shelf, taken, force=True)
    assert await digests(safe.settings.database) == before


# --- keeping ----------------------------------------------------------------------------------------------------------


async def test_old_backups_go_and_what_newer_ones_need_stays(safe: Safe) -> None:
    await safe.write(*(blob(n) for n in range(1, 101)))
    first = await safe.take()
    await safe.write(blob(200))
    second = await safe.take()
    await safe.write(blob(201))
    third = await safe.take()
    await prune(safe.shelf, 2, NOW_MS)
    assert [kept.name for kept in await manifests(safe.shelf, await safe.shelf.objects())] == [third.name, second.name]
    assert f"{first.name}/manifest" not in safe.files()
    for kept in (second, third):
        await verify(safe.shelf, kept)


async def test_the_key_is_in_the_backup_only_under_a_passphrase(safe: Safe, tmp_path: Path) -> None:
    key = Fernet.generate_key()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / KEY_FILE).write_bytes(key)
    assert (await safe.take()).key == ""
    settings = msgspec.structs.replace(safe.settings, backup_passphrase="a long sentence")
    taken = await back_up(settings, safe.shelf, NOW_MS * 2, full=True)
    assert not [name for name, path in safe.files().items() if key in path.read_bytes()]
    elsewhere = safe.beside(data_dir=str(tmp_path / "other"), backup_passphrase="another")
    with pytest.raises(ValueError, match="another passphrase"):
        await restore(elsewhere, safe.shelf, taken, force=True)
    assert await revision_of(elsewhere.database) is None  # nothing was touched
    elsewhere = msgspec.structs.replace(elsewhere, backup_passphrase="a long sentence")
    assert (await restore(elsewhere, safe.shelf, taken, force=True)).key
    restored = tmp_path / "other" / KEY_FILE
    assert (restored.read_bytes(), restored.stat().st_mode & 0o777) == (key, 0o600)
    assert not (await restore(elsewhere, safe.shelf, taken, force=True)).key
    write_keyring(restored, read_keyring(restored).turned())  # what was sealed before still opens
    assert not (await restore(elsewhere, safe.shelf, taken, force=True)).key


async def test_a_backup_is_not_restored_beside_another_key_file(safe: Safe, tmp_path: Path) -> None:
    """One that some command has made, say: nothing that was sealed could be opened with it."""
    for folder in ("data", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / KEY_FILE).write_bytes(Fernet.generate_key())
    settings = msgspec.structs.replace(safe.settings, backup_passphrase="a long sentence")
    taken = await back_up(settings, safe.shelf, NOW_MS * 2, full=True)
    elsewhere = safe.beside(data_dir=str(tmp_path / "other"), backup_passphrase="a long sentence")
    with pytest.raises(Rejected, match="not the key file"):
        await restore(elsewhere, safe.shelf, taken, force=True)
    assert await revision_of(elsewhere.database) is None


async def test_nothing_is_restored_under_a_running_gateway(safe: Safe) -> None:
    beside = safe.beside()
    taken = await safe.take()
    with working_on(beside.database), pytest.raises(Occupied):
        await restore(beside, safe.shelf, taken, force=True)
    await restore(beside, safe.shelf, taken, force=True)


async def test_nobody_else_can_read_a_backup(safe: Safe) -> None:
    await safe.take()
    for path in safe.files().values():
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


async def test_a_manifest_cannot_name_what_lies_elsewhere(safe: Safe) -> None:
    for name in ("../data/gateway.key", "/etc/passwd", "a/b/c", "a", "a/..", ".a/b"):
        with pytest.raises(ValueError, match="no name"):
            await safe.shelf.get(name)


async def test_an_empty_shelf_has_no_backup(tmp_path: Path) -> None:
    shelf = open_shelf(Settings(data_dir=str(tmp_path)))
    objects: list[Object] = await shelf.objects()
    assert objects == []
    with pytest.raises(LookupError, match="no complete backup"):
        await find(shelf)
    with pytest.raises(LookupError, match="'x'"):
        await find(shelf, "x")


async def test_a_new_database_can_be_backed_up(tmp_path: Path, database: Database) -> None:
    settings = Settings(data_dir=str(tmp_path), database_url=f"sqlite:///{tmp_path / 'new.sqlite'}")
    await migrate(settings.database)
    shelf = open_shelf(settings)
    taken = await back_up(settings, shelf, NOW_MS, full=False)
    assert taken.rows == 0
    await verify(shelf, taken)
