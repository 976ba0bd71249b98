"""The rules of pushing under every fault: nothing is left wrong at the channel, and no rule can be left out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from gateway.model.ari import Field
from tests.engine.push_world import CODES, NIGHTS, ROOMS, Rule, Sets, World

ALL = frozenset(Rule)
LIMITS = frozenset({Field.FIGURE})
EVERYTHING = frozenset({Field.FIGURE, Field.CLOSED, Field.CTA, Field.MIN_ARRIVAL, Field.PRICE})
OUTCOMES = (
    "ok",
    "part",
    "doubt",
    "busy",
    "lost",
    "applied_timeout",
    "late",
    "half",
    "crash",
    "crash_lost",
    "crash_late",
)

# What takes longest to find is looked for among fewer kinds of steps.
FOCUS: dict[Rule, tuple[Sequence[str], Collection[str]]] = {
    Rule.UNKNOWN: (("ok", "applied_timeout", "crash"), ("remap", "shorten", "own_sale", "wait")),
    Rule.SETTLE: (("ok", "late", "crash_late"), ("remap", "shorten", "own_sale", "wait")),
}

SEARCHED = [rule for rule in Rule if rule is not Rule.REACH]

_room, _night = st.sampled_from(ROOMS), st.sampled_from(NIGHTS)


def _changes(fields: frozenset[Field]) -> st.SearchStrategy[tuple[Any, ...]]:
    values = {Field.FIGURE: (0, 1, 2), Field.PRICE: (-1, 100, 200)}
    kinds = [st.tuples(st.just(name), st.sampled_from(values.get(name, (0, 1)))) for name in sorted(fields)]
    return st.tuples(_room, _night, st.one_of(kinds)).map(lambda drawn: (*drawn[:2], *drawn[2]))


History = list[tuple[str, tuple[Any, ...]]]


def _histories(
    fields: frozenset[Field], outcomes: Sequence[str] = OUTCOMES, leaving_out: Collection[str] = ()
) -> st.SearchStrategy[History]:
    change = _changes(fields)
    arguments: dict[str, list[st.SearchStrategy[tuple[Any, ...]]]] = {
        "change": [change],
        "begin": [st.just(()), st.tuples(change)],
        "end": [st.tuples(st.sampled_from(outcomes))],
        "arrive_late": [st.just(())],
        "wait": [st.tuples(st.sampled_from((1_000, 40_000, 70_000)))],
        "remap": [st.tuples(_room, st.sampled_from((*CODES, None)))],
        "shorten": [st.tuples(st.integers(1, len(NIGHTS)))],
        "own_sale": [st.tuples(_room, _night, st.sampled_from((-1, 1)))],
        "order_everything": [st.just(())],
    }
    steps = [
        st.tuples(st.just(name), drawn) for name, some in arguments.items() if name not in leaving_out for drawn in some
    ]
    return st.lists(st.one_of(steps), max_size=16)


def _wrong_after(
    history: History, fields: frozenset[Field], rules: frozenset[Rule], sets: Sets = Sets.NEVER
) -> list[str]:
    world = World(fields, rules, sets)
    for name, arguments in history:
        getattr(world, name)(*arguments)
    world.settle_down()
    return world.wrong()


@pytest.mark.parametrize(
    ("fields", "sets", "examples"),
    [
        (LIMITS, Sets.NEVER, 150),
        (EVERYTHING, Sets.NEVER, 60),
        (LIMITS, Sets.ALWAYS, 50),
        (LIMITS, Sets.OPENING, 60),
        (EVERYTHING, Sets.ALWAYS, 15),
    ],
)
def test_every_history_ends_with_the_channel_holding_what_it_should(
    fields: frozenset[Field], sets: Sets, examples: int
) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_histories(fields))
    def run(history: History) -> None:
        assert _wrong_after(history, fields, ALL, sets) == []

    run()


@pytest.mark.parametrize("rule", SEARCHED, ids=[rule.name.lower() for rule in SEARCHED])
def test_no_rule_can_be_left_out(rule: Rule) -> None:
    found: list[Any] = []

    @seed(6)
    @settings(
        max_examples=2_000,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(_histories(LIMITS, *FOCUS.get(rule, ())))
    def run(history: History) -> None:
        if _wrong_after(history, LIMITS, ALL - {rule}):
            found.append(history)
            raise AssertionError("a counterexample")

    with pytest.raises(AssertionError, match="a counterexample"):
        run()
    assert found
    assert _wrong_after(found[-1], LIMITS, ALL) == []


def test_the_reach_of_a_late_complete_set_cannot_be_left_out() -> None:
    """What a search finds after a minute, shortened: the set that opened the channel lands after the next push."""
    history: History = [
        ("order_everything", ()),
        ("begin", (("P", NIGHTS[1], Field.FIGURE, 2),)),
        ("end", ("late",)),
        ("remap", ("P", "z")),
        ("begin", ()),
    ]
    assert _wrong_after(history, LIMITS, ALL - {Rule.REACH}, Sets.OPENING) != []
    assert _wrong_after(history, LIMITS, ALL, Sets.OPENING) == []
