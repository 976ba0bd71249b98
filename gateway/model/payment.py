"""Payments: what was asked of a gateway, what it says has moved, and how it may end.

Amounts are whole minor units by ISO 4217, with their currency; the gateways' own units stay in their connectors. A
*payment* is one charge or deposit as the guest sees it, an *operation* one thing asked of the gateway for it, a *fact*
one movement as the gateway states it, in a reply, a callback, a query or a statement.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gateway.model.dates import Instant


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


class Retry(StrEnum):
    """What may follow an error."""

    NO = "no"  # the same details will not work
    NEW = "new"  # the guest may try again, as a new operation
    SAME = "same"  # send again with the same key
    QUERY = "query"  # ask what happened


class PaymentError(StrEnum):
    """Why an operation did not succeed, stable and the same for every gateway."""

    DECLINED = "declined"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LIMIT_EXCEEDED = "limit_exceeded"
    EXPIRED_CARD = "expired_card"
    INVALID_CARD = "invalid_card"
    INCORRECT_CVC = "incorrect_cvc"
    CARD_RESTRICTED = "card_restricted"
    DO_NOT_RETRY = "do_not_retry"
    FRAUD_SUSPECTED = "fraud_suspected"
    NOT_PERMITTED = "not_permitted"
    AUTHENTICATION_REQUIRED = "authentication_required"
    AUTHENTICATION_FAILED = "authentication_failed"
    CANCELLED_BY_USER = "cancelled_by_user"
    ORDER_EXPIRED = "order_expired"
    ISSUER_UNAVAILABLE = "issuer_unavailable"
    NOT_FOUND = "not_found"
    ALREADY_PAID = "already_paid"
    ALREADY_CAPTURED = "already_captured"
    ALREADY_REFUNDED = "already_refunded"
    ALREADY_VOIDED = "already_voided"
    ALREADY_CLOSED = "already_closed"
    WRONG_STATE = "wrong_state"
    AUTHORISATION_EXPIRED = "authorisation_expired"
    AMOUNT_EXCEEDS_AUTHORISED = "amount_exceeds_authorised"
    AMOUNT_EXCEEDS_REFUNDABLE = "amount_exceeds_refundable"
    AMOUNT_EXCEEDS_FROZEN = "amount_exceeds_frozen"
    REFUND_WINDOW_CLOSED = "refund_window_closed"
    MERCHANT_BALANCE_INSUFFICIENT = "merchant_balance_insufficient"
    DISPUTED = "disputed"
    INVALID_AMOUNT = "invalid_amount"
    CURRENCY_NOT_SUPPORTED = "currency_not_supported"
    INVALID_REQUEST = "invalid_request"
    DUPLICATE = "duplicate"
    IDEMPOTENCY_CONFLICT = "idempotency_conflict"
    IN_PROGRESS = "in_progress"
    RATE_LIMITED = "rate_limited"
    CREDENTIALS_INVALID = "credentials_invalid"
    MERCHANT_CONFIG = "merchant_config"
    SIGNATURE_INVALID = "signature_invalid"
    GATEWAY_ERROR = "gateway_error"
    TIMEOUT = "timeout"
    UNKNOWN = "unknown"


_NEW = frozenset(
    {
        PaymentError.DECLINED,
        PaymentError.INSUFFICIENT_FUNDS,
        PaymentError.LIMIT_EXCEEDED,
        PaymentError.EXPIRED_CARD,
        PaymentError.INVALID_CARD,
        PaymentError.INCORRECT_CVC,
        PaymentError.NOT_PERMITTED,
        PaymentError.AUTHENTICATION_REQUIRED,
        PaymentError.AUTHENTICATION_FAILED,
        PaymentError.CANCELLED_BY_USER,
        PaymentError.ORDER_EXPIRED,
    }
)
_SAME = frozenset(
    {
        PaymentError.ISSUER_UNAVAILABLE,
        PaymentError.MERCHANT_BALANCE_INSUFFICIENT,
        PaymentError.IN_PROGRESS,
        PaymentError.RATE_LIMITED,
    }
)
_QUERY = frozenset(
    {
        PaymentError.ALREADY_PAID,
        PaymentError.ALREADY_CAPTURED,
        PaymentError.ALREADY_REFUNDED,
        PaymentError.ALREADY_VOIDED,
        PaymentError.ALREADY_CLOSED,
        PaymentError.WRONG_STATE,
        PaymentError.DUPLICATE,
        PaymentError.SIGNATURE_INVALID,
        PaymentError.GATEWAY_ERROR,
        PaymentError.TIMEOUT,
        PaymentError.UNKNOWN,
    }
)


def retry_of(error: PaymentError) -> Retry:
    """What may follow."""
    return (
        Retry.NEW if error in _NEW else Retry.SAME if error in _SAME else Retry.QUERY if error in _QUERY else Retry.NO
    )


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


# --- how the guest pays -----------------------------------------------------------------------------------------------


class Card(msgspec.Struct, frozen=True, tag="card", omit_defaults=True):
    """A card in clear, from the vault, for one request. ``cvc`` is never kept anywhere."""

    number: str
    month: int
    year: int
    holder: str = ""
    cvc: str = ""

    def __repr__(self) -> str:
        return f"Card(***{self.number[-4:]})"


class StoredMethod(msgspec.Struct, frozen=True, tag="stored", omit_defaults=True):
    """A means of payment the gateway keeps under ``token``, for its ``customer`` where it knows customers."""

    token: str
    customer: str = ""


class ClientMethod(msgspec.Struct, frozen=True, tag="client", omit_defaults=True):
    """What the gateway's own field in the browser gave for a card or wallet, passed on as it is."""

    data: dict[str, str]

    def __repr__(self) -> str:
        return f"ClientMethod({', '.join(sorted(self.data))})"


