"""Rooms held for a sale, and given back when its time is over; decided under the property's lock.

A step that has been taken already is answered the same and has no second effect.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from gateway.engine.hotel import Hotel
from gateway.engine.sale import HOLDING, Customer, Sale, SaleState
from gateway.flows.payments.book import Book
from gateway.flows.payments.tie import money_needs, money_of, secured, settled, told, withdrawn
from gateway.flows.selling.rows import (
    KEPT_MS,
    SALE,
    Check,
    anything,
    check_quote,
    open_sale,
    pack_sale,
    sale_of,
    still_sold,
)
from gateway.flows.selling.stock import (
    calendar_needs,
    cells_of,
    check_free,
    check_open,
    held_by,
    levels_of,
    source_of,
    stock_needs,
)
from gateway.model.dates import Instant
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import MessageRow, Row, SaleRow, StockRow


class TakeHold:
    """The job: the sale's row once its rooms are held for ``hold_s``. ``check`` refuses a sale that is not meant."""

    def __init__(
        self, message: MessageRow, sale_id: str, customer: Customer, hold_s: int, check: Check = anything
    ) -> None:
        self.scope_id: str | None = message.scope_id
        self._scope = message.scope_id
        self._message = message
        self._sale_id = sale_id
        self._customer = customer
        self._hold_s = hold_s
        self._check = check

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield SALE, (self._scope, self._sale_id)
        row = state.get(SaleRow, (self._scope, self._sale_id))
        if row is not None:
            hotel, sale = state.hotels[self._scope], open_sale(row.body)
            yield from stock_needs(hotel, self._scope, sale.nights)
            yield from calendar_needs(hotel, self._scope, still_sold(hotel, sale))

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row, sale = sale_of(state, self._scope, self._sale_id)
        self._check(row, sale)
        if row.state == SaleState.HELD and now_ms < row.expires_ms:
            return Decision(row)
        check_quote(row, sale, now_ms)
        hotel = state.hotels[self._scope]
        check_open(state, hotel, self._scope, sale, now_ms)
        check_free(state, hotel, source_of(hotel, row.connection), self._scope, sale.nights)
        sale, stock = taken(state, hotel, self._scope, sale)
        sale = replace(sale, customer=self._customer, author=self._message.author)
        ends_ms = now_ms + self._hold_s * 1000
        changed = row._replace(state=SaleState.HELD.value, expires_ms=ends_ms, due_ms=ends_ms, body=pack_sale(sale))
        rev = state.next_rev(self._scope)
        message = self._message._replace(outcome="applied", detail=self._sale_id, rev=rev)
        return Decision(changed, [*stock, changed, message], advances=True)


def taken(state: State, hotel: Hotel, scope_id: str, sale: Sale) -> tuple[Sale, list[StockRow]]:
    """The sale with what its hold takes from now on, and the stock without it."""
    levels = levels_of(hotel, sale.nights)
    takes = levels if levels != sale.nights else ()
    stock = held_by(state, scope_id, [(cells_of(hotel, levels), 1)], state.next_rev(scope_id))
    return replace(sale, takes=takes), stock


class EndHolds:
    """The job: rooms of holds whose time is over, or whose ``asker`` gives them back, are free again.

    Quotes and holds that ended long ago are forgotten, unless somebody was to pay for them. Money that has come for one
    in part goes back, and who was to pay is told. ``books`` are the payments of the one sale that is named, as they are
    about to be. With ``quotes`` the asker gives up what is not held yet as well, so that nobody who is just about to
    book it does. With ``declines`` the asker is the hotel, which does not accept what was requested. The answer is how
    many holds were released.
    """

    def __init__(
        self,
        scope_id: str,
        sale_ids: Sequence[str],
        asker: MessageRow | None = None,
        *,
        books: Sequence[Book] | None = None,
        quotes: bool = False,
        declines: bool = False,
    ) -> None:
        self.scope_id: str | None = scope_id
        self._scope = scope_id
        self._sale_ids = sale_ids
        self._asker = asker
        self._books = books
        self._quotes = quotes
        self._declines = declines

    def needs(self, state: State, now_ms: Instant) -> Needs:
        for sale_id in self._sale_ids:
            yield SALE, (self._scope, sale_id)
            row = state.get(SaleRow, (self._scope, sale_id))
            if row is not None:
                sale = open_sale(row.body)
                yield from stock_needs(state.hotels[self._scope], self._scope, sale.held)
                yield from money_needs(self._scope, sale)

    def decide(self, state: State, now_ms: Instant) -> Decision:
        hotel, rev = state.hotels[self._scope], state.next_rev(self._scope)
        rows = [row for sale_id in self._sale_ids if (row := state.get(SaleRow, (self._scope, sale_id))) is not None]
        held = {SaleState.REQUESTED} if self._declines else HOLDING
        over = [row for row in rows if row.state in held and (self._asker or row.expires_ms <= now_ms)]
        waiting = (SaleState.QUOTED, SaleState.RELEASED, SaleState.APPLIED)
        old = [row for row in rows if row.state in waiting and row.due_ms is not None and row.due_ms <= now_ms]
        unsold = [row for row in rows if self._quotes and row.state == SaleState.QUOTED and row not in old]
        given_back = [(cells_of(hotel, open_sale(row.body).held), -1) for row in over]
        writes: list[Row] = [*held_by(state, self._scope, given_back, rev)]
        for row in over:
            writes += self._released(state, hotel, row, now_ms)
        writes += [row._replace(state=SaleState.RELEASED.value, due_ms=now_ms + KEPT_MS) for row in unsold]
        if (over or unsold) and self._asker is not None:
            writes.append(self._asker._replace(outcome="applied", detail=", ".join(self._sale_ids), rev=rev))
        return Decision(len(over), writes, old, advances=bool(over))

    def _released(self, state: State, hotel: Hotel, row: SaleRow, now_ms: Instant) -> list[Row]:
        sale, was = open_sale(row.body), row.state
        row = row._replace(state=SaleState.RELEASED.value, due_ms=now_ms + KEPT_MS)
        if was == SaleState.REQUESTED and (self._declines or self._asker is None):
            sale = replace(sale, declined=True)
            return [told(hotel, row._replace(body=pack_sale(sale)), sale, "declined", now_ms)]
        if not sale.payments:
            return [row]
        # Whoever pays for it late must find it.
        row = row._replace(due_ms=None)
        books = money_of(state, self._scope, sale) if self._books is None else self._books
        if not secured(books):
            return [told(hotel, row, sale, "payment_failed", now_ms), *withdrawn(books, now_ms)]
        row = row._replace(body=pack_sale(replace(sale, given_up=True)))
        return [told(hotel, row, sale, "payment_failed", now_ms), *settled(books, 0, now_ms)]
