"""The number under which a PMS holds a booking is passed on to the channel that it came from, where that wants it.

What is owed to the channel is a delivery like any other, begun in the transaction that learns the number: sent at least
once, tried again for as long as it takes, shown with the reservation, and to be sent once more by hand. Saying the same
number again has no effect there. Our own number the channel was given when the booking was taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from gateway.engine.booking import Entry
from gateway.engine.window import Claim
from gateway.messages import Confirmation, ConfirmReservations
from gateway.model.dates import Instant
from gateway.model.reservation import RevisionKind
from gateway.store.delivering import Due
from gateway.store.sql import Lookup
from gateway.store.state import Needs, State
from gateway.store.tables import DeliveryRow, ReservationRow

_RESERVATION = Lookup(ReservationRow, ("scope_id", "reservation_id"))
_DELIVERY = Lookup(DeliveryRow)
_NO_CLAIM = msgspec.msgpack.encode(Claim())
_entry = msgspec.msgpack.Decoder(Entry).decode


def pass_on_needs(state: State, scope_id: str, reservation_id: str) -> Needs:
    """Nothing where no channel of the house wants to hear the numbers."""
    wanting = state.hotels[scope_id].number_takers
    if not wanting:
        return
    yield _RESERVATION, (scope_id, reservation_id)
    for row in state.find(_RESERVATION, (scope_id, reservation_id)):
        if row.connection in wanting:
            yield _DELIVERY, (scope_id, row.connection, reservation_id)


def passed_on(state: State, delivery: DeliveryRow, seq: int, now_ms: Instant) -> Iterator[DeliveryRow]:
    """What is owed to the channel once ``delivery`` says that a PMS holds revision ``seq`` under its ``ref``."""
    wanting = state.hotels[delivery.scope_id].number_takers
    if not wanting or not delivery.ref or delivery.connection not in state.hotels[delivery.scope_id].pms_ids:
        return
    for row in state.find(_RESERVATION, (delivery.scope_id, delivery.reservation_id)):
        if row.connection not in wanting:
            continue
        key = (delivery.scope_id, row.connection, delivery.reservation_id)
        known = state.get(DeliveryRow, key)
        if known is not None and (known.wanted_seq > seq or (known.wanted_seq, known.ref) == (seq, delivery.ref)):
            continue
        yield DeliveryRow(
            *key,
            wanted_seq=seq,
            state="pending",
            due_ms=now_ms,
            attempts=0,
            ref=delivery.ref,
            error="",
            settled=1,
            claim=known.claim if known else _NO_CLAIM,
        )


def number_of(item: Due, now_ms: Instant) -> ConfirmReservations:
    """What the channel is told: the revision that the PMS holds, in the channel's own words for it.

    The time is that of saying it, since of several numbers a channel keeps the one that was said last.
    """
    said = _last_said([_entry(row.body) for row in item.revisions if row.seq <= item.row.wanted_seq])
    one = Confirmation(said.revision.booking_id, said.revision.kind, item.row.ref, said.revision.version)
    return ConfirmReservations(
        id=f"{item.row.reservation_id}-{item.row.wanted_seq}-pms", at_ms=now_ms, confirmations=(one,)
    )


def _last_said(entries: Sequence[Entry]) -> Entry:
    """The last that the channel itself has said; of one imported there may be none with an effect."""
    told = [entry for entry in entries if entry.revision.kind is not RevisionKind.IGNORE]
    return max(told or entries, key=lambda entry: entry.seq)
