"""What is asked of the store about how far connections have come."""

from __future__ import annotations

from typing import NamedTuple

from gateway.store.database import Transaction
from gateway.store.tables import MessageRow, Scope
from gateway.store.tables_connections import (
    AgreedRow,
    ConnectionRow,
    ContentRow,
    OrderRow,
    ShadowRow,
    SyncErrorRow,
    TheirCodeRow,
)

DUE_ROWS_MAX = 2_000
_SCAN_MESSAGES_MAX = 20_000

Told = tuple[str, str, str, int, bytes]  # aspect, room and plan of theirs, block, body


class Progress(NamedTuple):
    """Everything about a property's connections; lists of connection and count where nothing else is said."""

    scope: Scope
    rows: dict[str, ConnectionRow]
    orders: dict[str, OrderRow]
    due: list[ShadowRow]
    errors: dict[str, int]
    deliveries: dict[tuple[str, str], int]  # by connection and state, those not confirmed
    sent: dict[str, int]
    heard_ms: dict[str, int]
    contents: dict[str, ContentRow]
    agreed: dict[str, AgreedRow]


async def progress(tx: Transaction, scope: Scope, now_ms: int) -> Progress:
    """Ten statements, however many connections there are."""
    scope_id = scope.scope_id
    rows = await tx.rows(ConnectionRow, "scope_id = ?", scope_id)
    orders = await tx.rows(OrderRow, "scope_id = ?", scope_id)
    due = await tx.rows(ShadowRow, f"scope_id = ? AND due_ms IS NOT NULL LIMIT {DUE_ROWS_MAX}", scope_id)
    errors = await tx.fetch(
        "SELECT connection, count(*) FROM sync_error WHERE scope_id = ? GROUP BY connection", scope_id
    )
    pending = await tx.fetch(
        "SELECT connection, state, count(*) FROM delivery WHERE scope_id = ? AND state <> 'confirmed' "
        "AND settled = 0 GROUP BY connection, state",
        scope_id,
    )
    sent = await tx.fetch(
        "SELECT connection, count(*) FROM message WHERE scope_id = ? AND at_ms > ? AND direction = 'out' "
        "GROUP BY connection",
        scope_id,
        now_ms - 60_000,
    )
    heard = await tx.fetch(
        "SELECT connection, max(at_ms) FROM (SELECT connection, direction, at_ms FROM message WHERE scope_id = ? "
        f"ORDER BY at_ms DESC, message_id DESC LIMIT {_SCAN_MESSAGES_MAX}) AS w WHERE direction = 'in' "
        "GROUP BY connection",
        scope_id,
    )
    contents = await tx.rows(ContentRow, "scope_id = ?", scope_id)
    return Progress(
        scope,
        {row.connection: row for row in rows},
        {row.connection: row for row in orders},
        due,
        dict(errors),
        {(name, state): count for name, state, count in pending},
        dict(sent),
        dict(heard),
        {row.connection: row for row in contents},
        {row.connection: row for row in await tx.rows(AgreedRow, "scope_id = ?", scope_id)},
    )


async def is_known(tx: Transaction, scope_id: str, connection: str) -> bool:
    """Whether the property has the connection, or ever had it."""
    return bool(await tx.fetch("SELECT 1 FROM connection WHERE scope_id = ? AND connection = ?", scope_id, connection))


async def errors(tx: Transaction, scope_id: str, connection: str | None) -> list[SyncErrorRow]:
    """What is refused, newest first."""
    one = " AND connection = ?" if connection is not None else ""
    params = (scope_id,) if connection is None else (scope_id, connection)
    return await tx.rows(SyncErrorRow, f"scope_id = ?{one} ORDER BY at_ms DESC LIMIT 1000", *params)


async def refusals(tx: Transaction, scope_id: str, connections: set[str], at_ms: set[int]) -> list[MessageRow]:
    """The messages of those instants that were refused in part or as a whole."""
    if not at_ms or not connections:
        return []
    instants, names = ", ".join("?" * len(at_ms)), ", ".join("?" * len(connections))
    return await tx.rows(
        MessageRow,
        f"scope_id = ? AND at_ms IN ({instants}) AND connection IN ({names}) AND direction = 'out' "
        "AND outcome = 'refused'",
        *(scope_id, *sorted(at_ms), *sorted(connections)),
    )


async def told(tx: Transaction, scope_id: str, connection: str, blocks: range) -> list[Told]:
    """What the connection was told in those blocks, which follow each other."""
    rows = await tx.fetch(
        "SELECT aspect, room, plan, block, body FROM shadow "
        "WHERE scope_id = ? AND connection = ? AND block BETWEEN ? AND ?",
        scope_id,
        connection,
        blocks[0],
        blocks[-1],
    )
    return list(rows)


async def their_codes(tx: Transaction, scope_id: str, connection: str) -> list[TheirCodeRow]:
    """The codes of theirs that were met."""
    return await tx.rows(TheirCodeRow, "scope_id = ? AND connection = ?", scope_id, connection)
