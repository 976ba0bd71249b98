"""What is asked of the store about properties and their configuration."""

from __future__ import annotations

from collections.abc import Collection

from gateway.engine.hotel import Hotel
from gateway.store.database import Transaction
from gateway.store.hotels import Hotels
from gateway.store.tables import Config, Scope


async def one(tx: Transaction, hotels: Hotels, scope_id: str) -> tuple[Scope, Hotel] | None:
    """The property as it is configured now."""
    scopes = await tx.rows(Scope, "scope_id = ?", scope_id)
    hotel = (await hotels.current(tx, scopes)).get(scope_id)
    return (scopes[0], hotel) if hotel is not None else None


async def page(
    tx: Transaction, hotels: Hotels, only: Collection[str] | None, after: str | None, limit: int
) -> list[tuple[Scope, Hotel]]:
    """Configured properties by id, behind ``after``."""
    parts, params = ["kind = 'property'", "config_version > 0"], []
    if only is not None:
        if not only:
            return []
        parts.append(f"scope_id IN ({', '.join('?' * len(only))})")
        params += sorted(only)
    if after is not None:
        parts.append("scope_id > ?")
        params.append(after)
    scopes = await tx.rows(Scope, f"{' AND '.join(parts)} ORDER BY scope_id LIMIT {limit}", *params)
    known = await hotels.current(tx, scopes)
    return [(scope, known[scope.scope_id]) for scope in scopes if scope.scope_id in known]


async def versions(tx: Transaction, scope_id: str, before: int | None, limit: int) -> list[Config]:
    """Configurations, newest first, from before a version back."""
    if before is None:
        return await tx.rows(Config, f"scope_id = ? ORDER BY version DESC LIMIT {limit}", scope_id)
    return await tx.rows(Config, f"scope_id = ? AND version < ? ORDER BY version DESC LIMIT {limit}", scope_id, before)
