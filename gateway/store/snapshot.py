"""A whole database at one instant, read table by table while others go on writing, and the way back.

What tables there are is asked of the database and not of :mod:`gateway.store.schema`, since a backup is also taken of
one that has not been migrated yet.
"""

from __future__ import annotations

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from gateway.store.backup_format import Layout
from gateway.store.database import Unavailable
from gateway.store.opening import sqlite_path
from gateway.store.sqlite import BUSY_TIMEOUT_S

T = TypeVar("T")
Rows = Sequence[Sequence[Any]]

ROWS_AT_ONCE = 200
_VERSION = "alembic_version"
_CONNECT_TIMEOUT_S = 10.0
_PG_TABLES = (
    "SELECT c.table_name, c.column_name FROM information_schema.columns AS c "
    "JOIN information_schema.tables AS t USING (table_schema, table_name) "
    "WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' ORDER BY 1, 2"
)
_PG_KEYS = (
    "SELECT k.table_name, k.column_name FROM information_schema.key_column_usage AS k "
    "JOIN information_schema.table_constraints AS c USING (constraint_schema, constraint_name) "
    "WHERE c.table_schema = current_schema() AND c.constraint_type = 'PRIMARY KEY' ORDER BY 1, k.ordinal_position"
)


class Whole(ABC):
    """A database inside one transaction: a snapshot to read, or an empty one to fill."""

    dialect: str

    @abstractmethod
    async def revision(self) -> str: ...

    @abstractmethod
    async def layouts(self) -> list[Layout]:
        """All tables by name, without Alembic's own."""

    @abstractmethod
    def rows(self, layout: Layout) -> AsyncIterator[Rows]:
        """A table in the order of its key, some rows at a time."""

    @abstractmethod
    async def insert(self, layout: Layout, rows: Rows) -> None: ...

    @abstractmethod
    async def clear(self, layout: Layout) -> None: ...

    @abstractmethod
    async def is_empty(self, layout: Layout) -> bool: ...


@asynccontextmanager
async def snapshot(url: str, *, writing: bool = False) -> AsyncIterator[Whole]:
    """Over one snapshot; with ``writing`` everything done in the block takes effect at its end, or nothing does."""
    path = sqlite_path(url)
    opened = _sqlite(path, writing) if path is not None else _postgres(url, writing)
    async with opened as whole:
        yield whole


def _layouts(columns: dict[str, list[str]], keys: dict[str, list[str]]) -> list[Layout]:
    """Columns that are no part of the key are ordered by name, as their order differs between databases."""
    found = []
    for name in sorted(columns):
        key = keys.get(name, [])
        rest = sorted(set(columns[name]) - set(key))
        if name != _VERSION:
            found.append(Layout(name, (*key, *rest), len(key)))
    return found


def _select(layout: Layout) -> str:
    names = ", ".join(f'"{column}"' for column in layout.columns)
    order = ", ".join(f'"{column}"' for column in layout.columns[: layout.width] or layout.columns)
    return f'SELECT {names} FROM "{layout.name}" ORDER BY {order}'


# --- SQLite -----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _sqlite(path: Path, writing: bool) -> AsyncIterator[Whole]:
    thread = ThreadPoolExecutor(1, "sqlite-whole")
    loop = asyncio.get_running_loop()
    try:
        whole = await loop.run_in_executor(thread, _SqliteWhole, path, thread)
        try:
            await whole.do(lambda db: db.execute("BEGIN IMMEDIATE" if writing else "BEGIN"))
            await whole.revision()  # the first statement is what the snapshot begins with
            yield whole
            await whole.do(lambda db: db.execute("COMMIT"))
        finally:
            await whole.do(lambda db: db.close())  # a transaction that was not committed is undone
    except sqlite3.OperationalError as error:
        raise Unavailable(f"SQLite: {path}: {error}") from error
    finally:
        thread.shutdown()


