"""WeChat Pay's replies. Those without a signature that verifies say next to nothing, errors included."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from connectors.payments._shared import answers
from connectors.payments._shared.profile import PaymentProfile, profile_of
from connectors.payments._shared.replies import asked, decode, demand_up, sent_at
from connectors.payments.wechatpay.bill import decode_bill, decode_location, no_bill
from connectors.payments.wechatpay.client import PREPARED_LIFE_MS, in_app, in_wallet
from connectors.payments.wechatpay.encode import NAME, order_end
from connectors.payments.wechatpay.errors import error_of
from connectors.payments.wechatpay.objects import Fault, Location, Prepared, RefundObject, Transaction, read_json
from connectors.payments.wechatpay.outcomes import PAID, ended, of_refund, of_transaction
from connectors.payments.wechatpay.signing import is_signed, verify_message
from gateway.contract import Decoded, Reply, Request, Site
from gateway.errors import Malformed, OutcomeUnknown, Unauthentic
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

Outcome = OperationOutcome
_H5_LIFE_MS = 5 * 60 * 1000
_WAIT_S = 5.0


def decode_reply(command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
    """Raises as :func:`connectors.payments._shared.replies.decode` does."""
    profile = profile_of(NAME, site.profile)
    return decode(
        "WeChat Pay",
        command,
        reply,
        lambda asked_for: _statement(asked_for, reply, site, profile),
        lambda sent: _answer(sent, reply, site, profile),
    )


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
    fault = read_json(reply.body, Fault)
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
            return _prepared(command, read_json(reply.body, Prepared), site, profile)
        case Close():
            closed = Fact(kind=FactKind.CLOSED, key=command.of.id, operation=command.of.id)
            return PaymentAnswered(operation=command.id, outcome=Outcome.SUCCEEDED, facts=(closed,))
        case Void():
            # Whether it was paid before stands in the order only.
            return PaymentAnswered(operation=command.id, outcome=Outcome.PENDING)
        case Refund():
            return of_refund(command.id, read_json(reply.body, RefundObject), profile.amounts)
        case QueryOperation():
            return _asked_about(command, reply, site, profile)
    raise OutcomeUnknown("an answer of WeChat Pay's to nothing that was asked")


def _order(operation: str, order: str, reply: Reply, site: Site, profile: PaymentProfile) -> PaymentAnswered:
    found = _transaction(order, reply, site)
    return of_transaction(operation, found, profile.amounts)


def _transaction(order: str, reply: Reply, site: Site) -> Transaction:
    found = read_json(reply.body, Transaction)
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
        return of_refund(of.id, read_json(reply.body, RefundObject), profile.amounts)
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
    demand_up(reply)
    if command.location:
        return decode_bill(command, reply, profile.amounts)
    if not _proven(command, reply, site, profile):
        raise OutcomeUnknown("the address of a statement, without a signature that proves it")
    if reply.status != 200:
        return no_bill(read_json(reply.body, Fault))
    return decode_location(command, read_json(reply.body, Location))
