"""From what a gateway states to events of the ledger.

What a fact becomes depends on the fact and on the immutable part of our operations: never on what the ledger holds
already, or the order of arrival would leak in.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.engine.ledger import LedgerEvent
from gateway.model.payment import Fact, FactKind, FactSource, OperationKind, OperationRef

K = FactKind
_HOLDING = frozenset({OperationKind.AUTHORISE, OperationKind.PURCHASE})
_TAKING = frozenset({K.AUTHORISED, K.CAPTURED})


class Unresolved(Exception):
    """Nobody can say yet how much a fact is about; the message is kept and looked at again."""


def events_of(
    fact: Fact, intent: OperationKind, operations: Sequence[OperationRef], source: FactSource
) -> tuple[LedgerEvent, ...]:
    """The events a fact of this payment means; raises :class:`Unresolved`.

    ``intent`` is whether the payment is to be held or taken; ``operations`` are all operations of the payment.
    """
    operation = operation_of(fact, operations)
    asked = _asked(fact, operation, operations)
    amount, currency = fact.amount, fact.currency
    if amount is None:
        if asked is None:
            raise Unresolved(f"{fact.kind.value} {fact.key} names no amount and no operation of ours")
        amount, currency = asked.amount, asked.currency
    kind, key = _meaning(fact, intent, amount, asked)
    if fact.unsure:
        key = _partner(fact, key, amount, operations)
    event = LedgerEvent(
        kind=kind,
        key=key,
        amount=amount,
        currency=currency,
        at_ms=fact.at_ms,
        rest=fact.rest,
        operation=operation.id if operation else "",
        psp=fact.psp,
        source=source,
        expires_ms=fact.expires_ms,
        error=fact.error,
        text=fact.text,
    )
    if intent is OperationKind.PURCHASE and kind in _TAKING:
        return tuple(msgspec.structs.replace(event, kind=both) for both in (K.AUTHORISED, K.CAPTURED))
    return (event,)


def operation_of(fact: Fact, operations: Sequence[OperationRef]) -> OperationRef | None:
    """The operation a fact is about: by the gateway's number of it before our reference, which may be the payment's."""
    by_psp = (operation for operation in operations if fact.psp and operation.psp == fact.psp)
    by_id = (operation for operation in operations if fact.operation == operation.id)
    return next(by_psp, None) or next(by_id, None)


def _asked(fact: Fact, operation: OperationRef | None, operations: Sequence[OperationRef]) -> OperationRef | None:
    """The operation that says how much: for a hold the one that asked for it, even if a later one is named."""
    if fact.kind is not K.AUTHORISED or (operation and operation.kind in _HOLDING):
        return operation
    holding = [candidate for candidate in operations if candidate.kind in _HOLDING]
    return holding[0] if len(holding) == 1 else None


def _meaning(fact: Fact, intent: OperationKind, amount: int, asked: OperationRef | None) -> tuple[FactKind, str]:
    if fact.purchase_key and intent is OperationKind.PURCHASE:
        return fact.kind, fact.purchase_key
    if fact.adjusted_key and asked is not None and amount != asked.amount:
        return K.AUTHORISATION_ADJUSTED, fact.adjusted_key
    return fact.kind, fact.key


def _partner(fact: Fact, key: str, amount: int, operations: Sequence[OperationRef]) -> str:
    """The key of what has failed: by their number, else the one operation of ours with that amount.

    With none of that amount the key is taken as it is: it may be of something done elsewhere.
    """
    kind = OperationKind.CAPTURE if fact.kind is K.CAPTURE_FAILED else OperationKind.REFUND
    alike = [operation for operation in operations if operation.kind is kind and operation.amount == amount]
    if key != fact.key or not alike or any(operation.psp == fact.key for operation in operations):
        return key
    if len(alike) > 1 or not alike[0].psp:
        raise Unresolved(f"{fact.kind.value} {fact.key} may belong to {len(alike)} of our operations")
    return alike[0].psp
