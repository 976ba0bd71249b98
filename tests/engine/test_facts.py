"""From facts to events: by the fact and our operations alone."""

from __future__ import annotations

import pytest

from gateway.engine.facts import Unresolved, events_of
from gateway.engine.ledger import LedgerEvent
from gateway.model.payment import Fact, FactKind, FactSource, OperationKind, OperationRef

K, Kind = FactKind, OperationKind
HOLD = OperationRef(id="OP1", kind=Kind.AUTHORISE, at_ms=1, amount=100, currency="EUR", psp="P1")
BUY = OperationRef(id="OP1", kind=Kind.PURCHASE, at_ms=1, amount=100, currency="EUR", psp="P1")
REFUND = OperationRef(id="OP2", kind=Kind.REFUND, at_ms=2, amount=30, currency="EUR", psp="P2")


def read(fact: Fact, *operations: OperationRef, intent: OperationKind = Kind.AUTHORISE) -> tuple[LedgerEvent, ...]:
    return events_of(fact, intent, operations, FactSource.CALLBACK)


def briefly(events: tuple[LedgerEvent, ...]) -> list[tuple[FactKind, str, int]]:
    return [(event.kind, event.key, event.amount) for event in events]


@pytest.mark.parametrize("kind", [K.AUTHORISED, K.CAPTURED])
def test_a_purchase_is_held_and_taken_whichever_is_told(kind: FactKind) -> None:
    fact = Fact(kind=kind, key="P1", amount=100, currency="EUR", operation="OP1")
    assert briefly(read(fact, BUY, intent=Kind.PURCHASE)) == [(K.AUTHORISED, "P1", 100), (K.CAPTURED, "P1", 100)]


def test_a_capture_of_a_purchase_is_the_purchase_itself() -> None:
    fact = Fact(kind=K.CAPTURED, key="C9", purchase_key="P1", amount=100, currency="EUR")
    assert {event.key for event in read(fact, BUY, intent=Kind.PURCHASE)} == {"P1"}
    assert {event.key for event in read(fact, HOLD)} == {"C9"}


def test_a_hold_of_another_amount_than_asked_for_is_an_adjusted_one() -> None:
    same = Fact(kind=K.AUTHORISED, key="ch", adjusted_key="ch@100", amount=100, currency="EUR", operation="OP1")
    raised = Fact(kind=K.AUTHORISED, key="ch", adjusted_key="ch@150", amount=150, currency="EUR", operation="OP1")
    assert briefly(read(same, HOLD)) == [(K.AUTHORISED, "ch", 100)]
    assert briefly(read(raised, HOLD)) == [(K.AUTHORISATION_ADJUSTED, "ch@150", 150)]


def test_an_amount_that_is_not_told_is_that_of_our_operation() -> None:
    fact = Fact(kind=K.REFUNDED, key="T:OP2", operation="OP2")
    assert [(event.amount, event.currency, event.operation) for event in read(fact, HOLD, REFUND)] == [
        (30, "EUR", "OP2")
    ]
    with pytest.raises(Unresolved):
        read(fact, HOLD)


def test_their_number_says_more_than_our_reference() -> None:
    """Some messages give the payment's reference for a modification."""
    fact = Fact(kind=K.REFUNDED, key="P2", operation="OP1", psp="P2")
    assert read(fact, HOLD, REFUND)[0].operation == "OP2"


def test_a_failure_with_a_number_of_its_own_finds_what_has_failed() -> None:
    fact = Fact(kind=K.REFUND_FAILED, key="P9", psp="P9", amount=30, currency="EUR", operation="OP1", unsure=True)
    assert read(fact, HOLD, REFUND)[0].key == "P2"
    assert read(fact, HOLD)[0].key == "P9"
    twin = OperationRef(id="OP3", kind=Kind.REFUND, at_ms=3, amount=30, currency="EUR", psp="P3")
    with pytest.raises(Unresolved):
        read(fact, HOLD, REFUND, twin)
    with pytest.raises(Unresolved):
        read(fact, HOLD, OperationRef(id="OP2", kind=Kind.REFUND, at_ms=2, amount=30, currency="EUR"))
