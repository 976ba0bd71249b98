"""What is read to tell counterparts what rooms and plans are called."""

from __future__ import annotations

from typing import NamedTuple

from gateway.engine.hotel import Hotel
from gateway.store.database import Transaction
from gateway.store.hotels import Hotels
from gateway.store.sql import Lookup
from gateway.store.tables import Scope
from gateway.store.tables_connections import ContentRow

DUE_MAX = 200
_SCOPES = Lookup(Scope)


class Due(NamedTuple):
    """A connection to be told."""

    hotel: Hotel
    row: ContentRow


async def due(tx: Transaction, hotels: Hotels, now_ms: int) -> list[Due]:
    """The connections whose turn it is, those that have waited longest first."""
    rows = await tx.rows(ContentRow, "due_ms <= ? ORDER BY due_ms LIMIT ?", now_ms, DUE_MAX)
    if not rows:
        return []
    found = await tx.lookup(_SCOPES, sorted({(row.scope_id,) for row in rows}))
    known = await hotels.current(tx, [row for row in found if isinstance(row, Scope)])
    return [Due(known[row.scope_id], row) for row in rows if row.scope_id in known]


async def count_after(tx: Transaction, after_ms: int) -> int:
    """How many are to be told later than that."""
    ((count,),) = await tx.fetch("SELECT count(*) FROM content WHERE due_ms > ?", after_ms)
    return int(count)


async def bring_forward(tx: Transaction, after_ms: int, due_ms: int) -> None:
    """Those that are to be told later than ``after_ms`` are due then."""
    await tx.fetch("UPDATE content SET due_ms = ? WHERE due_ms > ?", due_ms, after_ms)
