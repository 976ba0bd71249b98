"""Operations: how they move on, what may be sent, when to ask again."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.ledger import LedgerEvent, Position, fold
from gateway.engine.operations import (
    PARKED_AFTER_MS,
    Waiting,
    advance,
    fingerprint,
    is_really_absent,
    next_query_ms,
    refusal,
)
from gateway.messages_payment import Adjust, Capture, PaymentCommand, Purchase, Refund, Void
from gateway.model.payment import FactKind, OperationKind, OperationOutcome, OperationRef
from gateway.model.payment_error import PaymentError, Retry, retry_of
from gateway.model.payment_means import Card

K, Outcome = FactKind, OperationOutcome
HOLD = OperationRef(id="A", kind=OperationKind.AUTHORISE, at_ms=0, amount=100, currency="EUR", psp="P")


def event(kind: FactKind, key: str, amount: int, operation: str = "") -> LedgerEvent:
    return LedgerEvent(kind=kind, key=key, amount=amount, currency="EUR", operation=operation)


def position(*events: LedgerEvent) -> Position:
    return fold(events, "EUR")


def capture(amount: int, id_: str = "C", currency: str = "EUR") -> Capture:
    return Capture(id=id_, at_ms=1, payment="X", of=HOLD, amount=amount, currency=currency)


def refund(amount: int, id_: str = "R") -> Refund:
    return Refund(id=id_, at_ms=1, payment="X", of=HOLD, amount=amount, currency="EUR")


HELD = position(event(K.AUTHORISED, "P", 100))
PAID = position(event(K.AUTHORISED, "P", 100), event(K.CAPTURED, "P", 100))


def test_the_last_word_is_the_same_in_any_order() -> None:
    told = (Outcome.PENDING, Outcome.FAILED, Outcome.SUCCEEDED, Outcome.UNKNOWN, Outcome.ACTION_REQUIRED)
    for order in permutations(told):
        now = Outcome.NEW
        for word in order:
            now = advance(now, word)
        assert now is Outcome.SUCCEEDED
    assert advance(Outcome.FAILED, Outcome.PENDING) is Outcome.FAILED
    assert advance(Outcome.PENDING, Outcome.NEW) is Outcome.PENDING


@pytest.mark.parametrize(
    ("command", "found", "expected"),
    [
        (capture(100), HELD, None),
        (capture(101), HELD, PaymentError.AMOUNT_EXCEEDS_AUTHORISED),
        (capture(1), PAID, PaymentError.AMOUNT_EXCEEDS_AUTHORISED),
        (capture(0), HELD, PaymentError.INVALID_AMOUNT),
        (capture(1, currency="CHF"), HELD, PaymentError.CURRENCY_NOT_SUPPORTED),
        (refund(100), PAID, None),
        (refund(101), PAID, PaymentError.AMOUNT_EXCEEDS_REFUNDABLE),
        (refund(1), HELD, PaymentError.AMOUNT_EXCEEDS_REFUNDABLE),
        (Adjust(id="J", at_ms=1, payment="X", of=HOLD, amount=150, currency="EUR"), HELD, None),
        (Adjust(id="J", at_ms=1, payment="X", of=HOLD, amount=150, currency="EUR"), PAID, PaymentError.WRONG_STATE),
        (Void(id="V", at_ms=1, payment="X", of=HOLD, amount=100, currency="EUR"), HELD, None),
    ],
)
def test_what_may_be_sent(command: PaymentCommand, found: Position, expected: PaymentError | None) -> None:
    assert refusal(command, found) is expected


def test_a_gateway_may_let_more_through_than_was_held() -> None:
    assert refusal(capture(115), HELD, capture_percent_max=115) is None
    assert refusal(capture(116), HELD, capture_percent_max=115) is PaymentError.AMOUNT_EXCEEDS_AUTHORISED


@given(st.lists(st.tuples(st.integers(1, 120), st.booleans()), max_size=8))
def test_two_clerks_never_refund_the_same_money(wishes: list[tuple[int, bool]]) -> None:
    """Whatever has been let through stays within what was captured, even if all of it succeeds."""
    paid = [event(K.AUTHORISED, "P", 100), event(K.CAPTURED, "P", 100)]
    open_: list[OperationRef] = []
    for number, (amount, answered) in enumerate(wishes):
        command = refund(amount, f"R{number}")
        if refusal(command, position(*paid), open_, paid):
            continue
        open_.append(OperationRef(id=command.id, kind=OperationKind.REFUND, at_ms=1, amount=amount, currency="EUR"))
        if answered:
            paid.append(event(K.REFUNDED, f"re{number}", amount, command.id))
    assert sum(operation.amount for operation in open_) <= 100


def test_a_refund_that_has_been_stated_is_not_counted_twice() -> None:
    told = [event(K.AUTHORISED, "P", 100), event(K.CAPTURED, "P", 100), event(K.REFUND_PENDING, "re", 40, "R1")]
    waiting = [OperationRef(id="R1", kind=OperationKind.REFUND, at_ms=1, amount=40, currency="EUR")]
    assert refusal(refund(60), position(*told), waiting, told) is None
    assert refusal(refund(61), position(*told), waiting, told) is PaymentError.AMOUNT_EXCEEDS_REFUNDABLE


def test_asking_again() -> None:
    assert [next_query_ms(Waiting.DESK, n, 0, 0) for n in (0, 1, 2, 12)] == [2000, 3000, 5000, None]
    assert next_query_ms(Waiting.PAGE, 9, 0, 0) == 60_000
    assert next_query_ms(Waiting.NOBODY, 9, 0, 0) == 3_600_000
    assert next_query_ms(Waiting.NOBODY, 40, 0, 25 * 3_600_000) == (25 + 6) * 3_600_000
    assert next_query_ms(Waiting.NOBODY, 99, 0, PARKED_AFTER_MS) is None


def test_not_found_is_believed_late_and_twice() -> None:
    minute = 60_000
    assert is_really_absent(0, [5 * minute, 6 * minute], order_is_over=True)
    assert not is_really_absent(0, [5 * minute, 6 * minute], order_is_over=False)
    assert not is_really_absent(0, [6 * minute], order_is_over=True)
    assert not is_really_absent(0, [1 * minute, 2 * minute], order_is_over=True)
    assert not is_really_absent(0, [6 * minute, 6 * minute + 1], order_is_over=True)


def test_a_repetition_is_known_by_what_it_asks_for() -> None:
    card = Card("4111111111111111", 12, 2031, cvc="123")
    first = Purchase(id="A", at_ms=1, payment="X", amount=100, currency="EUR", means=card, sent_ms=1, nonce="n1")
    again = msgspec.structs.replace(first, sent_ms=9, nonce="n2")
    other = msgspec.structs.replace(first, amount=101)
    assert fingerprint(first) == fingerprint(again) != fingerprint(other)
    assert fingerprint(first) == fingerprint(msgspec.structs.replace(first, means=Card("5111111111111111", 12, 2031)))


def test_a_card_does_not_show() -> None:
    shown = repr(
        Purchase(
            id="A", at_ms=1, payment="X", amount=1, currency="EUR", means=Card("4111111111111111", 1, 31, cvc="987")
        )
    )
    assert "411111" not in shown
    assert "987" not in shown


def test_every_error_says_what_may_follow() -> None:
    assert {retry_of(error) for error in PaymentError} == set(Retry)
    assert retry_of(PaymentError.DECLINED) is Retry.NEW
    assert retry_of(PaymentError.DO_NOT_RETRY) is Retry.NO
