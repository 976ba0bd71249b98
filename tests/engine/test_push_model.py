"""The rules of pushing under every fault: nothing is left wrong at the channel, and no rule can be left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from gateway.model.ari import Field
from tests.engine.push_world import CODES, NIGHTS, ROOMS, Rule, World

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

_room, _night = st.sampled_from(ROOMS), st.sampled_from(NIGHTS)


def _changes(fields: frozenset[Field]) -> st.SearchStrategy[tuple[Any, ...]]:
    values = {Field.FIGURE: (0, 1, 2), Field.PRICE: (-1, 100, 200)}
    kinds = [st.tuples(st.just(name), st.sampled_from(values.get(name, (0, 1)))) for name in sorted(fields)]
    return st.tuples(_room, _night, st.one_of(kinds)).map(lambda drawn: (*drawn[:2], *drawn[2]))


def _histories(fields: frozenset[Field]) -> st.SearchStrategy[list[tuple[str, tuple[Any, ...]]]]:
    change = _changes(fields)

    def step(
        name: str, arguments: st.SearchStrategy[tuple[Any, ...]]
    ) -> st.SearchStrategy[tuple[str, tuple[Any, ...]]]:
        return st.tuples(st.just(name), arguments)

    return st.lists(
        st.one_of(
            step("change", change),
            step("begin", st.just(())),
            step("end", st.tuples(st.sampled_from(OUTCOMES))),
            step("begin", st.tuples(change)),
            step("arrive_late", st.just(())),
            step("wait", st.tuples(st.sampled_from((1_000, 40_000, 70_000)))),
            step("remap", st.tuples(_room, st.sampled_from((*CODES, None)))),
            step("shorten", st.tuples(st.integers(1, len(NIGHTS)))),
            step("own_sale", st.tuples(_room, _night, st.sampled_from((-1, 1)))),
        ),
        max_size=16,
    )


def _wrong_after(
    history: list[tuple[str, tuple[Any, ...]]], fields: frozenset[Field], rules: frozenset[Rule]
) -> list[str]:
    world = World(fields, rules)
    for name, arguments in history:
        getattr(world, name)(*arguments)
    world.settle_down()
    return world.wrong()


@pytest.mark.parametrize(("fields", "examples"), [(LIMITS, 400), (EVERYTHING, 120)], ids=["limits", "everything"])
def test_every_history_ends_with_the_channel_holding_what_it_should(fields: frozenset[Field], examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_histories(fields))
    def run(history: list[tuple[str, tuple[Any, ...]]]) -> None:
        assert _wrong_after(history, fields, ALL) == []

    run()


@pytest.mark.parametrize("rule", Rule, ids=[rule.name.lower() for rule in Rule])
def test_no_rule_can_be_left_out(rule: Rule) -> None:
    found: list[Any] = []

    @seed(1)
    @settings(
        max_examples=2_000,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(_histories(LIMITS))
    def run(history: list[tuple[str, tuple[Any, ...]]]) -> None:
        if _wrong_after(history, LIMITS, ALL - {rule}):
            found.append(history)
            raise AssertionError("a counterexample")

    with pytest.raises(AssertionError, match="a counterexample"):
        run()
    assert found
    assert _wrong_after(found[-1], LIMITS, ALL) == []
