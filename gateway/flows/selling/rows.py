"""The row of a sale: read, and held against what a step asks of it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from gateway.engine.hotel import Hotel
from gateway.engine.sale import Sale, SaleState
from gateway.errors import NotFound, Reason, Rejected
from gateway.model.dates import Instant
from gateway.store.sql import Lookup
from gateway.store.state import State
from gateway.store.tables import SaleRow

SALE = Lookup(SaleRow)
# Quotes and holds that came to nothing stay for so long, to be asked about.
KEPT_MS = 24 * 3_600_000

Check = Callable[[SaleRow, Sale], None]

pack_sale = msgspec.msgpack.Encoder().encode
open_sale = msgspec.msgpack.Decoder(Sale).decode


def sale_of(state: State, scope_id: str, sale_id: str) -> tuple[SaleRow, Sale]:
    """Raises NotFound."""
    row = state.get(SaleRow, (scope_id, sale_id))
    if row is None:
        raise NotFound(f"there is no quote, hold or direct reservation {sale_id!r}", Reason.BOOKING_REFERENCE)
    return row, open_sale(row.body)


def anything(row: SaleRow, sale: Sale) -> None:
    """The check of a step whose sale was named by our own number."""


def check_quote(row: SaleRow, sale: Sale, now_ms: Instant) -> None:
    """Raises Rejected unless it is a quote that still holds and is for a new reservation."""
    if row.state == SaleState.QUOTED and sale.replaces:
        raise Rejected("this quote is for changing a reservation")
    if sale.declined:
        raise Rejected("the hotel has not accepted the request")
    if row.state in (SaleState.QUOTED, SaleState.HELD, SaleState.RELEASED):
        if row.state != SaleState.QUOTED or now_ms >= row.expires_ms:
            raise Rejected("its time is over; ask for another quote")
        return
    raise Rejected(f"it is {row.state.replace('_', '-')} already")


def check_booked(row: SaleRow) -> None:
    """Raises Rejected unless it is a reservation that stands."""
    if row.state != SaleState.BOOKED:
        raise Rejected(f"it is {row.state.replace('_', '-')}, not a reservation that stands")


def still_sold(hotel: Hotel, sale: Sale) -> Sale:
    """Without what has left the configuration, whose rows nobody could name."""
    return replace(sale, offers=tuple(offer for offer in sale.offers if offer.plan in hotel.plans))
