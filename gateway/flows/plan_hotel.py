"""What a hotel file would change: its secrets sealed, its dialects looked up, and nothing done yet."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.engine import hotel_changes
from gateway.engine.connection_shapes import SecretKey, Side
from gateway.engine.hotel_file import HotelFile, HotelFileError
from gateway.flows.delivering.standing import added_to
from gateway.flows.payments.accounts import beyond, seal_accounts
from gateway.flows.services import Services
from gateway.model.dates import local_day
from gateway.model.property import Connection, Credentials, Property, Role
from gateway.registry import Unavailable
from gateway.store import delivering
from gateway.store.database import Transaction
from gateway.store.tables import Scope


async def plan_hotel(services: Services, wanted: HotelFile) -> tuple[Property, list[hotel_changes.Change]]:
    """The property with its secrets sealed, and what applying it would change (nothing, if it is as it stands)."""
    _check_dialects(services, wanted.property)
    scope_id = wanted.property.id
    current = await services.database.read(lambda tx: _current(services, tx, scope_id))
    sealed, changed = _seal(services, current, wanted)
    payments, replaced = seal_accounts(services, current.payments if current else (), wanted)
    sealed = msgspec.structs.replace(sealed, payments=payments)
    return sealed, [
        *hotel_changes.plan(current, sealed, changed, replaced),
        *await _standing(services, current, sealed),
    ]


async def _standing(services: Services, current: Property | None, sealed: Property) -> Sequence[hotel_changes.Change]:
    """What a PMS that is added is handed of the bookings that stand."""
    added = added_to(current.connections, sealed.connections) if current else []
    if not added:
        return ()
    today = local_day(services.clock.now_ms(), sealed.timezone)
    number = await services.database.read(lambda tx: delivering.standing(tx, sealed.id, today))
    return [hotel_changes.standing(connection, number) for connection in added if number]


def _check_dialects(services: Services, wanted: Property) -> None:
    """Raises :class:`HotelFileError`: what nobody can speak would fail with the first message, long after."""
    problems = []
    for index, connection in enumerate(wanted.connections):
        if connection.role is not Role.DIRECT:
            try:
                services.connectors.capabilities(connection.connector, connection.profile)
            except Unavailable as unavailable:
                problems.append(f"connections[{index}]: {unavailable}")
    if not problems:
        problems += beyond(services, wanted)
    if problems:
        raise HotelFileError(problems)


async def _current(services: Services, tx: Transaction, scope_id: str) -> Property | None:
    scopes = await tx.rows(Scope, "scope_id = ?", scope_id)
    hotel = (await services.hotels.current(tx, scopes)).get(scope_id)
    return hotel.property if hotel else None


def _seal(services: Services, current: Property | None, wanted: HotelFile) -> tuple[Property, list[SecretKey]]:
    """Passwords that are the same stay sealed as they are, or every run would look like a change."""
    before = {known.id: known for known in current.connections} if current else {}
    changed: list[SecretKey] = []
    connections: list[Connection] = []
    for connection in wanted.property.connections:
        sealed: dict[str, Credentials] = {}
        old = before.get(connection.id)
        side: Side
        for side in ("inbound", "outbound"):
            credentials: Credentials = getattr(connection, side)
            clear = wanted.secrets.get((connection.id, side), "")
            held = getattr(old, side).secret if old else ""
            secret = held if (connection.id, side) in wanted.kept else _kept(services, side, clear, held)
            if secret is None:
                secret = services.vault.digest(clear) if side == "inbound" else services.vault.seal(clear)
                changed.append((connection.id, side))
            sealed[side] = msgspec.structs.replace(credentials, secret=secret)
        connections.append(msgspec.structs.replace(connection, **sealed))
    return msgspec.structs.replace(wanted.property, connections=tuple(connections)), changed


def _kept(services: Services, side: str, clear: str, held: str) -> str | None:
    """The sealed form held already, where it is of the same password."""
    if not clear:
        return ""
    if not held:
        return None
    same = services.vault.check(clear, held) if side == "inbound" else services.vault.open(held) == clear
    return held if same else None
