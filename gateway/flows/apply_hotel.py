"""The configuration of a property is replaced, with everything that follows from it, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import structlog

from gateway.engine.describe import digest_of
from gateway.engine.hotel import Hotel
from gateway.engine.orders import EVERYTHING
from gateway.errors import Reason, Rejected, Stale
from gateway.flows.delivering.receiver_health import ITSELF
from gateway.flows.delivering.remapped import resend_mapped
from gateway.flows.delivering.standing import Begun, Standing
from gateway.flows.payments.accounts import ACCOUNTS, account_rows, check_dropped, dropped_needs
from gateway.flows.refold import resolve_parked
from gateway.flows.relink import Relink
from gateway.flows.services import Services
from gateway.messages import Command, PushContent, ReservationReceived, RetrieveReservations, SaleAsked
from gateway.model.dates import BLOCK_DAYS, Instant, local_day
from gateway.model.property import Connection, Property, Role
from gateway.store.batch import Founding
from gateway.store.hotels import pack_property
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import Config, DeliveryRow, MessageRow, Row
from gateway.store.tables_connections import ConnectionRow, ContentRow, OrderRow, RetrievalRow, ShadowRow
from gateway.store.tables_paying import account_scope

log = structlog.get_logger(__name__)

_NEVER = 0  # no configuration has been planned for a connection yet

ORDER = Lookup(OrderRow)
FETCHES = Lookup(RetrievalRow, ("scope_id",))
CONTENTS = Lookup(ContentRow, ("scope_id",))
CONNECTIONS = Lookup(ConnectionRow, ("scope_id",))
DELIVERIES = Lookup(DeliveryRow, ("scope_id", "connection"))
HOMES = Lookup(ConnectionRow, ("connection",))
IN_DOUBT = Lookup(ShadowRow, ("scope_id", "connection"), "t.due_ms IS NOT NULL")


async def apply_hotel(services: Services, sealed: Property, author: str, *, expected: int | None = None) -> int:
    """Makes it so; returns the new version of the configuration.

    Bookings that were parked, and whose codes are mapped now, are resolved. ``expected`` is the version that is
    replaced (0: none yet); raises :class:`gateway.errors.Stale` for any other.
    """
    asked = frozenset(_speaking(services, sealed, RetrieveReservations))
    told = {each.id: digest_of(sealed, each) for each in _speaking(services, sealed, PushContent).values()}
    _check_sellers(services, sealed)
    job = ApplyHotel(sealed, author, services.ids.message(), expected=expected, asked=asked, told=told)
    version = int(await services.batcher.submit(job))
    services.directory.forget(sealed.id)
    is_changed = version > 1
    if is_changed and (resolved := await resolve_parked(services, sealed.id, author)):
        log.info("parked_bookings_resolved", property=sealed.id, reservations=resolved)
    if is_changed and (sent := await resend_mapped(services, sealed.id, author)):
        log.info("deliveries_have_a_code_now", property=sealed.id, reservations=sent)
    return version


def _speaking(services: Services, sealed: Property, command: type[Command]) -> dict[str, Connection]:
    """The connections that are called and whose dialect knows the command."""
    speaking: dict[str, Connection] = {}
    for connection in sealed.connections:
        if connection.is_called:
            capabilities = services.connectors.get(connection.connector).capabilities(connection.profile)
            if command in capabilities.commands:
                speaking[connection.id] = connection
    return speaking


def _check_sellers(services: Services, sealed: Property) -> None:
    """A seller has to ask: what it told of its own sales would be taken whether or not there are rooms."""
    for connection in sealed.connections:
        if connection.role is Role.SELLER and connection.enabled:
            events = services.connectors.get(connection.connector).capabilities(connection.profile).events
            if SaleAsked not in events or ReservationReceived in events:
                text = f"{connection.id!r} cannot be a seller: {connection.profile!r} is no dialect to ask and book in"
                raise Rejected(text, Reason.INVALID_VALUE)


class ApplyHotel(Founding):
    """The job.

    ``asked`` are the connections to fetch reservations from, ``told`` those that are told what rooms and plans are
    called, with the digest of it.
    """

    def __init__(
        self,
        sealed: Property,
        author: str,
        number: int,
        *,
        expected: int | None = None,
        asked: frozenset[str] = frozenset(),
        told: Mapping[str, str] | None = None,
    ) -> None:
        self.scope_id: str | None = sealed.id
        self._property = sealed
        self._author = author
        self._number = number
        self._expected = expected
        self._asked = asked
        self._told = told or {}

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield CONNECTIONS, (self._property.id,)
        yield FETCHES, (self._property.id,)
        yield CONTENTS, (self._property.id,)
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
        yield from dropped_needs(state.hotels.get(self._property.id), self._property)
        yield from self._relink(state).needs(state, now_ms)
        yield from self._standing(state).needs(state, now_ms)

    def decide(self, state: State, now_ms: Instant) -> Decision:
        scope_id = self._property.id
        scope = state.scopes[scope_id]
        if self._expected not in (None, scope.config_version):
            raise Stale(f"the configuration of {scope_id!r} is at version {scope.config_version}, not {self._expected}")
        self._check_dropped(state, now_ms)
        check_dropped(state, state.hotels.get(scope_id), self._property)
        version = scope.config_version + 1
        writes: list[Row] = [
            scope._replace(rev=scope.rev + 1, config_version=version, cause=self._number),
            Config(scope_id, version, pack_property(self._property), self._author, now_ms),
            self._message(scope_id, version, scope.rev + 1, now_ms),
            *self._connections(state, now_ms),
            *self._contents(state, now_ms),
            *account_rows(state, self._property),
            *self._relink(state).rows(state, now_ms, scope.rev + 1, self._begun(state, now_ms, scope.rev + 1)),
        ]
        known: dict[str, RetrievalRow] = {row.connection: row for row in state.find(FETCHES, (scope_id,))}
        writes += [RetrievalRow(scope_id, name, now_ms, 0, 0, "") for name in sorted(self._asked - known.keys())]
        left: list[Row] = [row for name, row in known.items() if name not in self._asked]
        left += [row for row in state.find(CONTENTS, (scope_id,)) if row.connection not in self._told]
        return Decision(version, writes, left, advances=True)

    def _relink(self, state: State) -> Relink:
        return Relink(state.hotels.get(self._property.id), Hotel(self._property, 0))

    def _standing(self, state: State) -> Standing:
        return Standing(state.hotels.get(self._property.id), Hotel(self._property, 0))

    def _begun(self, state: State, now_ms: Instant, rev: int) -> Begun:
        deliveries = self._deliveries(state, now_ms)
        return self._standing(state).begun(state, now_ms, rev, self._number, deliveries)

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
        # What the gateway has paused, because nothing was there any more, is somewhere else now.
        paused = 0 if known.author == ITSELF else known.paused
        return known._replace(number=number, paused=paused, body=EVERYTHING, at_ms=now_ms, author=self._author)

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

    def _contents(self, state: State, now_ms: Instant) -> Iterator[ContentRow]:
        """What is called otherwise than its counterpart knows, or is being told, is due."""
        known: dict[str, ContentRow] = {row.connection: row for row in state.find(CONTENTS, (self._property.id,))}
        for name, digest in self._told.items():
            row = known.get(name) or ContentRow(self._property.id, name, None, "", "", 0, 0, "")
            if row.wanted != digest:
                yield row._replace(wanted=digest, due_ms=now_ms, failures=0, error="")

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
    """The connections that begin or cease to be called for reservations, and which of both.

    A channel is called for them too: it may be owed the number that the PMS gave to one of its bookings.
    """
    handed = (Role.PMS, Role.RECEIVER, Role.CHANNEL)
    was = {c.id: c.is_called for c in before.connections.values() if c.role in handed} if before else {}
    now = {c.id: c.is_called for c in after.connections if c.role in handed}
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
