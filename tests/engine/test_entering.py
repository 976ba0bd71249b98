"""What is stated beyond what can have moved is set aside, also where nothing of ours says how much it should be."""

from __future__ import annotations

import pytest

from gateway.engine.entering import enter
from gateway.model.payment import Fact, FactKind, FactSource, OperationKind, OperationRef

K = FactKind
HELD = OperationRef(id="A", kind=OperationKind.AUTHORISE, at_ms=1, amount=10_000, currency="EUR", psp="pi")


@pytest.mark.parametrize(
    ("kind", "amount", "taken"),
    [
        (K.CAPTURED, 4_000, True),
        (K.CAPTURED, 0, False),
        (K.CAPTURED, -4_000, False),
        (K.CAPTURED, 10_001, False),
        (K.REFUNDED, 4_000, True),
        (K.REFUNDED, 0, False),
        (K.REFUNDED, -4_000, False),
        (K.REFUND_PENDING, -1, False),
        (K.VOIDED, 4_000, True),
        (K.VOIDED, -4_000, False),
        (K.EXPIRED, -1, False),
        (K.DISPUTE_FUNDS_WITHDRAWN, -1, False),
        (K.DISPUTE_OPENED, 0, True),
    ],
)
def test_a_movement_made_elsewhere_is_more_than_nothing(kind: FactKind, amount: int, taken: bool) -> None:
    fact = Fact(kind=kind, key="k", amount=amount, currency="EUR", payment_psp="pi", psp="other")
    entered = enter([fact], OperationKind.AUTHORISE, "EUR", [HELD], {}, FactSource.CALLBACK)
    assert (bool(entered.new), bool(entered.aside)) == (taken, not taken)


def test_all_of_a_hold_may_be_released_by_saying_that_nothing_stays() -> None:
    fact = Fact(kind=K.VOIDED, key="k", amount=0, currency="EUR", rest=True, payment_psp="pi")
    assert enter([fact], OperationKind.AUTHORISE, "EUR", [HELD], {}, FactSource.CALLBACK).new
