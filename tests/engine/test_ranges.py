"""The fewest ranges: against a search over all ways to cut, and with what a full difference says."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.engine import ranges
from gateway.engine.calendar import SHADOW_LIMIT, Sheet
from gateway.engine.plan import CONFIRMED, DIRTY, DOUBT, NEVER, REFUSED, Difference, Shadow, difference
from gateway.engine.view import LAYOUT_OF
from gateway.model.ari import AriUpdate, Aspect, Field
from gateway.model.dates import BLOCK_DAYS, parse_day
from tests.engine.push_house import TODAY, Nights, all_updates, house, said

NOW_MS = 1_000_000
BLOCK = parse_day("2028-02-29") // BLOCK_DAYS
# Two blocks side by side, one left out, and another target right behind.
KEYS = [("d", "bar", BLOCK), ("d", "bar", BLOCK + 1), ("d", "bar", BLOCK + 3), ("d", "hb", BLOCK + 4)]
DAYS = [key[2] * BLOCK_DAYS + slot for key in KEYS for slot in range(BLOCK_DAYS)]
# Everything happens around block borders and the leap day; elsewhere cells are quiet.
LIVELY = [cell for cell, day in enumerate(DAYS) if day % BLOCK_DAYS in (0, 1, 30, 31) or day == parse_day("2028-02-29")]


def _fewest(values: list[Any], eligible: list[bool], sayable: list[bool]) -> int:
    """Dynamic programming over all cuts into ranges of one target, consecutive days, equal values, all sayable."""

    def follows(cell: int) -> bool:
        row = cell // BLOCK_DAYS
        same = KEYS[row][:2] == KEYS[(cell - 1) // BLOCK_DAYS][:2] and DAYS[cell] == DAYS[cell - 1] + 1
        return same and values[cell] == values[cell - 1] and sayable[cell] and sayable[cell - 1]

    @cache
    def best(cell: int) -> int:
        if cell == len(values):
            return 0
        if not eligible[cell]:
            return best(cell + 1)
        found, stop = 1 + best(cell + 1), cell + 1
        while stop < len(values) and follows(stop):
            stop += 1
            found = min(found, 1 + best(stop))
        return found

    for cell in reversed(range(len(values))):  # so that the recursion stays shallow
        best(cell)
    return best(0)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_ranges_are_right_and_as_few_as_can_be(data: st.DataObject) -> None:
    view = Sheet(SHADOW_LIMIT, KEYS, 1)
    limit = view.columns["limit"].reshape(-1)
    eligible, sayable = np.zeros(len(limit), bool), np.ones(len(limit), bool)
    limit[:] = 7
    for cell in LIVELY:
        limit[cell] = data.draw(st.integers(7, 8))
        eligible[cell] = data.draw(st.booleans())
        sayable[cell] = eligible[cell] or data.draw(st.integers(0, 3)) > 0
    starts, stops = ranges.runs(view, ["limit"], eligible, sayable)
    covered: set[int] = set()
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        cells = range(start, stop)
        assert not covered & set(cells)
        covered.update(cells)
        assert len({(KEYS[cell // BLOCK_DAYS][:2], limit[cell], DAYS[cell] - cell) for cell in cells}) == 1
        assert all(sayable[cell] for cell in cells)
        assert eligible[start]
        assert eligible[stop - 1]
    assert set(np.flatnonzero(eligible).tolist()) <= covered
    assert len(starts) == _fewest(limit.tolist(), eligible.tolist(), sayable.tolist())


def _neighbours(updates: list[AriUpdate]) -> list[tuple[AriUpdate, AriUpdate]]:
    """Updates for one target that touch and say the same."""
    order = sorted(updates, key=lambda update: (update.room, update.plan, update.first))
    return [
        (one, two)
        for one, two in pairwise(order)
        if (one.room, one.plan, one.last + 1, one.settings) == (two.room, two.plan, two.first, two.settings)
    ]


@st.composite
def differences(draw: st.DrawFn) -> tuple[Aspect, Difference, Shadow, Sheet]:
    """A view and a shadow with few values, so that much is equal; the shadow as it was is kept beside."""
    aspect = draw(st.sampled_from(Aspect))
    _, channel = house(None, {"limit_per_product": True, "guests_max": draw(st.sampled_from((0, 2)))})
    view, sheet = (Sheet(LAYOUT_OF[aspect], KEYS, channel.guests) for _ in range(2))
    seed = draw(st.integers(0, 2**32))
    random = np.random.default_rng(seed)
    kinds = np.array(draw(st.lists(st.sampled_from((NEVER, CONFIRMED, DOUBT, DIRTY, REFUSED)), min_size=1, max_size=6)))
    spread = draw(st.sampled_from((2, 8, 40)))

    def few(high: int) -> Any:
        """Values in runs."""
        cells = random.integers(0, high, (len(KEYS) * BLOCK_DAYS // spread + 1)).repeat(spread)
        return cells[: len(KEYS) * BLOCK_DAYS].reshape(len(KEYS), BLOCK_DAYS)

    for name, values in view.columns.items():
        if name == "sync" or draw(st.booleans()):
            continue
        if values.ndim == 3:
            values[:] = few(3)[..., None] * 100 + 100
            sheet.columns[name][:] = few(3)[..., None] * 100 + 100
        else:
            values[:] = few(2)
            sheet.columns[name][:] = few(2)
        if draw(st.booleans()):  # held as it should be already
            sheet.columns[name][:] = values
    if aspect is Aspect.LIMIT:
        view.columns["limit"][view.columns["limit"] < 0] = 1
    sheet.columns["sync"][:] = kinds[few(len(kinds))]
    hold = np.array([NOW_MS + 1 if draw(st.booleans()) else 0 for _ in KEYS], np.int64)
    first = DAYS[0] + draw(st.integers(0, 40))
    window = (first, first + draw(st.integers(0, 90)))
    shadow = Shadow(aspect, sheet, hold)
    before = sheet.copy()
    return aspect, difference(channel, shadow, view, window, NOW_MS, afresh=draw(st.booleans())), shadow, before


@settings(max_examples=100, deadline=None)
@given(differences())
def test_updates_say_what_has_to_be_said_and_nothing_wrong(
    made: tuple[Aspect, Difference, Shadow, Sheet],
) -> None:
    _, found, _, before = made
    updates = all_updates(found)
    assert all(update.settings for update in updates)
    assert not _neighbours(updates)
    spoken = said(updates)
    # No cell is said twice.
    assert len(spoken) == sum((update.last - update.first + 1) * len(update.settings) for update in updates)
    in_runs = np.zeros(len(DAYS), bool)
    in_runs[found.cells(np.arange(len(found.starts)))] = True
    for row, (room, plan, block) in enumerate(KEYS):
        for slot in range(BLOCK_DAYS):
            day = block * BLOCK_DAYS + slot
            held_sync = before.columns["sync"][row, slot]
            for name, values in found.view.columns.items():
                if name == "sync":
                    continue
                field = Field.FIGURE if name == "limit" else Field(name)
                wanted = np.atleast_1d(values[row, slot]).tolist()
                held = np.atleast_1d(before.columns[name][row, slot]).tolist()
                for guests, (want, hold) in enumerate(zip(wanted, held, strict=True)):
                    per_room = field is not Field.PRICE or not found.said.names or found.said.names[0][1] == 0
                    value = spoken.get((room, plan, day, field, 0 if per_room else guests + 1))
                    if value is not None:
                        assert value == want
                    elif in_runs[row * BLOCK_DAYS + slot]:
                        # It was left out because it is known to be held already, or cannot be said.
                        assert want == -1 or (want == hold and held_sync == CONFIRMED)


@settings(max_examples=30, deadline=None)
@given(differences())
def test_what_is_in_doubt_or_refused_is_not_said_by_the_way(made: tuple[Aspect, Difference, Shadow, Sheet]) -> None:
    aspect, found, shadow, before = made
    assume(aspect is Aspect.LIMIT)
    waiting = shadow.hold_ms > NOW_MS
    for cell in found.cells(np.arange(len(found.starts))).tolist():
        row, slot = divmod(cell, BLOCK_DAYS)
        if before.columns["sync"][row, slot] == DOUBT and waiting[row]:
            assert before.columns["limit"][row, slot] != found.view.columns["limit"][row, slot]


def _full(nights: Nights, days: int) -> list[AriUpdate]:
    hotel, channel = house({"days_ahead": days})
    window = (TODAY, TODAY + days - 1)
    updates: list[AriUpdate] = []
    for aspect in channel.aspects:
        slots = channel.all_slots(aspect, range(window[0] // BLOCK_DAYS, window[1] // BLOCK_DAYS + 1))
        shadow = Shadow.load(aspect, channel.guests, list(slots), [])
        view = channel.view(aspect, shadow.sheet.keys, nights.calendar(hotel.guests))
        updates += all_updates(difference(channel, shadow, view, window, NOW_MS))
    return updates


def test_equal_nights_are_one_range_whatever_they_span() -> None:
    days = 800  # 25 blocks, two ends of a year and the leap day of 2028
    assert TODAY < parse_day("2028-02-29") < TODAY + days
    updates = _full(Nights().open(range(TODAY - 40, TODAY + days + 40)), days)
    assert {(update.first, update.last) for update in updates} == {(TODAY, TODAY + days - 1)}
    assert len(updates) == 2 + 4 + 4  # limits of two rooms, rules and prices of four products


def test_a_night_that_differs_costs_two_ranges_more() -> None:
    nights = Nights().open(range(TODAY - 40, TODAY + 440))
    nights.values["DBL", "BAR", TODAY + 100, Field.CTA, 0] = 1
    assert len(_full(nights, 400)) == 10 + 2
    nights.stock["FAM", TODAY] = (0, 0, 0, 0)
    assert len(_full(nights, 400)) == 10 + 2 + 1


def test_rules_nobody_has_to_say_do_not_cut_ranges() -> None:
    hotel, channel = house()
    nights = Nights().open(range(TODAY, TODAY + 64))
    for day in range(TODAY, TODAY + 64, 7):
        nights.values["DBL", "BAR", day, Field.CTA, 0] = 1
    slots = sorted(channel.all_slots(Aspect.RULES, range(TODAY // BLOCK_DAYS, TODAY // BLOCK_DAYS + 2)))
    held = channel.view(Aspect.RULES, slots, nights.calendar(hotel.guests))
    held.columns["sync"][:] = CONFIRMED
    cells = {name: held.columns[name][[slot[:2] == ("d", "bar") for slot in slots]] for name in ("cta", "min_arrival")}
    offset = TODAY - slots[0][2] * BLOCK_DAYS
    cells["cta"].reshape(-1)[offset] = 0  # a past day
    cells["min_arrival"].reshape(-1)[offset + 7] = 2  # needs nothing, and has another CTA than its neighbours
    for name, values in cells.items():
        held.columns[name][[slot[:2] == ("d", "bar") for slot in slots]] = values
    last = slots[-1][2] * BLOCK_DAYS + BLOCK_DAYS - 1
    for day in range(TODAY, TODAY + 30):
        nights.values["DBL", "BAR", day, Field.MIN_ARRIVAL, 0] = 2
    view = channel.view(Aspect.RULES, slots, nights.calendar(hotel.guests))
    shadow = Shadow(Aspect.RULES, held, np.zeros(len(slots), np.int64))
    updates = all_updates(difference(channel, shadow, view, (TODAY + 1, last), NOW_MS))
    assert [(update.first, update.last, [each.field for each in update.settings]) for update in updates] == [
        (TODAY + 1, TODAY + 29, [Field.MIN_ARRIVAL])
    ]


def test_prices_are_told_together_so_each_of_them_cuts_ranges() -> None:
    _, channel = house()
    keys = [("d", "bar", BLOCK)]
    view, held = (Sheet(LAYOUT_OF[Aspect.PRICES], keys, 2) for _ in range(2))
    for sheet in (view, held):
        sheet.columns["price"][:] = 100
        sheet.columns["price"][0, 20:] = 200
    view.columns["extra_child"][:] = 30
    held.columns["sync"][:] = CONFIRMED
    shadow = Shadow(Aspect.PRICES, held, np.zeros(1, np.int64))
    first = BLOCK * BLOCK_DAYS
    updates = all_updates(difference(channel, shadow, view, (first, first + 31), NOW_MS))
    assert [(update.first - first, update.last - first, update.settings[0].value) for update in updates] == [
        (0, 19, 100),
        (20, 31, 200),
    ]
