"""Painting a document onto packed rows, against a plain dict of days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.engine import ari
from gateway.engine.ari import Change
from gateway.engine.calendar import NO_PRICE, PRODUCT, Sheet
from gateway.engine.mapping import Mapping
from gateway.engine.stock import NO_FIGURE
from gateway.errors import Malformed, Reason, Refusal, Unmapped, Unsupported
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.dates import ALL_WEEK, BLOCK_DAYS, parse_day
from gateway.model.property import Connection, Product, Role

GUESTS = 3
LINES = tuple(Product(room, plan, room, plan) for room in ("DBL", "SGL") for plan in ("BAR", "NR"))
MAPPING = Mapping(Connection("c", "x", "x", Role.PMS, "H", products=LINES))
# Nights around clock changes in Europe and America, the leap day of 2028, the end of a year, and any others.
STARTS = [parse_day(day) for day in ("2027-03-28", "2027-10-31", "2027-11-07", "2028-02-29", "2027-12-31")]
FIRST = st.one_of(
    st.builds(lambda day, off: day - off, st.sampled_from(STARTS), st.integers(0, 5)), st.integers(739_900, 740_000)
)
RULES = [
    *(Setting(field, value) for field in (Field.CLOSED, Field.CTA, Field.CTD) for value in (0, 1)),
    *(Setting(field, value) for field in (Field.MIN_ARRIVAL, Field.MAX_THROUGH) for value in (0, 2, 999)),
    Setting(Field.LOS_CLOSED, 2**32 - 1),
    Setting(Field.MAX_OFFSET_H, 60_000),
]
PRICES = [
    *(Setting(Field.PRICE, amount, guests) for amount in (0, 7_000, 10**12) for guests in range(GUESTS + 1)),
    Setting(Field.EXTRA_ADULT, 0),
    Setting(Field.EXTRA_CHILD, 1_500),
]
FIGURES = [
    Setting(Field.FIGURE, 5),
    Setting(Field.FIGURE, 0),
    Setting(Field.FIGURE_BY, 2),
    Setting(Field.FIGURE_BY, -3),
]
SETTINGS = st.lists(st.sampled_from(RULES + PRICES + FIGURES), min_size=1, max_size=3).map(tuple)
LEVELS = st.sampled_from([(room, plan) for room in ("", "DBL", "SGL") for plan in ("", "BAR", "NR")])


@st.composite
def updates(draw: st.DrawFn) -> AriUpdate:
    first = draw(FIRST)
    room, plan = draw(LEVELS)
    said = draw(SETTINGS)
    if not plan:
        said = tuple(each for each in said if each not in PRICES)
    mask = draw(st.sampled_from((ALL_WEEK, 0b1100000, 0b0011111, 0b0000001, 0)))
    return AriUpdate(room, plan, first, first + draw(st.integers(0, 80)), said, weekdays=mask, currency="EUR")


def _days(update: AriUpdate) -> Iterator[int]:
    """By the calendar of the standard library, one day after the other."""
    day = date.fromordinal(update.first)
    while day.toordinal() <= update.last:
        if update.weekdays >> day.weekday() & 1:
            yield day.toordinal()
        day += timedelta(days=1)


def _targets(update: AriUpdate) -> Iterable[tuple[str, str]]:
    if not update.plan:
        return [(update.room, "")]
    return [(room, update.plan) for room in ("DBL", "SGL") if update.room in ("", room)]


def _naive(document: list[AriUpdate]) -> tuple[dict[tuple[str, str, int, str, int], int], dict[tuple[str, int], int]]:
    painted: dict[tuple[str, str, int, str, int], int] = {}
    figures: dict[tuple[str, int], int] = {}
    for update in document:
        for room, plan in _targets(update):
            for day in _days(update):
                for field, value, guests in ((each.field, each.value, each.guests) for each in update.settings):
                    if field is Field.FIGURE:
                        figures[room, day] = value
                    elif field is Field.FIGURE_BY:
                        if (room, day) in figures:
                            figures[room, day] = max(figures[room, day] + value, 0)
                    elif field is Field.PRICE:
                        for each in range(1, GUESTS + 1) if not guests else (guests,):
                            painted[room, plan, day, field, each] = value or NO_PRICE
                    else:
                        painted[room, plan, day, field, 0] = value
    return painted, figures


@settings(max_examples=60, deadline=None)
@given(st.lists(updates(), min_size=1, max_size=6))
def test_a_document_paints_what_its_days_say(document: list[AriUpdate]) -> None:
    changes = ari.Changes(document, MAPPING, "EUR", net=False)
    painted, figures = _naive(document)
    sheet = Sheet(PRODUCT, ari.rows_touched(changes.painted), GUESTS)
    ari.apply(sheet, changes.painted)
    for column in PRODUCT.columns:
        values = sheet.columns[column.name]
        for row, (room, plan, block) in enumerate(sheet.keys):
            for slot in range(BLOCK_DAYS):
                cell = np.atleast_1d(values[row, slot]).tolist()
                for guests, value in enumerate(cell, 1 if column.by_guests else 0):
                    name = (room, plan, block * BLOCK_DAYS + slot, column.name, guests)
                    assert value == painted.pop(name, column.default), name
    assert not painted
    keys = ari.stock_touched(changes.figures)
    plane = np.full(len(keys) * BLOCK_DAYS, NO_FIGURE, np.int32)
    ari.apply_figures(plane, {key: row for row, key in enumerate(keys)}, changes.figures)
    for row, (room, block) in enumerate(keys):
        for slot in range(BLOCK_DAYS):
            assert plane[row * BLOCK_DAYS + slot] == figures.pop((room, block * BLOCK_DAYS + slot), NO_FIGURE)
    assert not figures


@given(FIRST, st.integers(0, 400), st.integers(0, ALL_WEEK))
def test_chosen_days_are_those_of_the_calendar(first: int, length: int, mask: int) -> None:
    update = AriUpdate("", "", first, first + length, (), weekdays=mask)
    assert (first + ari.chosen_days(first, first + length, mask)).tolist() == list(_days(update))


def _changes(*said: Setting, **more: Any) -> ari.Changes:
    update = AriUpdate("DBL", "BAR", 740_000, 740_001, said, currency="EUR", record="12")
    return ari.Changes([replace(update, **more)], MAPPING, "EUR", net=False)


PRICE = Setting(Field.PRICE, 100, 1)
CLOSE = Setting(Field.CLOSED, 1)


@pytest.mark.parametrize(
    ("said", "more", "kind", "reason"),
    [
        (Setting(Field.CLOSED, 2), {}, Malformed, Reason.INVALID_VALUE),
        (Setting(Field.CTA, -1), {}, Malformed, Reason.INVALID_VALUE),
        (Setting(Field.MIN_ARRIVAL, 1_000), {}, Malformed, Reason.INVALID_VALUE),
        (Setting(Field.FIGURE, -1), {}, Malformed, Reason.INVALID_VALUE),
        (Setting(Field.FIGURE, 30_001), {}, Malformed, Reason.INVALID_VALUE),
        (Setting(Field.FIGURE_BY, 2**40), {}, Malformed, Reason.INVALID_VALUE),
        (Setting(Field.FIGURE_BY, -(2**40)), {}, Malformed, Reason.INVALID_VALUE),
        (Setting(Field.LOS_CLOSED, 2**32), {}, Malformed, Reason.INVALID_VALUE),
        (Setting(Field.MIN_OFFSET_H, 60_001), {}, Malformed, Reason.INVALID_VALUE),
        (Setting(Field.PRICE, -1, 1), {}, Malformed, Reason.INVALID_VALUE),
        (Setting(Field.PRICE, 10**12 + 1, 1), {}, Malformed, Reason.INVALID_VALUE),
        (Setting(Field.PRICE, 100, 13), {}, Malformed, Reason.OCCUPANCY),
        (PRICE, {"plan": ""}, Malformed, Reason.RATE_PLAN),
        (PRICE, {"currency": "USD"}, Unsupported, Reason.CURRENCY),
        (PRICE, {"currency": ""}, Unsupported, Reason.CURRENCY),
        (PRICE, {"net": True}, Unsupported, Reason.BUSINESS_RULE),
        (CLOSE, {"last": 739_999}, Malformed, Reason.DATE_COMBINATION),
        (CLOSE, {"last": 740_000 + ari.RANGE_DAYS_MAX}, Malformed, Reason.DATE_COMBINATION),
        (CLOSE, {"room": "FAM"}, Unmapped, Reason.ROOM_TYPE),
    ],
)
def test_what_has_no_place_is_refused_with_its_record(
    said: Setting, more: dict[str, Any], kind: type[Refusal], reason: Reason
) -> None:
    with pytest.raises(kind) as refused:
        _changes(said, **more)
    assert (refused.value.reason, refused.value.record) == (reason, "12")


def test_a_price_for_more_guests_than_the_house_takes_is_refused() -> None:
    changes = _changes(Setting(Field.PRICE, 100, GUESTS + 1))
    sheet = Sheet(PRODUCT, ari.rows_touched(changes.painted), GUESTS)
    with pytest.raises(Malformed) as refused:
        ari.apply(sheet, changes.painted)
    assert (refused.value.reason, refused.value.record) == (Reason.OCCUPANCY, "12")


def test_figures_and_rules_of_one_update_go_their_own_ways() -> None:
    mixed = _changes(Setting(Field.FIGURE, 3), CLOSE)
    assert [change.room for change in mixed.figures] == [change.room for change in mixed.painted] == ["DBL"]
    assert not _changes(Setting(Field.FIGURE, 3)).painted
    assert not _changes(CLOSE).figures


def test_a_relative_change_keeps_within_what_a_figure_can_be() -> None:
    update = AriUpdate("DBL", "", 740_000, 740_001, (Setting(Field.FIGURE_BY, 20_000),))
    figures = np.array([NO_FIGURE, 20_000] * 16, np.int32)
    update_days = [Change("DBL", "", update)]
    ari.apply_figures(figures, {("DBL", 740_000 // BLOCK_DAYS): 0}, update_days)
    offset = 740_000 % BLOCK_DAYS
    assert figures[offset : offset + 2].tolist() == [NO_FIGURE, ari.ROOMS_MAX]
