"""What an item of a notification states. Amount and state are signed; reasons, dates and additional data are hints."""

from __future__ import annotations

from collections.abc import Callable

from connectors.payments._shared.answers import tidy
from connectors.payments._shared.money import from_gateway
from connectors.payments._shared.profile import Amounts
from connectors.payments.adyen.errors import reason_of
from connectors.payments.adyen.items import Item
from connectors.payments.adyen.times import instant_of
from gateway.errors import Refusal
from gateway.model.payment import Fact, FactKind
from gateway.model.payment_error import PaymentError

K = FactKind
Kinds = tuple[FactKind, ...]

# Success, then failure. A failure that is reported as a success of its own ("capture failed": true) has none.
_SIMPLE: dict[str, tuple[FactKind | None, FactKind | None]] = {
    "AUTHORISATION": (K.AUTHORISED, K.PAYMENT_FAILED),
    "AUTHORISATION_ADJUSTMENT": (K.AUTHORISATION_ADJUSTED, K.ADJUSTMENT_FAILED),
    "CAPTURE": (K.CAPTURED, K.CAPTURE_FAILED),
    "CAPTURE_FAILED": (K.CAPTURE_FAILED, None),
    "CANCELLATION": (K.VOIDED, K.VOID_FAILED),
    "TECHNICAL_CANCEL": (K.VOIDED, K.VOID_FAILED),
    "REFUND": (K.REFUNDED, K.REFUND_FAILED),
    "REFUND_FAILED": (K.REFUND_FAILED, None),
    "REFUNDED_REVERSED": (K.REFUND_REVERSED, None),
    "REFUND_WITH_DATA": (K.REFUNDED, K.REFUND_FAILED),
    "POSTPONED_REFUND": (K.REFUND_PENDING, K.REFUND_FAILED),
    "VOID_PENDING_REFUND": (K.REFUND_FAILED, None),
    "EXPIRE": (K.EXPIRED, None),
    "OFFER_CLOSED": (K.CLOSED, None),
    "RECURRING_CONTRACT": (K.TOKEN_CREATED, None),
    "REPORT_AVAILABLE": (K.REPORT_READY, None),
}
_DISPUTES: dict[str, Kinds] = {
    "NOTIFICATION_OF_FRAUD": (K.DISPUTE_WARNING,),
    "REQUEST_FOR_INFORMATION": (K.DISPUTE_WARNING,),
    "NOTIFICATION_OF_CHARGEBACK": (K.DISPUTE_OPENED,),
    "CHARGEBACK": (K.DISPUTE_OPENED, K.DISPUTE_FUNDS_WITHDRAWN),
    "CHARGEBACK_REVERSED": (K.DISPUTE_FUNDS_REINSTATED,),  # not won yet
    "SECOND_CHARGEBACK": (K.DISPUTE_FUNDS_WITHDRAWN, K.DISPUTE_LOST),
    "PREARBITRATION_WON": (K.DISPUTE_WON,),
    "SCHEME_ARBITRATION_WON": (K.DISPUTE_WON,),
    "PREARBITRATION_ISSUER_WITHDRAWN": (K.DISPUTE_WON,),
    "PREARBITRATION_LOST": (K.DISPUTE_LOST,),
    "SCHEME_ARBITRATION_LOST": (K.DISPUTE_LOST,),
    "PREARBITRATION_ACCEPTED": (K.DISPUTE_LOST,),
}
_LOST = ("Lost", "Expired", "Undefended", "Accepted")
_FOR_STAFF = frozenset({"MANUAL_REVIEW_ACCEPT", "MANUAL_REVIEW_REJECT"})
_IGNORED = frozenset(
    {
        "PREARBITRATION_OPEN",
        "PREARBITRATION_DECLINED",
        "SCHEME_ARBITRATION",
        "INFORMATION_SUPPLIED",
        "DISPUTE_DEFENSE_PERIOD_ENDED",
        "ISSUER_RESPONSE_TIMEFRAME_EXPIRED",
        "ORDER_OPENED",
        "ORDER_CLOSED",
        "AUTORESCUE",
        "CANCEL_AUTORESCUE",
    }
)
_TESTS = ("test_", "testnotification_")
# All of a hold is released, whatever it had come to: the item's amount may be that of before an adjustment.
_WHOLE_RELEASES = frozenset({"CANCELLATION", "TECHNICAL_CANCEL", "CANCEL_OR_REFUND"})
_UNSURE = frozenset({"CAPTURE_FAILED", "REFUND_FAILED", "REFUNDED_REVERSED"})


def facts_of(item: Item, amounts: Amounts, *, several_captures: bool) -> tuple[tuple[Fact, ...], str]:
    """The facts, and why a person has to look at it (empty if nobody has)."""
    if any(mark in item.psp_reference for mark in _TESTS):
        return (), ""
    try:
        return _read(item, amounts, several_captures)
    except Refusal as refusal:
        return (), refusal.text


