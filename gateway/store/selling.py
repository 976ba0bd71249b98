"""What is read to sell directly, and of direct sales."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable

from gateway.engine.calendar import Key
from gateway.engine.loaded import Calendar
from gateway.store import pushing
from gateway.store.database import Transaction
from gateway.store.sql import Lookup
from gateway.store.tables import SaleRow, Scope

SALE = Lookup(SaleRow)
DUE_MAX = 500
CALENDARS_MAX = 64
Keys = Callable[[], tuple[Iterable[Key], Iterable[Key]]]


class Calendars:
    """Calendars of the last searches, by property and blocks. One is good as long as its property's ``rev`` stands.

    Every change of a calendar or a stock raises it, in whatever process, and the caller has read it in the same
    snapshot, so nothing old is ever found.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, range], tuple[Scope, Calendar]] = OrderedDict()

    async def read(self, tx: Transaction, scope: Scope, blocks: range, guests: int, keys: Keys) -> Calendar:
        """The calendar with the rows of ``keys``: (room, plan, block) of the calendar and (room, block) of the stock,
        which must follow from ``blocks`` and the configuration alone."""
        name = (scope.scope_id, blocks)
        known, calendar = self._known.pop(name, (None, None))
        if calendar is None or known != scope:
            of_calendar, of_stock = keys()
            rows = await pushing.calendar_rows(tx, [(scope.scope_id, *key) for key in of_calendar])
            stock = await pushing.stock_rows(tx, [(scope.scope_id, *key) for key in of_stock])
            calendar = Calendar(guests, [(row[1:4], row.body) for row in rows], [(row[1:3], row.body) for row in stock])
        self._known[name] = (scope, calendar)
        if len(self._known) > CALENDARS_MAX:
            self._known.popitem(last=False)
        return calendar


async def one(tx: Transaction, scope_id: str, sale_id: str) -> SaleRow | None:
    """By its number."""
    found = await tx.lookup(SALE, [(scope_id, sale_id)])
    return next((row for row in found if isinstance(row, SaleRow)), None)


async def due(tx: Transaction, now_ms: int) -> list[SaleRow]:
    """Holds to be released and what is old enough to be forgotten, the longest overdue first."""
    return await tx.rows(SaleRow, "due_ms <= ? ORDER BY due_ms LIMIT ?", now_ms, DUE_MAX)


async def letters(tx: Transaction, now_ms: int, limit: int) -> list[SaleRow]:
    """Sales whose guest is to be written to."""
    return await tx.rows(SaleRow, "mail_ms <= ? ORDER BY mail_ms LIMIT ?", now_ms, limit)
