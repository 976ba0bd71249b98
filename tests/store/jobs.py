"""Rows and jobs to try the store with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from gateway.errors import Rejected
from gateway.io.clock import SystemClock
from gateway.store.batcher import Batcher
from gateway.store.database import Database, Transaction
from gateway.store.hotels import Hotels
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import MessageRow, Row, Scope, StockRow

RowT = TypeVar("RowT", bound=tuple[Any, ...])

STOCK = Lookup(StockRow)


class Step:
    """A job made of two functions."""

    def __init__(
        self,
        scope_id: str | None,
        decide: Callable[[State], Decision],
        needs: Callable[[State], Needs] = lambda state: (),
    ) -> None:
        self.scope_id = scope_id
        self._decide = decide
        self._needs = needs

    def needs(self, state: State, now_ms: int) -> Needs:
        return self._needs(state)

    def decide(self, state: State, now_ms: int) -> Decision:
        return self._decide(state)


class Append:
    """Adds a number to the list its hotel keeps, and answers with the list as it was before."""

    def __init__(self, scope_id: str, number: int) -> None:
        self.scope_id: str | None = scope_id
        self._key = (scope_id, "", 0)
        self._number = number

    def needs(self, state: State, now_ms: int) -> Needs:
        yield STOCK, self._key

    def decide(self, state: State, now_ms: int) -> Decision:
        row = state.get(StockRow, self._key)
        before = row.body if row else b""
        assert self.scope_id is not None
        row = StockRow(*self._key, state.next_rev(self.scope_id), before + bytes([self._number]))
        return Decision(list(before), [row, message(self.scope_id, self._number)], advances=True)


def refuse(state: State) -> Decision:
    raise Rejected("not today")


def message(scope_id: str, number: int, **changes: Any) -> MessageRow:
    row = MessageRow(scope_id, number, "c", "in", "Test", 1, "applied", "", 0, None, b"<x/>", b"")
    return row._replace(**changes)


class FirstMillisecond(SystemClock):
    """Real waiting, but all of it at one time."""

    def now_ms(self) -> int:
        return 1


_CLOCK = FirstMillisecond()


def batcher(
    database: Database, after: Callable[[set[str]], None] = lambda scopes: None, clock: SystemClock = _CLOCK
) -> Batcher:
    return Batcher(database, Hotels(), clock, after)


async def add_scopes(database: Database, *scope_ids: str) -> None:
    await put(database, [Scope(scope_id, "property", 0, 0) for scope_id in scope_ids])


async def put(database: Database, rows: Sequence[Row]) -> None:
    async def write(tx: Transaction) -> None:
        for row in rows:
            await tx.upsert(type(row), [row])

    await database.write(write)


async def all_rows(database: Database, row: Callable[..., RowT]) -> list[RowT]:
    return sorted(await database.read(lambda tx: tx.rows(row, "1 = 1")))


async def scope(database: Database, scope_id: str) -> Scope:
    found = await database.read(lambda tx: tx.rows(Scope, "scope_id = ?", scope_id))
    return found[0]


async def appended(database: Database, scope_id: str) -> list[int]:
    """The numbers in the hotel's list."""
    rows = await database.read(lambda tx: tx.rows(StockRow, "scope_id = ?", scope_id))
    return list(rows[0].body) if rows else []
