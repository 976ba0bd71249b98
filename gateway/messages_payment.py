"""What crosses the border to payment gateways. Part of :mod:`gateway.messages`, in a file of its own for its size."""

from __future__ import annotations

import msgspec

from gateway.model.command import Command
from gateway.model.dates import Day, Instant
from gateway.model.payment import Fact, OperationKind, OperationOutcome, OperationRef, StatementLine
from gateway.model.payment_error import PaymentError
from gateway.model.payment_means import Device, GuestAction, Means, Occasion, Presence, Token


class PaymentCommand(Command, frozen=True, tag=True, kw_only=True):
    """``id`` is the operation's: a ULID in Crockford base 32, its idempotency key and our reference to the gateway.

    ``at_ms`` is the operation's instant and stays the same over repeats. What ages or must not repeat in a signature
    is of each sending: ``sent_ms`` (0: like ``at_ms``) and ``nonce``, 32 letters or digits. ``payment`` is our number
    of the payment.
    """

    payment: str
    sent_ms: Instant = 0
    nonce: str = ""


class Charge(PaymentCommand, frozen=True, tag=True, kw_only=True):
    """Common to :class:`Authorise` and :class:`Purchase`.

    ``reservation`` and ``text`` show up in the gateway's own pages: no names of guests. ``customer`` is the guest as
    the gateway is to know them (Stripe: its ``cus_`` number, elsewhere an opaque id of ours), needed to ``store`` the
    means for later. ``return_url`` is where a browser comes back to, ``notify_url``
    where callbacks go; ``expires_ms`` when an unpaid order ends.
    """

    amount: int
    currency: str
    means: Means
    reservation: str = ""
    text: str = ""
    presence: Presence = Presence.GUEST
    occasion: Occasion = Occasion.STAY
    customer: str = ""
    store: bool = False
    return_url: str = ""
    notify_url: str = ""
    expires_ms: Instant | None = None
    device: Device = Device()
    language: str = ""


class Authorise(Charge, frozen=True, tag=True, kw_only=True):
    """Hold an amount, to be captured later."""


class Purchase(Charge, frozen=True, tag=True, kw_only=True):
    """Hold and capture in one."""


class ContinueCharge(PaymentCommand, frozen=True, tag=True, kw_only=True):
    """The guest has done what an action asked for: ``details`` are what their browser brought back, verbatim.

    ``id`` is the key of this call; the answer is about ``of``.
    """

    of: OperationRef
    details: dict[str, str]


class Adjust(PaymentCommand, frozen=True, tag=True, kw_only=True):
    """Set the hold ``of`` an authorisation to ``amount``, its new total; an unchanged total only extends it."""

    of: OperationRef
    amount: int
    currency: str
    occasion: Occasion = Occasion.STAY


class Capture(PaymentCommand, frozen=True, tag=True, kw_only=True):
    """Take ``amount`` from the hold ``of`` an authorisation; ``final`` says that the rest may be released."""

    of: OperationRef
    amount: int
    currency: str
    text: str = ""
    final: bool = True
    notify_url: str = ""


class Void(PaymentCommand, frozen=True, tag=True, kw_only=True):
    """Release ``amount`` of the hold ``of`` an authorisation, or undo a capture on the same day where they do that.

    ``whole`` releases all that is left; ``amount`` then only says how much we believe that to be. ``neutralise`` is for
    an operation with unknown outcome: undo it if it exists (Adyen's technical cancel, Alipay's cancel, WeChat Pay's
    reverse, UnionPay's reversal).
    """

    of: OperationRef
    amount: int
    currency: str
    whole: bool = True
    neutralise: bool = False
    notify_url: str = ""


class Refund(PaymentCommand, frozen=True, tag=True, kw_only=True):
    """Give ``amount`` back. ``of`` is the purchase or authorisation, ``capture`` the capture if there was one."""

    of: OperationRef
    amount: int
    currency: str
    capture: OperationRef | None = None
    text: str = ""
    notify_url: str = ""


class Close(PaymentCommand, frozen=True, tag=True, kw_only=True):
    """Withdraw an order nobody has paid."""

    of: OperationRef


class Tokenise(PaymentCommand, frozen=True, tag=True, kw_only=True):
    """Have the gateway keep a means of payment, without charging it."""

    means: Means
    currency: str
    customer: str = ""
    return_url: str = ""


class QueryOperation(PaymentCommand, frozen=True, tag=True, kw_only=True):
    """What became of an operation? ``parent`` is the authorisation or purchase a capture, void or refund is part of."""

    of: OperationRef
    parent: OperationRef | None = None


class RenewAction(PaymentCommand, frozen=True, tag=True, kw_only=True):
    """The guest opens the page again: sign afresh what an earlier action handed over."""

    of: OperationRef
    action: GuestAction


class FetchStatement(Command, frozen=True, tag=True, kw_only=True):
    """The movements of one day in the gateway's zone, or of one ``report`` (payout, batch, file name).

    The next page or the file itself is fetched by the command in :attr:`gateway.contract.Decoded.next`, which carries
    ``cursor`` and ``location``; ``seen`` is how many lines came before.
    """

    day: Day
    report: str = ""
    cursor: str = ""
    location: str = ""
    check: str = ""
    seen: int = 0
    sent_ms: Instant = 0
    nonce: str = ""


class PaymentAnswered(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """What a reply says of an operation, be it the one that was sent or one asked about.

    ``psp`` is their number for it (see :class:`gateway.model.payment.OperationRef`). ``error_raw`` is their code,
    sub-code and text, redacted. ``hold_expires_ms`` is when a hold ends, where they tell. ``not_found`` in answer to a
    query comes with the outcome ``unknown``: it is not yet a failure.
    """

    operation: str
    outcome: OperationOutcome
    psp: str = ""
    facts: tuple[Fact, ...] = ()
    action: GuestAction | None = None
    error: PaymentError | None = None
    error_raw: str = ""
    token: Token | None = None
    hold_expires_ms: Instant | None = None
    retry_after_s: float | None = None


class Inquiry(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Something a callback hints at without saying enough: to be queried before anything is concluded."""

    kind: OperationKind
    operation: str = ""
    payment: str = ""
    psp: str = ""
    payment_psp: str = ""


class PaymentNotified(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A verified callback, or one item of it. ``dedupe`` recognises it when it comes again.

    ``account`` is whose it claims to be in their words, ``name`` their word for the event. No ``facts`` and no
    ``inquiries``: nothing follows. ``park`` is why a person has to look at it.
    """

    account: str
    dedupe: str
    name: str
    facts: tuple[Fact, ...] = ()
    inquiries: tuple[Inquiry, ...] = ()
    park: str = ""


class StatementReceived(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Lines of a statement. ``total`` is what it was paid out as, where it says so: the sum of the nets of all lines.

    The payout itself is then no line. ``complete`` is the last page.
    """

    report: str
    lines: tuple[StatementLine, ...]
    currency: str = ""
    total: int | None = None
    complete: bool = True


PaymentEvent = PaymentAnswered | PaymentNotified | StatementReceived