class _SqliteWhole(Whole):
    dialect = "sqlite"

    def __init__(self, path: Path, thread: ThreadPoolExecutor) -> None:
        if not path.exists():
            raise Unavailable(f"SQLite: there is no {path}")
        self._thread = thread
        self._connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        self._connection.execute("PRAGMA synchronous=FULL")

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._connection)

    async def revision(self) -> str:
        rows = await self.do(lambda db: db.execute(f"SELECT version_num FROM {_VERSION}").fetchall())
        return str(rows[0][0]) if rows else ""

    async def layouts(self) -> list[Layout]:
        rows = await self.do(
            lambda db: db.execute(
                "SELECT t.name, c.name, c.pk FROM sqlite_master AS t, pragma_table_info(t.name) AS c "
                "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY t.name, c.pk"
            ).fetchall()
        )
        columns: dict[str, list[str]] = {}
        keys: dict[str, list[str]] = {}
        for table, column, place in rows:
            columns.setdefault(table, []).append(column)
            if place:
                keys.setdefault(table, []).append(column)
        return _layouts(columns, keys)

    async def rows(self, layout: Layout) -> AsyncIterator[Rows]:
        cursor = await self.do(lambda db: db.execute(_select(layout)))
        while rows := await self.do(lambda db: cursor.fetchmany(ROWS_AT_ONCE)):
            yield rows

    async def insert(self, layout: Layout, rows: Rows) -> None:
        names = ", ".join(f'"{column}"' for column in layout.columns)
        marks = ", ".join("?" * len(layout.columns))
        await self.do(lambda db: db.executemany(f'INSERT INTO "{layout.name}" ({names}) VALUES ({marks})', rows))

    async def clear(self, layout: Layout) -> None:
        await self.do(lambda db: db.execute(f'DELETE FROM "{layout.name}"'))

    async def is_empty(self, layout: Layout) -> bool:
        found = await self.do(lambda db: db.execute(f'SELECT 1 FROM "{layout.name}" LIMIT 1').fetchall())
        return not found


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _postgres(url: str, writing: bool) -> AsyncIterator[Whole]:
    try:
        connection = await asyncpg.connect(url, timeout=_CONNECT_TIMEOUT_S, server_settings={"jit": "off"})
    except (OSError, asyncpg.PostgresError) as error:
        raise Unavailable(f"PostgreSQL: {error or type(error).__name__}") from error
    try:
        # Of serializable or repeatable read, only the latter sees one state without ever being refused.
        async with connection.transaction(isolation="repeatable_read", readonly=not writing):
            yield _PostgresWhole(connection)
    except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as error:
        raise Unavailable(f"PostgreSQL: {error or type(error).__name__}") from error
    finally:
        await connection.close()


class _PostgresWhole(Whole):
    dialect = "postgresql"

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self._connection = connection

    async def revision(self) -> str:
        return str(await self._connection.fetchval(f"SELECT version_num FROM {_VERSION}") or "")

    async def layouts(self) -> list[Layout]:
        columns: dict[str, list[str]] = {}
        keys: dict[str, list[str]] = {}
        for found, text in ((columns, _PG_TABLES), (keys, _PG_KEYS)):
            for table, column in await self._connection.fetch(text):
                found.setdefault(table, []).append(column)
        return _layouts(columns, keys)

    async def rows(self, layout: Layout) -> AsyncIterator[Rows]:
        cursor = await self._connection.cursor(_select(layout))
        while records := await cursor.fetch(ROWS_AT_ONCE):
            yield [tuple(record) for record in records]

    async def insert(self, layout: Layout, rows: Rows) -> None:
        await self._connection.copy_records_to_table(layout.name, records=rows, columns=layout.columns)

    async def clear(self, layout: Layout) -> None:
        await self._connection.execute(f'DELETE FROM "{layout.name}"')

    async def is_empty(self, layout: Layout) -> bool:
        return not await self._connection.fetch(f'SELECT 1 FROM "{layout.name}" LIMIT 1')
