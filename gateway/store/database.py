"""What both databases offer: transactions as coroutines, and nothing else.

``write`` and ``read`` take a coroutine function over a :class:`Transaction`. On PostgreSQL it runs on the event loop over asyncpg; on SQLite the
whole of it runs on the writer's (or reader's) own thread, where none of its awaits ever waits, so a transaction costs one hop between
threads rather than one per statement, and no fsync ever blocks the loop.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from gateway.store import sql
from gateway.store.sql import Dialect, Lookup, Params
from gateway.store.tables import SPECS, Row, Scope

T = TypeVar("T")
RowT = TypeVar("RowT", bound=tuple[Any, ...])


class Counter:
    """How many statements were sent, and whether they wrote. BEGIN and COMMIT are not counted."""

    def __init__(self) -> None:
        self.statements = 0
        self.transactions = 0


class Transaction(ABC):
    """One transaction; subclasses execute."""

    dialect: Dialect

    def __init__(self, counter: Counter) -> None:
        self.counter = counter

    @abstractmethod
    async def execute(self, text: str, params: Params) -> Sequence[tuple[Any, ...]]:
        """Run one statement in the dialect's own placeholders and return its rows."""

    async def fetch(self, text: str, *params: Any) -> Sequence[tuple[Any, ...]]:
        """Run one statement written with ``?``."""
        return await self.execute(sql.placeholders(text, self.dialect), params)

    async def rows(self, row: Callable[..., RowT], condition: str, *params: Any) -> list[RowT]:
        """Whole rows of a table under a condition written with ``?``."""
        spec = SPECS[row]  # type: ignore[index]
        found = await self.fetch(f"SELECT {', '.join(spec.fields)} FROM {spec.name} WHERE {condition}", *params)
        return [row(*values) for values in found]

    async def lookup(self, lookup: Lookup, keys: Sequence[Params]) -> list[Row]:
        """All rows for any of the keys."""
        found: list[Row] = []
        for chunk in sql.chunks(keys, len(lookup.fields), self.dialect):
            for values in await self.execute(*sql.select(lookup, chunk, self.dialect)):
                found.append(lookup.row(*values))
        return found

    async def upsert(self, row: type[Any], rows: Sequence[Params]) -> None:
        """Write the rows, which must have distinct keys."""
        for chunk in sql.chunks(rows, len(SPECS[row].fields), self.dialect):
            await self.execute(*sql.upsert(row, chunk, self.dialect))

    async def delete(self, row: type[Any], keys: Sequence[Params]) -> None:
        """Delete by primary key."""
        for chunk in sql.chunks(keys, SPECS[row].width, self.dialect):
            await self.execute(*sql.delete(row, chunk, self.dialect))

    @abstractmethod
    async def lock(self, scope_ids: Sequence[str], *, wait: bool) -> list[Scope]:
        """Lock the scopes and return those that were got: all of them with ``wait``, else those nobody holds."""


class Database(Protocol):
    """``url`` decides which; see :func:`gateway.store.open_database`."""

    dialect: Dialect
    counter: Counter

    async def open(self) -> None: ...

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run in one durable transaction: when this returns, it is on disk. An exception rolls everything back."""

    async def read(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run over one snapshot."""

    async def close(self) -> None: ...
