"""A hotel file becomes the property's configuration: planned, shown, and then applied in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.engine import hotel_changes
from gateway.engine.hotel import Hotel
from gateway.engine.hotel_file import HotelFile, SecretKey, Side
from gateway.errors import Reason, Rejected
from gateway.flows.services import Services
from gateway.model.dates import Instant
from gateway.model.property import Connection, Credentials, Property
from gateway.store.database import Transaction
from gateway.store.hotels import pack_property
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import UNKNOWN, Config, ConnectionRow, MessageRow, Row, Scope

CONNECTIONS = Lookup(ConnectionRow, ("scope_id",))
HOMES = Lookup(ConnectionRow, ("connection",))
SCOPE = Lookup(Scope)


async def plan_hotel(services: Services, wanted: HotelFile) -> tuple[Property, list[hotel_changes.Change]]:
    """The property with its secrets sealed, and what applying it would change (nothing, if it is as it stands)."""
    scope_id = wanted.property.id
    current = await services.database.read(lambda tx: _current(services, tx, scope_id))
    sealed, changed = _seal(services, current, wanted)
    return sealed, hotel_changes.plan(current, sealed, changed)


async def apply_hotel(services: Services, sealed: Property, author: str) -> int:
    """Makes it so; returns the new version of the configuration."""
    known = await services.database.read(lambda tx: tx.rows(Scope, "scope_id = ?", sealed.id))
    job = ApplyHotel(sealed, author, services.ids.message(), new=not known)
    version = await services.batcher.submit(job)
    if isinstance(version, BaseException):
        raise version
    services.directory.forget(sealed.id)
    return int(version)


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
            secret = _kept(services, side, clear, held)
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


class ApplyHotel:
    """The job. A new property has no scope to lock yet."""

    def __init__(self, sealed: Property, author: str, number: int, *, new: bool) -> None:
        self.scope_id: str | None = None if new else sealed.id
        self._property = sealed
        self._author = author
        self._number = number

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield SCOPE, (self._property.id,)
        yield CONNECTIONS, (self._property.id,)
        for connection in self._property.connections:
            yield HOMES, (connection.id,)

    def decide(self, state: State, now_ms: Instant) -> Decision:
        scope_id = self._property.id
        scope = state.scopes.get(scope_id) or state.get(Scope, (scope_id,)) or Scope(scope_id, "property", 0, 0)
        version = scope.config_version + 1
        writes: list[Row] = [
            scope._replace(rev=scope.rev + 1, config_version=version),
            Config(scope_id, version, pack_property(self._property), self._author, now_ms),
            self._message(scope_id, version, scope.rev + 1, now_ms),
            *self._connections(state),
        ]
        return Decision(version, writes, advances=True)

    def _connections(self, state: State) -> Sequence[Row]:
        """A row for each connection; those that are not in the file any more are looked after no longer."""
        scope_id = self._property.id
        rows: dict[str, ConnectionRow] = {row.connection: row for row in state.find(CONNECTIONS, (scope_id,))}
        for connection in self._property.connections:
            if any(home.scope_id != scope_id for home in state.find(HOMES, (connection.id,))):
                raise Rejected(f"connection id {connection.id!r} belongs to another property", Reason.INVALID_VALUE)
        pushing = {channel.id for channel in Hotel(self._property, 0).channels}
        moved = _moved(state.hotels.get(scope_id), self._property)
        writes: list[Row] = []
        for name in {connection.id for connection in self._property.connections} | rows.keys():
            row = rows.get(name) or _new_row(scope_id, name)
            changed = row._replace(pushes=int(name in pushing))
            if name in moved:
                changed = changed._replace(synced_version=UNKNOWN, paused_until_ms=0)
            if changed != rows.get(name):
                writes.append(changed)
        return writes

    def _message(self, scope_id: str, version: int, rev: int, now_ms: Instant) -> MessageRow:
        return MessageRow(
            scope_id,
            self._number,
            connection="",
            direction="in",
            kind="hotel file",
            at_ms=now_ms,
            outcome="applied",
            detail=f"configuration {version} by {self._author}",
            rev=rev,
            token=None,
            raw=b"",
            answer=b"",
        )


def _moved(before: Hotel | None, after: Property) -> set[str]:
    """The connections that now lead to another account: what their counterpart holds was never seen."""

    def account(connection: Connection) -> tuple[str, ...]:
        login = connection.outbound.username
        return (connection.connector, connection.profile, connection.hotel, connection.url, connection.currency, login)

    known = before.connections if before else {}
    return {c.id for c in after.connections if c.id in known and account(known[c.id]) != account(c)}


def _new_row(scope_id: str, connection: str) -> ConnectionRow:
    return ConnectionRow(
        scope_id,
        connection,
        pushes=0,
        synced_rev=0,
        synced_version=0,
        valid_until_ms=0,
        paused_until_ms=0,
        failures=0,
        error="",
        confirmed_ms=0,
    )
