"""Adyen's replies. ``received`` is not done: a modification is pending until its webhook comes."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.payments._shared import answers
from connectors.payments._shared.money import from_gateway
from connectors.payments._shared.profile import Amounts, profile_of
from connectors.payments._shared.replies import asked, decode
from connectors.payments.adyen.encode import LINK, NAME
from connectors.payments.adyen.errors import fault_of, refusal_of
from connectors.payments.adyen.report import decode_report
from connectors.payments.adyen.times import instant_of
from gateway.contract import Decoded, Reply, Request, Site
from gateway.errors import OutcomeUnknown, Retryable
from gateway.messages import Command
from gateway.messages_payment import (
    Close,
    ContinueCharge,
    PaymentAnswered,
    PaymentCommand,
    QueryOperation,
    Tokenise,
)
from gateway.model.payment import Fact, FactKind, OperationKind, OperationOutcome
from gateway.model.payment_error import PaymentError, retry_of
from gateway.model.payment_error import Retry as RetryRule
from gateway.model.payment_means import ActionKind, GuestAction, Token

Outcome = OperationOutcome
_AUTHORISED = ("Authorised", "PartiallyAuthorised", "Success")
_PENDING = ("Pending", "Received")
_ACTION = (
    "RedirectShopper",
    "IdentifyShopper",
    "ChallengeShopper",
    "PresentToShopper",
    "AuthenticationFinished",
    "AuthenticationNotRequired",
)
_TOKENS = ("tokenization.storedPaymentMethodId", "recurring.recurringDetailReference")


class Amount(msgspec.Struct, frozen=True):
    currency: str
    value: int


class Answer(msgspec.Struct, frozen=True, rename="camel"):
    """All that any of the calls may answer, errors included."""

    psp_reference: str = ""
    result_code: str = ""
    status: str | int = ""
    id: str = ""
    url: str = ""
    session_data: str = ""
    expires_at: str = ""
    refusal_reason: str | None = None
    refusal_reason_code: str | None = None
    error_code: str | None = None
    error_type: str | None = None
    message: str | None = None
    amount: Amount | None = None
    action: dict[str, Any] | None = None
    additional_data: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"Answer({self.psp_reference}, {self.result_code or self.status})"


def decode_reply(command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
    """Raises :class:`Retryable` where Adyen says that nothing was stored and the same key may be used again."""
    amounts = profile_of(NAME, site.profile).amounts
    return decode(
        "Adyen",
        command,
        reply,
        lambda asked_for: decode_report(asked_for, reply, amounts),
        lambda sent: _answer(sent, reply, amounts),
    )


def _answer(command: PaymentCommand, reply: Reply, amounts: Amounts) -> PaymentAnswered:
    if reply.status >= 400 and reply.headers.get("transient-error", "").lower() == "true":
        raise Retryable("Adyen could not reach the acquirer")
    try:
        answer = msgspec.json.decode(reply.body, type=Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise OutcomeUnknown(f"status {reply.status} with an unreadable answer") from None
    return _read(command, answer, amounts) if reply.status in (200, 201) else _failed(command, answer, reply)


def _read(command: PaymentCommand, answer: Answer, amounts: Amounts) -> PaymentAnswered:
    if answer.result_code:
        return _paid(command, answer, amounts)
    if answer.session_data and answer.id:
        fields = {"id": answer.id, "sessionData": answer.session_data}
        action = GuestAction(kind=ActionKind.CLIENT, fields=fields, expires_ms=instant_of(answer.expires_at))
        return _waiting(command, answer.id, action)
    if answer.id.startswith(LINK):
        return _link(command, answer)
    if answer.psp_reference and answer.status in ("received", "authorised", "refused"):
        return _modified(command, answer)
    raise OutcomeUnknown("an answer of Adyen's that says neither result nor status")


def _paid(command: PaymentCommand, answer: Answer, amounts: Amounts) -> PaymentAnswered:
    """By resultCode. An error may hide an acquirer that has acted: the webhook tells."""
    code, operation, psp = answer.result_code, asked(command), answer.psp_reference
    if code in _AUTHORISED:
        facts = () if _keeps(command) else (_authorised(command, answer, amounts),)
        return PaymentAnswered(
            operation=operation, outcome=Outcome.SUCCEEDED, psp=psp, facts=facts, token=_token(command, answer)
        )
    if code in _ACTION:
        return _waiting(command, psp, _action(answer.action))
    if code in _PENDING:
        return PaymentAnswered(operation=operation, outcome=Outcome.PENDING, psp=psp)
    raw = " ".join(part for part in (code, answer.refusal_reason_code, answer.refusal_reason) if part)
    if code == "Refused":
        return _refused(command, answer, refusal_of(answer.refusal_reason_code or ""), raw)
    if code == "Cancelled":
        return _refused(command, answer, PaymentError.CANCELLED_BY_USER, raw)
    error = PaymentError.GATEWAY_ERROR if code == "Error" else PaymentError.UNKNOWN
    return answers.unknown(operation, error, raw, psp)


def _refused(command: PaymentCommand, answer: Answer, error: PaymentError, raw: str) -> PaymentAnswered:
    failed = answers.failed(asked(command), error, raw, answer.psp_reference)
    if not answer.psp_reference or _keeps(command):
        return failed
    return msgspec.structs.replace(failed, facts=(_fact(FactKind.PAYMENT_FAILED, command, answer, error=error),))


def _keeps(command: PaymentCommand) -> bool:
    """Whether it is about a card that is kept by a payment of nothing."""
    continued = isinstance(command, ContinueCharge) and command.of.kind is OperationKind.TOKENISE
    return isinstance(command, Tokenise) or continued


def _authorised(command: PaymentCommand, answer: Answer, amounts: Amounts) -> Fact:
    """The amount as Adyen gives it, where it does; a partial one is in the additional data."""
    if not answer.psp_reference:
        raise OutcomeUnknown("an authorisation without a pspReference")
    fact = _fact(FactKind.AUTHORISED, command, answer)
    amount = answer.amount
    if answer.result_code == "PartiallyAuthorised":
        data = answer.additional_data
        value = str(data.get("authorisedAmountValue", ""))
        if not value.isdecimal():
            raise OutcomeUnknown("a partial authorisation without its amount")
        amount = Amount(str(data.get("authorisedAmountCurrency", "")), int(value))
    if amount is None:
        return fact
    minor = from_gateway(amount.value, amount.currency, amounts)
    return msgspec.structs.replace(fact, amount=minor, currency=amount.currency)


def _fact(kind: FactKind, command: PaymentCommand, answer: Answer, *, error: PaymentError | None = None) -> Fact:
    psp = answer.psp_reference
    return Fact(
        kind=kind, key=psp, operation=asked(command), payment=command.payment, psp=psp, payment_psp=psp, error=error
    )


def _modified(command: PaymentCommand, answer: Answer) -> PaymentAnswered:
    """A modification is on its way; only an adjustment may be decided at once, and then its webhook says so too."""
    if answer.status == "refused":
        return answers.failed(asked(command), PaymentError.DECLINED, "refused", answer.psp_reference)
    return PaymentAnswered(operation=asked(command), outcome=Outcome.PENDING, psp=answer.psp_reference)


def _link(command: PaymentCommand, answer: Answer) -> PaymentAnswered:
    """A link that is open, used or over. Used is not paid: the webhook tells."""
    closing = isinstance(command, Close)
    if answer.status == "active" and not closing:
        action = GuestAction(kind=ActionKind.REDIRECT, url=answer.url, expires_ms=instant_of(answer.expires_at))
        return _waiting(command, answer.id, action)
    if answer.status == "expired":
        closed = Fact(
            kind=FactKind.CLOSED,
            key=answer.id,
            operation=command.of.id if isinstance(command, Close | QueryOperation) else command.id,
            payment=command.payment,
        )
        if closing:
            return PaymentAnswered(operation=command.id, outcome=Outcome.SUCCEEDED, psp=answer.id, facts=(closed,))
        failed = answers.failed(asked(command), PaymentError.ORDER_EXPIRED, "expired", answer.id)
        return msgspec.structs.replace(failed, facts=(closed,))
    if answer.status in ("completed", "paid", "paymentPending"):
        if closing:
            return answers.unknown(command.id, PaymentError.ALREADY_PAID, str(answer.status), answer.id)
        return PaymentAnswered(operation=asked(command), outcome=Outcome.PENDING, psp=answer.id)
    return answers.unknown(asked(command), PaymentError.UNKNOWN, str(answer.status), answer.id)


def _waiting(command: PaymentCommand, psp: str, action: GuestAction | None) -> PaymentAnswered:
    return PaymentAnswered(operation=asked(command), outcome=Outcome.ACTION_REQUIRED, psp=psp, action=action)


def _action(action: dict[str, Any] | None) -> GuestAction | None:
    """A code to draw is taken out; everything else goes to Adyen's component untouched."""
    if action is None:
        return None
    if action.get("type") == "qrCode" and isinstance(action.get("qrCodeData"), str):
        return GuestAction(kind=ActionKind.QR, content=action["qrCodeData"])
    return GuestAction(kind=ActionKind.CLIENT, content=msgspec.json.encode(action).decode())


def _token(command: PaymentCommand, answer: Answer) -> Token | None:
    found = next((str(answer.additional_data[name]) for name in _TOKENS if answer.additional_data.get(name)), "")
    return Token(found, getattr(command, "customer", "")) if found else None


def _failed(command: PaymentCommand, answer: Answer, reply: Reply) -> PaymentAnswered:
    code, kind = answer.error_code or "", answer.error_type or ""
    raw = " ".join(part for part in (str(reply.status), code, kind, answer.message) if part)
    error = fault_of(reply.status, code, kind)
    if error is PaymentError.IN_PROGRESS:
        pending = answers.unknown(asked(command), error, raw, retry_after_s=1.0)
        return msgspec.structs.replace(pending, outcome=Outcome.PENDING)
    if error is None or isinstance(command, QueryOperation) or retry_of(error) is RetryRule.QUERY:
        return answers.unknown(asked(command), error or PaymentError.GATEWAY_ERROR, raw, answer.psp_reference)
    return answers.failed(asked(command), error, raw, answer.psp_reference)
