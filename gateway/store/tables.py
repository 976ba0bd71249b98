"""Every table as the type of its rows; the first ``key`` fields are the primary key, and always begin with the scope.

The SQLAlchemy metadata that Alembic migrates to, and the set-based statements of :mod:`gateway.store.sql`, both follow
from these classes, so a column is written down once. Bodies are packed by the engine or are msgpack.
"""

from __future__ import annotations

from types import UnionType
from typing import Any, ClassVar, NamedTuple, get_args, get_type_hints

import sqlalchemy as sa


class Scope(NamedTuple):
    """A property (or another unit of consistency). Whoever changes its state locks this row and raises ``rev``.

    ``cause`` is the message that raised it last.
    """

    scope_id: str
    kind: str
    rev: int
    config_version: int
    cause: int = 0


class Config(NamedTuple):
    """A version of a property's configuration, msgpack of :class:`gateway.model.property.Property`."""

    scope_id: str
    version: int
    body: bytes
    author: str
    at_ms: int


class CalendarRow(NamedTuple):
    """32 days of rules and prices of a product, a room type (plan empty) or the house (both empty)."""

    scope_id: str
    room: str
    plan: str
    block: int
    rev: int
    body: bytes


class StockRow(NamedTuple):
    """32 days of figures and counts of a room type, or of the house (room empty)."""

    scope_id: str
    room: str
    block: int
    rev: int
    body: bytes


class ReservationRow(NamedTuple):
    """A booking as the fold of its revisions left it."""

    scope_id: str
    connection: str
    channel: str
    booking_id: str
    reservation_id: str
    status: str
    revisions: int
    arrival: int
    departure: int
    parked: int
    oversold: int  # rooms × nights that are not there for it (gateway.flows.relieve)
    rev: int
    at_ms: int
    nights: bytes  # msgpack of gateway.engine.nights.Nights: what it takes from the house
    guest: str = ""  # surname and given name of the first guest, case-folded, to be found by


class RevisionRow(NamedTuple):
    """One revision, msgpack of :class:`gateway.engine.booking.Entry`; never changed once written."""

    scope_id: str
    reservation_id: str
    seq: int
    message_id: int
    body: bytes


class DeliveryRow(NamedTuple):
    """Handing a reservation to a counterpart until it confirms; ``claim`` is :class:`gateway.engine.window.Claim`.

    ``due_ms`` is None when nothing is left to do.
    """

    scope_id: str
    connection: str
    reservation_id: str
    wanted_seq: int
    state: str
    due_ms: int | None
    attempts: int
    ref: str
    error: str
    settled: int
    claim: bytes


ID_SHIFT = 22  # a message's id carries the milliseconds of its instant above so many bits


class MessageRow(NamedTuple):
    """A message that came in or went out, redacted, with what became of it.

    ``cause`` is the message that this one follows from: for a part of a document its first part, for a delivery the
    revision it hands on, for a push the newest message of the state it was built from. A push says what is new since
    the revision ``since``, up to ``rev``.
    """

    scope_id: str
    message_id: int
    connection: str
    direction: str
    kind: str
    at_ms: int
    outcome: str
    detail: str
    rev: int
    token: bytes | None  # what a repetition of a relative change is recognised by
    raw: bytes
    answer: bytes
    cause: int = 0
    since: int = 0
    author: str = ""  # who said or did it; empty for what the gateway does by itself


UNKNOWN = -1


class ConnectionRow(NamedTuple):
    """How far a connection has come: the property revision and configuration version its shadow speaks of.

    ``synced_version`` is UNKNOWN where nobody knows what it holds, as after a change of its account. ``pushes`` is 0
    for connections that are not sent rates and availability, so that nobody looks after them. ``synced_cause`` is the
    scope's ``cause`` at ``synced_rev``; ``unconfirmed_ms`` when the oldest change was made that has been planned and
    not confirmed yet, 0 for none.
    """

    scope_id: str
    connection: str
    pushes: int
    synced_rev: int
    synced_version: int
    valid_until_ms: int
    paused_until_ms: int
    failures: int
    error: str
    confirmed_ms: int
    synced_cause: int = 0
    unconfirmed_ms: int = 0
    synced_order: int = 0  # the last OrderRow of it that was carried out


class ShadowRow(NamedTuple):
    """What a counterpart was told about one target for 32 days, in its own codes (:mod:`gateway.engine.plan`)."""

    scope_id: str
    connection: str
    aspect: str
    room: str
    plan: str
    block: int
    hold_ms: int
    due_ms: int | None
    body: bytes


