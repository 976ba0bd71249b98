"""Room types are linked in another way, or the house is limited as a whole from now on: what bookings and holds take
follows in the transaction that says so.

What was taken of the house while nobody limited it is not known, and a figure of it from before means nothing any more.
So its rows begin anew, with what stands.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping

import msgspec

from gateway.engine.hotel import Hotel
from gateway.engine.nights import HOUSE, Cell, Nights, RoomNights, subtract
from gateway.engine.relinking import Relinking
from gateway.engine.sale import SaleState
from gateway.engine.stock import HELD, SOLD, UNSEEN, open_stock
from gateway.engine.window import Claim, Seen, is_settled, unseen
from gateway.flows.selling.rows import open_sale, pack_sale
from gateway.flows.selling.stock import cells_of
from gateway.flows.take_ari import unseen_change
from gateway.model.dates import BLOCK_DAYS, Instant, blocks_of, local_day
from gateway.model.property import Connection
from gateway.store.sql import Lookup
from gateway.store.state import Needs, State
from gateway.store.tables import DeliveryRow, ReservationRow, Row, SaleRow, StockRow

RESERVATIONS = Lookup(ReservationRow, ("scope_id",), "t.departure > 0")
SALES = Lookup(SaleRow, ("scope_id",), "t.due_ms IS NOT NULL")
STOCK = Lookup(StockRow)
STOCK_OF_ROOM = Lookup(StockRow, ("scope_id", "room"))
DELIVERY = Lookup(DeliveryRow)

_pack = msgspec.msgpack.Encoder().encode
_nights = msgspec.msgpack.Decoder(Nights).decode
_claim = msgspec.msgpack.Decoder(Claim).decode


class Relink:
    """Part of the job that changes a hotel ``before`` into ``after``; does nothing where both count alike."""

    def __init__(self, before: Hotel | None, after: Hotel) -> None:
        self._before = before or after
        self._after = after
        self._scope = after.property.id
        self._change = Relinking(self._before.links, after.links, house=after.limits_house)
        self._begins_house = after.limits_house and not self._before.limits_house
        self._is_idle = self._before.links == after.links and not self._begins_house
        self._stock: dict[tuple[str, str, int], array[int]] = {}

    def needs(self, state: State, now_ms: Instant) -> Needs:
        """Every booking that is not over, every hold, and the stock and deliveries of those that change."""
        if self._is_idle:
            return
        if self._begins_house:
            yield STOCK_OF_ROOM, (self._scope, HOUSE)
        yield RESERVATIONS, (self._scope,)
        yield SALES, (self._scope,)
        for row, taken, takes in self._bookings(state, now_ms):
            yield from self._stock_needs(taken, takes)
            for receiver in self._after.receivers:
                key = (self._scope, receiver.id, row.reservation_id)
                yield DELIVERY, key
                if (delivery := state.get(DeliveryRow, key)) is not None:
                    # A figure may still contain nights that the booking has left.
                    old = _claim(delivery.claim)
                    yield from self._stock_needs(old.seen, self._changed(receiver, old).seen)
        for _, held, holds in self._holds(state):
            yield from self._stock_needs(held, holds)

    def rows(self, state: State, now_ms: Instant, rev: int, deliveries: Iterable[DeliveryRow] = ()) -> list[Row]:
        """What is to be written. ``deliveries`` are those that change anyway, which get their claims here."""
        if self._is_idle:
            return [*deliveries]
        changing = {row[:3]: row for row in deliveries}
        if self._begins_house:
            self._begin_house(state, now_ms)
        writes: list[Row] = []
        for row, taken, takes in self._bookings(state, now_ms):
            cells = subtract(cells_of(self._after, takes), cells_of(self._before, taken))
            self._add(state, cells, SOLD, 1)
            change, claimed = self._claims(state, row, changing)
            self._add(state, cells, UNSEEN, -1) if change is None else self._add(state, change, UNSEEN, 1)
            changing |= {delivery[:3]: delivery for delivery in claimed}
            writes.append(row._replace(rev=rev, nights=_pack(takes)))
        for hold, held, holds in self._holds(state):
            self._add(state, subtract(cells_of(self._after, holds), cells_of(self._before, held)), HELD, 1)
            sale = open_sale(hold.body)
            changed = msgspec.structs.replace(sale, takes=holds if holds != sale.nights else ())
            writes.append(hold._replace(body=pack_sale(changed)))
        return [*writes, *changing.values(), *(StockRow(*key, rev, row.tobytes()) for key, row in self._stock.items())]

    def _bookings(self, state: State, now_ms: Instant) -> list[tuple[ReservationRow, Nights, Nights]]:
        """Those that take something else now: what they took, and what they take."""
        today = local_day(now_ms, self._after.property.timezone)
        rows: list[ReservationRow] = state.find(RESERVATIONS, (self._scope,))
        found = [(row, _nights(row.nights)) for row in rows if row.departure > today]
        return [(row, was, now) for row, was in found if self._differs(was, now := self._change.levels(was))]

    def _holds(self, state: State) -> list[tuple[SaleRow, Nights, Nights]]:
        rows: list[SaleRow] = state.find(SALES, (self._scope,))
        found = [(row, open_sale(row.body).held) for row in rows if row.state == SaleState.HELD]
        return [(row, was, now) for row, was in found if self._differs(was, now := self._change.levels(was))]

    def _differs(self, was: Nights, now: Nights) -> bool:
        return now != was or (self._begins_house and bool(now))

    def _begin_house(self, state: State, now_ms: Instant) -> None:
        today = local_day(now_ms, self._after.property.timezone)
        for row in state.find(STOCK_OF_ROOM, (self._scope, HOUSE)):
            if row.block >= today // BLOCK_DAYS:
                self._stock[row[:3]] = open_stock(None)

    def _changed(self, receiver: Connection, claim: Claim) -> Claim:
        change = Relinking(self._before.links, self._after.links, house=receiver.house_figures)
        claim = change.claim(claim)
        if self._begins_house:
            claim = msgspec.structs.replace(claim, seen=tuple(run for run in claim.seen if run.room != HOUSE))
        return claim

    def _stock_needs(self, *nights: Iterable[RoomNights | Seen]) -> Needs:
        for run in (run for runs in nights for run in runs):
            for block in blocks_of(run.arrival, run.departure - 1):
                yield STOCK, (self._scope, run.room, block)
                if self._after.limits_house:
                    yield STOCK, (self._scope, "", block)

    def _claims(
        self, state: State, row: ReservationRow, changing: Mapping[tuple[str, str, str], DeliveryRow]
    ) -> tuple[dict[Cell, int] | None, list[DeliveryRow]]:
        """The deliveries with their claims, and what that adds to ``unseen``; None where no PMS claims it."""
        change, rows = None, []
        for receiver in self._after.receivers:
            key = (self._scope, receiver.id, row.reservation_id)
            delivery = changing.get(key) or state.get(DeliveryRow, key)
            if delivery is None:
                continue
            old = _claim(delivery.claim)
            claim = self._changed(receiver, old)
            rows.append(delivery._replace(claim=_pack(claim), settled=int(is_settled(claim))))
            if self._after.pms is not None and receiver.id == self._after.pms.id:
                change = unseen_change(old, claim)
                if self._begins_house:
                    change = {cell: units for cell, units in change.items() if cell[0] != HOUSE}
                    change |= {cell: units for cell, units in unseen(claim).items() if cell[0] == HOUSE}
        return change, rows

    def _add(self, state: State, cells: Mapping[Cell, int], plane: int, times: int) -> None:
        for (room, day), units in cells.items():
            key = (self._scope, room, day // BLOCK_DAYS)
            if room == HOUSE and not self._after.limits_house:
                continue
            if key not in self._stock:
                stored = state.get(StockRow, key)
                self._stock[key] = open_stock(stored.body if stored else None)
            self._stock[key][plane + day % BLOCK_DAYS] += units * times
