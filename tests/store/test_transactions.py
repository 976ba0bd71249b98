"""A transaction happens as a whole or not at all, and a database that fails says so in one way."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from gateway.store import sqlite
from gateway.store.database import Database, Transaction, Unavailable
from gateway.store.opening import open_database, sqlite_path
from gateway.store.sqlite import SqliteDatabase
from gateway.store.tables import Scope
from tests import servers
from tests.store.jobs import add_scopes, all_rows, put

ROW = Scope("h", "property", 0, 0)


def execute_elsewhere(url: str, statement: str) -> None:
    path = sqlite_path(url)
    if path is None:
        servers.run_sql(url, statement)
        return
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


async def test_an_exception_rolls_everything_back(database: Database) -> None:
    async def work(tx: Transaction) -> None:
        await tx.upsert(Scope, [ROW])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(work)
    assert await all_rows(database, Scope) == []


async def test_what_is_read_is_one_snapshot(database: Database, database_url: str) -> None:
    await add_scopes(database, "a")

    async def work(tx: Transaction) -> list[int]:
        before = len(await tx.rows(Scope, "1 = 1"))
        execute_elsewhere(database_url, "INSERT INTO scope VALUES ('b', 'property', 0, 0, 0)")
        return [before, len(await tx.rows(Scope, "1 = 1"))]

    assert await database.read(work) == [1, 1]
    assert len(await all_rows(database, Scope)) == 2


async def test_a_commit_that_fails_does_not_stop_the_next_transaction(database: Database) -> None:
    """A constraint that is only checked at the end, since no table of ours has one."""

    async def orphan(tx: Transaction) -> None:
        await tx.fetch("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        await tx.fetch("CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
        await tx.fetch("INSERT INTO child VALUES (1)")

    with pytest.raises((sqlite3.IntegrityError, asyncpg.ForeignKeyViolationError)):
        await database.write(orphan)
    await put(database, [ROW])
    assert await all_rows(database, Scope) == [ROW]


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
async def test_a_lost_connection_is_replaced(database: Database) -> None:
    with pytest.raises(Unavailable, match="PostgreSQL"):
        await database.write(lambda tx: tx.fetch("SELECT pg_terminate_backend(pg_backend_pid())"))
    await put(database, [ROW])


async def test_a_file_that_somebody_else_keeps_locked_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0)
    path = tmp_path / "gateway.sqlite3"
    database = SqliteDatabase(path)
    await database.open()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked"):
            await database.write(lambda tx: tx.fetch("SELECT 1"))
    assert await database.write(lambda tx: tx.fetch("SELECT 1")) == [(1,)]
    await database.close()


async def test_a_database_without_a_log_is_not_opened() -> None:
    database = SqliteDatabase(Path(":memory:"))
    with pytest.raises(Unavailable, match="write-ahead log"):
        await database.open()
    await database.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_sqlite_transaction_never_waits_for_anything_else(database: Database) -> None:
    async def work(tx: Transaction) -> Any:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="only await its own statements"):
        await database.write(work)
    await put(database, [ROW])


def test_only_known_databases_are_opened() -> None:
    assert isinstance(open_database("sqlite:///a/b.sqlite3"), SqliteDatabase)
    with pytest.raises(ValueError, match="must begin with"):
        open_database("mysql://x")
