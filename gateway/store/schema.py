"""What the database is made of, from the types of the rows: a column is written down once.

The SQLAlchemy metadata that Alembic migrates to and the set-based statements of :mod:`gateway.store.sql` follow.
"""

from __future__ import annotations

from types import UnionType
from typing import Any, ClassVar, get_args, get_type_hints

import sqlalchemy as sa

from gateway.store.tables import (
    AlertRow,
    CalendarRow,
    Config,
    DeliveryRow,
    HeldRow,
    JournalRow,
    MessageRow,
    ReservationRow,
    RevisionRow,
    SaleRow,
    Scope,
    StockRow,
)
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
        Spec(AgreedRow, "agreed", 2),
        Spec(SyncErrorRow, "sync_error", 5),
        Spec(JournalRow, "journal", 4),
        Spec(OrderRow, "sync_order", 2),
        Spec(HeldRow, "held_change", 2),
        Spec(TheirCodeRow, "their_code", 5),
        Spec(ProfileRow, "profile", 4),
        Spec(RetrievalRow, "retrieval", 2),
        Spec(ContentRow, "content", 2),
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
        Spec(PaymentTokenRow, "payment_token", 3),
        Spec(StatementRow, "payment_statement", 2),
        Spec(StatementLineRow, "payment_statement_line", 3),
        Spec(DifferenceRow, "payment_difference", 2),
        Spec(CardRow, "card", 3),
        Spec(CardUseRow, "card_use", 2),
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

# What reservations that are searched for are sorted and filtered by.
_LISTED = ("at_ms", "arrival", "status", "connection")

_index(CalendarRow, "calendar_newer", "scope_id", "rev")
_index(StockRow, "stock_newer", "scope_id", "rev")
_index(ConnectionRow, "connection_home", "connection", unique=True)
_index(ReservationRow, "reservation_newer", "scope_id", "rev")
_index(ReservationRow, "reservation_number", "scope_id", "reservation_id", unique=True)
_index(ReservationRow, "reservation_created", "scope_id", "at_ms", "reservation_id", "status", "connection")
_index(ReservationRow, "reservation_arrival", "scope_id", "arrival", "reservation_id", "status", "connection")
_index(ReservationRow, "reservation_guest", "scope_id", "guest", "reservation_id", *_LISTED)
_index(ReservationRow, "reservation_booking", "scope_id", "booking_id", "reservation_id", *_LISTED)
_index(ReservationRow, "reservation_trouble", "scope_id", "at_ms", "reservation_id", where=TROUBLED)
_index(RetrievalRow, "retrieval_due", "due_ms")
_index(ContentRow, "content_due", "due_ms", where="due_ms IS NOT NULL")
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
_index(SaleRow, "sale_requested", "scope_id", where="state = 'requested'")
_index(SaleRow, "sale_mail", "mail_ms", where="mail_ms IS NOT NULL")
_index(PaymentInboxRow, "payment_inbox_due", "due_ms", where="due_ms IS NOT NULL")
_index(PaymentInboxRow, "payment_inbox_parked", "scope_id", "at_ms", where="state = 'parked'")
_index(PaymentRow, "payment_created", "scope_id", "at_ms", "payment_id")
_index(PaymentRow, "payment_reservation", "scope_id", "reservation_id", where="reservation_id <> ''")
_index(PaymentOperationRow, "payment_operation_of", "scope_id", "payment_id")
_index(PaymentOperationRow, "payment_operation_psp", "scope_id", "psp")
_index(PaymentOperationRow, "payment_operation_due", "due_ms", where="due_ms IS NOT NULL")
_index(PaymentOperationRow, "payment_operation_left", "scope_id", "account", where=PAYMENTS_LEFT)
_index(PaymentEventRow, "payment_event_key", "scope_id", "fact_key")
_index(PaymentEventRow, "payment_event_seen", "scope_id", "seen_ms")
_index(PaymentTokenRow, "payment_token_of", "scope_id", "reservation_id")
_index(StatementRow, "payment_statement_due", "due_ms", where="due_ms IS NOT NULL")
_index(StatementRow, "payment_statement_failed", "scope_id", where="state = 'failed'")
_index(StatementLineRow, "payment_statement_line_key", "scope_id", "fact_key", where="fact_key <> ''")
_index(StatementLineRow, "payment_statement_line_of", "scope_id", "payment_psp", where="payment_psp <> ''")
_index(DifferenceRow, "payment_difference_listed", "scope_id", "day", "difference_id")
_index(DifferenceRow, "payment_difference_open", "scope_id", "at_ms", where="state = 'open'")
_index(CardRow, "card_due", "due_ms")
_index(CardRow, "card_version", "version")
_index(CardUseRow, "card_use_of", "scope_id", "reservation_id", "use_id")
_index(CardUseRow, "card_use_by", "scope_id", "author", "at_ms")
