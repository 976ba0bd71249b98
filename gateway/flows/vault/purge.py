"""Cards whose time is over are deleted; that they were is on record."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog

from gateway.engine.booking import Entry, Status, fold
from gateway.engine.card_policy import ends_ms, look_ms
from gateway.engine.hotel import Hotel
from gateway.errors import CallFailed, Refusal
from gateway.flows.services import Services
from gateway.flows.vault.uses import PURGED, REPLACED, use
from gateway.flows.vault.vaults import kept_in, place_of
from gateway.model.dates import Instant
from gateway.store.database import Transaction
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import ReservationRow, RevisionRow, Row, Scope
from gateway.store.tables_cards import CardRow

log = structlog.get_logger(__name__)

EVERY_MS = 60_000
BATCH = 200
BATCHES_MAX = 100
AUTHOR = "gateway"

CARD = Lookup(CardRow)
_SCOPES = Lookup(Scope)
_RESERVATIONS = Lookup(ReservationRow, ("scope_id", "reservation_id"))
_REVISIONS = Lookup(RevisionRow, ("scope_id", "reservation_id"))
_entry = msgspec.msgpack.Decoder(Entry).decode


class Purger:
    """Looks once a minute at the cards that are due to be looked at."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._next_ms: Instant = 0

    async def round(self) -> int:
        """How many cards were purged."""
        now_ms = self._services.clock.now_ms()
        if 0 < self._next_ms - now_ms <= EVERY_MS:
            return 0
        self._next_ms = now_ms + EVERY_MS
        return await purge_due(self._services)


async def purge_due(services: Services) -> int:
    """Purges what is over among the cards that are due, and says of the others when to look again.

    Several processes may do the same at once: what is gone is gone for the second one. A vault that is away, or a card
    of one that is not installed, is tried again: what is not known to be forgotten stays on the list.
    """
    purged, now_ms = 0, services.clock.now_ms()
    for _ in range(BATCHES_MAX):
        over, later = await services.database.read(lambda tx: _sorted_out(services, tx, now_ms))
        purged += await _purge(services, over, later, now_ms)
        if len(over) + len(later) < BATCH:
            break
    return purged


async def _purge(services: Services, over: Sequence[CardRow], later: Sequence[CardRow], now_ms: Instant) -> int:
    gone: list[tuple[int, CardRow]] = []
    kept = list(later)
    for row in over:
        try:
            await services.cards.of(row).forget([(place_of(row), kept_in(row))])
            gone.append((services.ids.message(), row))
        except (CallFailed, Refusal) as problem:
            log.warning("card_not_purged", property=row.scope_id, reservation=row.reservation_id, why=str(problem))
            kept.append(row._replace(due_ms=now_ms + EVERY_MS))
    purged = 0
    for scope_id in sorted({row.scope_id for row in (*kept, *(row for _, row in gone))}):
        of_scope = [each for each in gone if each[1].scope_id == scope_id]
        purged += await services.batcher.submit(
            Purge(scope_id, of_scope, [it for it in kept if it.scope_id == scope_id])
        )
    return purged


async def _sorted_out(services: Services, tx: Transaction, now_ms: Instant) -> tuple[list[CardRow], list[CardRow]]:
    """What is to be purged, and the rest with its next date."""
    due = await tx.rows(CardRow, f"due_ms <= ? ORDER BY due_ms LIMIT {BATCH}", now_ms)
    if not due:
        return [], []
    scopes = await tx.lookup(_SCOPES, sorted({(row.scope_id,) for row in due}))
    hotels = await services.hotels.current(tx, [scope for scope in scopes if isinstance(scope, Scope)])
    bookings = sorted({(row.scope_id, row.reservation_id) for row in due})
    known = {
        (row.scope_id, row.reservation_id): row
        for row in await tx.lookup(_RESERVATIONS, bookings)
        if isinstance(row, ReservationRow)
    }
    over, later = [], []
    for row in due:
        hotel, booking = hotels.get(row.scope_id), known.get((row.scope_id, row.reservation_id))
        ends = now_ms
        if row.state != REPLACED and hotel is not None and booking is not None:
            ends = await _ends(tx, hotel, booking)
        if ends <= now_ms:
            over.append(row)
        else:
            later.append(row._replace(due_ms=look_ms(ends, now_ms)))
    return over, later


async def _ends(tx: Transaction, hotel: Hotel, booking: ReservationRow) -> Instant:
    prop, cancelled_ms = hotel.property, None
    if booking.status == Status.CANCELLED:
        rows = await tx.lookup(_REVISIONS, [(booking.scope_id, booking.reservation_id)])
        entries = sorted((_entry(row.body) for row in rows if isinstance(row, RevisionRow)), key=lambda it: it.seq)
        ruling = fold(entries).ruling
        cancelled_ms = next((entry.at_ms for entry in entries if entry.seq == ruling), None)
    return ends_ms(booking.departure, cancelled_ms, prop.card_days, prop.timezone)


class Purge:
    """The job. ``gone`` are cards with the number of the line about each; it answers how many of them were there."""

    def __init__(self, scope_id: str, gone: Sequence[tuple[int, CardRow]], later: Sequence[CardRow]) -> None:
        self.scope_id: str | None = scope_id
        self._gone = gone
        self._later = later

    def needs(self, state: State, now_ms: Instant) -> Needs:
        for row in (*(row for _, row in self._gone), *self._later):
            yield CARD, row[:3]

    def decide(self, state: State, now_ms: Instant) -> Decision:
        writes: list[Row] = []
        deletes: list[Row] = []
        for number, row in self._gone:
            if (found := state.get(CardRow, row[:3])) is not None:
                deletes.append(found)
                writes.append(use(number, now_ms, found, PURGED, AUTHOR, _why(found)))
        for row in self._later:
            found = state.get(CardRow, row[:3])
            if found is not None and found.state == row.state:
                writes.append(found._replace(due_ms=row.due_ms))
        return Decision(len(deletes), writes, deletes)


def _why(row: CardRow) -> str:
    return "a later revision brought another card" if row.state == REPLACED else "its time is over"