def _read(item: Item, amounts: Amounts, several_captures: bool) -> tuple[tuple[Fact, ...], str]:
    code = item.event_code
    if code == "CANCEL_OR_REFUND":
        return _either(item, amounts)
    if code in _SIMPLE:
        kind = _SIMPLE[code][0 if item.succeeded else 1]
        return _moved(item, kind, amounts, several_captures) if kind else (), ""
    if code in _DISPUTES or _late_decision(item):
        kinds = _DISPUTES.get(code) or (_late_decision(item),)
        return tuple(_fact(item, kind, amounts, f"{item.psp_reference}:{code}") for kind in kinds if kind), ""
    if code in _IGNORED:
        return (), ""
    known = code in _FOR_STAFF or code.startswith("PAYOUT")
    return (), f"Adyen reports {code}" if known else f"an event {code[:60]!r} that is not known here"


def _moved(item: Item, kind: FactKind, amounts: Amounts, several_captures: bool) -> tuple[Fact, ...]:
    if kind is K.AUTHORISED and item.amount is not None and item.amount.value == 0:
        return ()  # A card was kept, nothing is held.
    fact = _fact(item, kind, amounts, _key(item))
    if kind is not K.CAPTURED or several_captures:
        return (fact,)
    release = _fact(item, K.VOIDED, amounts, f"{item.psp_reference}:release", rest=True)
    return fact, release


def _key(item: Item) -> str:
    if item.event_code == "EXPIRE":
        return f"{item.original_reference or item.psp_reference}:release"
    return item.psp_reference


def _either(item: Item, amounts: Amounts) -> tuple[tuple[Fact, ...], str]:
    """A reversal says by a hint which of the two it was; without it nobody should guess from our own state."""
    ends = {"cancel": (K.VOIDED, K.VOID_FAILED), "refund": (K.REFUNDED, K.REFUND_FAILED)}
    found = ends.get(str(item.data.get("modification.action", "")))
    if found is None:
        return (), "Adyen reports a reversal without saying whether it was a cancellation or a refund"
    return (_fact(item, found[0 if item.succeeded else 1], amounts, item.psp_reference),), ""


def _late_decision(item: Item) -> FactKind | None:
    status = str(item.data.get("disputeStatus", ""))
    if item.event_code == "DISPUTE_DEFENSE_PERIOD_ENDED" and status in _LOST:
        return K.DISPUTE_LOST
    won = item.event_code == "ISSUER_RESPONSE_TIMEFRAME_EXPIRED" and status == "Won"
    return K.DISPUTE_WON if won else None


def _fact(item: Item, kind: FactKind, amounts: Amounts, key: str, *, rest: bool = False) -> Fact:
    whole = kind is K.VOIDED and item.event_code in _WHOLE_RELEASES
    amount, currency = _amount(item, amounts)
    payment = item.original_reference or ("" if kind in _OF_ANOTHER else item.psp_reference)
    return Fact(
        kind=kind,
        key=key,
        amount=0 if whole else amount,
        currency=currency,
        at_ms=instant_of(item.event_date or ""),
        rest=rest or whole,
        purchase_key=item.original_reference or "" if kind in (K.CAPTURED, K.CAPTURE_FAILED) else "",
        unsure=item.event_code in _UNSURE,
        operation=item.merchant_reference or "",
        psp=item.psp_reference,
        payment_psp=payment,
        error=_error(item, kind),
        text=_reason(item),
        customer=str(item.data.get("shopperReference", "")) if kind is K.TOKEN_CREATED else "",
    )


_OF_ANOTHER = frozenset({K.EXPIRED, K.REPORT_READY, K.TOKEN_CREATED})


def _amount(item: Item, amounts: Amounts) -> tuple[int, str]:
    """Reports and tokens come with nothing; their amount is nothing."""
    found = item.amount
    if found is None or not found.value or not found.currency:
        return 0, (found.currency or "") if found else ""
    return from_gateway(found.value, found.currency, amounts), found.currency


def _error(item: Item, kind: FactKind) -> PaymentError | None:
    errors: dict[FactKind, Callable[[], PaymentError]] = {
        K.PAYMENT_FAILED: lambda: reason_of(item.reason),
        K.ADJUSTMENT_FAILED: lambda: reason_of(item.reason),
        K.CAPTURE_FAILED: lambda: PaymentError.DECLINED,
        K.VOID_FAILED: lambda: PaymentError.WRONG_STATE,
        K.REFUND_FAILED: lambda: (
            PaymentError.ALREADY_VOIDED if item.event_code == "VOID_PENDING_REFUND" else PaymentError.DECLINED
        ),
    }
    return errors[kind]() if kind in errors else None


def _reason(item: Item) -> str:
    """The four letters ``null`` are no reason."""
    return "" if item.reason in (None, "null") else tidy(item.reason or "")
