"""What both databases offer: transactions as coroutines, and nothing else.

``write`` and ``read`` take a coroutine function over a :class:`Transaction`. On PostgreSQL it runs on the event loop
over asyncpg; on SQLite the whole of it runs on the writer's (or reader's) own thread, where none of its awaits ever
waits, so a transaction costs one hop between threads rather than one per statement, and no fsync ever blocks the loop.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from gateway.store import sql
from gateway.store.schema import SPECS
from gateway.store.sql import Dialect, Lookup, Params
from gateway.store.tables import Row, Scope

T = TypeVar("T")
RowT = TypeVar("RowT", bound=tuple[Any, ...])


class Unavailable(Exception):
    """The database does not answer, or not as it should; whether the transaction was committed is not known.

    Nothing is wrong with what was asked: trying it again, later, is the thing to do.
    """


class Counter:
    """How many statements were sent in how many transactions. BEGIN and COMMIT are not counted."""

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

    @abstractmethod
    async def execute_all(self, text: str, rows: Sequence[Params]) -> None:
        """Run one statement of :mod:`gateway.store.sql` over all the rows."""

    async def fetch(self, text: str, *params: Any) -> Sequence[tuple[Any, ...]]:
        """Run one statement written with ``?``."""
        return await self.execute(sql.placeholders(text, self.dialect), params)

    async def rows(self, row: Callable[..., RowT], condition: str, *params: Any) -> list[RowT]:
        """Whole rows of a table under a condition written with ``?``."""
        spec = SPECS[row]  # type: ignore[index]
        found = await self.fetch(f"SELECT {', '.join(spec.fields)} FROM {spec.name} WHERE {condition}", *params)
        return [row(*values) for values in found]

    async def lookup(self, lookup: Lookup, keys: Sequence[Params]) -> list[Row]:
        """All rows for any of the keys, which must be distinct."""
        found: list[Row] = []
        for chunk in sql.chunks(keys, len(lookup.fields), self.dialect):
            found += map(lookup.row._make, await self.execute(*sql.select(lookup, chunk, self.dialect)))
        return found

    async def upsert(self, row: type[Any], rows: Sequence[Params]) -> None:
        """Write the rows, which must have distinct keys."""
        if rows:
            await self.execute_all(sql.upsert(SPECS[row], self.dialect), rows)

    async def delete(self, row: type[Any], keys: Sequence[Params]) -> None:
        """Delete by primary key."""
        if keys:
            await self.execute_all(sql.delete(SPECS[row], self.dialect), keys)

    @abstractmethod
    async def lock(self, scope_ids: Sequence[str], *, wait: bool) -> list[Scope]:
        """Lock the scopes and return those that were got: all of them with ``wait``, else those nobody holds."""


class Database(Protocol):
    """``url`` decides which; see :func:`gateway.store.opening.open_database`."""

    dialect: Dialect
    counter: Counter

    async def open(self) -> None: ...

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run in one durable transaction: when this returns, it is on disk. An exception rolls everything back.

        Raises :class:`Unavailable`, and whatever the database says of a statement it does not take.
        """

    async def read(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run over one snapshot."""

    async def close(self) -> None: ...
