"""What a processed call of Alipay's did, method by method."""

from __future__ import annotations

from connectors.payments._shared import answers
from connectors.payments._shared.beijing import instant_of
from connectors.payments._shared.profile import Amounts, PaymentProfile
from connectors.payments._shared.replies import sent_at
from connectors.payments.alipay.calls import order_end
from connectors.payments.alipay.hold_outcomes import of_hold
from connectors.payments.alipay.nodes import CURRENCY, Node, fen
from gateway.errors import Malformed, OutcomeUnknown
from gateway.messages_payment import (
    Capture,
    Close,
    PaymentAnswered,
    PaymentCommand,
    Purchase,
    QueryOperation,
    Refund,
    Void,
)
from gateway.model.payment import Fact, FactKind, OperationKind, OperationOutcome
from gateway.model.payment_error import PaymentError
from gateway.model.payment_means import ActionKind, GuestAction

Outcome = OperationOutcome
K = FactKind
PAID = frozenset({"TRADE_SUCCESS", "TRADE_FINISHED"})
_QR_LIFE_MS = 2 * 3600 * 1000
_AGAIN_S = 3.0


def outcome_of(command: PaymentCommand, node: Node, method: str, profile: PaymentProfile) -> PaymentAnswered:
    """By what was sent; the numbers in the answer have to be those we sent."""
    if ".fund.auth." in method:
        return of_hold(command, node, method, profile)
    match command:
        case Purchase() if node.qr_code:
            life_ms = min(order_end(command, profile), sent_at(command) + _QR_LIFE_MS)
            return _waiting(command, "", GuestAction(kind=ActionKind.QR, content=node.qr_code, expires_ms=life_ms))
        case Purchase() if method == "alipay.trade.create" and node.trade_no:
            action = GuestAction(kind=ActionKind.CLIENT, fields={"tradeNO": node.trade_no})
            return _waiting(command, node.trade_no, action)
        case Purchase() | Capture() if method == "alipay.trade.pay":
            _same_order(command.id, node)
            return _paid(command.id, node, profile.amounts)
        case Refund():
            return _refunded(command, node)
        case Close():
            closed = Fact(kind=K.CLOSED, key=node.trade_no or command.of.id, operation=command.of.id)
            return PaymentAnswered(operation=command.id, outcome=Outcome.SUCCEEDED, facts=(closed,))
        case Void():
            return _cancelled(command, node)
        case QueryOperation():
            return _asked_about(command, node, profile.amounts)
    raise OutcomeUnknown(f"an answer of Alipay's to {method} that says nothing")


def _waiting(command: PaymentCommand, psp: str, action: GuestAction) -> PaymentAnswered:
    return PaymentAnswered(operation=command.id, outcome=Outcome.ACTION_REQUIRED, psp=psp, action=action)


def _paid(operation: str, node: Node, amounts: Amounts) -> PaymentAnswered:
    facts = (captured(operation, node, amounts),)
    return PaymentAnswered(operation=operation, outcome=Outcome.SUCCEEDED, psp=node.trade_no, facts=facts)


def captured(operation: str, node: Node, amounts: Amounts) -> Fact:
    """What the guest was charged; what arrives after discounts is for the statement to say."""
    if not node.trade_no:
        raise Malformed("a payment without a trade_no")
    return Fact(
        kind=K.CAPTURED,
        key=node.trade_no,
        amount=fen(node.total_amount, amounts) if node.total_amount else None,
        currency=CURRENCY if node.total_amount else "",
        at_ms=instant_of(node.gmt_payment or node.send_pay_date),
        operation=operation,
        psp=node.trade_no,
        payment_psp=node.trade_no,
        text="no refunds any more" if node.trade_status == "TRADE_FINISHED" else "",
    )


def _refunded(command: Refund, node: Node) -> PaymentAnswered:
    """Money has moved only where it says so; the amount in the answer is a running total of the trade."""
    key = f"{node.trade_no}:{command.id}"
    if node.fund_change != "Y" or not node.trade_no:
        return PaymentAnswered(operation=command.id, outcome=Outcome.PENDING, psp=key if node.trade_no else "")
    fact = Fact(
        kind=K.REFUNDED,
        key=key,
        amount=command.amount,
        currency=command.currency,
        at_ms=instant_of(node.gmt_refund_pay),
        operation=command.id,
        psp=key,
        payment_psp=node.trade_no,
    )
    return PaymentAnswered(operation=command.id, outcome=Outcome.SUCCEEDED, psp=key, facts=(fact,))


