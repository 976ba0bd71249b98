"""From the state of Stripe's objects to how an operation of ours stands (PaymentIntent.status, Refund.status)."""

from __future__ import annotations

from connectors.payments._shared.answers import tidy
from connectors.payments._shared.money import from_gateway
from connectors.payments._shared.profile import Amounts
from connectors.payments._shared.replies import asked
from connectors.payments.stripe.errors import error_of, raw
from connectors.payments.stripe.facts import (
    EXPIRED_REASONS,
    charge_of,
    hold_expires_ms,
    intent_facts,
    refund_error,
    refund_facts,
)
from connectors.payments.stripe.objects import Fault, Intent, NextAction, Session, SetupIntent, StripeRefund
from gateway.messages_payment import Adjust, Capture, ContinueCharge, PaymentAnswered, PaymentCommand, QueryOperation
from gateway.model.payment import Fact, FactKind, OperationKind, OperationOutcome
from gateway.model.payment_error import PaymentError
from gateway.model.payment_means import ActionKind, GuestAction, Token

Outcome = OperationOutcome
_HOLDING = (OperationKind.AUTHORISE, OperationKind.PURCHASE)
Ending = tuple[OperationOutcome, PaymentError | None]
_NOT_YET: Ending = (Outcome.UNKNOWN, PaymentError.NOT_FOUND)


def kind_of(command: PaymentCommand) -> OperationKind:
    """The kind of that operation; confirming again continues what was begun."""
    if isinstance(command, QueryOperation):
        return command.of.kind
    if isinstance(command, ContinueCharge):
        return command.of.kind
    return OperationKind(type(command).__name__.lower())


def of_intent(command: PaymentCommand, intent: Intent, amounts: Amounts) -> PaymentAnswered:
    """What an intent says of the operation that was sent or asked about."""
    kind = kind_of(command)
    outcome, error = _ending(kind, command, intent, amounts)
    fault = intent.last_payment_error
    return PaymentAnswered(
        operation=asked(command),
        outcome=outcome,
        psp=(charge_of(intent) if kind is OperationKind.CAPTURE else "") or intent.id,
        facts=intent_facts(intent, amounts, asked(command)),
        action=_action(intent.next_action, intent.client_secret) if outcome is Outcome.ACTION_REQUIRED else None,
        error=error,
        error_raw=tidy(raw(fault)) if fault and outcome is Outcome.FAILED else "",
        token=intent.kept if kind in _HOLDING else None,
        hold_expires_ms=hold_expires_ms(intent),
    )


def _ending(kind: OperationKind, command: PaymentCommand, intent: Intent, amounts: Amounts) -> Ending:
    match kind:
        case OperationKind.CAPTURE:
            return _captured(command, intent, amounts)
        case OperationKind.VOID | OperationKind.CLOSE:
            if intent.status == "succeeded":
                return Outcome.FAILED, PaymentError.ALREADY_CAPTURED
            return (Outcome.SUCCEEDED, None) if intent.status == "canceled" else _NOT_YET
        case OperationKind.ADJUST:
            wanted = command.of.amount if isinstance(command, QueryOperation) else _wanted(command)
            held = from_gateway(intent.amount, intent.currency.upper(), amounts)
            return (Outcome.SUCCEEDED, None) if held == wanted else _NOT_YET
    return _charged(kind, intent)


def _captured(command: PaymentCommand, intent: Intent, amounts: Amounts) -> Ending:
    if intent.status == "canceled":
        expired = intent.cancellation_reason in EXPIRED_REASONS
        return Outcome.FAILED, PaymentError.AUTHORISATION_EXPIRED if expired else PaymentError.ALREADY_VOIDED
    if intent.status != "succeeded":
        return _NOT_YET
    wanted = command.of.amount if isinstance(command, QueryOperation) else _wanted(command)
    if intent.amount_received is not None:
        taken = from_gateway(intent.amount_received, intent.currency.upper(), amounts)
        if taken != wanted:
            return Outcome.FAILED, PaymentError.ALREADY_CAPTURED
    return Outcome.SUCCEEDED, None


def _wanted(command: PaymentCommand) -> int:
    return command.amount if isinstance(command, Adjust | Capture) else 0


def _charged(kind: OperationKind, intent: Intent) -> Ending:
    match intent.status:
        case "requires_capture":
            # A purchase is asked for with automatic capture: a person should see why it is held instead.
            held = kind is OperationKind.AUTHORISE
            return (Outcome.SUCCEEDED, None) if held else (Outcome.PENDING, PaymentError.WRONG_STATE)
        case "succeeded":
            return Outcome.SUCCEEDED, None
        case "processing":
            return Outcome.PENDING, None
        case "requires_action" | "requires_confirmation":
            return Outcome.ACTION_REQUIRED, None
        case "requires_payment_method":
            fault = intent.last_payment_error
            return (Outcome.FAILED, error_of(fault, 402)) if fault else (Outcome.ACTION_REQUIRED, None)
        case "canceled":
            ours = intent.cancellation_reason in ("requested_by_customer", "duplicate", "fraudulent")
            return Outcome.FAILED, PaymentError.ALREADY_VOIDED if ours else PaymentError.ORDER_EXPIRED
    return Outcome.UNKNOWN, PaymentError.UNKNOWN


