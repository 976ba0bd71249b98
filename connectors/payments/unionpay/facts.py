"""What a transaction that has succeeded moved, in a callback or in the answer to a query."""

from __future__ import annotations

import msgspec

from connectors.payments._shared.beijing import instant_of
from connectors.payments._shared.form import Fields
from connectors.payments._shared.money import from_gateway
from connectors.payments._shared.profile import Amounts
from gateway.errors import Malformed, Reason, Unmapped
from gateway.model.dates import Instant
from gateway.model.payment import Fact, FactKind

K = FactKind
CURRENCY = "CNY"
CODE = "156"
DAY_MS = 24 * 3600 * 1000
_AMOUNT_DIGITS_MAX = 12


def facts_of(kind: str, fields: Fields, original: str, amounts: Amounts, hold_days: int) -> tuple[Fact, ...]:
    """By ``txnType``; ``original`` is the queryId of what the transaction follows on. None for other types.

    A completion gives back the rest of its hold. What takes a completion or a scanned payment back annuls it and leaves
    nothing to capture, whichever of the messages comes first.
    """
    query_id = fields.get("queryId", "")
    if not query_id:
        raise Malformed("a transaction without a queryId")
    at_ms = instant_of(fields.get("txnTime", ""))
    basis = Fact(
        kind=K.CAPTURED,
        key=query_id,
        amount=amount_of(fields, amounts),
        currency=CURRENCY,
        at_ms=at_ms,
        operation=fields.get("orderId", ""),
        psp=query_id,
        payment_psp=original or query_id,
    )
    match kind:
        case "01":
            return (basis,)
        case "02":
            return (_changed(basis, K.AUTHORISED, query_id, expires_ms=_end(at_ms, hold_days)),)
        case "03":
            rest = _changed(basis, K.VOIDED, f"{query_id}:release", rest=True)
            return basis, rest
        case "04" | "31":
            return (_changed(basis, K.REFUNDED, query_id),)
        case "32":
            return (_changed(basis, K.VOIDED, query_id, amount=0, rest=True),)
        case "33":
            if not original:
                raise Malformed("a completion was taken back, but not said which")
            return _annulled(basis, original, query_id)
    return ()


def reversal_facts(fields: Fields, query_id: str, amounts: Amounts) -> tuple[Fact, ...]:
    """Of a scanned payment that was reversed; without its number only that the order is closed."""
    order = fields.get("orderId", "")
    closed = Fact(kind=K.CLOSED, key=order, operation=order, payment_psp=query_id)
    if not query_id:
        return (closed,)
    amount = amount_of(fields, amounts)
    basis = Fact(kind=K.CAPTURE_FAILED, key=query_id, amount=amount, currency=CURRENCY, operation=order, psp=query_id)
    return closed, *_annulled(msgspec.structs.replace(basis, payment_psp=query_id), query_id, query_id)


def amount_of(fields: Fields, amounts: Amounts) -> int:
    """``txnAmt`` in whole fen; raises :class:`Malformed`, and :class:`Unmapped` for another currency."""
    text = fields.get("txnAmt", "")
    if not (text.isascii() and text.isdecimal()) or len(text) > _AMOUNT_DIGITS_MAX:
        raise Malformed(f"{text[:20]!r} is not an amount", Reason.INVALID_VALUE)
    if fields.get("currencyCode", CODE) != CODE:
        raise Unmapped(Reason.CURRENCY, fields["currencyCode"][:10])
    return from_gateway(int(text), CURRENCY, amounts)


def _annulled(basis: Fact, original: str, query_id: str) -> tuple[Fact, ...]:
    undone = _changed(basis, K.CAPTURE_FAILED, original)
    return undone, _changed(basis, K.VOIDED, f"{query_id}:release", amount=0, rest=True)


def _changed(
    basis: Fact,
    kind: FactKind,
    key: str,
    *,
    amount: int | None = None,
    rest: bool = False,
    expires_ms: Instant | None = None,
) -> Fact:
    value = basis.amount if amount is None else amount
    return msgspec.structs.replace(basis, kind=kind, key=key, amount=value, rest=rest, expires_ms=expires_ms)


def _end(at_ms: Instant | None, hold_days: int) -> Instant | None:
    return None if at_ms is None else at_ms + hold_days * DAY_MS
