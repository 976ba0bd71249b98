"""What is asked of the store to tell whether anything is new at a property."""

from __future__ import annotations

from collections.abc import Collection

from gateway.store.database import Transaction
from gateway.store.tables import AlertRow, Scope
from gateway.store.tables_connections import ConnectionRow

PulseRow = Scope | ConnectionRow | AlertRow


async def rows(tx: Transaction, scope_ids: Collection[str]) -> dict[str, list[PulseRow]]:
    """The rows that everything shown about a property moves sooner or later, by property. Three statements."""
    names = sorted(scope_ids)
    found: dict[str, list[PulseRow]] = {name: [] for name in names}
    if not names:
        return found
    named = f"scope_id IN ({', '.join('?' * len(names))})"
    every: list[PulseRow] = [
        *await tx.rows(Scope, f"{named} ORDER BY scope_id", *names),
        *await tx.rows(ConnectionRow, f"{named} ORDER BY scope_id, connection", *names),
        *await tx.rows(AlertRow, f"{named} AND gone_ms = 0 ORDER BY scope_id, kind, subject", *names),
    ]
    for row in every:
        found[row.scope_id].append(row)
    return found
