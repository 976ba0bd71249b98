"""UnionPay's replies. ``00`` on a transaction says that it was accepted; what came of it is told later, or if asked."""

from __future__ import annotations

import msgspec

from connectors.payments._shared import answers
from connectors.payments._shared.beijing import COMPACT, written
from connectors.payments._shared.form import Fields
from connectors.payments._shared.profile import PaymentProfile, profile_of
from connectors.payments._shared.replies import asked, decode, demand_up, sent_at
from connectors.payments.unionpay.encode import NAME, REVERSED, asked_order, order_end
from connectors.payments.unionpay.errors import ACCEPTED, DONE, PENDING, error_of
from connectors.payments.unionpay.queries import of_query
from connectors.payments.unionpay.statement import decode_statement
from connectors.payments.unionpay.wire import read_reply, verify
from gateway.contract import Decoded, Reply, Request, Site
from gateway.errors import Malformed, OutcomeUnknown, Unauthentic
from gateway.messages import Command
from gateway.messages_payment import (
    Authorise,
    Capture,
    Charge,
    FetchStatement,
    PaymentAnswered,
    PaymentCommand,
    Purchase,
    QueryOperation,
    Refund,
    Void,
)
from gateway.model.payment import OperationOutcome, OperationRef
from gateway.model.payment_error import PaymentError, retry_of
from gateway.model.payment_error import Retry as RetryRule
from gateway.model.payment_means import ActionKind, GuestAction

Outcome = OperationOutcome
_WAIT_S = 10.0
_CODE_LIFE_MS = 3600 * 1000


def decode_reply(command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
    """Raises as :func:`connectors.payments._shared.replies.decode` does."""
    profile = profile_of(NAME, site.profile)
    return decode(
        "UnionPay",
        command,
        reply,
        lambda asked_for: _statement(asked_for, reply, site, profile),
        lambda sent: _answer(sent, reply, site, profile),
    )


def _answer(command: PaymentCommand, reply: Reply, site: Site, profile: PaymentProfile) -> PaymentAnswered:
    if reply.status != 200:
        return answers.unknown(asked(command), PaymentError.GATEWAY_ERROR, f"status {reply.status}")
    fields = read_reply(reply.body)
    try:
        verify(fields, site, sent_at(command))
    except Unauthentic as error:
        return answers.unknown(asked(command), PaymentError.SIGNATURE_INVALID, error.text)
    _demand_ours(command, fields, site)
    if isinstance(command, QueryOperation):
        return of_query(command, fields, profile)
    code = fields.get("respCode", "")
    if code in DONE:
        return _accepted(command, fields, profile)
    return _refused(command, code, _raw(fields))


def _demand_ours(command: PaymentCommand, fields: Fields, site: Site) -> None:
    """The answer to another message may be as genuine as the one we wait for."""
    order = _order_of(command)
    expected = {"merId": site.hotel, "orderId": order[0], "txnTime": written(order[1], COMPACT)}
    if any(fields.get(name) != value for name, value in expected.items()):
        raise Malformed("an answer about another order")


def _order_of(command: PaymentCommand) -> tuple[str, int]:
    reference: OperationRef | None = None
    if isinstance(command, QueryOperation):
        reference = asked_order(command)
    elif isinstance(command, Void) and command.neutralise:
        reference = command.of
    return (reference.id, reference.at_ms) if reference else (command.id, command.at_ms)


def _accepted(command: PaymentCommand, fields: Fields, profile: PaymentProfile) -> PaymentAnswered:
    match command:
        case Authorise() | Purchase() if fields.get("qrCode") or fields.get("tn"):
            return _for_the_guest(command, fields, profile)
        case Void() if command.neutralise:
            # It has the number and time of what it reverses, and has to be asked about by them.
            psp = f"{REVERSED}{fields.get('queryId', '') or command.of.psp}"
            return PaymentAnswered(operation=command.id, outcome=Outcome.PENDING, psp=psp)
        case Authorise() | Purchase() | Capture() | Void() | Refund():
            return PaymentAnswered(operation=command.id, outcome=Outcome.PENDING, psp=fields.get("queryId", ""))
    raise OutcomeUnknown("an answer of UnionPay's to nothing that was asked")


def _for_the_guest(command: Charge, fields: Fields, profile: PaymentProfile) -> PaymentAnswered:
    if not isinstance(command, Authorise | Purchase):
        raise TypeError("only a payment waits for the guest")
    end_ms = order_end(command, profile)
    if fields.get("qrCode"):
        action = GuestAction(kind=ActionKind.QR, content=fields["qrCode"], expires_ms=end_ms)
    else:
        until_ms = min(end_ms, sent_at(command) + _CODE_LIFE_MS)
        action = GuestAction(kind=ActionKind.CLIENT, fields={"tn": fields["tn"]}, expires_ms=until_ms)
    return PaymentAnswered(operation=command.id, outcome=Outcome.ACTION_REQUIRED, action=action)


def _refused(command: PaymentCommand, code: str, raw: str) -> PaymentAnswered:
    error = error_of(code)
    if code in PENDING:
        return PaymentAnswered(operation=command.id, outcome=Outcome.PENDING, error_raw=raw)
    if code == "70":
        return PaymentAnswered(operation=command.id, outcome=Outcome.ACTION_REQUIRED, error_raw=raw)
    if error is PaymentError.RATE_LIMITED:
        busy = answers.unknown(command.id, error, raw, retry_after_s=_WAIT_S)
        return msgspec.structs.replace(busy, outcome=Outcome.PENDING)
    if retry_of(error) is RetryRule.QUERY:
        return answers.unknown(command.id, error, raw)
    return answers.failed(command.id, error, raw)


def _raw(fields: Fields) -> str:
    """Their text has a longer number of its own in brackets."""
    return answers.tidy(f"{fields.get('respCode', '')} {fields.get('respMsg', '')}")


def _statement(command: FetchStatement, reply: Reply, site: Site, profile: PaymentProfile) -> Decoded:
    demand_up(reply)
    if reply.status != 200:
        raise OutcomeUnknown(f"the statement was answered with status {reply.status}")
    fields = read_reply(reply.body)
    verify(fields, site, sent_at(command))
    if fields.get("merId") != site.hotel:
        raise Malformed("the statement of another merchant")
    return decode_statement(command, fields, profile.amounts, accepted=fields.get("respCode") == ACCEPTED)
