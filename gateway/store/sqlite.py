"""SQLite: one writer thread, one reader thread, WAL, and ``synchronous=FULL``.

FULL is what makes an acknowledged message survive a power cut: in WAL mode NORMAL syncs only at checkpoints.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from gateway.store.database import Counter, Transaction, Unavailable
from gateway.store.sql import Dialect, Params
from gateway.store.tables import Scope

T = TypeVar("T")
BUSY_TIMEOUT_S = 10.0
_STATEMENTS_CACHED = 512
PRAGMAS: tuple[str, ...] = (
    "synchronous=FULL",
    "fullfsync=ON",  # macOS: fsync alone leaves the data in the drive's cache
    "foreign_keys=ON",
    "cache_size=-32000",
    "mmap_size=0",
)
_PRIMARY_CODE = 0xFF  # the rest of an extended result code says more about the same thing
_AWAY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)


class SqliteTransaction(Transaction):
    dialect: Dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection, counter: Counter) -> None:
        super().__init__(counter)
        self._connection = connection

    async def execute(self, text: str, params: Params) -> Sequence[tuple[Any, ...]]:
        self.counter.statements += 1
        return self._connection.execute(text, params).fetchall()

    async def execute_all(self, text: str, rows: Sequence[Params]) -> None:
        self.counter.statements += 1
        self._connection.executemany(text, rows)

    async def lock(self, scope_ids: Sequence[str], *, wait: bool) -> list[Scope]:
        # BEGIN IMMEDIATE has locked the whole file already.
        marks = ", ".join("?" * len(scope_ids))
        found = await self.execute(
            f"SELECT scope_id, kind, rev, config_version, cause FROM scope WHERE scope_id IN ({marks})", scope_ids
        )
        return [Scope(*values) for values in found]


class SqliteDatabase:
    """The embedded database: one file, one process."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counter = Counter()
        self._writer = ThreadPoolExecutor(1, "sqlite-writer")
        self._reader = ThreadPoolExecutor(1, "sqlite-reader")
        self._writing: sqlite3.Connection | None = None
        self._reading: sqlite3.Connection | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._writing = await loop.run_in_executor(self._writer, self._connect)
        self._reading = await loop.run_in_executor(self._reader, self._connect)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, cached_statements=_STATEMENTS_CACHED
        )
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        if mode != "wal":
            connection.close()
            raise Unavailable(f"SQLite cannot keep a write-ahead log at {self.path}: it stays in mode {mode!r}")
        return connection

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        assert self._writing is not None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, self._run, self._writing, "BEGIN IMMEDIATE", work)

    async def read(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        assert self._reading is not None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reader, self._run, self._reading, "BEGIN", work)

    def _run(self, connection: sqlite3.Connection, begin: str, work: Callable[[Transaction], Awaitable[T]]) -> T:
        self.counter.transactions += 1
        try:
            connection.execute(begin)
            result = _drive(work(SqliteTransaction(connection, self.counter)))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            _roll_back(connection)
            # The driver's own complaints about parameters come without a code.
            if getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE in _AWAY:
                raise Unavailable(f"SQLite: {error}") from error
            raise
        except BaseException:
            _roll_back(connection)
            raise
        return result

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        for executor, connection in ((self._reader, self._reading), (self._writer, self._writing)):
            if connection is not None:
                await loop.run_in_executor(executor, connection.close)
            executor.shutdown()


def _roll_back(connection: sqlite3.Connection) -> None:
    # After a full disk, say, SQLite has rolled back by itself; after a failed COMMIT it has not.
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _drive(work: Awaitable[T]) -> T:
    """Runs a coroutine that never really waits."""
    step = work.__await__()
    try:
        next(step)
    except StopIteration as done:
        result: T = done.value
        return result
    raise RuntimeError("a SQLite transaction may only await its own statements")
