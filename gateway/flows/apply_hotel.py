"""A hotel file becomes the property's configuration: planned, shown, and then applied in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import structlog

from gateway.engine import hotel_changes
from gateway.engine.connection_file import SecretKey, Side
from gateway.engine.hotel import Hotel
from gateway.engine.hotel_file import HotelFile
from gateway.engine.orders import EVERYTHING
from gateway.errors import Reason, Rejected, Stale
from gateway.flows.payments.accounts import ACCOUNTS, account_rows, seal_accounts
from gateway.flows.refold import resolve_parked
from gateway.flows.services import Services
from gateway.messages import RetrieveReservations
from gateway.model.dates import BLOCK_DAYS, Instant, local_day
from gateway.model.property import Connection, Credentials, Property, Role
from gateway.store.database import Transaction
from gateway.store.hotels import pack_property
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import (
    Config,
    ConnectionRow,
    DeliveryRow,
    MessageRow,
    OrderRow,
    RetrievalRow,
    Row,
    Scope,
    ShadowRow,
)
from gateway.store.tables_paying import account_scope

log = structlog.get_logger(__name__)

_NEVER = 0  # no configuration has been planned for a connection yet

ORDER = Lookup(OrderRow)
FETCHES = Lookup(RetrievalRow, ("scope_id",))
CONNECTIONS = Lookup(ConnectionRow, ("scope_id",))
DELIVERIES = Lookup(DeliveryRow, ("scope_id", "connection"))
HOMES = Lookup(ConnectionRow, ("connection",))
SCOPE = Lookup(Scope)
IN_DOUBT = Lookup(ShadowRow, ("scope_id", "connection"), "t.due_ms IS NOT NULL")


async def plan_hotel(services: Services, wanted: HotelFile) -> tuple[Property, list[hotel_changes.Change]]:
    """The property with its secrets sealed, and what applying it would change (nothing, if it is as it stands)."""
    scope_id = wanted.property.id
    current = await services.database.read(lambda tx: _current(services, tx, scope_id))
    sealed, changed = _seal(services, current, wanted)
    payments, replaced = seal_accounts(services, current.payments if current else (), wanted)
    sealed = msgspec.structs.replace(sealed, payments=payments)
    return sealed, hotel_changes.plan(current, sealed, changed, replaced)


async def apply_hotel(services: Services, sealed: Property, author: str, *, expected: int | None = None) -> int:
    """Makes it so; returns the new version of the configuration.

    Bookings that were parked, and whose codes are mapped now, are resolved. ``expected`` is the version that is
    replaced (0: none yet); raises :class:`gateway.errors.Stale` for any other.
    """
    known = await services.database.read(lambda tx: tx.rows(Scope, "scope_id = ?", sealed.id))
    asked = _to_be_asked(services, sealed)
    job = ApplyHotel(sealed, author, services.ids.message(), new=not known, expected=expected, asked=asked)
    version = await services.batcher.submit(job)
    services.directory.forget(sealed.id)
    if known and (resolved := await resolve_parked(services, sealed.id, author)):
        log.info("parked_bookings_resolved", property=sealed.id, reservations=resolved)
    return int(version)


def _to_be_asked(services: Services, sealed: Property) -> frozenset[str]:
    """The connections whose counterparts don't send reservations by themselves."""
    asked = set()
    for connection in sealed.connections:
        if connection.enabled and connection.url:
            capabilities = services.connectors.get(connection.connector).capabilities(connection.profile)
            if RetrieveReservations in capabilities.commands:
                asked.add(connection.id)
    return frozenset(asked)


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


