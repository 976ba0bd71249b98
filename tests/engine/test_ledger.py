"""The ledger: any order, repetition and delay of what a gateway tells ends in the same position."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.ledger import Alarm, Dispute, Ledger, LedgerEvent, Novelty, Position, Status, fold, novelty
from gateway.model.payment import FactKind, OperationOutcome
from tests.engine.payment_world import SOURCES, World, counted, take, worlds

K = FactKind


def event(kind: FactKind, key: str, amount: int, currency: str = "EUR", *, rest: bool = False) -> LedgerEvent:
    return LedgerEvent(kind=kind, key=key, amount=amount, currency=currency, rest=rest)


def position(*events: LedgerEvent, outcomes: Sequence[OperationOutcome] = ()) -> Position:
    return fold(events, "EUR", outcomes)


@given(worlds(), st.integers(0, 2**32))
def test_any_order_and_any_repetition_end_in_the_same_position(world: World, seed: int) -> None:
    dice = Random(seed)
    told = [*world.events, *dice.choices(world.events, k=5)]
    dice.shuffle(told)
    ledger: Ledger = {}
    for found in told:
        ledger, what = take(ledger, msgspec.structs.replace(found, source=dice.choice(SOURCES)))
        assert what is not Novelty.CONFLICT
    bare = [msgspec.structs.replace(found, source=world.events[0].source) for found in ledger.values()]
    assert fold(bare, "EUR") == fold(world.events, "EUR")


@given(worlds(), st.integers(0, 2**32))
def test_what_was_lost_and_told_again_later_makes_no_difference(world: World, seed: int) -> None:
    dice = Random(seed)
    first = [found for found in world.events if dice.random() < 0.5]
    ledger: Ledger = {}
    for found in [*first, *reversed(world.events)]:
        ledger, _ = take(ledger, found)
    assert fold(ledger.values(), "EUR") == fold(world.events, "EUR")


@given(worlds())
def test_the_position_is_what_has_really_moved(world: World) -> None:
    found = fold(world.events, "EUR")
    assert (found.authorised, found.captured, found.released) == (world.held, world.captured, world.released)
    assert (found.refunded, found.refund_pending, found.charged_back) == (world.refunded, 0, world.charged_back)
    assert found.alarms == ()


@given(worlds())
def test_money_in_is_money_out(world: World) -> None:
    found = fold(world.events, "EUR")
    assert 0 <= found.refunded <= found.captured <= found.authorised
    assert found.authorised == found.captured + found.released + found.capturable
    assert found.captured == found.refunded + found.refund_pending + found.refundable


@given(worlds(), st.data())
def test_a_contradiction_is_told_and_moves_nothing(world: World, data: st.DataObject) -> None:
    victim = data.draw(st.sampled_from(counted(world.events)))
    forged = data.draw(
        st.sampled_from(
            [
                msgspec.structs.replace(victim, amount=victim.amount + 1),
                msgspec.structs.replace(victim, currency="CHF"),
                msgspec.structs.replace(victim, rest=not victim.rest),
            ]
        )
    )
    ledger: Ledger = {(found.kind, found.key): found for found in world.events}
    after, what = take(ledger, forged)
    assert what is Novelty.CONFLICT
    assert after == ledger


def test_a_differing_amount_of_what_is_not_counted_is_only_noted() -> None:
    known = event(K.DISPUTE_OPENED, "d", 100)
    assert novelty(known, event(K.DISPUTE_OPENED, "d", 90)) is Novelty.KNOWN


def test_a_late_failure_takes_back_no_paid_booking() -> None:
    paid = [event(K.AUTHORISED, "a", 100), event(K.CAPTURED, "a", 100)]
    for late in (K.PAYMENT_FAILED, K.CLOSED, K.EXPIRED, K.VOIDED, K.ADJUSTMENT_FAILED, K.VOID_FAILED):
        found = position(*paid, event(late, "late", 100))
        assert (found.status, found.captured, found.released) == (Status.CAPTURED, 100, 0), late


def test_a_failed_capture_annuls_it_whichever_comes_first() -> None:
    hold, capture, failure = event(K.AUTHORISED, "a", 100), event(K.CAPTURED, "c", 60), event(K.CAPTURE_FAILED, "c", 60)
    for told in ((hold, capture, failure), (failure, capture, hold)):
        assert (position(*told).status, position(*told).capturable) == (Status.AUTHORISED, 100)


def test_a_pending_refund_reserves_and_is_replaced_by_its_success() -> None:
    paid = [event(K.AUTHORISED, "a", 100), event(K.CAPTURED, "a", 100), event(K.REFUND_PENDING, "r", 30)]
    assert (position(*paid).refund_pending, position(*paid).refundable) == (30, 70)
    done = position(*paid, event(K.REFUNDED, "r", 30))
    assert (done.refund_pending, done.refunded, done.refundable) == (0, 30, 70)
    assert position(*paid, event(K.REFUND_FAILED, "r", 30)).refundable == 100


def test_the_rest_of_a_hold_is_released_whatever_it_had_been_raised_to() -> None:
    raised = msgspec.structs.replace(event(K.AUTHORISATION_ADJUSTED, "a@150", 150), at_ms=5)
    told = [event(K.AUTHORISED, "a", 100), raised, event(K.CAPTURED, "c", 60), event(K.VOIDED, "c:r", 60, rest=True)]
    found = position(*told)
    assert (found.released, found.capturable, found.status) == (90, 0, Status.CAPTURED)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([], Status.CREATED),
        ([event(K.PAYMENT_FAILED, "t", 100)], Status.FAILED),
        ([event(K.PAYMENT_FAILED, "t", 100), event(K.CLOSED, "o", 100)], Status.CLOSED),
        ([event(K.AUTHORISED, "a", 100)], Status.AUTHORISED),
        ([event(K.AUTHORISED, "a", 100), event(K.VOIDED, "v", 0, rest=True)], Status.VOIDED),
        ([event(K.AUTHORISED, "a", 100), event(K.EXPIRED, "v", 100), event(K.VOIDED, "v", 100)], Status.EXPIRED),
        ([event(K.AUTHORISED, "a", 100), event(K.CAPTURED, "c", 40)], Status.PARTIALLY_CAPTURED),
        ([event(K.AUTHORISED, "a", 40), event(K.CAPTURED, "c", 40)], Status.CAPTURED),
        (
            [event(K.AUTHORISED, "a", 40), event(K.CAPTURED, "c", 40), event(K.REFUNDED, "r", 10)],
            Status.PARTIALLY_REFUNDED,
        ),
        ([event(K.AUTHORISED, "a", 40), event(K.CAPTURED, "c", 40), event(K.REFUNDED, "r", 40)], Status.REFUNDED),
    ],
)
def test_status(told: list[LedgerEvent], expected: Status) -> None:
    assert position(*told).status is expected


def test_what_has_not_ended_shows_before_what_has_failed() -> None:
    failed = event(K.PAYMENT_FAILED, "t", 100)
    assert position(failed, outcomes=[OperationOutcome.PENDING]).status is Status.PENDING
    both = [OperationOutcome.ACTION_REQUIRED, OperationOutcome.UNKNOWN]
    assert position(failed, outcomes=both).status is Status.UNKNOWN
    assert position(event(K.AUTHORISED, "a", 1), outcomes=both).status is Status.AUTHORISED


def test_what_goes_beyond_is_an_alarm_not_an_error() -> None:
    assert position(event(K.CAPTURED, "c", 10)).alarms == (Alarm.CAPTURED_ABOVE_AUTHORISED,)
    told = [event(K.AUTHORISED, "a", 100), event(K.CAPTURED, "c", 115)]
    assert fold(told, "EUR", capture_percent_max=115).alarms == ()
    refunded = [event(K.AUTHORISED, "a", 10), event(K.CAPTURED, "c", 10), event(K.REFUNDED, "r", 11)]
    assert position(*refunded).alarms == (Alarm.REFUNDED_ABOVE_CAPTURED,)


def test_another_currency_is_not_added_up() -> None:
    found = position(event(K.AUTHORISED, "a", 100), event(K.CAPTURED, "c", 100, "CHF"))
    assert (found.captured, found.alarms) == (0, (Alarm.FOREIGN_CURRENCY,))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([(K.DISPUTE_WARNING, "d")], Dispute.WARNING),
        ([(K.DISPUTE_OPENED, "d"), (K.DISPUTE_WON, "d")], Dispute.WON),
        ([(K.DISPUTE_WON, "d:A"), (K.DISPUTE_LOST, "d:B")], Dispute.LOST),
        ([(K.DISPUTE_WON, "d"), (K.DISPUTE_OPENED, "e")], Dispute.OPEN),
        ([(K.DISPUTE_FUNDS_REINSTATED, "d:A"), (K.DISPUTE_FUNDS_WITHDRAWN, "d:B")], Dispute.OPEN),
    ],
)
def test_disputes(told: list[tuple[FactKind, str]], expected: Dispute) -> None:
    paid = [event(K.AUTHORISED, "a", 100), event(K.CAPTURED, "a", 100)]
    found = position(*paid, *(event(kind, key, 100) for kind, key in told))
    assert (found.dispute, found.status) == (expected, Status.CAPTURED)
