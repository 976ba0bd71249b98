"""The tables of payments: the accounts at gateways, their callbacks, and what became of every payment."""

from __future__ import annotations

from typing import NamedTuple


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

    ``intent`` is authorise or purchase. ``room`` is the room stay that it is for, "" for the whole booking.
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
    room: str = ""


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
