"""Room types are linked in another way: what bookings and holds take follows in the transaction that says so."""

from __future__ import annotations

from array import array
from collections.abc import Mapping

import msgspec

from gateway.engine.hotel import Hotel
from gateway.engine.nights import Cell, Nights, subtract
from gateway.engine.relinking import Relinking
from gateway.engine.sale import SaleState
from gateway.engine.stock import HELD, SOLD, UNSEEN, open_stock
from gateway.engine.window import Claim, is_settled
from gateway.flows.sell_jobs import open_sale, pack_sale
from gateway.flows.sell_stock import cells_of
from gateway.flows.take_ari import unseen_change
from gateway.model.dates import BLOCK_DAYS, Instant, blocks_of, local_day
from gateway.store.sql import Lookup
from gateway.store.state import Needs, State
from gateway.store.tables import DeliveryRow, ReservationRow, Row, SaleRow, StockRow

RESERVATIONS = Lookup(ReservationRow, ("scope_id",), "t.departure > 0")
SALES = Lookup(SaleRow, ("scope_id",), "t.due_ms IS NOT NULL")
STOCK = Lookup(StockRow)
DELIVERY = Lookup(DeliveryRow)

_pack = msgspec.msgpack.Encoder().encode
_nights = msgspec.msgpack.Decoder(Nights).decode
_claim = msgspec.msgpack.Decoder(Claim).decode


class Relink:
    """Part of the job that changes a hotel ``before`` into ``after``; does nothing where both link alike."""

    def __init__(self, before: Hotel | None, after: Hotel) -> None:
        self._before = before or after
        self._after = after
        self._scope = after.property.id
        self._change = Relinking(self._before.links, after.links, house=after.limits_house)
        self._stock: dict[tuple[str, str, int], array[int]] = {}

    def needs(self, state: State, now_ms: Instant) -> Needs:
        """Every booking that is not over, every hold, and the stock and deliveries of those that change."""
        if self._before.links == self._after.links:
            return
        yield RESERVATIONS, (self._scope,)
        yield SALES, (self._scope,)
        for row, taken, takes in self._bookings(state, now_ms):
            yield from self._stock_needs(taken, takes)
            for receiver in self._after.receivers:
                yield DELIVERY, (self._scope, receiver.id, row.reservation_id)
        for _, held, holds in self._holds(state):
            yield from self._stock_needs(held, holds)

    def rows(self, state: State, now_ms: Instant, rev: int) -> list[Row]:
        """What is to be written."""
        if self._before.links == self._after.links:
            return []
        writes: list[Row] = []
        for row, taken, takes in self._bookings(state, now_ms):
            cells = subtract(cells_of(self._after, takes), cells_of(self._before, taken))
            self._add(state, cells, SOLD, 1)
            unseen, deliveries = self._claims(state, row)
            self._add(state, cells, UNSEEN, -1) if unseen is None else self._add(state, unseen, UNSEEN, 1)
            writes += [row._replace(rev=rev, nights=_pack(takes)), *deliveries]
        for hold, held, holds in self._holds(state):
            self._add(state, subtract(cells_of(self._after, holds), cells_of(self._before, held)), HELD, 1)
            sale = open_sale(hold.body)
            changed = msgspec.structs.replace(sale, takes=holds if holds != sale.nights else ())
            writes.append(hold._replace(body=pack_sale(changed)))
        return [*writes, *(StockRow(*key, rev, row.tobytes()) for key, row in self._stock.items())]

    def _bookings(self, state: State, now_ms: Instant) -> list[tuple[ReservationRow, Nights, Nights]]:
        """Those that take something else now: what they took, and what they take."""
        today = local_day(now_ms, self._after.property.timezone)
        rows: list[ReservationRow] = state.find(RESERVATIONS, (self._scope,))
        found = [(row, _nights(row.nights)) for row in rows if row.departure > today]
        return [(row, was, now) for row, was in found if (now := self._change.levels(was)) != was]

    def _holds(self, state: State) -> list[tuple[SaleRow, Nights, Nights]]:
        rows: list[SaleRow] = state.find(SALES, (self._scope,))
        found = [(row, open_sale(row.body).held) for row in rows if row.state == SaleState.HELD]
        return [(row, was, now) for row, was in found if (now := self._change.levels(was)) != was]

    def _stock_needs(self, *nights: Nights) -> Needs:
        for run in (run for runs in nights for run in runs):
            for block in blocks_of(run.arrival, run.departure - 1):
                yield STOCK, (self._scope, run.room, block)
                if self._after.limits_house:
                    yield STOCK, (self._scope, "", block)

    def _claims(self, state: State, row: ReservationRow) -> tuple[dict[Cell, int] | None, list[DeliveryRow]]:
        """The deliveries with their claims, and what that adds to ``unseen``; None where no PMS claims it."""
        unseen, rows = None, []
        for receiver in self._after.receivers:
            delivery = state.get(DeliveryRow, (self._scope, receiver.id, row.reservation_id))
            if delivery is None:
                continue
            old = _claim(delivery.claim)
            claim = Relinking(self._before.links, self._after.links, house=receiver.house_figures).claim(old)
            rows.append(delivery._replace(claim=_pack(claim), settled=int(is_settled(claim))))
            if self._after.pms is not None and receiver.id == self._after.pms.id:
                unseen = unseen_change(old, claim)
        return unseen, rows

    def _add(self, state: State, cells: Mapping[Cell, int], plane: int, times: int) -> None:
        for (room, day), units in cells.items():
            key = (self._scope, room, day // BLOCK_DAYS)
            if key not in self._stock:
                stored = state.get(StockRow, key)
                self._stock[key] = open_stock(stored.body if stored else None)
            self._stock[key][plane + day % BLOCK_DAYS] += units * times
