"""A reservation that exists already, here and in the PMS, from before the gateway: taken without telling anybody.

The PMS's figures contain it, so its claim begins where that of a delivered one ends, and nothing of it is unseen.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from gateway.engine.booking import Folded
from gateway.engine.hotel import Hotel
from gateway.engine.nights import Nights, difference, with_house
from gateway.engine.stock import UNSEEN, open_stock
from gateway.engine.window import Claim, Seen, is_settled
from gateway.flows.take_booking import TakeBooking, claimed
from gateway.model.dates import BLOCK_DAYS, Instant
from gateway.model.property import FigureKind
from gateway.store.state import State
from gateway.store.tables import DeliveryRow, StockRow

_pack = msgspec.msgpack.Encoder().encode


class ImportBooking(TakeBooking):
    """The job. What is known of the booking before stays as it is: then this is a revision like any other."""

    def _take(self, state: State, hotel: Hotel, old: Nights, new: Nights, rev: int) -> tuple[list[StockRow], int]:
        rows, short = super()._take(state, hotel, old, new, rev)
        if old or hotel.figure_kind is not FigureKind.ROOMS_LEFT:
            return rows, short
        bodies = {(row.room, row.block): open_stock(row.body) for row in rows}
        nights = with_house(new, hotel.links.parts) if hotel.limits_house else new
        for (room, day), units in difference((), nights).items():
            bodies[room, day // BLOCK_DAYS][UNSEEN + day % BLOCK_DAYS] += units
        return [row._replace(body=bodies[row.room, row.block].tobytes()) for row in rows], 0

    def _deliveries(
        self, state: State, hotel: Hotel, number: str, seq: int, folded: Folded, now_ms: Instant
    ) -> Iterable[DeliveryRow]:
        if seq > 1:
            yield from super()._deliveries(state, hotel, number, seq, folded, now_ms)
            return
        for receiver in hotel.receivers:
            nights = claimed(hotel, receiver, folded.nights)
            seen = tuple(Seen(run.room, run.arrival, run.departure, (run.units,), 0) for run in nights)
            claim = Claim(want=nights, acked=nights, acked_seq=seq, acked_ms=now_ms, seen=seen)
            yield DeliveryRow(
                self._scope,
                receiver.id,
                number,
                wanted_seq=seq,
                state="confirmed",
                due_ms=None,
                attempts=0,
                ref="",
                error="",
                settled=int(is_settled(claim)),
                claim=_pack(claim),
            )
