"""Whether what a gateway states may enter the ledger of a payment.

A signature proves who speaks, not that it is right: amount, currency and reference are held against what we have asked
for. What does not fit is set aside for a person and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from gateway.engine.facts import events_of
from gateway.engine.ledger import COUNTED, Ledger, LedgerEvent, Novelty, novelty
from gateway.model.payment import Fact, FactKind, FactSource, OperationKind, OperationOutcome, OperationRef

K = FactKind
_HOLDING = frozenset({OperationKind.AUTHORISE, OperationKind.PURCHASE})
_MOVING = frozenset({K.CAPTURED, K.REFUNDED, K.REFUND_PENDING})
_TOLD: dict[tuple[OperationKind, FactKind], OperationOutcome] = {
    (OperationKind.AUTHORISE, K.AUTHORISED): OperationOutcome.SUCCEEDED,
    (OperationKind.AUTHORISE, K.PAYMENT_FAILED): OperationOutcome.FAILED,
    (OperationKind.AUTHORISE, K.CLOSED): OperationOutcome.FAILED,
    (OperationKind.PURCHASE, K.CAPTURED): OperationOutcome.SUCCEEDED,
    (OperationKind.PURCHASE, K.PAYMENT_FAILED): OperationOutcome.FAILED,
    (OperationKind.PURCHASE, K.CLOSED): OperationOutcome.FAILED,
    (OperationKind.ADJUST, K.AUTHORISATION_ADJUSTED): OperationOutcome.SUCCEEDED,
    (OperationKind.ADJUST, K.ADJUSTMENT_FAILED): OperationOutcome.FAILED,
    (OperationKind.CAPTURE, K.CAPTURED): OperationOutcome.SUCCEEDED,
    (OperationKind.CAPTURE, K.CAPTURE_FAILED): OperationOutcome.FAILED,
    (OperationKind.VOID, K.VOIDED): OperationOutcome.SUCCEEDED,
    (OperationKind.VOID, K.VOID_FAILED): OperationOutcome.FAILED,
    (OperationKind.REFUND, K.REFUNDED): OperationOutcome.SUCCEEDED,
    (OperationKind.REFUND, K.REFUND_PENDING): OperationOutcome.PENDING,
    (OperationKind.REFUND, K.REFUND_FAILED): OperationOutcome.FAILED,
    (OperationKind.CLOSE, K.CLOSED): OperationOutcome.SUCCEEDED,
}


class Entered(msgspec.Struct, frozen=True):
    """What is new in the ledger, everything the facts mean (known or new), and why something was set aside."""

    new: tuple[LedgerEvent, ...]
    meant: tuple[LedgerEvent, ...]
    aside: tuple[str, ...]


def enter(
    facts: Iterable[Fact],
    intent: OperationKind,
    currency: str,
    operations: Sequence[OperationRef],
    ledger: Ledger,
    source: FactSource,
) -> Entered:
    """The events of a payment's facts; raises :class:`gateway.engine.facts.Unresolved`."""
    known, new, meant, aside = dict(ledger), [], [], []
    for fact in facts:
        for event in events_of(fact, intent, operations, source):
            found = novelty(known.get((event.kind, event.key)), event)
            why = "the same movement with another amount" if found is Novelty.CONFLICT else ""
            if found is Novelty.NEW:
                why = _misfit(event, currency, operations)
            if why:
                aside.append(f"{event.kind.value} {event.key} of {event.amount} {event.currency}: {why}")
                continue
            meant.append(event)
            if found is Novelty.NEW:
                known[event.kind, event.key] = event
                new.append(event)
    return Entered(tuple(new), tuple(meant), tuple(aside))


def told_of(operation: OperationRef, events: Iterable[LedgerEvent]) -> OperationOutcome | None:
    """How an operation of ours stands by the events that name it; None where they say nothing of that."""
    outcomes = {_TOLD.get((operation.kind, event.kind)) for event in events if event.operation == operation.id}
    order = (OperationOutcome.SUCCEEDED, OperationOutcome.FAILED, OperationOutcome.PENDING)
    return next((outcome for outcome in order if outcome in outcomes), None)


def _misfit(event: LedgerEvent, currency: str, operations: Sequence[OperationRef]) -> str:
    """Why an event is not what was asked for; empty if nothing speaks against it."""
    if event.kind not in COUNTED:
        return ""
    if event.currency != currency:
        return f"the payment is in {currency}"
    if event.amount < 0 or (event.amount == 0 and event.kind in _MOVING):
        return "nothing, or less than that, does not move"
    if event.rest or event.kind in (K.VOIDED, K.EXPIRED):
        return ""
    asked = next((operation for operation in operations if operation.id == event.operation), None)
    return _other_amount(event, asked, operations)


def _other_amount(event: LedgerEvent, asked: OperationRef | None, operations: Sequence[OperationRef]) -> str:
    held = [operation.amount for operation in operations if operation.kind in _HOLDING]
    match event.kind:
        case K.AUTHORISED if event.amount not in held:
            return f"{' or '.join(map(str, held))} was asked for"
        case K.AUTHORISATION_ADJUSTED:
            totals = [operation.amount for operation in operations if operation.kind is OperationKind.ADJUST]
            return "" if event.amount in (*held, *totals) else "no such total was asked for"
        case K.CAPTURED if asked is not None and asked.kind in (OperationKind.CAPTURE, OperationKind.PURCHASE):
            return "" if event.amount == asked.amount else f"{asked.amount} was asked for"
        case K.CAPTURED:
            totals = [operation.amount for operation in operations if operation.kind is OperationKind.ADJUST]
            return "" if event.amount <= max((*held, *totals), default=0) else "more than any hold"
        case K.REFUNDED | K.REFUND_PENDING if asked is not None and asked.kind is OperationKind.REFUND:
            return "" if event.amount == asked.amount else f"{asked.amount} was asked for"
    return ""