class HostedPage(msgspec.Struct, frozen=True, tag="page", omit_defaults=True):
    """A page of the gateway for any browser; with ``link`` one whose address can be mailed and lives for days."""

    link: bool = False


class MobilePage(msgspec.Struct, frozen=True, tag="mobile", omit_defaults=True):
    """A page in a mobile browser that opens the wallet (H5, WAP). ``platform`` is Wap, iOS or Android."""

    platform: str = "Wap"


class InApp(msgspec.Struct, frozen=True, tag="app", omit_defaults=True):
    """A phone app with the gateway's kit."""


class MiniProgram(msgspec.Struct, frozen=True, tag="mini", omit_defaults=True):
    """Inside the wallet itself (JSAPI, mini-program); ``payer`` is the wallet's id of the guest."""

    payer: str


class ShownCode(msgspec.Struct, frozen=True, tag="qr", omit_defaults=True):
    """A QR code that we show and the guest scans; ``wallet`` where the gateway serves several."""

    wallet: str = ""


class ScannedCode(msgspec.Struct, frozen=True, tag="scan", omit_defaults=True):
    """The code the guest shows, scanned at the desk ``terminal``."""

    code: str
    terminal: str = ""

    def __repr__(self) -> str:
        return "ScannedCode(***)"


Means = Card | StoredMethod | ClientMethod | HostedPage | MobilePage | InApp | MiniProgram | ShownCode | ScannedCode


class Presence(StrEnum):
    """Who is there when a payment is made, which decides about authentication and liability."""

    GUEST = "guest"  # on a page, at the desk
    ABSENT = "absent"  # charged later by agreement: stored card
    MOTO = "moto"  # card taken by mail, telephone or an OTA, virtual cards among them


class Occasion(StrEnum):
    """Why a guest who is absent is charged; card schemes have marks for it."""

    STAY = "stay"
    NO_SHOW = "no_show"
    LATE_CHARGE = "late_charge"


class Device(msgspec.Struct, frozen=True, omit_defaults=True):
    """The guest's browser or telephone, for 3-D Secure and wallet pages. ``browser`` in the gateway's own names."""

    ip: str = ""
    browser: dict[str, str | int | bool] = {}
    origin: str = ""


# --- what the guest has to do -----------------------------------------------------------------------------------------


class ActionKind(StrEnum):
    """How a front end carries out an action."""

    REDIRECT = "redirect"  # open ``url``
    FORM = "form"  # POST ``fields`` to ``url`` from the browser
    QR = "qr"  # draw ``content``
    CLIENT = "client"  # hand ``fields`` or ``content`` to the gateway's own script or phone kit
    WAIT = "wait"  # the guest confirms in an app of theirs


class GuestAction(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """For the guest's eyes only: some of it lets its holder pay or read the order, so it is not logged."""

    kind: ActionKind
    url: str = ""
    fields: dict[str, str] = {}
    content: str = ""
    expires_ms: Instant | None = None

    def __repr__(self) -> str:
        return f"GuestAction({self.kind.value})"


class Token(msgspec.Struct, frozen=True, omit_defaults=True):
    """A means of payment the gateway has stored."""

    token: str
    customer: str = ""
    brand: str = ""
    last4: str = ""


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
