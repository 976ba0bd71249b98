"""What a transaction or a refund of WeChat Pay's says, wherever it was found."""

from __future__ import annotations

import msgspec

from connectors.payments._shared import answers
from connectors.payments._shared.beijing import instant_of
from connectors.payments._shared.money import from_gateway
from connectors.payments._shared.profile import Amounts
from connectors.payments.wechatpay.objects import RefundObject, Transaction
from gateway.errors import Malformed
from gateway.messages_payment import PaymentAnswered
from gateway.model.payment import Fact, FactKind, OperationOutcome
from gateway.model.payment_error import PaymentError

Outcome = OperationOutcome
K = FactKind
PAID = frozenset({"SUCCESS", "REFUND"})
_REFUND_KINDS = {
    "SUCCESS": K.REFUNDED,
    "CLOSED": K.REFUND_FAILED,
    "PROCESSING": K.REFUND_PENDING,
    "ABNORMAL": K.REFUND_PENDING,
}


def of_transaction(operation: str, found: Transaction, amounts: Amounts) -> PaymentAnswered:
    """The state of the order itself. ``NOTPAY`` is no failure: it may be paid until it is closed or has expired."""
    state, psp = found.trade_state, found.transaction_id
    if state in PAID:
        facts = (captured(found, amounts),)
        return PaymentAnswered(operation=operation, outcome=Outcome.SUCCEEDED, psp=psp, facts=facts)
    if state == "NOTPAY":
        return PaymentAnswered(operation=operation, outcome=Outcome.ACTION_REQUIRED)
    if state in ("USERPAYING", "ACCEPT"):
        return PaymentAnswered(operation=operation, outcome=Outcome.PENDING, psp=psp)
    if state in ("CLOSED", "REVOKED"):
        failed = answers.failed(operation, PaymentError.ORDER_EXPIRED, f"{state} {found.trade_state_desc}", psp)
        return msgspec.structs.replace(failed, facts=ended(found))
    if state == "PAYERROR":
        return answers.failed(operation, PaymentError.DECLINED, f"{state} {found.trade_state_desc}", psp)
    return answers.unknown(operation, PaymentError.UNKNOWN, state, psp)


def captured(found: Transaction, amounts: Amounts) -> Fact:
    """The order's total; raises :class:`Malformed` for a payment without number or amount."""
    if not found.transaction_id or found.amount is None or found.amount.total is None:
        raise Malformed("a payment without its number or amount")
    return Fact(
        kind=K.CAPTURED,
        key=found.transaction_id,
        amount=from_gateway(found.amount.total, found.amount.currency, amounts),
        currency=found.amount.currency,
        at_ms=instant_of(found.success_time),
        operation=found.out_trade_no,
        psp=found.transaction_id,
        payment_psp=found.transaction_id,
    )


def ended(found: Transaction) -> tuple[Fact, ...]:
    """Closed; of a reversed payment also that its capture does not count, whichever of the two is told first."""
    number, order = found.transaction_id, found.out_trade_no
    closed = Fact(kind=K.CLOSED, key=order, operation=order, payment_psp=number)
    if found.trade_state != "REVOKED" or not number:
        return (closed,)
    annulled = Fact(kind=K.CAPTURE_FAILED, key=number, operation=order, psp=number, payment_psp=number)
    release = Fact(kind=K.VOIDED, key=f"{number}:release", amount=0, currency="CNY", rest=True, payment_psp=number)
    return closed, annulled, msgspec.structs.replace(release, operation=order)


def of_refund(operation: str, found: RefundObject, amounts: Amounts) -> PaymentAnswered:
    """Accepted is not done: only ``SUCCESS`` is. An abnormal one waits for a person, the guest's card being closed."""
    if found.out_refund_no != operation:
        raise Malformed("an answer about another refund")
    facts, psp = refund_facts(found, amounts), found.refund_id
    if found.state == "SUCCESS":
        return PaymentAnswered(operation=operation, outcome=Outcome.SUCCEEDED, psp=psp, facts=facts)
    if found.state == "CLOSED":
        failed = answers.failed(operation, PaymentError.DECLINED, found.state, psp)
        return msgspec.structs.replace(failed, facts=facts)
    if found.state not in _REFUND_KINDS:
        return answers.unknown(operation, PaymentError.UNKNOWN, found.state, psp)
    error = PaymentError.CARD_RESTRICTED if found.state == "ABNORMAL" else None
    return PaymentAnswered(
        operation=operation,
        outcome=Outcome.PENDING,
        psp=psp,
        facts=facts,
        error=error,
        error_raw=found.state if error else "",
    )


def refund_facts(found: RefundObject, amounts: Amounts) -> tuple[Fact, ...]:
    """One fact, or none for a state that is not known here; raises :class:`Malformed`."""
    kind = _REFUND_KINDS.get(found.state)
    if kind is None:
        return ()
    if not found.refund_id or found.amount.refund is None:
        raise Malformed("a refund without its number or amount")
    fact = Fact(
        kind=kind,
        key=found.refund_id,
        amount=from_gateway(found.amount.refund, found.amount.currency, amounts),
        currency=found.amount.currency,
        at_ms=instant_of(found.success_time or found.create_time),
        operation=found.out_refund_no,
        psp=found.refund_id,
        payment_psp=found.transaction_id,
        error=PaymentError.CARD_RESTRICTED if found.state == "ABNORMAL" else None,
    )
    return (fact,)
