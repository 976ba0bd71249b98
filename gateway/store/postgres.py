"""PostgreSQL over asyncpg: the same statements for many processes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg
import structlog

from gateway.store import sql
from gateway.store.database import Counter, Transaction, Unavailable
from gateway.store.sql import Dialect, Params
from gateway.store.tables import Scope

T = TypeVar("T")
log = structlog.get_logger(__name__)

_POOL_MAX = 8
_CONNECT_TIMEOUT_S = 10.0
_STATEMENT_TIMEOUT_S = 30.0
_SESSION = {
    "application_name": "gateway",
    # A process that was suspended, or cut off, in the middle of a batch must not keep its properties locked.
    "idle_in_transaction_session_timeout": "15s",
    "jit": "off",
}
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.DiskFullError,
)


class PostgresTransaction(Transaction):
    dialect: Dialect = "postgresql"

    def __init__(self, connection: asyncpg.Connection[Any], counter: Counter) -> None:
        super().__init__(counter)
        self._connection = connection

    async def execute(self, text: str, params: Params) -> Sequence[tuple[Any, ...]]:
        self.counter.statements += 1
        found: list[tuple[Any, ...]] = await self._connection.fetch(text, *params)
        return found

    async def execute_all(self, text: str, rows: Sequence[Params]) -> None:
        await self.execute(text, sql.columns(rows))

    async def lock(self, scope_ids: Sequence[str], *, wait: bool) -> list[Scope]:
        found = await self.execute(
            "SELECT scope_id, kind, rev, config_version, cause FROM scope WHERE scope_id = ANY($1::text[]) "
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
            self.url,
            min_size=1,
            max_size=_POOL_MAX,
            timeout=_CONNECT_TIMEOUT_S,
            command_timeout=_STATEMENT_TIMEOUT_S,
            server_settings=_SESSION,
            reset=_nothing_to_reset,
        )
        async with self._pool.acquire() as connection:
            for setting in ("fsync", "synchronous_commit"):
                if await connection.fetchval(f"SHOW {setting}") == "off":
                    log.warning("database_not_durable", setting=setting, value="off")

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        async with self._transaction(isolation="read_committed") as transaction:
            return await work(transaction)

    async def read(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        async with self._transaction(isolation="repeatable_read", readonly=True) as transaction:
            return await work(transaction)

    @asynccontextmanager
    async def _transaction(self, **options: Any) -> AsyncIterator[PostgresTransaction]:
        assert self._pool is not None
        try:
            async with self._pool.acquire() as connection, connection.transaction(**options):
                self.counter.transactions += 1
                yield PostgresTransaction(connection, self.counter)
        except _AWAY as error:
            raise Unavailable(f"PostgreSQL: {error or type(error).__name__}") from error

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()


async def _nothing_to_reset(connection: asyncpg.Connection[Any]) -> None:
    """Transactions leave nothing in the session, so a connection goes back to the pool without a round trip."""
