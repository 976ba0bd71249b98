"""Each command as a method of Alipay's and its business fields.

An order made as a page, a QR code or an order string does not exist at Alipay before the guest opens it.
"""

from __future__ import annotations

import re
from typing import Any

from connectors.payments._shared.beijing import DASHED, written
from connectors.payments._shared.money import to_gateway
from connectors.payments._shared.profile import PaymentProfile
from connectors.payments.alipay.holds import ask_hold, hold, release, undo_hold
from gateway.contract import Site
from gateway.errors import Reason, Rejected, Unsupported
from gateway.messages_payment import (
    Authorise,
    Capture,
    Charge,
    Close,
    FetchStatement,
    PaymentCommand,
    Purchase,
    QueryOperation,
    Refund,
    Void,
)
from gateway.model.dates import Instant, format_day
from gateway.model.money import format_minor
from gateway.model.payment import OperationKind, OperationRef
from gateway.model.payment_means import MiniProgram, ScannedCode, ShownCode

BILL_TYPES = ("trade", "signcustomer")
_FORBIDDEN = re.compile(r"[/=&\x00-\x1f]")
_USER = re.compile(r"2088\d{12}", re.ASCII)
_SUBJECT_MAX = 256

Fields = dict[str, Any]
Call = tuple[str, Fields]


def order_end(command: Charge, profile: PaymentProfile) -> Instant:
    """When an unpaid order ends: the same over repeats, or they would differ."""
    if command.expires_ms is not None:
        return command.expires_ms
    return command.at_ms + int(profile.options["order_minutes"]) * 60_000


def yuan(amount: int, currency: str, profile: PaymentProfile) -> str:
    """``("24100", "CNY") -> "241.00"``; raises as :func:`to_gateway` does."""
    return format_minor(to_gateway(amount, currency, profile.amounts), currency)


def subject_of(text: str, reservation: str = "") -> str:
    """What the guest sees. The characters that Alipay does not take are left out."""
    chosen = text or (f"Stay {reservation}" if reservation else "Stay")
    return _FORBIDDEN.sub(" ", chosen)[:_SUBJECT_MAX].strip() or "Stay"


def call_of(command: PaymentCommand, site: Site, profile: PaymentProfile) -> Call:
    match command:
        case Purchase():
            return _purchase(command, site, profile)
        case Authorise():
            return _authorise(command, site, profile)
        case Capture():
            return _capture(command, site, profile)
        case Void():
            return _void(command, profile)
        case Refund():
            return _refund(command, profile)
        case Close():
            if command.of.kind is not OperationKind.PURCHASE:
                raise Unsupported("an unused hold ends by itself at Alipay; to be sure, neutralise it")
            return "alipay.trade.close", {"out_trade_no": command.of.id}
        case QueryOperation():
            return _question(command)
    raise Unsupported(f"Alipay has no call for {type(command).__name__}")


def _purchase(command: Purchase, site: Site, profile: PaymentProfile) -> Call:
    fields = order(command, site, profile)
    match command.means:
        case ShownCode():
            return "alipay.trade.precreate", fields | {"product_code": "FACE_TO_FACE_PAYMENT"}
        case ScannedCode(code, terminal):
            scanned = {"product_code": "FACE_TO_FACE_PAYMENT", "scene": "bar_code", "auth_code": code}
            return "alipay.trade.pay", fields | scanned | ({"terminal_id": terminal[:32]} if terminal else {})
        case MiniProgram(payer):
            buyer = "buyer_id" if _USER.fullmatch(payer) else "buyer_open_id"
            return "alipay.trade.create", fields | {"product_code": "JSAPI_PAY", buyer: payer}
    raise Unsupported(f"Alipay has no call for {type(command.means).__name__}")


