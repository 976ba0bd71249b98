"""A statement against the ledger: every line gets one verdict, every movement one place, in any order."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.reconciling import (
    EXPECTED,
    FeeRule,
    Movement,
    Verdict,
    is_over,
    keys_of,
    reconcile,
    total_difference,
)
from gateway.model.payment import FactKind, StatementLine

K, V = FactKind, Verdict
NOW_MS = 1_000


def line(number: int, key: str = "", amount: int = 100, **more: Any) -> StatementLine:
    fields: dict[str, Any] = {"kind": K.CAPTURED, "presented": "EUR", "currency": "EUR"} | more
    fee = fields.pop("fee", 2)
    gross = fields.pop("gross", amount)
    net = fields.pop("net", gross - fee)
    return StatementLine(number=number, label="x", key=key, amount=amount, gross=gross, fee=fee, net=net, **fields)


def moved(
    key: str, amount: int = 100, kind: FactKind = K.CAPTURED, seen_ms: int = 0, currency: str = "EUR"
) -> Movement:
    return Movement("P", kind, key, amount, currency, seen_ms)


def verdict_of(one: StatementLine, *movements: Movement, **more: Any) -> Verdict:
    return reconcile([one], movements, overdue_ms=NOW_MS, **more).verdicts[one.number]


@pytest.mark.parametrize(
    ("one", "movements", "verdict"),
    [
        (line(1, "a"), [moved("a")], V.MATCHED),
        (line(1, "a"), [moved("b")], V.MISSING_HERE),
        (line(1, "a"), [moved("a", kind=K.REFUNDED)], V.MISSING_HERE),
        (line(1, "a"), [moved("a", 99)], V.AMOUNT_DIFFERS),
        (line(1, "a"), [moved("a", currency="USD")], V.CURRENCY_DIFFERS),
        (line(1, "a", gross=108, currency="USD"), [moved("a")], V.MATCHED),
        (line(1, "a", net=97), [moved("a")], V.FEE_DIFFERS),
        (line(1, "", kind=None, presented=""), [], V.OTHER),
        (line(1, "", kind=None, presented="", net=1), [], V.FEE_DIFFERS),
        (line(1, "r", kind=K.REFUND_PENDING), [], V.OTHER),
        (line(1, "r", -100, kind=K.REFUNDED, gross=-100, presented=""), [moved("r", kind=K.REFUNDED)], V.MATCHED),
        (line(1, "own", payment_psp="a"), [moved("a")], V.MATCHED),
        (line(1, "own", payment_psp="a", kind=K.REFUNDED), [moved("a", kind=K.REFUNDED)], V.MISSING_HERE),
    ],
)
def test_one_line(one: StatementLine, movements: list[Movement], verdict: Verdict) -> None:
    assert verdict_of(one, *movements) is verdict


def test_what_was_told_before_is_told_twice() -> None:
    twice = reconcile([line(1, "a"), line(2, "a")], [moved("a")], overdue_ms=NOW_MS)
    assert twice.verdicts == {1: V.MATCHED, 2: V.DUPLICATED}
    assert verdict_of(line(1, "a"), moved("a"), told={(K.CAPTURED, "a")}) is V.DUPLICATED
    assert verdict_of(line(1, "a"), moved("a"), told={(K.REFUNDED, "a")}) is V.MATCHED


def test_a_movement_is_given_time_and_is_then_missing_there() -> None:
    found = reconcile(
        [], [moved("old"), moved("new", seen_ms=NOW_MS), moved("h", kind=K.AUTHORISED)], overdue_ms=NOW_MS
    )
    assert [(each.verdict, each.key, each.ours) for each in found.differences] == [(V.MISSING_THERE, "old", 100)]
    assert [each.key for each in found.waiting] == ["new"]
    assert reconcile([], [moved("old")], told={(K.CAPTURED, "old")}, overdue_ms=NOW_MS).differences == ()


@pytest.mark.parametrize(
    ("kind", "undone"),
    [(K.CAPTURED, K.CAPTURE_FAILED), (K.REFUNDED, K.REFUND_FAILED), (K.REFUNDED, K.REFUND_REVERSED)],
)
def test_what_was_taken_back_is_not_waited_for(kind: FactKind, undone: FactKind) -> None:
    found = reconcile([], [moved("a", kind=kind), moved("a", kind=undone)], overdue_ms=NOW_MS)
    assert (found.differences, found.waiting) == ((), ())


@pytest.mark.parametrize(
    ("fee", "verdict"), [(27, V.MATCHED), (28, V.MATCHED), (29, V.FEE_DIFFERS), (25, V.FEE_DIFFERS)]
)
def test_a_fee_is_what_was_agreed_within_the_tolerance(fee: int, verdict: Verdict) -> None:
    rule = FeeRule(ppm=15_000, fixed=25, tolerance=1)  # 1.5 % of 100 is 1.5, which is 2
    assert verdict_of(line(1, "a", fee=fee), moved("a"), fees=rule) is verdict
    assert verdict_of(line(1, "a", fee=0, kind=K.REFUNDED), moved("a", kind=K.REFUNDED), fees=rule) is V.MATCHED


def test_lines_add_up_to_what_was_paid_out() -> None:
    lines = [line(1, "a"), line(2, "b")]
    assert total_difference(lines, 196, "EUR") is None
    assert total_difference(lines, None, "EUR") is None
    found = total_difference(lines, 195, "EUR")
    assert found is not None
    assert (found.ours, found.theirs) == (196, 195)


def test_a_difference_ends_by_itself_once_the_other_side_agrees() -> None:
    here = reconcile([line(1, "a")], [], overdue_ms=NOW_MS).differences[0]
    there = reconcile([], [moved("a")], overdue_ms=NOW_MS).differences[0]
    assert [is_over(here, one, told=True) for one in (None, moved("a"), moved("a", 99))] == [False, True, False]
    assert [is_over(there, moved("a"), told) for told in (False, True)] == [False, True]
    twice = reconcile([line(1, "a"), line(2, "a")], [moved("a")], overdue_ms=NOW_MS).differences[0]
    assert not is_over(twice, moved("a"), told=True)


KEYS = st.sampled_from(["a", "b", "c", "d"])
KINDS = st.sampled_from([K.CAPTURED, K.REFUNDED, K.CAPTURE_FAILED, K.REFUND_REVERSED, K.DISPUTE_FUNDS_WITHDRAWN])
AMOUNTS = st.sampled_from([99, 100])
LINES = st.lists(
    st.builds(
        lambda key, kind, amount, presented, fee, net: (key, kind, amount, presented, fee, net),
        KEYS,
        st.none() | KINDS,
        AMOUNTS,
        st.sampled_from(["EUR", "USD"]),
        st.integers(0, 3),
        st.sampled_from([None, 5]),
    ),
    max_size=8,
)
MOVEMENTS = st.lists(
    st.builds(moved, KEYS, AMOUNTS, KINDS, st.sampled_from([0, NOW_MS])),
    max_size=8,
    unique_by=lambda m: (m.kind, m.key),
)


@given(LINES, MOVEMENTS, st.frozensets(st.tuples(KINDS, KEYS), max_size=3), st.randoms(use_true_random=False))
def test_every_line_and_every_movement_is_accounted_for_once_in_any_order(
    drawn: list[Any], movements: list[Movement], told: frozenset[Any], random: Random
) -> None:
    lines = []
    for number, (key, kind, amount, presented, fee, net) in enumerate(drawn):
        more = {} if net is None else {"net": net}
        lines.append(line(number, key, amount, kind=kind, presented=presented, fee=fee, **more))
    found = reconcile(lines, movements, told=told, overdue_ms=NOW_MS)
    mixed_lines, mixed = [*lines], [*movements]
    random.shuffle(mixed_lines)
    random.shuffle(mixed)
    assert reconcile(mixed_lines, mixed, told=told, overdue_ms=NOW_MS) == found

    assert set(found.verdicts) == {each.number for each in lines}
    of_lines = Counter(each.line for each in found.differences if each.line is not None)
    in_order = {number for number, verdict in found.verdicts.items() if verdict in (V.MATCHED, V.OTHER)}
    assert of_lines == Counter(set(found.verdicts) - in_order)

    here = {(each.kind, each.key): each for each in movements}
    matched = [key for each in lines if found.verdicts[each.number] is V.MATCHED for key in keys_of(each)]
    assert len(matched) == len(set(matched))
    assert all(
        here[key].amount == each.amount
        for each in lines
        for key in keys_of(each)
        if found.verdicts[each.number] is V.MATCHED
    )
    missing = [(each.kind, each.key) for each in found.differences if each.verdict is V.MISSING_THERE]
    places = Counter([*missing, *((each.kind, each.key) for each in found.waiting)])
    named = {key for each in lines for key in keys_of(each)} | told
    undone = {K.CAPTURED: {K.CAPTURE_FAILED}, K.REFUNDED: {K.REFUND_FAILED, K.REFUND_REVERSED}}
    expected = {
        (kind, key)
        for kind, key in here
        if kind in EXPECTED and not any((other, key) in here for other in undone[kind]) and (kind, key) not in named
    }
    assert places == Counter(expected)
