"""Content models: notation, order and counts, and what is read out of them."""

from __future__ import annotations

import pytest

from gateway.wire.shape_content import lacking, most, parse, relaxed, start

CASES = [
    ("A:t, B:t?, C:t*", ["A", "AB", "ACC", "ABC"], ["", "B", "AA", "ACB", "ABB"]),
    ("(A:t | B:t), C:t", ["AC", "BC"], ["ABC", "C", "A"]),
    ("(A:t, B:t){2,3}", ["ABAB", "ABABAB"], ["AB", "ABA", "ABABABAB"]),
    ("(A:t? | (B:t, C:t))*", ["", "A", "BCABC"], ["B", "BA"]),
    ("A:t{2,}", ["AA", "AAAAAA"], ["A", ""]),
    ("(() | A:t), B:t", ["B", "AB"], ["A"]),
    ("", [""], ["A"]),
]


def reads(notation: str, names: str) -> bool:
    state = start(parse(notation)[0])
    for name in names:
        following = state.after(name)
        if following is None:
            return False
        state = following
    return state.complete


@pytest.mark.parametrize(("notation", "fitting", "failing"), CASES)
def test_order_and_counts(notation: str, fitting: list[str], failing: list[str]) -> None:
    assert [names for names in fitting if not reads(notation, names)] == []
    assert [names for names in failing if reads(notation, names)] == []


@pytest.mark.parametrize("notation", ["A", "A:t,,B:t", "(A:t", "A:t)", "A:t B:t|", "A:t,", "A:t{x}", "A:t, B:t | C:t"])
def test_what_is_no_notation_is_an_error(notation: str) -> None:
    with pytest.raises(ValueError, match=r"content model|stands where|missing|bracket"):
        parse(notation)


def test_a_state_says_what_may_and_what_must_come() -> None:
    state = start(parse("A:t?, (B:t | C:t), D:t?")[0])
    assert state.expected() == ("A", "B", "C")
    assert state.missing() == ("B", "C")
    behind = state.after("B")
    assert behind is not None
    assert (behind.expected(), behind.missing()) == (("D",), ())


def test_a_wildcard_takes_what_no_name_does() -> None:
    state = start(parse("A:t?, <##other lax>*")[0])
    assert state.after_other(own=True) is None
    other = state.after_other(own=False)
    assert other is not None
    assert other[1].process == "lax"


def test_relaxed_keeps_the_order_and_requires_nothing() -> None:
    state = start(relaxed(parse("A:t, B:t{2,5}, (C:t | D:t)")[0]))
    assert state.complete
    behind = state.after("B")
    assert behind is not None
    assert behind.after("A") is None
    assert behind.after("D") is not None


def test_what_is_lacking_follows_the_alternative_that_was_begun() -> None:
    model = parse("H:t, ((A:t, B:t) | C:t), (D:t, E:t)?")[0]
    assert lacking(model, frozenset("HA")) == ("B",)
    assert lacking(model, frozenset("HC")) == ()
    assert lacking(model, frozenset("H")) == ("A", "B", "C")
    assert lacking(model, frozenset("HCD")) == ("E",)


def test_how_often_a_name_may_stand_there() -> None:
    assert most(parse("A:t{0,5}, (B:t | (B:t, C:t)){2,3}, A:t, D:t*")[0]) == {"A": 6, "B": 3, "C": 3, "D": float("inf")}