def _authorise(command: Authorise, site: Site, profile: PaymentProfile) -> Call:
    fields = hold(command, site, profile)
    match command.means:
        case ScannedCode(code):
            scanned = {"auth_code": code, "auth_code_type": "bar_code"}
            return "alipay.fund.auth.order.freeze", fields | scanned
        case ShownCode():
            return "alipay.fund.auth.order.voucher.create", fields
    raise Unsupported(f"Alipay has no hold by {type(command.means).__name__}")


def order(command: Purchase, site: Site, profile: PaymentProfile) -> Fields:
    return {
        "out_trade_no": command.id,
        "total_amount": yuan(command.amount, command.currency, profile),
        "subject": subject_of(command.text, command.reservation),
        "seller_id": site.hotel,
        "time_expire": written(order_end(command, profile), DASHED),
    }


def _capture(command: Capture, site: Site, profile: PaymentProfile) -> Call:
    """Turns a hold into a payment of its own. ``COMPLETE`` lets Alipay release the rest."""
    return "alipay.trade.pay", {
        "out_trade_no": command.id,
        "auth_no": _their(command.of, "hold"),
        "product_code": str(site.options.get("hold_product", "PRE_AUTH")),
        "total_amount": yuan(command.amount, command.currency, profile),
        "subject": subject_of(command.text),
        "seller_id": site.hotel,
        "auth_confirm_mode": "COMPLETE" if command.final else "NOT_COMPLETE",
    }


def _void(command: Void, profile: PaymentProfile) -> Call:
    """A payment is cancelled only while its outcome is unknown, since cancelling refunds a paid one in silence."""
    if command.of.kind is OperationKind.AUTHORISE:
        if command.neutralise:
            return undo_hold(command)
        return release(command, _their(command.of, "hold"), yuan(command.amount, command.currency, profile))
    if not command.neutralise:
        raise Unsupported("Alipay cancels only what nobody can tell of; refund a payment")
    return "alipay.trade.cancel", {"out_trade_no": command.of.id}


def _refund(command: Refund, profile: PaymentProfile) -> Call:
    trade = command.capture or command.of
    if trade.kind is OperationKind.AUTHORISE:
        raise Rejected("a refund needs the capture it takes back", Reason.REQUIRED_MISSING)
    fields: Fields = {"out_trade_no": trade.id}
    if command.text:
        fields["refund_reason"] = subject_of(command.text)
    amount = yuan(command.amount, command.currency, profile)
    return "alipay.trade.refund", fields | {"refund_amount": amount, "out_request_no": command.id}


def _question(command: QueryOperation) -> Call:
    of, parent = command.of, command.parent
    holds = OperationKind.AUTHORISE
    if of.kind is holds or (of.kind is OperationKind.VOID and parent is not None and parent.kind is holds):
        return ask_hold(command)
    if of.kind in (OperationKind.PURCHASE, OperationKind.CAPTURE):
        return "alipay.trade.query", {"out_trade_no": of.id}
    if of.kind is OperationKind.REFUND:
        trade = of.psp.partition(":")[0]
        if not trade and (parent is None or parent.kind is holds):
            raise Rejected("the refund of a capture is asked about with the capture", Reason.REQUIRED_MISSING)
        named = {"trade_no": trade} if trade or parent is None else {"out_trade_no": parent.id}
        return "alipay.trade.fastpay.refund.query", named | {"out_request_no": of.id}
    if parent is None:
        raise Rejected("what was closed or undone has to be named", Reason.REQUIRED_MISSING)
    return "alipay.trade.query", {"out_trade_no": parent.id}


def bill_of(command: FetchStatement) -> Call:
    kind = command.report or BILL_TYPES[0]
    if kind not in BILL_TYPES:
        raise Rejected(f"Alipay has no statement {kind[:40]!r}", Reason.INVALID_VALUE)
    fields = {"bill_type": kind, "bill_date": format_day(command.day)}
    return "alipay.data.dataservice.bill.downloadurl.query", fields


def _their(of: OperationRef, what: str) -> str:
    if not of.psp:
        raise Rejected(f"Alipay has not given a number for this {what} yet", Reason.BOOKING_REFERENCE)
    return of.psp
