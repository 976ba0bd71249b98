"""Claims of the PMS window as they are stored: what they change in the stock, and which need no figure any more."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import msgspec

from gateway.engine.hotel import Hotel
from gateway.engine.stock import UNSEEN, open_stock
from gateway.engine.window import Claim, is_over, is_settled, settles_at, unseen
from gateway.model.dates import BLOCK_DAYS, Day, Instant, local_day
from gateway.model.property import Connection
from gateway.store.state import State
from gateway.store.tables import DeliveryRow, Row, StockRow

_pack = msgspec.msgpack.Encoder().encode
_claim = msgspec.msgpack.Decoder(Claim).decode


def unseen_change(old: Claim, new: Claim) -> dict[tuple[str, Day], int]:
    """What a claim's new reading of the figures adds to the stock's ``unseen``, by room and night."""
    before, after = unseen(old), unseen(new)
    return {
        cell: after.get(cell, 0) - before.get(cell, 0)
        for cell in before.keys() | after.keys()
        if after.get(cell, 0) != before.get(cell, 0)
    }


def unseen_added(state: State, scope_id: str, change: dict[tuple[str, Day], int], rev: int) -> list[StockRow]:
    """The stock rows with a change of ``unseen`` added."""
    rows: dict[tuple[str, str, int], array[int]] = {}
    for (room, day), units in change.items():
        key = (scope_id, room, day // BLOCK_DAYS)
        if key not in rows:
            stored = state.get(StockRow, key)
            rows[key] = open_stock(stored.body if stored else None)
        rows[key][UNSEEN + day % BLOCK_DAYS] += units
    return [StockRow(*key, rev, row.tobytes()) for key, row in rows.items()]


def with_claim(delivery: DeliveryRow, claim: Claim, connection: Connection, now_ms: Instant) -> DeliveryRow:
    """The row with its claim, due again when time alone will make the claim more certain."""
    due_ms = delivery.due_ms
    if delivery.state == "confirmed":
        due_ms = settles_at(claim, connection.figure_delay_s, connection.echoes)
    return delivery._replace(claim=_pack(claim), settled=int(is_settled(claim)), due_ms=due_ms)


def over(unsettled: Iterable[DeliveryRow], writes: Sequence[Row], hotel: Hotel, now_ms: Instant) -> list[DeliveryRow]:
    """Those of stays that are over, settled though no figure has said so: the next figures need not load them.

    Left alone are those among ``writes``, which the figures at hand concern, and what is not confirmed, because it
    shows among what somebody has to see to.
    """
    today = local_day(now_ms, hotel.property.timezone)
    written = {row[:3] for row in writes if isinstance(row, DeliveryRow)}
    return [
        row._replace(settled=1)
        for row in unsettled
        if row.state == "confirmed" and row[:3] not in written and is_over(_claim(row.claim), today)
    ]
