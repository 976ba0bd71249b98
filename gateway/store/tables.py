"""Every table as the type of its rows; the first ``key`` fields are the primary key, and always begin with the scope.

The SQLAlchemy metadata that Alembic migrates to, and the set-based statements of :mod:`gateway.store.sql`, both follow
from these classes, so a column is written down once. Bodies are packed by the engine or are msgpack.
"""

from __future__ import annotations

from types import UnionType
from typing import Any, ClassVar, NamedTuple, get_args, get_type_hints

import sqlalchemy as sa


class Scope(NamedTuple):
    """A property (or another unit of consistency). Whoever changes its state locks this row and raises ``rev``."""

    scope_id: str
    kind: str
    rev: int
    config_version: int


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
    oversold: int  # rooms × nights that were not free when it was taken
    rev: int
    at_ms: int
    nights: bytes  # msgpack of gateway.engine.nights.Nights: what it takes from the house


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


class MessageRow(NamedTuple):
    """A message that came in or went out, redacted, with what became of it."""

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


UNKNOWN = -1


class ConnectionRow(NamedTuple):
    """How far a connection has come: the property revision and configuration version its shadow speaks of.

    ``synced_version`` is UNKNOWN where nobody knows what it holds, as after a change of its account. ``pushes`` is 0
    for connections that are not sent rates and availability, so that nobody looks after them.
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


class LeaseRow(NamedTuple):
    """The right to send for the connections of one shard."""

    shard: int
    owner: str
    until_ms: int


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
    | LeaseRow
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
        Spec(LeaseRow, "lease", 1),
    )
}

metadata = sa.MetaData()
_tables = {row: sa.Table(spec.name, metadata, *spec.columns()) for row, spec in SPECS.items()}


def _index(row: type[Any], name: str, *fields: str, where: str | None = None, unique: bool = False) -> None:
    columns = [_tables[row].c[field] for field in fields]
    clause = sa.text(where) if where else None
    sa.Index(name, *columns, unique=unique, sqlite_where=clause, postgresql_where=clause)


_index(CalendarRow, "calendar_newer", "scope_id", "rev")
_index(StockRow, "stock_newer", "scope_id", "rev")
_index(ConnectionRow, "connection_home", "connection", unique=True)
_index(ReservationRow, "reservation_newer", "scope_id", "rev")
_index(ReservationRow, "reservation_number", "scope_id", "reservation_id", unique=True)
_index(ReservationRow, "reservation_trouble", "scope_id", "at_ms", where="parked > 0 OR oversold > 0")
_index(DeliveryRow, "delivery_due", "due_ms", where="due_ms IS NOT NULL")
_index(DeliveryRow, "delivery_unsettled", "scope_id", "connection", where="settled = 0")
_index(MessageRow, "message_log", "scope_id", "at_ms")
_index(MessageRow, "message_token", "scope_id", "token", where="token IS NOT NULL", unique=True)
_index(ShadowRow, "shadow_due", "scope_id", "connection", "due_ms", where="due_ms IS NOT NULL")
