"""Room types are linked in another way, the house is limited as a whole, or another PMS sets the figures from now on:
what bookings and holds take, and what figures contain of them, follows in the transaction that says so.

What was taken of the house while nobody limited it is not known, and a figure of it from before means nothing any more.
So its rows begin anew, with what stands. How many rooms bookings are short of is counted anew where it is another.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from gateway.engine.hotel import Hotel
from gateway.engine.nights import HOUSE, Cell, Nights, RoomNights, subtract
from gateway.engine.relinking import Relinking
from gateway.engine.sale import HOLDING
from gateway.engine.shortage import Oversold
from gateway.engine.stock import HELD, SOLD, UNSEEN, open_stock
from gateway.engine.window import Claim, Seen, is_settled, unseen
from gateway.flows.claims import unseen_change
from gateway.flows.delivering.standing import Begun, takes_over
from gateway.flows.relieve import shortages
from gateway.flows.selling.rows import open_sale, pack_sale
from gateway.flows.selling.stock import cells_of
from gateway.model.dates import BLOCK_DAYS, Instant, blocks_of, local_day
from gateway.model.property import Connection
from gateway.store.sql import Lookup
from gateway.store.state import Needs, State
from gateway.store.tables import DeliveryRow, ReservationRow, Row, SaleRow, StockRow

RESERVATIONS = Lookup(ReservationRow, ("scope_id",), "t.departure > 0")
SALES = Lookup(SaleRow, ("scope_id",), "t.due_ms IS NOT NULL")
STOCK = Lookup(StockRow)
STOCK_OF_ALL = Lookup(StockRow, ("scope_id",))
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
        self._resized = {room for room in after.links.parts if _units(self._before, room) != _units(after, room)}
        self._takes_over = takes_over(before, after)
        is_linked_alike = self._before.links == after.links and not self._resized
        self._is_idle = is_linked_alike and not self._begins_house and not self._takes_over
        self._stock: dict[tuple[str, str, int], array[int]] = {}
        self._changed_cells: set[Cell] = set()

    def needs(self, state: State, now_ms: Instant) -> Needs:
        """Every booking that is not over, every hold, and the stock and deliveries of those that change."""
        if self._is_idle:
            return
        if self._begins_house:
            yield STOCK_OF_ROOM, (self._scope, HOUSE)
        if self._takes_over:
            yield STOCK_OF_ALL, (self._scope,)
        yield RESERVATIONS, (self._scope,)
        yield SALES, (self._scope,)
        for row in self._lasting(state, now_ms):
            yield from self._stock_needs(_nights(row.nights))
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

    def rows(self, state: State, now_ms: Instant, rev: int, begun: Begun) -> list[Row]:
        """What is to be written. What has ``begun`` changes anyway, and gets its claims and its nights here."""
        if self._is_idle:
            return [*begun.deliveries.values(), *begun.reservations.values(), *begun.revisions]
        changing = dict(begun.deliveries)
        if self._begins_house:
            self._begin_house(state, now_ms)
        if begun.unseen is not None:
            self._begin_unseen(state, now_ms, begun.unseen)
        changed = dict(begun.reservations)
        for row, taken, takes in self._bookings(state, now_ms):
            cells = subtract(cells_of(self._after, takes), cells_of(self._before, taken))
            self._add(state, cells, SOLD, 1)
            change, claimed = self._claims(state, row, changing)
            self._add(state, cells, UNSEEN, -1) if change is None else self._add(state, change, UNSEEN, 1)
            changing |= {delivery[:3]: delivery for delivery in claimed}
            known = changed.get(row.reservation_id, row)
            changed[row.reservation_id] = known._replace(rev=rev, nights=_pack(takes))
        writes: list[Row] = []
        for hold, held, holds in self._holds(state):
            self._add(state, subtract(cells_of(self._after, holds), cells_of(self._before, held)), HELD, 1)
            sale = open_sale(hold.body)
            held_now = msgspec.structs.replace(sale, takes=holds if holds != sale.nights else ())
            writes.append(hold._replace(body=pack_sale(held_now)))
        stock = [StockRow(*key, rev, row.tobytes()) for key, row in self._stock.items()]
        counted = self._counted(state, now_ms, stock, changed)
        return [*changed.values(), *counted, *begun.revisions, *writes, *changing.values(), *stock]

    def _counted(
        self, state: State, now_ms: Instant, stock: Sequence[StockRow], changed: Mapping[str, ReservationRow]
    ) -> Iterable[ReservationRow]:
        """The bookings that are short of another number of rooms than before.

        One that was not oversold can only become so where the new links have changed what there is.
        """
        lasting = {row.reservation_id: row for row in self._lasting(state, now_ms)}
        nights = {number: _nights(changed.get(number, row).nights) for number, row in lasting.items()}
        troubled = (
            Oversold(number, row.rev, nights[number] if row.oversold else self._touched(nights[number]))
            for number, row in lasting.items()
        )
        for number, short in shortages(state, self._after, stock, troubled).items():
            row = changed.get(number, lasting[number])
            if short != row.oversold:
                yield row._replace(oversold=short)

    def _touched(self, nights: Nights) -> Nights:
        cells = ((run.room, day, run.units) for run in nights for day in range(run.arrival, run.departure))
        return tuple(
            RoomNights(room, day, day + 1, units)
            for room, day, units in cells
            if room in self._resized or (room, day) in self._changed_cells
        )

    def _lasting(self, state: State, now_ms: Instant) -> list[ReservationRow]:
        today = local_day(now_ms, self._after.property.timezone)
        rows: list[ReservationRow] = state.find(RESERVATIONS, (self._scope,))
        return [row for row in rows if row.departure > today]

    def _bookings(self, state: State, now_ms: Instant) -> list[tuple[ReservationRow, Nights, Nights]]:
        """Those that take something else now: what they took, and what they take."""
        found = [(row, _nights(row.nights)) for row in self._lasting(state, now_ms)]
        return [(row, was, now) for row, was in found if self._differs(was, now := self._change.levels(was))]

    def _holds(self, state: State) -> list[tuple[SaleRow, Nights, Nights]]:
        rows: list[SaleRow] = state.find(SALES, (self._scope,))
        found = [(row, open_sale(row.body).held) for row in rows if row.state in HOLDING]
        return [(row, was, now) for row, was in found if self._differs(was, now := self._change.levels(was))]

    def _differs(self, was: Nights, now: Nights) -> bool:
        return now != was or (self._begins_house and bool(now))

    def _begin_house(self, state: State, now_ms: Instant) -> None:
        today = local_day(now_ms, self._after.property.timezone)
        for row in state.find(STOCK_OF_ROOM, (self._scope, HOUSE)):
            if row.block >= today // BLOCK_DAYS:
                self._stock[row[:3]] = open_stock(None)

    def _begin_unseen(self, state: State, now_ms: Instant, unseen: Mapping[Cell, int]) -> None:
        """What the figures do not contain of all bookings, as it follows from the claims of the PMS that takes over."""
        today = local_day(now_ms, self._after.property.timezone)
        for row in state.find(STOCK_OF_ALL, (self._scope,)):
            if row.room == HOUSE and (self._begins_house or not self._after.limits_house):
                continue
            stock, first = open_stock(row.body), row.block * BLOCK_DAYS
            for day in range(max(today, first), first + BLOCK_DAYS):
                stock[UNSEEN + day - first] = unseen.get((row.room, day), 0)
            if stock != open_stock(row.body):
                self._stock[row[:3]] = stock

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
            self._changed_cells.add((room, day))


def _units(hotel: Hotel, room: str) -> int:
    return hotel.rooms[room].units if room in hotel.rooms else 0
