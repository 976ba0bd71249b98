"""WeChat Pay's replies. Those without a signature that verifies say next to nothing, errors included."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote

import msgspec

from connectors.payments._shared import answers
from connectors.payments._shared.profile import PaymentProfile, profile_of
from connectors.payments.wechatpay.bill import decode_bill, decode_location, no_bill
from connectors.payments.wechatpay.client import PREPARED_LIFE_MS, in_app, in_wallet
from connectors.payments.wechatpay.encode import NAME, order_end, sent_at
from connectors.payments.wechatpay.errors import error_of
from connectors.payments.wechatpay.objects import Fault, Location, Prepared, RefundObject, Transaction
from connectors.payments.wechatpay.outcomes import PAID, ended, of_refund, of_transaction
from connectors.payments.wechatpay.signing import is_signed, verify_message
from gateway.contract import Decoded, Reply, Request, Site
from gateway.errors import Malformed, OutcomeUnknown, Refusal, Retryable, Unauthentic
from gateway.messages import Command
from gateway.messages_payment import (
    Close,
    FetchStatement,
    PaymentAnswered,
    PaymentCommand,
    Purchase,
    QueryOperation,
    Refund,
    Void,
)
from gateway.model.payment import Fact, FactKind, OperationKind, OperationOutcome
from gateway.model.payment_error import PaymentError, retry_of
from gateway.model.payment_error import Retry as RetryRule
from gateway.model.payment_means import ActionKind, GuestAction, InApp, ScannedCode

T = TypeVar("T")
Outcome = OperationOutcome
_H5_LIFE_MS = 5 * 60 * 1000
_WAIT_S = 5.0


def decode_reply(command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
    """Raises :class:`Retryable` for 429, and :class:`OutcomeUnknown` for what cannot be read."""
    profile = profile_of(NAME, site.profile)
    if reply.status == 429:
        raise Retryable("WeChat Pay asks us to slow down", after_s=answers.retry_after(reply))
    try:
        if isinstance(command, FetchStatement):
            return _statement(command, reply, site, profile)
        if not isinstance(command, PaymentCommand):
            raise TypeError(f"no call for {type(command).__name__} was made")
        answer = _answer(command, reply, site, profile)
    except Refusal as refusal:
        raise OutcomeUnknown(f"an answer of WeChat Pay's that cannot be understood: {refusal.text}") from None
    return answers.decoded(answer, answers.deadline(command.at_ms, getattr(command, "expires_ms", None)))


def asked(command: PaymentCommand) -> str:
    """The operation an answer is about."""
    return command.of.id if isinstance(command, QueryOperation) else command.id


def _answer(command: PaymentCommand, reply: Reply, site: Site, profile: PaymentProfile) -> PaymentAnswered:
    if not _proven(command, reply, site, profile):
        return _unproven(command, reply)
    if reply.status in (200, 204):
        return _done(command, reply, site, profile)
    return _refused(command, reply)


def _proven(command: PaymentCommand | FetchStatement, reply: Reply, site: Site, profile: PaymentProfile) -> bool:
    try:
        verify_message(reply.headers, reply.body, site, sent_at(command), profile.window_s)
    except Unauthentic:
        return False
    return True


def _unproven(command: PaymentCommand, reply: Reply) -> PaymentAnswered:
    """An edge server refuses without a signature: that we are not known, or that there is no such path."""
    raw = f"status {reply.status} without a valid signature"
    unsigned = not is_signed(reply.headers)
    if unsigned and reply.status in (401, 404) and not isinstance(command, QueryOperation):
        missing = reply.status == 404
        error = PaymentError.INVALID_REQUEST if missing else PaymentError.CREDENTIALS_INVALID
        return answers.failed(asked(command), error, raw)
    broken = unsigned and reply.status >= 300
    error = PaymentError.GATEWAY_ERROR if broken else PaymentError.SIGNATURE_INVALID
    return answers.unknown(asked(command), error, raw)


def _refused(command: PaymentCommand, reply: Reply) -> PaymentAnswered:
    fault = _decode(reply.body, Fault)
    raw = " ".join(part for part in (str(reply.status), fault.code, fault.message) if part)
    error = error_of(fault.code, refund=isinstance(command, Refund))
    if reply.status == 202 or error is None or reply.status >= 500:
        waiting = reply.status == 202 or fault.code.replace("_", "").upper() == "USERPAYING"
        if waiting and not isinstance(command, QueryOperation):
            return PaymentAnswered(operation=command.id, outcome=Outcome.PENDING, error_raw=answers.tidy(raw))
        return answers.unknown(asked(command), error or PaymentError.UNKNOWN, raw)
    if error is PaymentError.RATE_LIMITED:
        limited = answers.unknown(asked(command), error, raw, retry_after_s=_WAIT_S)
        return msgspec.structs.replace(limited, outcome=Outcome.PENDING)
    if isinstance(command, QueryOperation) or retry_of(error) is RetryRule.QUERY:
        # That a question was refused, or that it has happened already, says nothing about the operation itself.
        return answers.unknown(asked(command), error, raw)
    return answers.failed(asked(command), error, raw)


def _done(command: PaymentCommand, reply: Reply, site: Site, profile: PaymentProfile) -> PaymentAnswered:
    match command:
        case Purchase() if isinstance(command.means, ScannedCode):
            return _order(command.id, command.id, reply, site, profile)
        case Purchase():
            return _prepared(command, _decode(reply.body, Prepared), site, profile)
        case Close():
            closed = Fact(kind=FactKind.CLOSED, key=command.of.id, operation=command.of.id)
            return PaymentAnswered(operation=command.id, outcome=Outcome.SUCCEEDED, facts=(closed,))
        case Void():
            # Whether it was paid before stands in the order only.
            return PaymentAnswered(operation=command.id, outcome=Outcome.PENDING)
        case Refund():
            return of_refund(command.id, _decode(reply.body, RefundObject), profile.amounts)
        case QueryOperation():
            return _asked_about(command, reply, site, profile)
    raise OutcomeUnknown("an answer of WeChat Pay's to nothing that was asked")


def _order(operation: str, order: str, reply: Reply, site: Site, profile: PaymentProfile) -> PaymentAnswered:
    found = _transaction(order, reply, site)
    return of_transaction(operation, found, profile.amounts)


def _transaction(order: str, reply: Reply, site: Site) -> Transaction:
    found = _decode(reply.body, Transaction)
    if found.out_trade_no != order or (found.mchid and found.mchid != site.hotel):
        raise Malformed("an answer about another order")
    return found


def _prepared(command: Purchase, found: Prepared, site: Site, profile: PaymentProfile) -> PaymentAnswered:
    """An order waits for the guest, who is not known to have paid by anything a browser says."""
    now_ms, end_ms = sent_at(command), order_end(command, profile)
    until_ms = min(end_ms, now_ms + PREPARED_LIFE_MS)
    if found.code_url:
        action = GuestAction(kind=ActionKind.QR, content=found.code_url, expires_ms=until_ms)
    elif found.h5_url:
        back = f"&redirect_url={quote(command.return_url, safe='')}" if command.return_url else ""
        until_ms = min(end_ms, now_ms + _H5_LIFE_MS)
        action = GuestAction(kind=ActionKind.REDIRECT, url=f"{found.h5_url}{back}", expires_ms=until_ms)
    elif found.prepay_id:
        sign = in_app if isinstance(command.means, InApp) else in_wallet
        fields = sign(found.prepay_id, site, now_ms, command.nonce)
        action = GuestAction(kind=ActionKind.CLIENT, fields=fields, expires_ms=until_ms)
    else:
        raise OutcomeUnknown("an order of WeChat Pay's that nobody can pay")
    return PaymentAnswered(operation=command.id, outcome=Outcome.ACTION_REQUIRED, action=action)


def _asked_about(command: QueryOperation, reply: Reply, site: Site, profile: PaymentProfile) -> PaymentAnswered:
    of = command.of
    if of.kind is OperationKind.REFUND:
        return of_refund(of.id, _decode(reply.body, RefundObject), profile.amounts)
    if of.kind is OperationKind.PURCHASE:
        return _order(of.id, of.id, reply, site, profile)
    order = command.parent.id if command.parent else ""
    found = _transaction(order, reply, site)
    if found.trade_state in ("CLOSED", "REVOKED"):
        return PaymentAnswered(operation=of.id, outcome=Outcome.SUCCEEDED, facts=ended(found))
    state = of_transaction(of.id, found, profile.amounts)
    if found.trade_state in PAID and of.kind is OperationKind.CLOSE:
        failed = answers.failed(of.id, PaymentError.ALREADY_PAID, found.trade_state)
        return msgspec.structs.replace(failed, facts=state.facts)
    unclear = answers.unknown(of.id, PaymentError.WRONG_STATE, found.trade_state)
    return msgspec.structs.replace(unclear, facts=state.facts)


def _statement(command: FetchStatement, reply: Reply, site: Site, profile: PaymentProfile) -> Decoded:
    """Reading changes nothing, so a failure may be repeated."""
    if reply.status >= 500 or reply.status == 408:
        raise Retryable(f"the statement was answered with status {reply.status}")
    if command.location:
        return decode_bill(command, reply, profile.amounts)
    if not _proven(command, reply, site, profile):
        raise OutcomeUnknown("the address of a statement, without a signature that proves it")
    if reply.status != 200:
        return no_bill(_decode(reply.body, Fault))
    return decode_location(command, _decode(reply.body, Location))


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed(f"not a {kind.__name__} of WeChat Pay's") from None
