"""Stripe's replies: what became of the operation. A reply that cannot be read leaves that open."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from connectors.payments._shared import answers
from connectors.payments._shared.profile import PaymentProfile, profile_of
from connectors.payments._shared.replies import asked, decode
from connectors.payments.stripe import outcomes
from connectors.payments.stripe.encode import NAME
from connectors.payments.stripe.errors import error_of, raw
from connectors.payments.stripe.facts import refund_facts
from connectors.payments.stripe.objects import (
    Fault,
    FaultBody,
    Intent,
    IntentList,
    Method,
    Object,
    RefundList,
    Session,
    SetupIntent,
    StripeRefund,
)
from connectors.payments.stripe.statement import decode_statement
from gateway.contract import Accepted, Decoded, Reply, Request, Site
from gateway.errors import OutcomeUnknown
from gateway.messages import Command
from gateway.messages_payment import (
    Authorise,
    PaymentAnswered,
    PaymentCommand,
    Purchase,
    QueryOperation,
)
from gateway.model.payment import OperationKind, OperationOutcome
from gateway.model.payment_error import PaymentError, retry_of
from gateway.model.payment_error import Retry as RetryRule
from gateway.model.payment_means import Card, StoredMethod, Token
from gateway.wire.retry_after import retry_after

T = TypeVar("T")


def decode_reply(command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
    """Raises as :func:`connectors.payments._shared.replies.decode` does."""
    profile = profile_of(NAME, site.profile)
    return decode(
        "Stripe",
        command,
        reply,
        lambda asked_for: decode_statement(asked_for, reply, profile),
        lambda sent: _answer(sent, reply, profile),
    )


def _answer(command: PaymentCommand, reply: Reply, profile: PaymentProfile) -> PaymentAnswered | Decoded:
    if reply.status != 200:
        return _failed(command, reply, profile)
    if isinstance(command, Authorise | Purchase) and isinstance(command.means, Card):
        return _tokenised_first(command, reply)
    return _read(command, reply.body, profile)


def _tokenised_first(command: Authorise | Purchase, reply: Reply) -> Decoded:
    """The card has become a method, which the same operation now charges."""
    method = _decode(reply.body, Method, "payment_method")
    charge = msgspec.structs.replace(command, means=StoredMethod(method.id))
    return Decoded(Accepted(method.id, answers.deadline(command.at_ms, command.expires_ms)), next=charge)


def _read(command: PaymentCommand, body: bytes, profile: PaymentProfile) -> PaymentAnswered:
    kind = _decode(body, Object).object
    match kind:
        case "payment_intent":
            return outcomes.of_intent(command, _decode(body, Intent), profile.amounts)
        case "checkout.session":
            return _of_session(command, _decode(body, Session), profile)
        case "refund":
            return outcomes.of_refund(command, _decode(body, StripeRefund), profile.amounts)
        case "payment_method":
            return _of_method(command, _decode(body, Method))
        case "setup_intent":
            return outcomes.of_setup(command, _decode(body, SetupIntent))
        case "list" if isinstance(command, QueryOperation):
            return _of_list(command, body, profile)
    raise OutcomeUnknown(f"an answer of Stripe's of the kind {kind[:40]!r}")


def _of_session(command: PaymentCommand, session: Session, profile: PaymentProfile) -> PaymentAnswered:
    """An open page waits for the guest; a finished one says what its intent says."""
    if isinstance(session.payment_intent, Intent):
        return outcomes.of_intent(command, session.payment_intent, profile.amounts)
    return outcomes.of_session(command, session, profile.amounts)


def _of_method(command: PaymentCommand, method: Method) -> PaymentAnswered:
    card = method.card
    token = Token(method.id, method.customer or "", card.brand or "" if card else "", card.last4 or "" if card else "")
    return PaymentAnswered(operation=asked(command), outcome=OperationOutcome.SUCCEEDED, psp=method.id, token=token)


def _of_list(command: QueryOperation, body: bytes, profile: PaymentProfile) -> PaymentAnswered:
    """Our operation by the id we marked it with; all refunds of a payment are facts, whoever made them."""
    if command.of.kind is not OperationKind.REFUND:
        for intent in _decode(body, IntentList, "list").data:
            if intent.metadata.get("op_id") == (command.parent or command.of).id:
                return outcomes.of_intent(command, intent, profile.amounts)
        return answers.unknown(command.of.id, PaymentError.NOT_FOUND)
    refunds = _decode(body, RefundList, "list").data
    facts = tuple(fact for refund in refunds for fact in refund_facts(refund, profile.amounts))
    for refund in refunds:
        if command.of.id and (refund.metadata or {}).get("op_id") == command.of.id:
            answer = outcomes.of_refund(command, refund, profile.amounts)
            return msgspec.structs.replace(answer, facts=facts)
    return PaymentAnswered(
        operation=command.of.id, outcome=OperationOutcome.UNKNOWN, error=PaymentError.NOT_FOUND, facts=facts
    )


def _failed(command: PaymentCommand, reply: Reply, profile: PaymentProfile) -> PaymentAnswered:
    operation = asked(command)
    try:
        fault = _decode(reply.body, FaultBody).error
    except OutcomeUnknown:
        raise OutcomeUnknown(f"status {reply.status} with an unreadable answer") from None
    if reply.status >= 500 or reply.status in (408, 424, 425) or not reply.status >= 400:
        return answers.unknown(operation, PaymentError.GATEWAY_ERROR, raw(fault), _made(fault))
    return _refused(command, operation, fault, error_of(fault, reply.status), reply, profile)


def _refused(
    command: PaymentCommand,
    operation: str,
    fault: Fault,
    error: PaymentError,
    reply: Reply,
    profile: PaymentProfile,
) -> PaymentAnswered:
    if error in (PaymentError.IN_PROGRESS, PaymentError.RATE_LIMITED):
        wait_s = retry_after(reply.headers) or 1.0
        pending = answers.unknown(operation, error, raw(fault), retry_after_s=wait_s)
        return msgspec.structs.replace(pending, outcome=OperationOutcome.PENDING)
    if isinstance(command, QueryOperation) or retry_of(error) is RetryRule.QUERY:
        # That a question was refused, or that it has happened already, says nothing about the operation itself.
        return answers.unknown(operation, error, raw(fault), _made(fault))
    answer = answers.failed(operation, error, raw(fault), _made(fault))
    return msgspec.structs.replace(answer, facts=outcomes.refusal_facts(command, fault, error, profile.amounts))


def _made(fault: Fault) -> str:
    """A declined card has made an intent all the same, and the next attempt must not make another."""
    return fault.payment_intent.id if fault.payment_intent else ""


def _decode(body: bytes, kind: type[T], named: str = "") -> T:
    try:
        found = msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OutcomeUnknown(f"an answer of Stripe's that cannot be read: {error}") from None
    if named and getattr(found, "object", named) != named:
        raise OutcomeUnknown(f"an answer of Stripe's that is no {named}")
    return found
