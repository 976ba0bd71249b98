"""What the deliverer reads."""

from __future__ import annotations

from typing import NamedTuple

from gateway.engine.hotel import Hotel
from gateway.store.database import Transaction
from gateway.store.hotels import Hotels
from gateway.store.sql import Lookup
from gateway.store.tables import DeliveryRow, ReservationRow, RevisionRow, Scope

DUE_MAX = 200
_SCOPES = Lookup(Scope)
_REVISIONS = Lookup(RevisionRow, ("scope_id", "reservation_id"))
_RESERVATIONS = Lookup(ReservationRow, ("scope_id", "reservation_id"))


class Due(NamedTuple):
    """A delivery with what it is about; ``source`` is the connection the booking came through."""

    hotel: Hotel
    row: DeliveryRow
    source: str
    revisions: list[RevisionRow]


class Found(NamedTuple):
    """What is due, and when the next one is that is not."""

    items: list[Due]
    next_ms: int | None


async def due(tx: Transaction, hotels: Hotels, now_ms: int, limit: int) -> Found:
    """The deliveries that have waited longest."""
    rows = await tx.rows(DeliveryRow, "due_ms <= ? ORDER BY due_ms LIMIT ?", now_ms, limit)
    following = await tx.fetch("SELECT min(due_ms) FROM delivery WHERE due_ms > ?", now_ms)
    next_ms = following[0][0]
    if not rows:
        return Found([], next_ms)
    scopes = [
        row for row in await tx.lookup(_SCOPES, sorted({(row.scope_id,) for row in rows})) if isinstance(row, Scope)
    ]
    known = await hotels.current(tx, scopes)
    keys = sorted({(row.scope_id, row.reservation_id) for row in rows})
    revisions: dict[tuple[str, str], list[RevisionRow]] = {}
    for revision in await tx.lookup(_REVISIONS, keys):
        if isinstance(revision, RevisionRow):
            revisions.setdefault((revision.scope_id, revision.reservation_id), []).append(revision)
    sources = {
        (row.scope_id, row.reservation_id): row.connection
        for row in await tx.lookup(_RESERVATIONS, keys)
        if isinstance(row, ReservationRow)
    }
    items = [
        Due(
            known[row.scope_id],
            row,
            sources[row.scope_id, row.reservation_id],
            revisions[row.scope_id, row.reservation_id],
        )
        for row in rows
        if row.scope_id in known
    ]
    return Found(items, next_ms)