def of_session(command: PaymentCommand, session: Session, amounts: Amounts) -> PaymentAnswered:
    """A page the guest has not finished; expired, it is as good as closed."""
    expires_ms = session.expires_at * 1000 if session.expires_at else None
    facts: tuple[Fact, ...] = ()
    if session.status == "expired":
        facts = (session_closed(session, amounts),)
    closing = kind_of(command) is OperationKind.CLOSE
    ends: dict[str | None, Ending] = {
        "open": _NOT_YET if closing else (Outcome.ACTION_REQUIRED, None),
        "expired": (Outcome.SUCCEEDED, None) if closing else (Outcome.FAILED, PaymentError.ORDER_EXPIRED),
        "complete": (Outcome.PENDING, None),
    }
    outcome, error = ends.get(session.status, (Outcome.UNKNOWN, PaymentError.UNKNOWN))
    waits = outcome is Outcome.ACTION_REQUIRED and bool(session.url)
    return PaymentAnswered(
        operation=asked(command),
        outcome=outcome,
        psp=session.payment_intent if isinstance(session.payment_intent, str) else session.id,
        facts=facts,
        action=GuestAction(kind=ActionKind.REDIRECT, url=session.url or "", expires_ms=expires_ms) if waits else None,
        error=error,
    )


def session_closed(session: Session, amounts: Amounts) -> Fact:
    """Nobody has paid on the page, and nobody can any more."""
    currency = (session.currency or "").upper()
    metadata = session.metadata or {}
    return Fact(
        kind=FactKind.CLOSED,
        key=session.id,
        amount=from_gateway(session.amount_total, currency, amounts) if session.amount_total is not None else None,
        currency=currency,
        operation=metadata.get("op_id", ""),
        payment=metadata.get("payment_id", ""),
        payment_psp=session.id,
    )


def of_refund(command: PaymentCommand, refund: StripeRefund, amounts: Amounts) -> PaymentAnswered:
    """What a refund says of the operation that made it."""
    ends: dict[str | None, Ending] = {
        "succeeded": (Outcome.SUCCEEDED, None),
        "pending": (Outcome.PENDING, None),
        "requires_action": (Outcome.ACTION_REQUIRED, None),
        "failed": (Outcome.FAILED, refund_error(refund)),
        "canceled": (Outcome.FAILED, PaymentError.ALREADY_VOIDED),
    }
    outcome, error = ends.get(refund.status, (Outcome.UNKNOWN, PaymentError.UNKNOWN))
    return PaymentAnswered(
        operation=asked(command),
        outcome=outcome,
        psp=refund.id,
        facts=refund_facts(refund, amounts),
        error=error,
        error_raw=refund.failure_reason or "",
    )


def of_setup(command: PaymentCommand, setup: SetupIntent) -> PaymentAnswered:
    """What a setup intent says: the method is kept, or the guest has to authenticate first."""
    ends: dict[str, Ending] = {
        "succeeded": (Outcome.SUCCEEDED, None),
        "processing": (Outcome.PENDING, None),
        "requires_action": (Outcome.ACTION_REQUIRED, None),
        "requires_confirmation": (Outcome.ACTION_REQUIRED, None),
        "requires_payment_method": (Outcome.ACTION_REQUIRED, None),
        "canceled": (Outcome.FAILED, PaymentError.ALREADY_CLOSED),
    }
    outcome, error = ends.get(setup.status, (Outcome.UNKNOWN, PaymentError.UNKNOWN))
    kept = outcome is Outcome.SUCCEEDED and setup.payment_method
    return PaymentAnswered(
        operation=asked(command),
        outcome=outcome,
        psp=setup.id,
        action=_action(setup.next_action, setup.client_secret) if outcome is Outcome.ACTION_REQUIRED else None,
        error=error,
        token=Token(setup.payment_method or "", setup.customer or "") if kept else None,
    )


def refusal_facts(command: PaymentCommand, fault: Fault, error: PaymentError, amounts: Amounts) -> tuple[Fact, ...]:
    """What a refused call states: the failed attempt of a charge, or an increment that left the hold as it was."""
    if isinstance(command, Adjust):
        return (
            Fact(
                kind=FactKind.ADJUSTMENT_FAILED,
                key=command.id,
                amount=command.amount,
                currency=command.currency,
                operation=command.id,
                payment=command.payment,
                payment_psp=command.of.psp,
                error=error,
            ),
        )
    if fault.payment_intent is None:
        return ()
    return intent_facts(fault.payment_intent, amounts, command.id)


def _action(next_action: NextAction | None, client_secret: str | None) -> GuestAction:
    """A redirect where Stripe names one, otherwise its script in the guest's browser takes the secret."""
    redirect = next_action.redirect_to_url if next_action else None
    if redirect and redirect.url:
        return GuestAction(kind=ActionKind.REDIRECT, url=redirect.url)
    fields = {"client_secret": client_secret or "", "type": next_action.type if next_action else ""}
    return GuestAction(kind=ActionKind.CLIENT, fields={name: text for name, text in fields.items() if text})
