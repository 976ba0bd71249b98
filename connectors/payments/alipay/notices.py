"""What a notice states. ``refund_fee`` is a running total, so the amount of a refund is that of our operation."""

from __future__ import annotations

import msgspec

from connectors.payments._shared.beijing import instant_of
from connectors.payments._shared.document import Read
from connectors.payments._shared.form import Fields
from connectors.payments._shared.profile import Amounts
from connectors.payments.alipay.hold_outcomes import hold_fact
from connectors.payments.alipay.nodes import CURRENCY, Node, fen
from connectors.payments.alipay.outcomes import PAID, captured
from gateway.errors import Malformed
from gateway.messages_payment import Inquiry
from gateway.model.payment import Fact, FactKind, OperationKind

K = FactKind
_NOTHING: Read = ((), (), "")


def read_notice(fields: Fields, amounts: Amounts) -> Read:
    """The facts, what to ask before concluding anything, and why a person has to look at it."""
    kind = fields.get("notify_type", "")
    if kind == "trade_status_sync":
        return _trade(fields, amounts)
    if kind in ("fund_auth_freeze", "fund_auth_unfreeze"):
        return _hold(fields, kind == "fund_auth_freeze", amounts)
    name = f"{kind} {fields.get('msg_method', '')} {fields.get('method', '')}".lower()
    if any(word in name for word in ("complain", "dispute", "chargeback")):
        return (), (), f"Alipay reports {name.strip()[:100]}"
    return _NOTHING


def _trade(fields: Fields, amounts: Amounts) -> Read:
    status = fields.get("trade_status", "")
    node = _node(fields)
    if not node.trade_no or not node.out_trade_no:
        raise Malformed("a notice about a trade without its numbers")
    refunded = "gmt_refund" in fields or fen(fields.get("refund_fee") or "0", amounts) > 0
    if status not in PAID and status != "TRADE_CLOSED":
        return _NOTHING if status == "WAIT_BUYER_PAY" else ((), (), f"Alipay reports a trade as {status[:40]!r}")
    if status == "TRADE_CLOSED" and not refunded:
        at_ms = instant_of(fields.get("gmt_close", ""))
        closed = Fact(kind=K.CLOSED, key=node.trade_no, operation=node.out_trade_no, payment_psp=node.trade_no)
        return (msgspec.structs.replace(closed, at_ms=at_ms),), (), ""
    if not node.total_amount:
        raise Malformed("a notice about a payment without its amount")
    paid = captured(node.out_trade_no, node, amounts)
    return _refund(fields, node, paid) if refunded else ((paid,), (), "")


def _refund(fields: Fields, node: Node, paid: Fact) -> Read:
    """Refunds made in Alipay's own pages have numbers that we do not know: how much they were has to be asked."""
    number = fields.get("out_biz_no", "")
    if not number:
        return (paid,), (), f"Alipay reports a refund of {node.trade_no} without its number"
    # A cancelled payment is refunded under its own number.
    key = f"{node.trade_no}:{'cancel' if number == node.out_trade_no else number}"
    refunded = Fact(
        kind=K.REFUNDED,
        key=key,
        at_ms=instant_of(fields.get("gmt_refund", "")),
        operation=number,
        psp=key,
        payment_psp=node.trade_no,
    )
    if number == node.out_trade_no:
        return (paid, msgspec.structs.replace(refunded, amount=paid.amount, currency=CURRENCY)), (), ""
    inquiry = Inquiry(kind=OperationKind.REFUND, operation=number, psp=key, payment_psp=node.trade_no)
    return (paid, refunded), (inquiry,), ""


def _hold(fields: Fields, freezing: bool, amounts: Amounts) -> Read:
    node = _node(fields)
    if not node.operation_id or not node.auth_no:
        raise Malformed("a notice about a hold without its numbers")
    kinds = {("SUCCESS", True): K.AUTHORISED, ("SUCCESS", False): K.VOIDED, ("CLOSED", True): K.CLOSED}
    kind = kinds.get((node.status, freezing))
    if kind is None:
        return _NOTHING
    return (hold_fact(kind, node.out_request_no, node.out_order_no, node, amounts),), (), ""


def _node(fields: Fields) -> Node:
    """Notices name things as replies do."""
    return msgspec.convert({name: fields[name] for name in Node.__struct_fields__ if name in fields}, Node)