class SyncErrorRow(NamedTuple):
    """A target that a counterpart refuses, with its answer, kept until it accepts it."""

    scope_id: str
    connection: str
    aspect: str
    room: str
    plan: str
    first: int
    last: int
    code: str
    text: str
    at_ms: int


class JournalRow(NamedTuple):
    """What one message set or said about the days of one block (:mod:`gateway.engine.journal`).

    ``ledger`` is empty for the property's own calendar, else the connection that was told.
    """

    scope_id: str
    ledger: str
    block: int
    message_id: int
    rev: int
    at_ms: int
    author: str
    body: bytes


class OrderRow(NamedTuple):
    """What people ask of a connection's pusher; apart from its own row, which only the pusher writes.

    ``number`` grows with each order. ``body`` names the cells to assert again, empty for everything
    (:mod:`gateway.engine.orders`).
    """

    scope_id: str
    connection: str
    number: int
    paused: int
    at_ms: int
    author: str
    body: bytes


class HeldRow(NamedTuple):
    """What the guard took out of one message, waiting for a person; ``body`` is msgpack of a tuple of
    :class:`gateway.engine.guard.Held`, ``nights`` how many product nights that is.
    """

    scope_id: str
    message_id: int
    connection: str
    author: str
    at_ms: int
    nights: int
    body: bytes


class TheirCodeRow(NamedTuple):
    """A code of a counterpart's that was met: ``kind`` is room or plan, ``source`` where it stood."""

    scope_id: str
    connection: str
    source: str
    kind: str
    code: str
    name: str
    at_ms: int


class RetrievalRow(NamedTuple):
    """A connection whose counterpart has to be asked for reservations, and when it is next; ``done_ms`` is the last
    time it went well.
    """

    scope_id: str
    connection: str
    due_ms: int
    done_ms: int
    failures: int
    error: str


class LeaseRow(NamedTuple):
    """The right to send for the connections of one shard."""

    shard: int
    owner: str
    until_ms: int


class AlertRow(NamedTuple):
    """Something that needs a person, from when it was first seen until it has been gone for a while.

    ``scope_id`` is a property, or empty for the gateway itself; ``subject`` a connection, a booking or a machine.
    ``gone_ms`` is 0 while it is there. ``told_ms`` is 0 until it was told. ``body`` is msgpack of what the texts name.
    """

    scope_id: str
    kind: str
    subject: str
    since_ms: int
    gone_ms: int
    told_ms: int
    body: bytes


class PrincipalRow(NamedTuple):
    """A program or a person who may use the gateway; ``grants`` is msgpack of what :mod:`gateway.model.access` names.

    ``digest`` is of the key's secret or of the password. It belongs to no property, since it may speak for several.
    """

    principal_id: str
    kind: str
    name: str
    digest: str
    grants: bytes
    allow: str  # networks, separated by blanks
    created_ms: int
    created_by: str
    expires_ms: int | None
    revoked_ms: int | None


class PrincipalUseRow(NamedTuple):
    """When and from where somebody was here last, give or take a minute."""

    principal_id: str
    used_ms: int
    address: str


class SessionRow(NamedTuple):
    """Somebody who is signed in; ``session_id`` is a digest of what their browser shows."""

    session_id: str
    principal_id: str
    created_ms: int
    used_ms: int
    expires_ms: int
    address: str


class SaleRow(NamedTuple):
    """A direct sale, msgpack of :class:`gateway.engine.sale.Sale`; its number becomes that of the reservation.

    ``expires_ms`` is the end of its quote or hold. ``due_ms`` is when it is looked at by itself, to be released or
    forgotten, ``mail_ms`` when the guest is to be written to, and ``letter`` of what; None for never.
    """

    scope_id: str
    sale_id: str
    connection: str
    state: str
    at_ms: int
    expires_ms: int
    due_ms: int | None
    mail_ms: int | None
    mail_attempts: int
    letter: str
    body: bytes


def account_scope(account: str) -> str:
    """The scope of a payment account; no property's id has a colon."""
    return f"pay:{account}"


class PaymentAccountRow(NamedTuple):
    """Whose a payment account is, and what of its callbacks was refused: how often, when last and why."""

    scope_id: str
    account: str
    property_id: str
    refused: int
    refused_ms: int
    refused_text: str


class PaymentInboxRow(NamedTuple):
    """A verified callback, or an item of one, in its account's scope; ``dedupe`` recognises it when it comes again.

    ``state`` is new, done, parked (a person must look) or settled (one has). ``body`` is msgpack of
    :class:`gateway.messages_payment.PaymentNotified`, empty for what the gateway itself has found; ``raw`` is redacted.
    """

    scope_id: str
    dedupe: str
    name: str
    at_ms: int
    state: str
    attempts: int
    due_ms: int | None
    verified_with: str
    detail: str
    body: bytes
    raw: bytes


