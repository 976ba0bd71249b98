"""Every table as the type of its rows, those of some subjects in a file of their own (``tables_*.py``).

The first fields, which :mod:`gateway.store.schema` counts, are the primary key, and begin with the scope where the
table is a property's.

Bodies are packed by the engine or are msgpack.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.store.tables_access import IdempotencyRow, PrincipalRow, PrincipalUseRow, SessionRow
from gateway.store.tables_cards import CardRow, CardUseRow
from gateway.store.tables_connections import (
    AgreedRow,
    ConnectionRow,
    ContentRow,
    LeaseRow,
    OrderRow,
    ProfileRow,
    RetrievalRow,
    ShadowRow,
    SyncErrorRow,
    TheirCodeRow,
)
from gateway.store.tables_paying import (
    PaymentAccountRow,
    PaymentEventRow,
    PaymentInboxRow,
    PaymentOperationRow,
    PaymentRow,
)
from gateway.store.tables_statements import DifferenceRow, PaymentTokenRow, StatementLineRow, StatementRow


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

    ``cause`` is the message that this one follows from: for a part of a document the document, for a delivery the
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
    | AgreedRow
    | SyncErrorRow
    | JournalRow
    | OrderRow
    | HeldRow
    | TheirCodeRow
    | ProfileRow
    | RetrievalRow
    | ContentRow
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
    | PaymentTokenRow
    | StatementRow
    | StatementLineRow
    | DifferenceRow
    | CardRow
    | CardUseRow
)
