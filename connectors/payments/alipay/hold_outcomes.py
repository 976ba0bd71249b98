"""What a processed call about a hold did. Every movement of a hold has an ``operation_id`` of its own."""

from __future__ import annotations

from connectors.payments._shared import answers
from connectors.payments._shared.beijing import instant_of
from connectors.payments._shared.profile import Amounts, PaymentProfile
from connectors.payments.alipay.nodes import CURRENCY, Node, fen
from gateway.errors import Malformed, OutcomeUnknown
from gateway.messages_payment import Authorise, PaymentAnswered, PaymentCommand, QueryOperation, Void
from gateway.model.payment import Fact, FactKind, OperationOutcome
from gateway.model.payment_error import PaymentError
from gateway.model.payment_means import ActionKind, GuestAction

Outcome = OperationOutcome
K = FactKind
_OVER = frozenset({"FINISH", "CLOSED"})
_MINUTE_MS = 60_000


def of_hold(command: PaymentCommand, node: Node, method: str, profile: PaymentProfile) -> PaymentAnswered:
    """Raises :class:`OutcomeUnknown` where the answer says nothing."""
    if isinstance(command, Authorise) and node.code_value:
        life_ms = int(profile.options["hold_minutes"]) * _MINUTE_MS
        until_ms = command.expires_ms if command.expires_ms is not None else command.at_ms + life_ms
        action = GuestAction(kind=ActionKind.QR, content=node.code_value, expires_ms=until_ms)
        return PaymentAnswered(operation=command.id, outcome=Outcome.ACTION_REQUIRED, action=action)
    if isinstance(command, Void) and method.endswith("operation.cancel"):
        return _undone(command, node)
    kinds = {Authorise: "FREEZE", Void: "UNFREEZE"}
    if isinstance(command, QueryOperation):
        return _state(command.of.id, node, node.operation_type, profile.amounts)
    if type(command) in kinds:
        return _state(command.id, node, kinds[type(command)], profile.amounts)
    raise OutcomeUnknown(f"an answer of Alipay's to {method} that says nothing")


def hold_fact(kind: FactKind, operation: str, payment: str, node: Node, amounts: Amounts) -> Fact:
    """A movement of a hold, as replies and notices tell it in the same words."""
    held = kind is not K.VOIDED
    return Fact(
        kind=kind,
        key=node.operation_id,
        amount=fen(node.amount, amounts) if node.amount else None,
        currency=CURRENCY if node.amount else "",
        at_ms=instant_of(node.gmt_trans),
        operation=operation,
        payment=payment,
        psp=node.auth_no if held else node.operation_id,
        payment_psp=node.auth_no,
    )


def _state(operation: str, node: Node, kind: str, amounts: Amounts) -> PaymentAnswered:
    if kind not in ("FREEZE", "UNFREEZE") or not node.operation_id:
        raise Malformed(f"an answer about the operation {kind[:20]!r}")
    if node.out_request_no != operation:
        raise Malformed("an answer about another operation")
    freezing = kind == "FREEZE"
    psp = node.auth_no if freezing else node.operation_id
    if node.status == "SUCCESS":
        fact = hold_fact(K.AUTHORISED if freezing else K.VOIDED, operation, node.out_order_no, node, amounts)
        facts = (fact, *_rest(node, amounts)) if freezing else (fact,)
        return PaymentAnswered(operation=operation, outcome=Outcome.SUCCEEDED, psp=psp, facts=facts)
    if node.status == "CLOSED":
        failed = answers.failed(operation, PaymentError.ORDER_EXPIRED, node.status)
        closed = hold_fact(K.CLOSED, operation, node.out_order_no, node, amounts)
        return PaymentAnswered(
            operation=operation,
            outcome=failed.outcome,
            psp=psp,
            error=failed.error,
            error_raw=failed.error_raw,
            facts=(closed,) if freezing else (),
        )
    return PaymentAnswered(operation=operation, outcome=Outcome.PENDING, psp=psp)


def _rest(node: Node, amounts: Amounts) -> tuple[Fact, ...]:
    """Of a hold that is over, all that was not turned into payments has been released, whoever told us of it or not."""
    if node.order_status not in _OVER or not node.rest_amount or not node.total_pay_amount:
        return ()
    if fen(node.rest_amount, amounts):
        return ()
    paid = fen(node.total_pay_amount, amounts)
    release = Fact(
        kind=K.VOIDED,
        key=f"{node.auth_no}:release",
        amount=paid,
        currency=CURRENCY,
        rest=True,
        payment=node.out_order_no,
        payment_psp=node.auth_no,
    )
    return (release,)


def _undone(command: Void, node: Node) -> PaymentAnswered:
    """A hold that existed is released, one that did not is closed."""
    of = command.of
    if node.action == "unfreeze":
        key = f"{node.operation_id or of.id}:cancel"
        fact = Fact(kind=K.VOIDED, key=key, amount=0, currency=of.currency, rest=True, operation=command.id)
    elif node.action in ("", "close"):
        fact = Fact(kind=K.CLOSED, key=node.operation_id or of.id, operation=of.id)
    else:
        raise OutcomeUnknown(f"an undone hold with the action {node.action[:40]!r}")
    return PaymentAnswered(operation=command.id, outcome=Outcome.SUCCEEDED, psp=fact.key, facts=(fact,))