class PaymentRow(NamedTuple):
    """One charge or deposit as the guest sees it. What has become of it follows from its events alone.

    ``intent`` is authorise or purchase.
    """

    scope_id: str
    payment_id: str
    account: str
    reservation_id: str
    intent: str
    amount: int
    currency: str
    at_ms: int
    author: str
    text: str


class PaymentOperationRow(NamedTuple):
    """Something asked of a gateway, written before it is sent; its number is the idempotency key.

    ``parent`` is the operation it changes. ``sent_ms`` is the last sending, ``due_ms`` when to ask about it, ``asked``
    how often that was done, ``not_found`` msgpack of when the gateway did not know it. ``command`` is sealed JSON of
    what was sent, empty where it may not be kept; ``action`` what the guest has to do, sealed.
    """

    scope_id: str
    operation_id: str
    payment_id: str
    account: str
    kind: str
    parent: str
    amount: int
    currency: str
    at_ms: int
    outcome: str
    waiting: str
    psp: str
    error: str
    error_raw: str
    sent_ms: int
    due_ms: int | None
    asked: int
    expires_ms: int | None
    not_found: bytes
    fingerprint: bytes
    command: bytes
    action: bytes
    author: str


class PaymentEventRow(NamedTuple):
    """One movement of a payment, msgpack of :class:`gateway.engine.ledger.LedgerEvent`; never changed once written."""

    scope_id: str
    payment_id: str
    kind: str
    fact_key: str
    seen_ms: int
    body: bytes


class IdempotencyRow(NamedTuple):
    """What a request was answered, so that its repetition gets the same; ``answer`` is sealed."""

    principal_id: str
    key: str
    digest: bytes
    at_ms: int
    answer: bytes


Row = (
    Scope
    | Config
    | CalendarRow
    | StockRow
    | ReservationRow
    | RevisionRow
    | DeliveryRow
    | MessageRow
    | ConnectionRow
    | ShadowRow
    | SyncErrorRow
    | JournalRow
    | OrderRow
    | HeldRow
    | TheirCodeRow
    | RetrievalRow
    | LeaseRow
    | AlertRow
    | PrincipalRow
    | PrincipalUseRow
    | SessionRow
    | IdempotencyRow
    | SaleRow
    | PaymentAccountRow
    | PaymentInboxRow
    | PaymentRow
    | PaymentOperationRow
    | PaymentEventRow
)


class Spec:
    """What the statements need to know of a table."""

    _SQL: ClassVar[dict[type, sa.types.TypeEngine[Any]]] = {
        # Keys compare bytewise everywhere, as they do in SQLite, whatever the locale of the database is.
        str: sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
        int: sa.BigInteger(),
        bytes: sa.LargeBinary(),
    }

    def __init__(self, row: type[Any], name: str, key: int) -> None:
        self.row = row
        self.name = name
        self.fields: tuple[str, ...] = row._fields
        self.key = self.fields[:key]
        self.width = key
        hints = get_type_hints(row)
        self.kinds: dict[str, type] = {}
        self.nullable: frozenset[str] = frozenset()
        for field in self.fields:
            hint = hints[field]
            if isinstance(hint, UnionType):
                self.nullable |= {field}
                hint = get_args(hint)[0]
            self.kinds[field] = hint

    def columns(self) -> list[sa.Column[Any]]:
        return [
            sa.Column(
                field,
                self._SQL[self.kinds[field]],
                primary_key=field in self.key,
                nullable=field in self.nullable,
                autoincrement=False,
            )
            for field in self.fields
        ]


SPECS: dict[type[Any], Spec] = {
    spec.row: spec
    for spec in (
        Spec(Scope, "scope", 1),
        Spec(Config, "config", 2),
        Spec(CalendarRow, "calendar", 4),
        Spec(StockRow, "stock", 3),
        Spec(ReservationRow, "reservation", 4),
        Spec(RevisionRow, "revision", 3),
        Spec(DeliveryRow, "delivery", 3),
        Spec(MessageRow, "message", 2),
        Spec(ConnectionRow, "connection", 2),
        Spec(ShadowRow, "shadow", 6),
        Spec(SyncErrorRow, "sync_error", 5),
        Spec(JournalRow, "journal", 4),
        Spec(OrderRow, "sync_order", 2),
        Spec(HeldRow, "held_change", 2),
        Spec(TheirCodeRow, "their_code", 5),
        Spec(RetrievalRow, "retrieval", 2),
        Spec(LeaseRow, "lease", 1),
        Spec(AlertRow, "alert", 3),
        Spec(PrincipalRow, "principal", 1),
        Spec(PrincipalUseRow, "principal_use", 1),
        Spec(SessionRow, "session", 1),
        Spec(IdempotencyRow, "idempotency", 2),
        Spec(SaleRow, "sale", 2),
        Spec(PaymentAccountRow, "payment_account", 1),
        Spec(PaymentInboxRow, "payment_inbox", 2),
        Spec(PaymentRow, "payment", 2),
        Spec(PaymentOperationRow, "payment_operation", 2),
        Spec(PaymentEventRow, "payment_event", 4),
    )
}