def _cancelled(command: Void, node: Node) -> PaymentAnswered:
    """What cancelling found: nothing paid, which is closed now, or a payment, which is refunded in full."""
    if node.retry_flag == "Y" or node.action not in ("", "close", "refund"):
        return answers.unknown(command.id, PaymentError.GATEWAY_ERROR, "retry_flag", retry_after_s=_AGAIN_S)
    of = command.of
    if node.action != "refund":
        facts: tuple[Fact, ...] = (Fact(kind=K.CLOSED, key=node.trade_no or of.id, operation=of.id),)
    else:
        both = ((K.CAPTURED, node.trade_no), (K.REFUNDED, f"{node.trade_no}:cancel"))
        facts = tuple(
            Fact(kind=kind, key=key, amount=of.amount, currency=of.currency, operation=of.id, payment_psp=node.trade_no)
            for kind, key in both
        )
    return PaymentAnswered(operation=command.id, outcome=Outcome.SUCCEEDED, psp=node.trade_no, facts=facts)


def _asked_about(command: QueryOperation, node: Node, amounts: Amounts) -> PaymentAnswered:
    of = command.of
    if of.kind is OperationKind.REFUND:
        return _refund_asked(command, node, amounts)
    order = of if of.kind in (OperationKind.PURCHASE, OperationKind.CAPTURE) else command.parent
    if order is None:
        raise Malformed("an answer about an order that was not named")
    _same_order(order.id, node)
    was_paid = node.trade_status in PAID or bool(node.send_pay_date)
    if order is of:
        return _order_state(of.id, node, was_paid, amounts)
    facts = (captured(order.id, node, amounts),) if was_paid else (_closed(order.id, node),)
    if node.trade_status == "TRADE_CLOSED":
        return PaymentAnswered(operation=of.id, outcome=Outcome.SUCCEEDED, psp=node.trade_no, facts=facts)
    if node.trade_status in PAID and of.kind is OperationKind.CLOSE:
        failed = answers.failed(of.id, PaymentError.ALREADY_PAID, node.trade_status)
        return PaymentAnswered(operation=of.id, outcome=failed.outcome, error=failed.error, facts=facts)
    return answers.unknown(of.id, PaymentError.WRONG_STATE, node.trade_status)


def _order_state(operation: str, node: Node, was_paid: bool, amounts: Amounts) -> PaymentAnswered:
    """``TRADE_CLOSED`` means that nothing was paid in time, or that all of it has been given back."""
    if was_paid:
        return _paid(operation, node, amounts)
    if node.trade_status == "TRADE_CLOSED":
        failed = answers.failed(operation, PaymentError.ORDER_EXPIRED, node.trade_status, node.trade_no)
        return PaymentAnswered(
            operation=operation,
            outcome=failed.outcome,
            psp=failed.psp,
            error=failed.error,
            error_raw=failed.error_raw,
            facts=(_closed(operation, node),),
        )
    if node.trade_status == "WAIT_BUYER_PAY":
        return PaymentAnswered(operation=operation, outcome=Outcome.PENDING, psp=node.trade_no)
    return answers.unknown(operation, PaymentError.UNKNOWN, node.trade_status, node.trade_no)


def _refund_asked(command: QueryOperation, node: Node, amounts: Amounts) -> PaymentAnswered:
    """Without a status it was not received, or did not succeed: it may be sent again with the same number."""
    of = command.of
    if node.refund_status != "REFUND_SUCCESS":
        return answers.unknown(of.id, PaymentError.NOT_FOUND, node.refund_status)
    if node.out_request_no != of.id or not node.trade_no:
        raise Malformed("an answer about another refund")
    key = f"{node.trade_no}:{of.id}"
    fact = Fact(
        kind=K.REFUNDED,
        key=key,
        amount=fen(node.refund_amount, amounts),
        currency=CURRENCY,
        at_ms=instant_of(node.gmt_refund_pay),
        operation=of.id,
        psp=key,
        payment_psp=node.trade_no,
    )
    return PaymentAnswered(operation=of.id, outcome=Outcome.SUCCEEDED, psp=key, facts=(fact,))


def _closed(operation: str, node: Node) -> Fact:
    return Fact(kind=K.CLOSED, key=node.trade_no or operation, operation=operation, payment_psp=node.trade_no)


def _same_order(expected: str, node: Node) -> None:
    if node.out_trade_no != expected:
        raise Malformed("an answer about another order")
