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

from gateway.store.database import Counter, Transaction
from gateway.store.sql import Dialect, Params
from gateway.store.tables import Scope

T = TypeVar("T")
_BUSY_TIMEOUT_S = 10.0
_STATEMENTS_CACHED = 512


class SqliteTransaction(Transaction):
    dialect: Dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection, counter: Counter) -> None:
        super().__init__(counter)
        self._connection = connection

    async def execute(self, text: str, params: Params) -> Sequence[tuple[Any, ...]]:
        self.counter.statements += 1
        return self._connection.execute(text, params).fetchall()

    async def lock(self, scope_ids: Sequence[str], *, wait: bool) -> list[Scope]:
        # BEGIN IMMEDIATE has locked the whole file already.
        marks = ", ".join("?" * len(scope_ids))
        found = await self.execute(
            f"SELECT scope_id, kind, rev, config_version FROM scope WHERE scope_id IN ({marks})", list(scope_ids)
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
            self.path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, cached_statements=_STATEMENTS_CACHED
        )
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-32000", "mmap_size=0"):
            connection.execute(f"PRAGMA {pragma}")
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
        connection.execute(begin)
        self.counter.transactions += 1
        try:
            result = _drive(work(SqliteTransaction(connection, self.counter)))
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        return result

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        for executor, connection in ((self._reader, self._reading), (self._writer, self._writing)):
            if connection is not None:
                await loop.run_in_executor(executor, connection.close)
            executor.shutdown()


def _drive(work: Awaitable[T]) -> T:
    """Runs a coroutine that never really waits."""
    step = work.__await__()
    try:
        next(step)
    except StopIteration as done:
        result: T = done.value
        return result
    raise RuntimeError("a SQLite transaction may only await its own statements")
