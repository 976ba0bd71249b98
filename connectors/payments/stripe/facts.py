"""What Stripe's objects state, the same whether they come in a reply, a webhook or a query.

Figures of intents and charges are running totals; with one capture per hold they are also that capture's. What stays
uncaptured is released by Stripe and shows up as refunded on the charge, which it is not.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.payments._shared.money import from_gateway
from connectors.payments._shared.profile import Amounts
from connectors.payments.stripe.errors import error_of
from connectors.payments.stripe.objects import Charge, DisputeObject, Fault, Intent, StripeRefund
from gateway.model.payment import Fact, FactKind
from gateway.model.payment_error import PaymentError

K = FactKind
EXPIRED_REASONS = ("automatic", "expired")
RELEASED_REFUND = "expired_uncaptured_charge"
_REFUND_KIND = {
    "succeeded": K.REFUNDED,
    "pending": K.REFUND_PENDING,
    "failed": K.REFUND_FAILED,
    "canceled": K.REFUND_FAILED,
}


def intent_facts(intent: Intent, amounts: Amounts, event: str = "") -> tuple[Fact, ...]:
    """What a payment intent states; ``event`` tells failed attempts apart that have no charge."""
    return tuple(_intent_facts(intent, amounts, event))


def _intent_facts(intent: Intent, amounts: Amounts, event: str) -> Iterator[Fact]:
    named = _Named(intent, amounts)
    charge = charge_of(intent) or intent.id
    match intent.status:
        case "requires_capture":
            yield named.held(charge, intent.amount_capturable)
        case "succeeded":
            # The intent's amount is what was held, also after an increment and a smaller capture.
            yield named.held(charge, intent.amount)
            yield named.fact(K.CAPTURED, charge, intent.amount_received, operation=taken_by(intent))
            if intent.amount_received is not None and intent.amount_received < intent.amount:
                yield named.released(K.VOIDED, charge, intent.amount_received)
        case "canceled" if _was_held(intent):
            yield named.released(_release_kind(intent), charge, intent.amount_received or 0)
        case "canceled":
            yield named.fact(K.CLOSED, intent.id, intent.amount)
        case "requires_action":
            yield named.fact(K.ACTION_REQUIRED, intent.id, intent.amount)
        case "requires_payment_method" if fault := intent.last_payment_error:
            attempt = fault.charge or charge_of(intent) or event
            yield named.fact(K.PAYMENT_FAILED, f"{intent.id}:{attempt}", intent.amount, error=error_of(fault, 402))


def kept_facts(intent: Intent) -> tuple[Fact, ...]:
    """The means of payment that is kept from now on."""
    token = intent.kept
    if token is None:
        return ()
    operation = intent.metadata.get("op_id", "")
    return (
        Fact(
            kind=K.TOKEN_CREATED,
            key=token.token,
            amount=0,
            operation=operation,
            payment_psp=intent.id,
            customer=token.customer,
        ),
    )


def charge_facts(charge: Charge, amounts: Amounts) -> tuple[Fact, ...]:
    """What a charge that was not refused states: the hold, and the capture where it has happened."""
    named = _Named(charge, amounts)
    facts = [named.held(charge.id, charge.amount, hold_expires_ms(charge))]
    if charge.captured:
        facts.append(named.fact(K.CAPTURED, charge.id, charge.amount_captured, operation=taken_by(charge)))
        if charge.amount_captured < charge.amount:
            facts.append(named.released(K.VOIDED, charge.id, charge.amount_captured))
    return tuple(facts)


def expired_facts(charge: Charge, amounts: Amounts) -> tuple[Fact, ...]:
    """A hold that has run out."""
    return (_Named(charge, amounts).released(K.EXPIRED, charge.id, charge.amount_captured),)


def refund_facts(refund: StripeRefund, amounts: Amounts) -> tuple[Fact, ...]:
    """What a refund states; nothing for the release of an uncaptured rest that looks like one."""
    kind = _REFUND_KIND.get(refund.status or "")
    metadata = refund.metadata or {}
    ours = refund.payment_intent is not None or "op_id" in metadata
    if kind is None or refund.reason == RELEASED_REFUND or not ours:
        return ()
    currency = refund.currency.upper()
    return (
        Fact(
            kind=kind,
            key=refund.id,
            amount=from_gateway(refund.amount, currency, amounts),
            currency=currency,
            operation=metadata.get("op_id", ""),
            payment=metadata.get("payment_id", ""),
            psp=refund.id,
            payment_psp=refund.payment_intent or "",
            error=refund_error(refund) if kind is K.REFUND_FAILED else None,
        ),
    )


def refund_error(refund: StripeRefund) -> PaymentError:
    """Why a refund did not come through."""
    if refund.status == "canceled":
        return PaymentError.ALREADY_VOIDED
    if refund.failure_reason == "insufficient_funds":
        return PaymentError.MERCHANT_BALANCE_INSUFFICIENT
    return error_of(Fault(code=refund.failure_reason), 402)


def dispute_fact(kind: FactKind, dispute: DisputeObject, amounts: Amounts, at_ms: int) -> Fact:
    """A step of a dispute; an inquiry (``warning_…``) has moved no money."""
    currency = dispute.currency.upper()
    return Fact(
        kind=kind,
        key=dispute.id,
        amount=from_gateway(dispute.amount, currency, amounts),
        currency=currency,
        at_ms=at_ms,
        psp=dispute.charge or "",
        payment_psp=dispute.payment_intent or "",
        text=dispute.status,
    )


def charge_of(intent: Intent) -> str:
    """The id of the latest charge; empty before there is one."""
    latest = intent.latest_charge
    return latest.id if isinstance(latest, Charge) else latest or ""


def taken_by(found: Intent | Charge) -> str:
    """Our operation that took the money: the capture where one marked it, else the payment's own."""
    return found.metadata.get("capture_op_id") or found.metadata.get("op_id", "")


