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
Place = tuple[int, str, str]  # of a sale among those that are due
FIRST: Place = (-1, "", "")
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


async def due(tx: Transaction, now_ms: int, after: Place = FIRST) -> list[SaleRow]:
    """Sales to be looked after, as holds to be released: the longest overdue first, from behind a place on."""
    condition = "due_ms <= ? AND (due_ms, scope_id, sale_id) > (?, ?, ?) ORDER BY due_ms, scope_id, sale_id LIMIT ?"
    return await tx.rows(SaleRow, condition, now_ms, *after, DUE_MAX)


def place_of(row: SaleRow) -> Place:
    """Where a sale that is due stands among them."""
    assert row.due_ms is not None, "it is due"
    return row.due_ms, row.scope_id, row.sale_id


async def neglected(tx: Transaction, before_ms: int) -> list[tuple[str, int, int]]:
    """The properties with sales that should have been looked after before an instant, how many, and since when."""
    found = await tx.fetch(
        "SELECT scope_id, count(*), min(due_ms) FROM sale WHERE due_ms >= 0 AND due_ms < ? GROUP BY scope_id"
        " ORDER BY scope_id LIMIT 500",
        before_ms,
    )
    return [(scope_id, int(number), since_ms) for scope_id, number, since_ms in found]


async def requested(tx: Transaction, scope_id: str) -> list[SaleRow]:
    """What waits for the property's answer, the most urgent first; at most 500."""
    condition = "scope_id = ? AND state = 'requested' ORDER BY expires_ms, sale_id LIMIT ?"
    return await tx.rows(SaleRow, condition, scope_id, DUE_MAX)


async def unanswered(tx: Transaction) -> list[tuple[str, int, int, int]]:
    """The properties with requests that wait, how many, when the first was made, and when the first is to end."""
    found = await tx.fetch(
        "SELECT scope_id, count(*), min(at_ms), min(expires_ms) FROM sale WHERE state = 'requested'"
        " GROUP BY scope_id ORDER BY scope_id LIMIT 500"
    )
    return [(scope_id, int(number), since_ms, ends_ms) for scope_id, number, since_ms, ends_ms in found]


async def letters(tx: Transaction, now_ms: int, limit: int) -> list[SaleRow]:
    """Sales whose guest is to be written to."""
    return await tx.rows(SaleRow, "mail_ms <= ? ORDER BY mail_ms LIMIT ?", now_ms, limit)
