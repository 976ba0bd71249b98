"""When a sale is to be paid, and what becomes of its money: dues add up, and no money is kept that is not owed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.payment_schedule import (
    Due,
    Kept,
    Move,
    Place,
    Priced,
    at_booking,
    dues_of,
    required,
    settlement,
    surplus,
    uncovered,
)
from gateway.model.payment import OperationKind
from gateway.model.selling import Pays, Schedule, Share

ARRIVAL, TODAY = 20_000, 19_900
STAY = Priced((10_000, 12_001), 2, 45_003)
CAPTURE, VOID, REFUND = OperationKind.CAPTURE, OperationKind.VOID, OperationKind.REFUND


def due(schedule: Schedule, priced: Priced = STAY, today: int = TODAY) -> list[tuple[int, str, int | None]]:
    return [(each.amount, each.place.value, each.day) for each in dues_of([(schedule, priced)], ARRIVAL, today)]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule("A"), [(45_003, "hotel", ARRIVAL)]),
        (Schedule("A", Pays.FULL, account="a"), [(45_003, "gateway", None)]),
        (Schedule("A", Pays.FULL, days=30, account="a"), [(45_003, "gateway", ARRIVAL - 30)]),
        (Schedule("A", Pays.VIRTUAL_CARD, days=1), [(45_003, "virtual_card", ARRIVAL - 1)]),
        (  # 13 500.9
            Schedule("A", Pays.DEPOSIT, Share(percent_bp=3_000), account="a"),
            [(13_501, "gateway", None), (31_502, "hotel", ARRIVAL)],
        ),
        (
            Schedule("A", Pays.DEPOSIT, Share(nights=1), balance_days=14, account="a"),
            [(20_000, "gateway", None), (25_003, "gateway", ARRIVAL - 14)],
        ),
        (  # a fixed amount is for each room
            Schedule("A", Pays.DEPOSIT, Share(amount=5_000), account="a"),
            [(10_000, "gateway", None), (35_003, "hotel", ARRIVAL)],
        ),
        (  # never more than it costs
            Schedule("A", Pays.DEPOSIT, Share(amount=50_000, percent_bp=10_000), balance_days=1, account="a"),
            [(45_003, "gateway", None)],
        ),
    ],
)
def test_what_is_due(schedule: Schedule, expected: list[tuple[int, str, int | None]]) -> None:
    assert due(schedule) == expected


def test_a_day_that_has_passed_is_now_and_joins_what_is_due_at_booking() -> None:
    late = Schedule("A", Pays.DEPOSIT, Share(percent_bp=3_000), balance_days=14, account="a")
    assert due(late, today=ARRIVAL - 14) == [(45_003, "gateway", None)]
    assert due(late, today=ARRIVAL - 15)[1:] == [(31_502, "gateway", ARRIVAL - 14)]
    assert at_booking(late, STAY, ARRIVAL, ARRIVAL - 14) == 45_003
    assert at_booking(late, STAY, ARRIVAL, TODAY) == 13_501


SHARES = st.builds(Share, st.integers(0, 3), st.integers(0, 10_000), st.integers(0, 30_000))
DAYS = st.none() | st.integers(0, 120)
SCHEDULES = st.builds(Schedule, st.just("A"), st.sampled_from(Pays), SHARES, DAYS, DAYS, st.sampled_from(["a", "b"]))
LINES = st.builds(
    lambda nightly, units, extra: Priced(nightly, units, sum(nightly) * units + extra),
    st.lists(st.integers(0, 50_000), min_size=1, max_size=5),
    st.integers(1, 3),
    st.integers(0, 9_999),
)


@given(st.lists(st.tuples(SCHEDULES, LINES), max_size=4), st.integers(0, 150))
def test_dues_add_up_to_the_total_and_stand_in_order(lines: list[tuple[Schedule, Priced]], ahead: int) -> None:
    dues = dues_of(lines, ARRIVAL, ARRIVAL - ahead)
    assert sum(each.amount for each in dues) == sum(priced.total for _, priced in lines)
    assert all(each.amount > 0 for each in dues)
    days = [-1 if each.day is None else each.day for each in dues]
    assert days == sorted(days)
    assert all(day == -1 or day >= ARRIVAL - ahead for day in days)
    first = sum(at_booking(schedule, priced, ARRIVAL, ARRIVAL - ahead) for schedule, priced in lines)
    assert required(dues) == first


@given(st.lists(st.tuples(SCHEDULES, LINES), max_size=3), st.integers(0, 300_000))
def test_money_covers_the_earliest_first(lines: list[tuple[Schedule, Priced]], money: int) -> None:
    dues = dues_of(lines, ARRIVAL, TODAY)
    asked = sum(each.amount for each in dues if each.place is Place.GATEWAY)
    left = list(uncovered(dues, money))
    assert sum(each.amount for each in left) == max(0, asked - money)
    assert not left or left[-1].day == [each.day for each in dues if each.place is Place.GATEWAY][-1]


KEPT = st.lists(st.builds(Kept, st.just(""), st.integers(0, 500), st.integers(0, 500), st.integers(0, 500)), max_size=4)


def numbered(money: list[Kept]) -> list[Kept]:
    return [each._replace(payment=f"P{place}") for place, each in enumerate(money)]


def after(money: list[Kept], moves: tuple[Move, ...]) -> tuple[int, int]:
    """What is taken and what is held once everything was done; the rest of a captured hold is released."""
    taken = {each.payment: each.taken + each.coming for each in money}
    held = {each.payment: each.held for each in money}
    for move in moves:
        assert move.amount > 0
        match move.kind:
            case OperationKind.REFUND:
                taken[move.payment] -= move.amount
            case OperationKind.VOID:
                assert move.amount == held[move.payment]
                held[move.payment] = 0
            case OperationKind.CAPTURE:
                assert move.amount <= held[move.payment]
                taken[move.payment] += move.amount
                held[move.payment] = 0
    assert all(amount >= 0 for amount in taken.values())
    return sum(taken.values()), sum(held.values())


@given(KEPT.map(numbered), st.integers(0, 1_500))
def test_what_is_kept_at_the_end_is_what_is_owed_as_far_as_there_is_money(money: list[Kept], keep: int) -> None:
    everything = sum(each.taken + each.held + each.coming for each in money)
    coming = sum(each.coming for each in money)
    moves = settlement(money, keep)
    taken, held = after(money, moves)
    assert (taken, held) == (max(min(keep, everything), coming), 0)
    assert len({(move.kind, move.payment) for move in moves}) == len(moves)


@given(KEPT.map(numbered), st.integers(0, 1_500))
def test_a_booking_gives_back_only_what_is_too_much(money: list[Kept], total: int) -> None:
    before, coming = sum(each.taken + each.coming for each in money), sum(each.coming for each in money)
    secured = before + sum(each.held for each in money)
    taken, held = after(money, surplus(money, total))
    assert taken == min(before, max(total, coming))
    assert taken + held >= min(total, secured)


def test_the_last_payment_is_given_back_first() -> None:
    money = [Kept("P1", 100), Kept("P2", 100, held=50)]
    assert settlement(money, 120) == (Move(REFUND, "P2", 80), Move(VOID, "P2", 50))
    assert settlement(money, 220) == (Move(CAPTURE, "P2", 20),)
    assert surplus([Kept("P1", 0, held=100), Kept("P2", 0, held=100)], 100) == (Move(VOID, "P2", 100),)
    assert Due(1, Place.HOTEL) != Due(1, Place.GATEWAY)
