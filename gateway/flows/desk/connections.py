"""Connections: how far each has come, what it refuses, and sending everything again."""

from __future__ import annotations

import msgspec

from gateway.contract import Agreed, Negotiates
from gateway.engine.calendar import Sheet
from gateway.engine.orders import EVERYTHING
from gateway.engine.plan import CONFIRMED, NEVER
from gateway.engine.view import LAYOUT_OF
from gateway.errors import GatewayError, Rejected
from gateway.flows.desk.auditing import Audit as Audit
from gateway.flows.desk.auditing import Drift as Drift
from gateway.flows.desk.auditing import audit as audit
from gateway.flows.desk.auditing import repair as repair
from gateway.flows.desk.finding import connection_of, property_of
from gateway.flows.desk.ordering import Ordered as Ordered
from gateway.flows.desk.ordering import give
from gateway.flows.push_work import terms_of
from gateway.flows.services import Services
from gateway.model.ari import Aspect
from gateway.model.dates import Day, Instant
from gateway.model.property import Connection, Role
from gateway.store import reading_connections as reading
from gateway.store.database import Transaction
from gateway.store.reading_connections import DUE_ROWS_MAX, Progress
from gateway.store.tables import MessageRow, Scope
from gateway.store.tables_connections import UNKNOWN, ConnectionRow, OrderRow, ShadowRow, SyncErrorRow


class ConnectionLine(msgspec.Struct, frozen=True):
    """The health of one connection.

    ``lag`` is how many revisions of the property it is behind (0 for connections that are not pushed to), None where
    nobody knows what it holds. ``cells_pending`` (targets and days) are to be sent or in doubt; at least so many, if
    ``pending_is_least``. ``sent_last_minute`` of at most ``per_minute_max`` messages. ``last_message_ms`` is the last
    message of theirs, 0 if there was none lately. ``problem`` says why its connector or profile cannot be used.

    ``content_pending`` says that it has still to be told what rooms and plans are called, ``content_error`` why it did
    not take it, and ``content_ms`` when it last did, 0 for never.

    ``agreed_version`` and ``agreed`` are the version and the capabilities that a handshake at ``agreed_ms`` ended with,
    in the dialect's words; empty and 0 where there was none. ``not_taken`` are fields of its profile that this
    counterpart does not take.
    """

    id: str
    connector: str
    profile: str
    role: Role
    hotel: str
    url: str
    enabled: bool
    pushes: bool
    products: int
    lag: int | None
    cells_pending: int
    pending_is_least: bool
    confirmed_ms: Instant
    paused: bool
    paused_until_ms: Instant
    failures: int
    error: str
    sync_errors: int
    deliveries_pending: int
    deliveries_refused: int
    sent_last_minute: int
    per_minute_max: int
    last_message_ms: Instant
    order: int
    order_done: int
    problem: str
    content_pending: bool
    content_error: str
    content_ms: Instant
    agreed_version: str = ""
    agreed: tuple[str, ...] = ()
    agreed_ms: Instant = 0
    not_taken: tuple[str, ...] = ()


class SyncError(msgspec.Struct, frozen=True):
    """A target that the counterpart refuses, in its codes, with the message it refused and its raw answer."""

    connection: str
    aspect: str
    room: str
    plan: str
    first: Day
    last: Day
    code: str
    text: str
    at_ms: Instant
    message_id: int | None
    raw: str
    answer: str


class SyncState(msgspec.Struct, frozen=True):
    """All connections of a property, in the order of its configuration, at its revision ``rev``."""

    property: str
    rev: int
    version: int
    connections: tuple[ConnectionLine, ...]


async def state(services: Services, property_id: str) -> SyncState:
    """Every connection of the property. Eleven statements, however many there are."""
    now_ms = services.clock.now_ms()

    async def work(tx: Transaction) -> SyncState:
        scope, hotel = await property_of(services, tx, property_id)
        progress = await reading.progress(tx, scope, now_ms)
        pending = _pending(progress.due)
        lines = [_line(services, known, progress, pending) for known in hotel.property.connections]
        return SyncState(property_id, scope.rev, hotel.version, tuple(lines))

    return await services.database.read(work)


async def names(services: Services, property_id: str) -> tuple[str, ...]:
    """The connections of the property, in the order of its configuration."""
    _, hotel = await services.database.read(lambda tx: property_of(services, tx, property_id))
    return tuple(connection.id for connection in hotel.property.connections)


async def errors(services: Services, property_id: str, connection: str | None = None) -> tuple[SyncError, ...]:
    """What counterparts refuse, newest first, at most 1,000."""

    async def work(tx: Transaction) -> tuple[SyncError, ...]:
        _, hotel = await property_of(services, tx, property_id)
        if connection is not None:
            connection_of(hotel, connection)
        rows = await reading.errors(tx, property_id, connection)
        instants, names = {row.at_ms for row in rows}, {row.connection for row in rows}
        messages = await reading.refusals(tx, property_id, names, instants)
        by_place = {(message.connection, message.at_ms): message for message in messages}
        return tuple(_error(row, by_place.get((row.connection, row.at_ms))) for row in rows)

    return await services.database.read(work)


