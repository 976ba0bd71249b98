"""What the pusher reads: revisions first, then the rows newer than them, all in one snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gateway.store.database import Transaction
from gateway.store.sql import Lookup, Params
from gateway.store.tables import CalendarRow, ReservationRow, RevisionRow, Scope, StockRow
from gateway.store.tables_connections import AgreedRow, ConnectionRow, OrderRow, ShadowRow, SyncErrorRow

CALENDAR = Lookup(CalendarRow)
STOCK = Lookup(StockRow)
SHADOW = Lookup(ShadowRow)
REVISIONS = Lookup(RevisionRow, ("scope_id", "reservation_id"))


_NOT_PAUSED = (
    " AND NOT EXISTS (SELECT 1 FROM sync_order AS o "
    "WHERE o.scope_id = c.scope_id AND o.connection = c.connection AND o.paused = 1)"
)


class Due(NamedTuple):
    """A connection that may have something to send."""

    scope_id: str
    connection: str


async def due(tx: Transaction, now_ms: int) -> list[Due]:
    """The connections that are behind their property or its configuration, whose view ran out, or with rows due."""
    behind = await tx.fetch(
        "SELECT c.scope_id, c.connection FROM connection AS c JOIN scope AS s ON s.scope_id = c.scope_id "
        "WHERE c.pushes = 1 AND c.paused_until_ms <= ? AND "
        f"(c.synced_rev < s.rev OR c.synced_version <> s.config_version OR c.valid_until_ms <= ?){_NOT_PAUSED}",
        now_ms,
        now_ms,
    )
    waiting = await tx.fetch(
        "SELECT DISTINCT d.scope_id, d.connection FROM shadow AS d JOIN connection AS c "
        "ON c.scope_id = d.scope_id AND c.connection = d.connection "
        f"WHERE d.due_ms <= ? AND c.pushes = 1 AND c.paused_until_ms <= ?{_NOT_PAUSED}",
        now_ms,
        now_ms,
    )
    return sorted({Due(*row) for row in (*behind, *waiting)})


async def scope(tx: Transaction, scope_id: str) -> Scope | None:
    """The scope with its revision as of this snapshot."""
    rows = await tx.rows(Scope, "scope_id = ?", scope_id)
    return rows[0] if rows else None


async def connections(tx: Transaction, scope_id: str) -> list[ConnectionRow]:
    """How far each connection of the property has come."""
    return await tx.rows(ConnectionRow, "scope_id = ?", scope_id)


async def orders(tx: Transaction, scope_id: str) -> dict[str, OrderRow]:
    """What people have asked of its pushers, by connection."""
    return {row.connection: row for row in await tx.rows(OrderRow, "scope_id = ?", scope_id)}


async def agreed(tx: Transaction, scope_id: str) -> dict[str, AgreedRow]:
    """What counterparts said they can do, by connection."""
    return {row.connection: row for row in await tx.rows(AgreedRow, "scope_id = ?", scope_id)}


async def calendar_since(tx: Transaction, scope_id: str, rev: int) -> list[CalendarRow]:
    """Calendar rows changed after ``rev``."""
    return await tx.rows(CalendarRow, "scope_id = ? AND rev > ?", scope_id, rev)


async def stock_since(tx: Transaction, scope_id: str, rev: int) -> list[StockRow]:
    """Stock rows changed after ``rev``."""
    return await tx.rows(StockRow, "scope_id = ? AND rev > ?", scope_id, rev)


async def reservations_since(tx: Transaction, scope_id: str, rev: int) -> list[ReservationRow]:
    """Reservations changed after ``rev``."""
    return await tx.rows(ReservationRow, "scope_id = ? AND rev > ?", scope_id, rev)


async def revisions_of(tx: Transaction, reservations: Sequence[ReservationRow]) -> list[RevisionRow]:
    """All revisions of the reservations."""
    rows = await tx.lookup(REVISIONS, [(known.scope_id, known.reservation_id) for known in reservations])
    return [row for row in rows if isinstance(row, RevisionRow)]


async def calendar_rows(tx: Transaction, keys: Sequence[Params]) -> list[CalendarRow]:
    """By primary key."""
    return [row for row in await tx.lookup(CALENDAR, keys) if isinstance(row, CalendarRow)] if keys else []


async def stock_rows(tx: Transaction, keys: Sequence[Params]) -> list[StockRow]:
    """By primary key."""
    return [row for row in await tx.lookup(STOCK, keys) if isinstance(row, StockRow)] if keys else []


async def shadow_rows(tx: Transaction, keys: Sequence[Params]) -> list[ShadowRow]:
    """By primary key."""
    return [row for row in await tx.lookup(SHADOW, keys) if isinstance(row, ShadowRow)] if keys else []


async def shadow_due(tx: Transaction, scope_id: str, ids: Iterable[str], now_ms: int) -> list[ShadowRow]:
    """Rows with cells to assert now."""
    names = list(ids)
    if not names:
        return []
    marks = ", ".join("?" * len(names))
    return await tx.rows(
        ShadowRow, f"scope_id = ? AND due_ms <= ? AND connection IN ({marks})", scope_id, now_ms, *names
    )


async def errors_of(tx: Transaction, scope_id: str) -> list[SyncErrorRow]:
    """The targets that counterparts refuse."""
    return await tx.rows(SyncErrorRow, "scope_id = ?", scope_id)


async def shadow_all(tx: Transaction, scope_id: str, ids: Iterable[str], first_block: int) -> list[ShadowRow]:
    """Everything that was ever asserted from a block on."""
    names = list(ids)
    if not names:
        return []
    marks = ", ".join("?" * len(names))
    return await tx.rows(
        ShadowRow, f"scope_id = ? AND block >= ? AND connection IN ({marks})", scope_id, first_block, *names
    )
