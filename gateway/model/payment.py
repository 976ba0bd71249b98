"""Payments: what was asked of a gateway, what it says has moved, and how it may end.

Amounts are whole minor units by ISO 4217, with their currency; the gateways' own units stay in their connectors. A
*payment* is one charge or deposit as the guest sees it, an *operation* one thing asked of the gateway for it, a *fact*
one movement as the gateway states it, in a reply, a callback, a query or a statement.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gateway.model.dates import Instant
from gateway.model.payment_error import PaymentError


class OperationKind(StrEnum):
    """What can be asked of a gateway. Reads (queries, statements) are no operations."""

    AUTHORISE = "authorise"  # hold an amount
    ADJUST = "adjust"  # set a hold to a new total, or extend it
    CAPTURE = "capture"
    VOID = "void"  # release a hold, or what is left of it
    PURCHASE = "purchase"  # authorise and capture in one
    REFUND = "refund"
    CLOSE = "close"  # withdraw an order nobody has paid
    TOKENISE = "tokenise"


class OperationOutcome(StrEnum):
    """Where an operation stands. ``NEW`` is written before anything is sent; only two are final."""

    NEW = "new"
    SUCCEEDED = "succeeded"
    PENDING = "pending"  # the gateway has it, the result comes later
    ACTION_REQUIRED = "action_required"  # the guest must do something first
    FAILED = "failed"  # the gateway says that it did not happen and will not
    UNKNOWN = "unknown"  # nobody can tell: asked about, never blindly sent again


class FactKind(StrEnum):
    """What has moved, or has been decided. The amount is that of the movement itself, never a running total."""

    ACTION_REQUIRED = "action_required"
    AUTHORISED = "authorised"
    AUTHORISATION_ADJUSTED = "authorisation_adjusted"  # the amount is the new total of the hold
    ADJUSTMENT_FAILED = "adjustment_failed"
    CAPTURED = "captured"
    CAPTURE_FAILED = "capture_failed"  # annuls the capture with the same key
    VOIDED = "voided"  # released by us, in whole or in part
    VOID_FAILED = "void_failed"
    EXPIRED = "expired"  # released by time
    PAYMENT_FAILED = "payment_failed"
    CLOSED = "closed"  # an unpaid order withdrawn or timed out
    REFUND_PENDING = "refund_pending"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"  # annuls the refund with the same key
    REFUND_REVERSED = "refund_reversed"  # likewise: the money came back
    DISPUTE_WARNING = "dispute_warning"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_FUNDS_WITHDRAWN = "dispute_funds_withdrawn"
    DISPUTE_FUNDS_REINSTATED = "dispute_funds_reinstated"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    DISPUTE_CLOSED = "dispute_closed"
    TOKEN_CREATED = "token_created"
    TOKEN_REMOVED = "token_removed"
    PAYOUT_PAID = "payout_paid"  # of the account, like the next two: no payment is concerned
    PAYOUT_FAILED = "payout_failed"
    REPORT_READY = "report_ready"


class FactSource(StrEnum):
    """How we came to know a fact."""

    REPLY = "reply"
    CALLBACK = "callback"
    QUERY = "query"
    REPORT = "report"
    MANUAL = "manual"


class Fact(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One statement of a gateway about a movement.

    ``key`` is the gateway's identifier of the movement, the same in reply, callback, query and statement. ``amount``
    None stands for the amount of the operation the fact belongs to. ``rest`` (releases only) turns it around: all of
    the hold but ``amount`` is released. Some messages mean one thing or another depending on what was asked for:
    ``purchase_key`` is the key of a capture (or its failure) where the payment is a purchase, ``adjusted_key`` makes an
    ``authorised`` an ``authorisation_adjusted`` where its amount is not what its operation asked for. ``unsure`` is a
    failure whose ``key`` may be its own rather than that of the movement that failed.

    To find its payment: ``operation`` is what the message gives as our reference (of the operation itself, or of
    the one it changes), ``payment`` our number of the payment, ``psp`` and ``payment_psp`` the gateway's numbers of
    both. ``at_ms`` is the gateway's clock, ``expires_ms`` when a hold ends. ``text`` is for staff: no card data, never
    shown to a guest. A token's ``key`` is the token, ``customer`` whose it is in the gateway's eyes.
    """

    kind: FactKind
    key: str
    amount: int | None = None
    currency: str = ""
    at_ms: Instant | None = None
    rest: bool = False
    purchase_key: str = ""
    adjusted_key: str = ""
    unsure: bool = False
    operation: str = ""
    payment: str = ""
    psp: str = ""
    payment_psp: str = ""
    expires_ms: Instant | None = None
    error: PaymentError | None = None
    text: str = ""
    customer: str = ""


class OperationRef(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An operation of ours as later commands point to it.

    ``at_ms`` is the instant that was sent with it, which some gateways need again (UnionPay's ``txnTime``). ``psp`` is
    the gateway's number for it: of the payment for an authorisation or purchase, of the movement otherwise.
    """

    id: str
    kind: OperationKind
    at_ms: Instant
    amount: int
    currency: str
    psp: str = ""


class StatementLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line of a gateway's statement. ``kind`` None: fees, payouts and corrections that belong to no movement.

    ``gross``, ``fee`` and ``net`` are signed as seen by us (a refund is negative, a fee we pay positive) and
    ``gross - fee = net`` where ``currency`` is the settlement's. ``amount`` and ``presented`` are the movement as
    the guest saw it, positive, where the statement tells. ``kind`` and ``key`` match a fact.
    """

    number: int
    label: str
    kind: FactKind | None
    key: str = ""
    psp: str = ""
    payment_psp: str = ""
    operation: str = ""
    gross: int = 0
    fee: int = 0
    net: int = 0
    currency: str = ""
    amount: int | None = None
    presented: str = ""
    at_ms: Instant | None = None