async def full_sync(services: Services, property_id: str, connection: str, author: str) -> Ordered:
    """Send everything again: nothing that was confirmed counts any more."""
    await _channel(services, property_id, connection)
    return await give(services, property_id, connection, author, "full synchronisation", body=EVERYTHING)


async def pause(services: Services, property_id: str, connection: str, author: str, *, paused: bool) -> Ordered:
    """Send it no rates and availability (a receiver: no reservations) until it is resumed; what is due is sent then."""
    await _channel(services, property_id, connection, or_receiver=True)
    what = "paused" if paused else "resumed"
    return await give(services, property_id, connection, author, what, paused=paused)


async def _channel(services: Services, property_id: str, connection: str, *, or_receiver: bool = False) -> None:
    _, hotel = await services.database.read(lambda tx: property_of(services, tx, property_id))
    known = connection_of(hotel, connection)
    if known not in hotel.channels and not (or_receiver and known.role is Role.RECEIVER):
        raise Rejected(f"{connection!r} is not sent rates and availability")


def _pending(due: list[ShadowRow]) -> dict[str, int]:
    """Cells per connection that are neither confirmed nor untouched."""
    rows: dict[tuple[str, str], list[ShadowRow]] = {}
    for row in due:
        rows.setdefault((row.connection, row.aspect), []).append(row)
    pending: dict[str, int] = {}
    for (connection, aspect), members in rows.items():
        keys = [(row.room, row.plan, row.block) for row in members]
        bodies = zip(keys, (row.body for row in members), strict=True)
        sync = Sheet.load(LAYOUT_OF[Aspect(aspect)], 1, keys, bodies).columns["sync"]
        cells = int(((sync != CONFIRMED) & (sync != NEVER)).sum())
        pending[connection] = pending.get(connection, 0) + cells
    return pending


def _line(services: Services, known: Connection, progress: Progress, pending: dict[str, int]) -> ConnectionLine:
    row, order = progress.rows.get(known.id), progress.orders.get(known.id)
    content = progress.contents.get(known.id)
    pushes = bool(row and row.pushes)
    agreed = terms_of(progress.agreed.get(known.id))
    per_minute_max, not_taken, problem = _abilities(services, known, agreed)
    return ConnectionLine(
        id=known.id,
        connector=known.connector,
        profile=known.profile,
        role=known.role,
        hotel=known.hotel,
        url=known.url,
        enabled=known.enabled,
        pushes=pushes,
        products=len(known.products),
        lag=_lag(progress.scope, row, order) if row is not None and pushes else 0,
        cells_pending=pending.get(known.id, 0),
        pending_is_least=len(progress.due) >= DUE_ROWS_MAX,
        confirmed_ms=row.confirmed_ms if row else 0,
        paused=bool(order and order.paused),
        paused_until_ms=row.paused_until_ms if row else 0,
        failures=row.failures if row else 0,
        error=row.error if row else "",
        sync_errors=progress.errors.get(known.id, 0),
        deliveries_pending=sum(progress.deliveries.get((known.id, name), 0) for name in ("pending", "sent")),
        deliveries_refused=progress.deliveries.get((known.id, "refused"), 0),
        sent_last_minute=progress.sent.get(known.id, 0),
        per_minute_max=per_minute_max,
        last_message_ms=progress.heard_ms.get(known.id, 0),
        order=order.number if order else 0,
        order_done=row.synced_order if row else 0,
        problem=problem,
        content_pending=content is not None and content.due_ms is not None,
        content_error=content.error if content else "",
        content_ms=content.done_ms if content else 0,
        agreed_version=agreed.version if agreed else "",
        agreed=agreed.capabilities if agreed else (),
        agreed_ms=progress.agreed[known.id].at_ms if agreed else 0,
        not_taken=not_taken,
    )


def _lag(scope: Scope, row: ConnectionRow, order: OrderRow | None) -> int | None:
    """How many revisions a channel is behind; None if it has to be told everything."""
    everything = order is not None and order.number > row.synced_order and order.body == EVERYTHING
    return None if row.synced_version == UNKNOWN or everything else scope.rev - row.synced_rev


def _abilities(services: Services, known: Connection, agreed: Agreed | None) -> tuple[int, tuple[str, ...], str]:
    """Messages a minute, the fields that are left out by agreement, and what is wrong with connector or profile."""
    try:
        connector = services.connectors.get(known.connector)
        capabilities = connector.capabilities(known.profile)
        if agreed is None or not isinstance(connector, Negotiates):
            return capabilities.per_minute_max, (), ""
        taken = connector.negotiated(known.profile, agreed).fields
    except (GatewayError, LookupError) as error:  # a connector or a profile that is not there
        return 0, (), str(error)
    return capabilities.per_minute_max, tuple(sorted(capabilities.fields - taken)), ""


def _error(row: SyncErrorRow, message: MessageRow | None) -> SyncError:
    raw, answer = (
        text.decode("utf-8", "replace") for text in ((message.raw, message.answer) if message else (b"", b""))
    )
    return SyncError(*row[1:10], message.message_id if message else None, raw, answer)
