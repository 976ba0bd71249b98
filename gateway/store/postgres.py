"""PostgreSQL over asyncpg: the same statements for many processes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import asyncpg

from gateway.store.database import Counter, Transaction
from gateway.store.sql import Dialect, Params
from gateway.store.tables import Scope

T = TypeVar("T")
_POOL_MAX = 8
_STATEMENT_TIMEOUT_S = 30.0


class PostgresTransaction(Transaction):
    dialect: Dialect = "postgresql"

    def __init__(self, connection: asyncpg.Connection[Any], counter: Counter) -> None:
        super().__init__(counter)
        self._connection = connection

    async def execute(self, text: str, params: Params) -> Sequence[tuple[Any, ...]]:
        self.counter.statements += 1
        return await self._connection.fetch(text, *params)

    async def lock(self, scope_ids: Sequence[str], *, wait: bool) -> list[Scope]:
        found = await self.execute(
            "SELECT scope_id, kind, rev, config_version FROM scope WHERE scope_id = ANY($1::text[]) "
            f"ORDER BY scope_id FOR UPDATE{'' if wait else ' SKIP LOCKED'}",
            [list(scope_ids)],
        )
        return [Scope(*values) for values in found]


class PostgresDatabase:
    """A pool of connections to one PostgreSQL."""

    dialect: Dialect = "postgresql"

    def __init__(self, url: str) -> None:
        self.url = url
        self.counter = Counter()
        self._pool: asyncpg.Pool[Any] | None = None

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(
            self.url, min_size=1, max_size=_POOL_MAX, command_timeout=_STATEMENT_TIMEOUT_S
        )

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        assert self._pool is not None
        async with self._pool.acquire() as connection, connection.transaction():
            self.counter.transactions += 1
            return await work(PostgresTransaction(connection, self.counter))

    async def read(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        assert self._pool is not None
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            self.counter.transactions += 1
            return await work(PostgresTransaction(connection, self.counter))

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
