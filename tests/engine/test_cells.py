"""Differences told in as few ranges as there are."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.cells import following, runs
from gateway.engine.suggesting import Thing, compare, pairs
from gateway.model.dates import BLOCK_DAYS

KEYS = [("a", 3), ("a", 4), ("a", 6), ("b", 7)]
CELLS = len(KEYS) * BLOCK_DAYS


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 1)), min_size=CELLS, max_size=CELLS))
def test_ranges_cover_the_chosen_cells_once_and_are_as_long_as_they_can_be(cells: list[tuple[bool, int]]) -> None:
    chosen = np.array([each[0] for each in cells]).reshape(-1, BLOCK_DAYS)
    values = np.array([each[1] for each in cells]).reshape(-1, BLOCK_DAYS)
    at = {
        (room, block * BLOCK_DAYS + day): (bool(chosen[row, day]), int(values[row, day]))
        for row, (room, block) in enumerate(KEYS)
        for day in range(BLOCK_DAYS)
    }
    covered: set[tuple[str, int]] = set()
    for run in runs(KEYS, following(KEYS), chosen, values):
        room, value = run.key[0], int(values[run.row, run.cell])
        for day in range(run.first, run.last + 1):
            assert at[room, day] == (True, value)
            assert (room, day) not in covered
            covered.add((room, day))
        for beyond in (run.first - 1, run.last + 1):
            assert at.get((room, beyond)) != (True, value)
    assert covered == {place for place, (is_chosen, _) in at.items() if is_chosen}


def test_what_people_would_pair_is_suggested_and_nothing_else() -> None:
    ours = [Thing("DBL", "Double, sea view"), Thing("SGL", "Single"), Thing("APT", "Apartment")]
    theirs = [Thing("10", "Doppelzimmer Meerblick"), Thing("20", "Einzelzimmer"), Thing("99", "Parking space")]
    theirs.append(Thing("30", "Triple, sea view"))
    assert {(pair.ours.code, pair.theirs.code) for pair in pairs(ours, theirs)} == {("DBL", "10"), ("SGL", "20")}


def test_equal_codes_come_before_similar_names() -> None:
    (first,) = pairs([Thing("BAR", "Best rate")], [Thing("X", "Best rate"), Thing("bar", "")])
    assert (first.theirs.code, first.score, first.why) == ("bar", 1.0, "same code")
    assert compare(Thing("A", ""), Thing("B", "")).score == 0
