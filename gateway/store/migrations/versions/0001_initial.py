"""All tables at first."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    _properties()
    _bookings()
    _messages()
    _connections()
    _history()
    _work()
    _access()
    _sales()
    _payments()
    _statements()
    _cards()


def _properties() -> None:
    op.create_table(
        "scope",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.Column("config_version", sa.BigInteger, nullable=False),
        sa.Column("cause", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope_id"),
    )
    op.create_table(
        "config",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "version"),
    )
    op.create_table(
        "calendar",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("plan", TEXT, nullable=False),
        sa.Column("block", sa.BigInteger, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "room", "plan", "block"),
    )
    op.create_index("calendar_newer", "calendar", ["scope_id", "rev"])
    op.create_table(
        "stock",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("block", sa.BigInteger, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "room", "block"),
    )
    op.create_index("stock_newer", "stock", ["scope_id", "rev"])


def _bookings() -> None:
    op.create_table(
        "reservation",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("booking_id", TEXT, nullable=False),
        sa.Column("reservation_id", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("revisions", sa.BigInteger, nullable=False),
        sa.Column("arrival", sa.BigInteger, nullable=False),
        sa.Column("departure", sa.BigInteger, nullable=False),
        sa.Column("parked", sa.BigInteger, nullable=False),
        sa.Column("oversold", sa.BigInteger, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("nights", sa.LargeBinary, nullable=False),
        sa.Column("guest", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "connection", "channel", "booking_id"),
    )
    op.create_index("reservation_newer", "reservation", ["scope_id", "rev"])
    op.create_index("reservation_number", "reservation", ["scope_id", "reservation_id"], unique=True)
    covered = ["reservation_id", "status", "connection"]
    op.create_index("reservation_created", "reservation", ["scope_id", "at_ms", *covered])
    op.create_index("reservation_arrival", "reservation", ["scope_id", "arrival", *covered])
    listed = ["reservation_id", "at_ms", "arrival", "status", "connection"]
    op.create_index("reservation_guest", "reservation", ["scope_id", "guest", *listed])
    op.create_index("reservation_booking", "reservation", ["scope_id", "booking_id", *listed])
    op.create_index(
        "reservation_trouble",
        "reservation",
        ["scope_id", "at_ms", "reservation_id"],
        **_where("parked > 0 OR oversold > 0"),
    )
    op.create_table(
        "revision",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("reservation_id", TEXT, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "reservation_id", "seq"),
    )
    op.create_table(
        "delivery",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("reservation_id", TEXT, nullable=False),
        sa.Column("wanted_seq", sa.BigInteger, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=True),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("ref", TEXT, nullable=False),
        sa.Column("error", TEXT, nullable=False),
        sa.Column("settled", sa.BigInteger, nullable=False),
        sa.Column("claim", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "connection", "reservation_id"),
    )
    op.create_index("delivery_due", "delivery", ["due_ms", "scope_id", "connection"], **_where("due_ms IS NOT NULL"))
    to_fetch = _where("due_ms IS NULL AND state IN ('pending', 'sent')")
    op.create_index("delivery_to_fetch", "delivery", ["scope_id", "connection"], **to_fetch)
    op.create_index("delivery_refused", "delivery", ["scope_id", "connection"], **_where("state = 'refused'"))
    op.create_index("delivery_unsettled", "delivery", ["scope_id", "connection"], **_where("settled = 0"))


def _messages() -> None:
    op.create_table(
        "message",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("direction", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("detail", TEXT, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.Column("token", sa.LargeBinary, nullable=True),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        sa.Column("cause", sa.BigInteger, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "message_id"),
    )
    listed = ["message_id", "connection", "direction", "kind", "outcome"]
    op.create_index("message_log", "message", ["scope_id", "at_ms", *listed])
    op.create_index("message_cause", "message", ["scope_id", "cause"], **_where("cause > 0"))
    op.create_index("message_token", "message", ["scope_id", "token"], unique=True, **_where("token IS NOT NULL"))


def _connections() -> None:
    op.create_table(
        "connection",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("pushes", sa.BigInteger, nullable=False),
        sa.Column("synced_rev", sa.BigInteger, nullable=False),
        sa.Column("synced_version", sa.BigInteger, nullable=False),
        sa.Column("valid_until_ms", sa.BigInteger, nullable=False),
        sa.Column("paused_until_ms", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.BigInteger, nullable=False),
        sa.Column("error", TEXT, nullable=False),
        sa.Column("confirmed_ms", sa.BigInteger, nullable=False),
        sa.Column("synced_cause", sa.BigInteger, nullable=False),
        sa.Column("unconfirmed_ms", sa.BigInteger, nullable=False),
        sa.Column("synced_order", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "connection"),
    )
    op.create_index("connection_home", "connection", ["connection"], unique=True)
    op.create_table(
        "shadow",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("aspect", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("plan", TEXT, nullable=False),
        sa.Column("block", sa.BigInteger, nullable=False),
        sa.Column("hold_ms", sa.BigInteger, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "connection", "aspect", "room", "plan", "block"),
    )
    op.create_index("shadow_due", "shadow", ["scope_id", "connection", "due_ms"], **_where("due_ms IS NOT NULL"))
    op.create_table(
        "agreed",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("capabilities", TEXT, nullable=False),
        sa.Column("opened", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "connection"),
    )
    op.create_table(
        "sync_error",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("aspect", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("plan", TEXT, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "connection", "aspect", "room", "plan"),
    )


def _history() -> None:
    op.create_table(
        "journal",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("ledger", TEXT, nullable=False),
        sa.Column("block", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "ledger", "block", "message_id"),
    )
    op.create_table(
        "sync_order",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("paused", sa.BigInteger, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "connection"),
    )
    op.create_table(
        "held_change",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("nights", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "message_id"),
    )
    op.create_table(
        "their_code",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "connection", "source", "kind", "code"),
    )
    op.create_table(
        "profile",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("made_ms", sa.BigInteger, nullable=False),
        sa.Column("changed_ms", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "connection", "kind", "number"),
    )


def _work() -> None:
    op.create_table(
        "retrieval",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=False),
        sa.Column("done_ms", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.BigInteger, nullable=False),
        sa.Column("error", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "connection"),
    )
    op.create_index("retrieval_due", "retrieval", ["due_ms"])
    op.create_table(
        "content",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=True),
        sa.Column("wanted", TEXT, nullable=False),
        sa.Column("confirmed", TEXT, nullable=False),
        sa.Column("done_ms", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.BigInteger, nullable=False),
        sa.Column("error", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "connection"),
    )
    op.create_index("content_due", "content", ["due_ms"], **_where("due_ms IS NOT NULL"))
    op.create_table(
        "lease",
        sa.Column("shard", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("shard"),
    )
    op.create_table(
        "alert",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
        sa.Column("gone_ms", sa.BigInteger, nullable=False),
        sa.Column("told_ms", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "kind", "subject"),
    )


def _access() -> None:
    op.create_table(
        "principal",
        sa.Column("principal_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("grants", sa.LargeBinary, nullable=False),
        sa.Column("allow", TEXT, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=True),
        sa.Column("revoked_ms", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("principal_id"),
    )
    people = "kind = 'person' AND revoked_ms IS NULL"
    op.create_index("principal_person", "principal", ["name"], unique=True, **_where(people))
    op.create_table(
        "principal_use",
        sa.Column("principal_id", TEXT, nullable=False),
        sa.Column("used_ms", sa.BigInteger, nullable=False),
        sa.Column("address", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("principal_id"),
    )
    op.create_table(
        "session",
        sa.Column("session_id", TEXT, nullable=False),
        sa.Column("principal_id", TEXT, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("used_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("address", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("session_id"),
    )
    op.create_index("session_of", "session", ["principal_id"])
    op.create_index("session_end", "session", ["expires_ms"])
    op.create_table(
        "idempotency",
        sa.Column("principal_id", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("principal_id", "key"),
    )
    op.create_index("idempotency_age", "idempotency", ["at_ms"])


def _sales() -> None:
    op.create_table(
        "sale",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("sale_id", TEXT, nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=True),
        sa.Column("mail_ms", sa.BigInteger, nullable=True),
        sa.Column("mail_attempts", sa.BigInteger, nullable=False),
        sa.Column("letter", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "sale_id"),
    )
    op.create_index("sale_due", "sale", ["due_ms"], **_where("due_ms IS NOT NULL"))
    op.create_index("sale_requested", "sale", ["scope_id"], **_where("state = 'requested'"))
    op.create_index("sale_mail", "sale", ["mail_ms"], **_where("mail_ms IS NOT NULL"))


def _payments() -> None:
    op.create_table(
        "payment_account",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("property_id", TEXT, nullable=False),
        sa.Column("refused", sa.BigInteger, nullable=False),
        sa.Column("refused_ms", sa.BigInteger, nullable=False),
        sa.Column("refused_text", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("scope_id"),
    )
    op.create_table(
        "payment_inbox",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("dedupe", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=True),
        sa.Column("verified_with", TEXT, nullable=False),
        sa.Column("detail", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "dedupe"),
    )
    op.create_index("payment_inbox_due", "payment_inbox", ["due_ms"], **_where("due_ms IS NOT NULL"))
    parked = "state = 'parked'"
    op.create_index("payment_inbox_parked", "payment_inbox", ["scope_id", "at_ms"], **_where(parked))
    op.create_table(
        "payment",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("payment_id", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("reservation_id", TEXT, nullable=False),
        sa.Column("intent", TEXT, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "payment_id"),
    )
    op.create_index("payment_created", "payment", ["scope_id", "at_ms", "payment_id"])
    booked = "reservation_id <> ''"
    op.create_index("payment_reservation", "payment", ["scope_id", "reservation_id"], **_where(booked))
    op.create_table(
        "payment_operation",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("operation_id", TEXT, nullable=False),
        sa.Column("payment_id", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("parent", TEXT, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("waiting", TEXT, nullable=False),
        sa.Column("psp", TEXT, nullable=False),
        sa.Column("error", TEXT, nullable=False),
        sa.Column("error_raw", TEXT, nullable=False),
        sa.Column("sent_ms", sa.BigInteger, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=True),
        sa.Column("asked", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=True),
        sa.Column("not_found", sa.LargeBinary, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("command", sa.LargeBinary, nullable=False),
        sa.Column("action", sa.LargeBinary, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "operation_id"),
    )
    op.create_index("payment_operation_of", "payment_operation", ["scope_id", "payment_id"])
    op.create_index("payment_operation_psp", "payment_operation", ["scope_id", "psp"])
    op.create_index("payment_operation_due", "payment_operation", ["due_ms"], **_where("due_ms IS NOT NULL"))
    left = "due_ms IS NULL AND outcome NOT IN ('succeeded', 'failed')"
    op.create_index("payment_operation_left", "payment_operation", ["scope_id", "account"], **_where(left))
    op.create_table(
        "payment_event",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("payment_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("fact_key", TEXT, nullable=False),
        sa.Column("seen_ms", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "payment_id", "kind", "fact_key"),
    )
    op.create_index("payment_event_key", "payment_event", ["scope_id", "fact_key"])
    op.create_index("payment_event_seen", "payment_event", ["scope_id", "seen_ms"])


def _statements() -> None:
    op.create_table(
        "payment_token",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("token", TEXT, nullable=False),
        sa.Column("payment_id", TEXT, nullable=False),
        sa.Column("reservation_id", TEXT, nullable=False),
        sa.Column("customer", TEXT, nullable=False),
        sa.Column("brand", TEXT, nullable=False),
        sa.Column("last4", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "account", "token"),
    )
    op.create_index("payment_token_of", "payment_token", ["scope_id", "reservation_id"])
    op.create_table(
        "payment_statement",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("day", sa.BigInteger, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=True),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("report", TEXT, nullable=False),
        sa.Column("lines", sa.BigInteger, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("net", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("error", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "name"),
    )
    op.create_index("payment_statement_due", "payment_statement", ["due_ms"], **_where("due_ms IS NOT NULL"))
    op.create_index("payment_statement_failed", "payment_statement", ["scope_id"], **_where("state = 'failed'"))
    op.create_table(
        "payment_statement_line",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("fact_key", TEXT, nullable=False),
        sa.Column("payment_psp", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "name", "number"),
    )
    line, keyed, of_payment = "payment_statement_line", "fact_key <> ''", "payment_psp <> ''"
    op.create_index("payment_statement_line_key", line, ["scope_id", "fact_key"], **_where(keyed))
    op.create_index("payment_statement_line_of", line, ["scope_id", "payment_psp"], **_where(of_payment))
    op.create_table(
        "payment_difference",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("difference_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("day", sa.BigInteger, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("payment_id", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("closed_ms", sa.BigInteger, nullable=False),
        sa.Column("closed_by", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "difference_id"),
    )
    op.create_index("payment_difference_listed", "payment_difference", ["scope_id", "day", "difference_id"])
    op.create_index("payment_difference_open", "payment_difference", ["scope_id", "at_ms"], **_where("state = 'open'"))


def _cards() -> None:
    op.create_table(
        "card",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("reservation_id", TEXT, nullable=False),
        sa.Column("card_id", TEXT, nullable=False),
        sa.Column("connection", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("booking_id", TEXT, nullable=False),
        sa.Column("brand", TEXT, nullable=False),
        sa.Column("first6", TEXT, nullable=False),
        sa.Column("last4", TEXT, nullable=False),
        sa.Column("expires", TEXT, nullable=False),
        sa.Column("starts", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=False),
        sa.Column("vault", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("room", TEXT, nullable=False),
        sa.Column("is_virtual", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "reservation_id", "card_id"),
    )
    op.create_index("card_due", "card", ["due_ms"])
    op.create_index("card_version", "card", ["version"])
    op.create_table(
        "card_use",
        sa.Column("scope_id", TEXT, nullable=False),
        sa.Column("use_id", sa.BigInteger, nullable=False),
        sa.Column("reservation_id", TEXT, nullable=False),
        sa.Column("card_id", TEXT, nullable=False),
        sa.Column("mask", TEXT, nullable=False),
        sa.Column("what", TEXT, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope_id", "use_id"),
    )
    op.create_index("card_use_of", "card_use", ["scope_id", "reservation_id", "use_id"])
    op.create_index("card_use_by", "card_use", ["scope_id", "author", "at_ms"])