def hold_expires_ms(found: Intent | Charge | str | None) -> int | None:
    """When the hold really ends, from an expanded charge."""
    charge = found.latest_charge if isinstance(found, Intent) else found
    if not isinstance(charge, Charge) or charge.payment_method_details is None:
        return None
    card = charge.payment_method_details.card
    return card.capture_before * 1000 if card and card.capture_before else None


def _was_held(intent: Intent) -> bool:
    """The latest charge may also be of an attempt that was refused."""
    latest = intent.latest_charge
    if isinstance(latest, Charge):
        return latest.status == "succeeded"
    return latest is not None and intent.last_payment_error is None


def _release_kind(intent: Intent) -> FactKind:
    return K.EXPIRED if intent.cancellation_reason in EXPIRED_REASONS else K.VOIDED


class _Named:
    """Facts of one intent or charge, with everything that helps to find their payment."""

    def __init__(self, found: Intent | Charge, amounts: Amounts) -> None:
        self._currency = found.currency.upper()
        self._amounts = amounts
        self._operation = found.metadata.get("op_id", "")
        self._payment = found.metadata.get("payment_id", "")
        self._psp = found.id if isinstance(found, Intent) else found.payment_intent or ""
        self._hold_expires_ms = hold_expires_ms(found)

    def fact(
        self,
        kind: FactKind,
        key: str,
        value: int | None,
        *,
        rest: bool = False,
        adjusted_key: str = "",
        operation: str | None = None,
        expires_ms: int | None = None,
        error: PaymentError | None = None,
    ) -> Fact:
        return Fact(
            kind=kind,
            key=key,
            amount=None if value is None else from_gateway(value, self._currency, self._amounts),
            currency=self._currency,
            rest=rest,
            adjusted_key=adjusted_key,
            operation=self._operation if operation is None else operation,
            payment=self._payment,
            payment_psp=self._psp,
            expires_ms=expires_ms,
            error=error,
        )

    def held(self, charge: str, value: int | None, expires_ms: int | None = None) -> Fact:
        # Totals only ever grow and Stripe tells no instant of an increment, so the key puts them in order.
        adjusted = f"{charge}@{value:012}" if value is not None else ""
        expires_ms = expires_ms or self._hold_expires_ms
        return self.fact(K.AUTHORISED, charge, value, adjusted_key=adjusted, expires_ms=expires_ms)

    def released(self, kind: FactKind, charge: str, kept: int) -> Fact:
        return self.fact(kind, f"{charge}:release", kept, rest=True)
