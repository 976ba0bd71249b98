"""The migrations lead to the tables that the store speaks of, whoever runs them and however often."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.store import migrating
from gateway.store.database import Unavailable
from gateway.store.migrating import HEAD, MIGRATIONS, NewerDatabase, migrate
from gateway.store.schema import metadata
from tests import servers

COLUMNS = (
    "SELECT table_name, column_name, data_type, is_nullable, collation_name, column_default "
    "FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version' ORDER BY 1, 2"
)
INDEXES = (
    "SELECT tablename, indexname, indexdef FROM pg_indexes "
    "WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1, 2"
)
DEFINITIONS = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%' ORDER BY name"


def differences(connection: sa.Connection) -> list[Any]:
    def is_ours(thing: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
        return name != "alembic_version"

    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": is_ours})
    return list(compare_metadata(context, metadata))


def create_sqlite(path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()


async def with_postgres(url: str, work: Any) -> Any:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"), poolclass=sa.NullPool)
    async with engine.begin() as connection:
        found = await connection.run_sync(work)
    await engine.dispose()
    return found


async def fetch(url: str, text: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(text)]
    finally:
        await connection.close()


def query(path: Path, text: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(text).fetchall()
        connection.commit()
        return rows


def test_file_names_and_alembic_agree_on_the_revisions() -> None:
    script = ScriptDirectory(str(MIGRATIONS))
    assert script.get_heads() == [HEAD]
    assert sorted(revision.revision for revision in script.walk_revisions()) == migrating.REVISIONS


async def test_sqlite_is_migrated_to_the_tables(tmp_path: Path) -> None:
    migrated, created = tmp_path / "a%20 b.sqlite3", tmp_path / "created.sqlite3"
    await migrate(f"sqlite:///{migrated}")
    create_sqlite(created)
    engine = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(migrated), poolclass=sa.NullPool)
    with engine.begin() as connection:
        assert differences(connection) == []

    # Alembic does not compare conditions of indexes, nor the order of a key.
    def normal(path: Path) -> list[tuple[Any, ...]]:
        return [(name, " ".join(text.split()) if text else None) for name, text in query(path, DEFINITIONS)]

    assert normal(migrated) == normal(created)


@pytest.mark.postgres(fsync=False)
async def test_postgres_is_migrated_to_the_tables(postgres: servers.Postgres, postgres_url: str) -> None:
    migrated, created = postgres_url, postgres.create_database()
    await migrate(migrated)
    await with_postgres(created, metadata.create_all)
    assert await with_postgres(migrated, differences) == []
    for text in (COLUMNS, INDEXES):
        assert await fetch(migrated, text) == await fetch(created, text)
    collations = {row[4] for row in await fetch(migrated, COLUMNS) if row[2] == "text"}
    assert collations == {"C"}
    postgres.drop_database(created)


async def test_a_second_migration_does_nothing_and_loads_no_alembic(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("there was nothing to migrate")

    monkeypatch.setattr(migrating, "_in_sqlite", refuse)
    monkeypatch.setattr(migrating, "_migrate_postgres", refuse)
    await migrate(database_url)


def test_a_start_on_a_current_database_imports_no_alembic(migrated_sqlite: Path) -> None:
    program = (
        "import asyncio, sys; from gateway.store.migrating import migrate; "
        f"asyncio.run(migrate({f'sqlite:///{migrated_sqlite}'!r})); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


async def test_processes_that_start_together_migrate_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.sqlite3'}"
    await asyncio.gather(*(migrate(url) for _ in range(4)))
    assert query(tmp_path / "shared.sqlite3", "SELECT version_num FROM alembic_version") == [(HEAD,)]


@pytest.mark.postgres(fsync=False)
async def test_processes_that_start_together_on_postgres_migrate_once(postgres_url: str) -> None:
    await asyncio.gather(*(migrate(postgres_url) for _ in range(4)))
    assert await fetch(postgres_url, "SELECT version_num FROM alembic_version") == [(HEAD,)]


NEWER = "UPDATE alembic_version SET version_num = '9999'"


async def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'newer.sqlite3'}"
    await migrate(url)
    query(tmp_path / "newer.sqlite3", NEWER)
    with pytest.raises(NewerDatabase, match=rf"'9999'.*'{HEAD}'"):
        await migrate(url)


@pytest.mark.postgres(fsync=False)
async def test_a_newer_database_on_postgres_is_refused(postgres_url: str) -> None:
    await migrate(postgres_url)
    await fetch(postgres_url, NEWER)
    with pytest.raises(NewerDatabase, match=rf"'9999'.*'{HEAD}'"):
        await migrate(postgres_url)


async def test_a_failed_migration_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gateway.sqlite3"
    query(path, "CREATE TABLE shadow (in_the_way int)")
    with pytest.raises(sa.exc.OperationalError, match="shadow already exists"):
        await migrate(f"sqlite:///{path}")
    assert [name for name, _ in query(path, DEFINITIONS)] == ["shadow"]


async def test_a_server_that_is_away_is_named() -> None:
    with pytest.raises(Unavailable, match="PostgreSQL"):
        await migrate("postgresql://nobody@127.0.0.1:1/none")


async def test_other_databases_are_not_taken() -> None:
    for url in ("mysql://x/y", "sqlite:///"):
        with pytest.raises(ValueError, match="must begin with"):
            await migrate(url)
