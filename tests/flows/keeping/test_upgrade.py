"""A migration is never made without a backup of what was before, and there is a way back from it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.flows.keeping.back_up import open_shelf
from gateway.flows.keeping.restore import digests, find, restore, verify
from gateway.flows.keeping.upgrade import go_back, upgrade
from gateway.settings import Settings
from gateway.store import migrating
from gateway.store.backup_format import Damaged
from gateway.store.database import Database
from gateway.store.migrating import NewerDatabase, NoWayBack, migrate, revision_of
from gateway.store.opening import open_database
from gateway.store.tables import MessageRow
from tests.store.jobs import message

SECOND = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("message") as table:
        table.add_column(sa.Column("mood", sa.Text, nullable=False, server_default="fine"))


def downgrade() -> None:
    {downgrade}
"""
UNDONE = 'with op.batch_alter_table("message") as table:\n        table.drop_column("mood")'
NEVER = 'raise NotImplementedError("moods are not forgotten")'


class Later:
    """A gateway with one migration more."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._monkeypatch = folder / "later", monkeypatch

    def comes(self, downgrade: str) -> None:
        shutil.copytree(migrating.MIGRATIONS, self._folder, ignore=shutil.ignore_patterns("__pycache__"))
        (self._folder / "versions" / "0002_mood.py").write_text(SECOND.format(downgrade=downgrade))
        self._monkeypatch.setattr(migrating, "MIGRATIONS", self._folder)
        self._monkeypatch.setattr(migrating, "REVISIONS", ["0001", "0002"])
        self._monkeypatch.setattr(migrating, "HEAD", "0002")

    def goes(self) -> None:
        """The one before is installed again."""
        self._monkeypatch.undo()


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Later:
    return Later(tmp_path, monkeypatch)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres(fsync=False))])
async def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """With a database of its own, since its schema is changed, and a message in it."""
    url = f"sqlite:///{tmp_path / 'own.sqlite'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    settings = Settings(data_dir=str(tmp_path / "data"), database_url=url)
    await upgrade(settings)
    await write(settings, 1)
    return settings


async def write(settings: Settings, number: int) -> None:
    database: Database = open_database(settings.database)
    await database.open()
    await database.write(lambda tx: tx.upsert(MessageRow, [message("h", number)]))
    await database.close()


async def execute(settings: Settings, text: str) -> Sequence[tuple[Any, ...]]:
    database: Database = open_database(settings.database)
    await database.open()
    found = await database.write(lambda tx: tx.fetch(text))
    await database.close()
    return found


async def test_where_there_is_nothing_to_migrate_nothing_is_backed_up(settings: Settings) -> None:
    assert (await upgrade(settings)).backup == ""
    with pytest.raises(LookupError):
        await find(open_shelf(settings))


async def test_a_migration_can_be_undone_and_keeps_what_came_in(settings: Settings, later: Later) -> None:
    before = await digests(settings.database)
    later.comes(UNDONE)
    done = await upgrade(settings)
    assert (done.before, done.now) == ("0001", "0002")
    shelf = open_shelf(settings)
    assert (await find(shelf, done.backup)).digests == before
    await write(settings, 2)
    back = await go_back(settings)
    assert (back.before, back.now, await revision_of(settings.database)) == ("0002", "0001", "0001")
    assert (await find(shelf, back.backup)).revision == "0002"
    after = await digests(settings.database)
    assert {name for name in after if after[name] != before[name]} == {"message"}


async def test_a_migration_without_a_way_back_leaves_the_backup(settings: Settings, later: Later) -> None:
    before = await digests(settings.database)
    later.comes(NEVER)
    done = await upgrade(settings)
    with pytest.raises(NoWayBack, match="moods are not forgotten"):
        await go_back(settings)
    assert await revision_of(settings.database) == "0002"
    await verify(open_shelf(settings), await find(open_shelf(settings), done.backup))
    assert (await find(open_shelf(settings), done.backup)).digests == before


@pytest.mark.parametrize("is_older", [True, False])
async def test_the_backup_is_the_way_back_from_such_a_migration(
    settings: Settings, later: Later, is_older: bool
) -> None:
    """For the gateway before it, which knows nothing of the migration, and for the one that has made it."""
    before = await digests(settings.database)
    later.comes(NEVER)
    done = await upgrade(settings)
    await write(settings, 2)
    if is_older:
        later.goes()
        with pytest.raises(NewerDatabase, match="0002"):
            await go_back(settings)
    shelf = open_shelf(settings)
    await restore(settings, shelf, await find(shelf, done.backup), force=True)
    assert await revision_of(settings.database) == ("0001" if is_older else "0002")
    after = await digests(settings.database)
    assert {name for name in after if after[name] != before[name]} == (set() if is_older else {"message"})


async def test_on_the_way_back_only_tables_of_the_gateway_go(settings: Settings, later: Later) -> None:
    later.comes(NEVER)
    done = await upgrade(settings)
    for columns in ("mood (scope_id TEXT, mood TEXT)", "weather (day TEXT)"):
        await execute(settings, f"CREATE TABLE {columns}")
    before = await digests(settings.database)
    later.goes()
    shelf = open_shelf(settings)
    with pytest.raises(NoWayBack, match="not the gateway's: weather"):
        await restore(settings, shelf, await find(shelf, done.backup), force=True)
    assert await digests(settings.database) == before
    await execute(settings, "DROP TABLE weather")
    await restore(settings, shelf, await find(shelf, done.backup), force=True)
    assert "mood" not in await digests(settings.database)


async def test_a_damaged_backup_takes_nothing_from_a_later_database(
    settings: Settings, later: Later, tmp_path: Path
) -> None:
    later.comes(NEVER)
    done = await upgrade(settings)
    before = await digests(settings.database)
    for pack in (tmp_path / "data" / "backups").rglob("*.pack*"):
        pack.write_bytes(pack.read_bytes()[:-1])
    later.goes()
    shelf = open_shelf(settings)
    with pytest.raises(Damaged):
        await restore(settings, shelf, await find(shelf, done.backup), force=True)
    assert await revision_of(settings.database) == "0002"
    assert await digests(settings.database) == before


async def test_an_older_backup_is_restored_and_then_migrated(settings: Settings, later: Later, tmp_path: Path) -> None:
    later.comes(UNDONE)
    done = await upgrade(settings)
    shelf = open_shelf(settings)
    beside = Settings(data_dir=str(tmp_path / "x"), database_url=f"sqlite:///{tmp_path / 'beside.sqlite'}")
    await restore(beside, shelf, await find(shelf, done.backup), force=False)
    assert await revision_of(beside.database) == "0002"
    assert (await digests(beside.database))["message"] == (await digests(settings.database))["message"]


async def test_no_backup_no_migration(settings: Settings, later: Later, tmp_path: Path) -> None:
    later.comes(UNDONE)
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data" / "backups").write_text("a file in the way")
    with pytest.raises(OSError, match="backups"):
        await upgrade(settings)
    assert await revision_of(settings.database) == "0001"
    assert (await upgrade(settings, backup=False)).now == "0002"


async def test_there_is_nothing_before_the_first(settings: Settings) -> None:
    with pytest.raises(NoWayBack, match="nothing before"):
        await go_back(settings)
    empty = Settings(data_dir=settings.data_dir, database_url="sqlite:///no-such-file.sqlite")
    with pytest.raises(NoWayBack, match="no database"):
        await go_back(empty)


async def test_a_revision_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NewerDatabase, match="0009"):
        await migrate(f"sqlite:///{tmp_path / 'new.sqlite'}", "0009")