TROUBLED = "parked > 0 OR oversold > 0"
# Payment operations that nobody asks about any more, and whose end is not known.
PAYMENTS_LEFT = "due_ms IS NULL AND outcome NOT IN ('succeeded', 'failed')"

metadata = sa.MetaData()
_tables = {row: sa.Table(spec.name, metadata, *spec.columns()) for row, spec in SPECS.items()}


def _index(row: type[Any], name: str, *fields: str, where: str | None = None, unique: bool = False) -> None:
    columns = [_tables[row].c[field] for field in fields]
    clause = sa.text(where) if where else None
    sa.Index(name, *columns, unique=unique, sqlite_where=clause, postgresql_where=clause)


# Deliveries that nobody sends, because their receiver fetches them.
TO_FETCH = "due_ms IS NULL AND state IN ('pending', 'sent')"

_index(CalendarRow, "calendar_newer", "scope_id", "rev")
_index(StockRow, "stock_newer", "scope_id", "rev")
_index(ConnectionRow, "connection_home", "connection", unique=True)
_index(ReservationRow, "reservation_newer", "scope_id", "rev")
_index(ReservationRow, "reservation_number", "scope_id", "reservation_id", unique=True)
_index(ReservationRow, "reservation_created", "scope_id", "at_ms", "reservation_id", "status", "connection")
_index(ReservationRow, "reservation_arrival", "scope_id", "arrival", "reservation_id", "status", "connection")
_index(ReservationRow, "reservation_guest", "scope_id", "guest", "reservation_id")
_index(ReservationRow, "reservation_booking", "scope_id", "booking_id", "reservation_id")
_index(ReservationRow, "reservation_trouble", "scope_id", "at_ms", "reservation_id", where=TROUBLED)
_index(RetrievalRow, "retrieval_due", "due_ms")
_index(DeliveryRow, "delivery_due", "due_ms", "scope_id", "connection", where="due_ms IS NOT NULL")
_index(DeliveryRow, "delivery_to_fetch", "scope_id", "connection", where=TO_FETCH)
_index(DeliveryRow, "delivery_unsettled", "scope_id", "connection", where="settled = 0")
# Everything a list is filtered by, so that looking through the log never touches the messages themselves.
_index(DeliveryRow, "delivery_refused", "scope_id", "connection", where="state = 'refused'")
_index(MessageRow, "message_log", "scope_id", "at_ms", "message_id", "connection", "direction", "kind", "outcome")
_index(MessageRow, "message_token", "scope_id", "token", where="token IS NOT NULL", unique=True)
_index(MessageRow, "message_cause", "scope_id", "cause", where="cause > 0")
_index(ShadowRow, "shadow_due", "scope_id", "connection", "due_ms", where="due_ms IS NOT NULL")
_index(PrincipalRow, "principal_person", "name", where="kind = 'person' AND revoked_ms IS NULL", unique=True)
_index(SessionRow, "session_of", "principal_id")
_index(SessionRow, "session_end", "expires_ms")
_index(IdempotencyRow, "idempotency_age", "at_ms")
_index(SaleRow, "sale_due", "due_ms", where="due_ms IS NOT NULL")
_index(SaleRow, "sale_mail", "mail_ms", where="mail_ms IS NOT NULL")
_index(PaymentInboxRow, "payment_inbox_due", "due_ms", where="due_ms IS NOT NULL")
_index(PaymentInboxRow, "payment_inbox_parked", "scope_id", "at_ms", where="state = 'parked'")
_index(PaymentRow, "payment_created", "scope_id", "at_ms", "payment_id")
_index(PaymentRow, "payment_reservation", "scope_id", "reservation_id", where="reservation_id <> ''")
_index(PaymentOperationRow, "payment_operation_of", "scope_id", "payment_id")
_index(PaymentOperationRow, "payment_operation_psp", "scope_id", "psp")
_index(PaymentOperationRow, "payment_operation_due", "due_ms", where="due_ms IS NOT NULL")
_index(PaymentOperationRow, "payment_operation_left", "scope_id", "account", where=PAYMENTS_LEFT)