class ApplyHotel:
    """The job. A new property has no scope to lock yet. ``asked`` are the connections to fetch reservations from."""

    def __init__(
        self,
        sealed: Property,
        author: str,
        number: int,
        *,
        new: bool,
        expected: int | None = None,
        asked: frozenset[str] = frozenset(),
    ) -> None:
        self.scope_id: str | None = None if new else sealed.id
        self._property = sealed
        self._author = author
        self._number = number
        self._expected = expected
        self._asked = asked

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield SCOPE, (self._property.id,)
        yield CONNECTIONS, (self._property.id,)
        yield FETCHES, (self._property.id,)
        for connection in self._property.connections:
            yield HOMES, (connection.id,)
        for account in self._property.payments:
            yield ACCOUNTS, (account_scope(account.id),)
        for name in _moved(state.hotels.get(self._property.id), self._property):
            yield ORDER, (self._property.id, name)
        for name in _called_otherwise(state.hotels.get(self._property.id), self._property):
            yield DELIVERIES, (self._property.id, name)
        for channel in _dropped(state.hotels.get(self._property.id), self._property):
            if not channel.enabled:
                yield IN_DOUBT, (self._property.id, channel.id)

    def decide(self, state: State, now_ms: Instant) -> Decision:
        scope_id = self._property.id
        scope = state.scopes.get(scope_id) or state.get(Scope, (scope_id,)) or Scope(scope_id, "property", 0, 0)
        if self._expected not in (None, scope.config_version):
            raise Stale(f"the configuration of {scope_id!r} is at version {scope.config_version}, not {self._expected}")
        self._check_dropped(state, now_ms)
        version = scope.config_version + 1
        writes: list[Row] = [
            scope._replace(rev=scope.rev + 1, config_version=version, cause=self._number),
            Config(scope_id, version, pack_property(self._property), self._author, now_ms),
            self._message(scope_id, version, scope.rev + 1, now_ms),
            *self._connections(state, now_ms),
            *self._deliveries(state, now_ms),
            *account_rows(state, self._property),
        ]
        known: dict[str, RetrievalRow] = {row.connection: row for row in state.find(FETCHES, (scope_id,))}
        writes += [RetrievalRow(scope_id, name, now_ms, 0, 0, "") for name in sorted(self._asked - known.keys())]
        left = [row for name, row in known.items() if name not in self._asked]
        return Decision(version, writes, left, advances=True)

    def _connections(self, state: State, now_ms: Instant) -> Sequence[Row]:
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
                changed = changed._replace(paused_until_ms=0)
                writes.append(self._send_everything(state, changed, now_ms))
            if changed != rows.get(name):
                writes.append(changed)
        return writes

    def _send_everything(self, state: State, row: ConnectionRow, now_ms: Instant) -> OrderRow:
        """An order, not a mark in the connection's row: its pusher writes that row, perhaps at this very moment."""
        key, done = row[:2], row.synced_order
        known = state.get(OrderRow, key) or OrderRow(*key, done, 0, 0, "", b"")
        number = max(known.number, done) + 1
        return known._replace(number=number, body=EVERYTHING, at_ms=now_ms, author=self._author)

    def _check_dropped(self, state: State, now_ms: Instant) -> None:
        """A channel nobody tells anything any more would sell on what it was told last."""
        for channel in _dropped(state.hotels.get(self._property.id), self._property):
            if channel.enabled or not self._is_closed(state, channel.id, now_ms):
                raise Rejected(
                    f"channel {channel.id!r} may still have rooms on sale: set enabled = false first, and take it out"
                    " once it has confirmed that everything is closed (or take out its url, to leave it as it is)"
                )

    def _is_closed(self, state: State, channel: str, now_ms: Instant) -> bool:
        """Whether it has confirmed everything that follows from the configuration in force."""
        scope_id = self._property.id
        today = local_day(now_ms, self._property.timezone) // BLOCK_DAYS
        row = next((row for row in state.find(CONNECTIONS, (scope_id,)) if row.connection == channel), None)
        if row is None or row.unconfirmed_ms:
            return False
        if row.synced_version not in (_NEVER, state.scopes[scope_id].config_version):
            return False
        return all(shadow.block < today for shadow in state.find(IN_DOUBT, (scope_id, channel)))

    def _deliveries(self, state: State, now_ms: Instant) -> Iterator[DeliveryRow]:
        """What waits for a connection that is called from now on is due; for one that is not called it just waits."""
        for name, is_called in _called_otherwise(state.hotels.get(self._property.id), self._property).items():
            for row in state.find(DELIVERIES, (self._property.id, name)):
                if is_called and row.due_ms is None and row.state in ("pending", "sent"):
                    yield row._replace(due_ms=now_ms)
                elif not is_called and row.due_ms is not None:
                    yield row._replace(due_ms=None)

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
            author=self._author,
        )


def _called_otherwise(before: Hotel | None, after: Property) -> dict[str, bool]:
    """The connections that begin or cease to be called for reservations, and which of both."""
    was = {c.id: c.is_called for c in before.receivers} if before else {}
    now = {c.id: c.is_called for c in Hotel(after, 0).receivers}
    return {name: now.get(name, False) for name in was if was[name] != now.get(name, False)}


def _dropped(before: Hotel | None, after: Property) -> list[Connection]:
    """The channels that are told of rooms and prices, and would be no longer."""
    kept = {channel.id for channel in after.connections if channel.role is Role.CHANNEL}
    return [channel for channel in before.channels if channel.id not in kept] if before else []


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
