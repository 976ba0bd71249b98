"""Packed rows: what goes in comes out, for every layout, and a year of them stays small."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.calendar import (
    NO_PRICE,
    PRODUCT,
    SHADOW_LIMIT,
    SHADOW_PRICES,
    SHADOW_RULES,
    VERSION,
    Column,
    Layout,
    Sheet,
)
from gateway.model.dates import BLOCK_DAYS

LAYOUTS = (PRODUCT, SHADOW_LIMIT, SHADOW_RULES, SHADOW_PRICES)
KEYS = [("r", "p", block) for block in range(4)]


def _fill(sheet: Sheet, seed: int, density: float) -> Sheet:
    random = np.random.default_rng(seed)
    for column in sheet.layout.columns:
        values = sheet.columns[column.name]
        for row in range(len(sheet.keys)):
            if random.random() < density:
                info = np.iinfo(values.dtype)
                values[row] = random.integers(info.min, info.max, values[row].shape, values.dtype, endpoint=True)
    return sheet


def _group_of(layout: Layout, column: Column) -> int:
    return next(bit for bit, group in enumerate(layout.groups) if column in group)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(LAYOUTS),
    st.integers(1, 12),
    st.integers(0, 2**32),
    st.sampled_from((0.0, 0.3, 1.0)),
    st.permutations(range(4)),
)
def test_rows_come_back_as_they_went(layout: Layout, guests: int, seed: int, density: float, order: list[int]) -> None:
    sheet = _fill(Sheet(layout, KEYS, guests), seed, density)
    packed = sheet.pack(order)
    back = Sheet.load(layout, guests, KEYS, [(KEYS[row], body) for row, body in zip(order, packed, strict=True)])
    assert not len(back.changed_rows(sheet))
    assert back.pack(range(4)) == sheet.pack(range(4))
    for column in layout.columns:
        if (sheet.columns[column.name] != column.default).any():
            assert column.name in back.filled


@settings(max_examples=25, deadline=None)
@given(st.sampled_from((PRODUCT, SHADOW_PRICES)), st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32))
def test_another_number_of_guests_keeps_the_prices_both_have(layout: Layout, wrote: int, reads: int, seed: int) -> None:
    sheet = _fill(Sheet(layout, KEYS, wrote), seed, 0.7)
    back = Sheet.load(layout, reads, KEYS, list(zip(KEYS, sheet.pack(range(4)), strict=True)))
    both = min(wrote, reads)
    for column in layout.columns:
        read, written = back.columns[column.name], sheet.columns[column.name]
        if column.by_guests:
            assert (read[..., :both] == written[..., :both]).all()
            assert (read[..., both:] == column.default).all()
        else:
            assert (read == written).all()


def test_rows_of_different_guests_load_together() -> None:
    one, three = Sheet(PRODUCT, KEYS[:1], 1), Sheet(PRODUCT, KEYS[1:2], 3)
    one.columns["price"][:] = 100
    three.columns["price"][:] = (1, 2, 3)
    stored = [(KEYS[0], one.pack([0])[0]), (KEYS[1], three.pack([0])[0])]
    price = Sheet.load(PRODUCT, 2, KEYS, stored).columns["price"]
    assert price[:, 0].tolist() == [[100, NO_PRICE], [1, 2], [NO_PRICE] * 2, [NO_PRICE] * 2]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_groups_of_defaults_are_left_out(layout: Layout) -> None:
    empty = Sheet(layout, KEYS, 2)
    assert empty.pack([0]) == [bytes([VERSION, 2, 0])]
    for column in layout.columns:
        sheet = empty.copy()
        sheet.columns[column.name][0, BLOCK_DAYS - 1] = 1
        bit = _group_of(layout, column)
        first, second = sheet.pack([0, 1])
        assert (first[2], second[2]) == (1 << bit, 0)
        assert len(first) == 3 + sum(
            np.dtype(other.dtype).itemsize * BLOCK_DAYS * (2 if other.by_guests else 1) for other in layout.groups[bit]
        )


@pytest.mark.parametrize(
    ("layout", "guests_max"), [(PRODUCT, 3), (SHADOW_PRICES, 5), (SHADOW_RULES, 12), (SHADOW_LIMIT, 12)]
)
def test_a_full_row_is_below_2_kb(layout: Layout, guests_max: int) -> None:
    sizes = {
        guests: len(_fill(Sheet(layout, KEYS[:1], guests), 1, 1.0).pack([0])[0])
        for guests in (guests_max, guests_max + 1)
    }
    assert sizes[guests_max] < 2048
    assert (sizes[guests_max + 1] < 2048) == (guests_max == 12)


def test_a_usual_row_is_a_few_hundred_bytes() -> None:
    sheet = Sheet(PRODUCT, KEYS[:1], 2)
    sheet.columns["price"][:] = 12_000
    sheet.columns["closed"][0, 3] = 1
    assert len(sheet.pack([0])[0]) == 3 + 512 + 96


@pytest.mark.parametrize("body", [bytes([VERSION + 1, 2, 0]), b"", b"\1\2", bytes([VERSION, 2, 1]), b"\1\2\0\0"])
def test_a_row_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="calendar row"):
        Sheet.load(PRODUCT, 2, KEYS, [(KEYS[0], body)])


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(LAYOUTS), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 31), st.integers(0, 9)), max_size=5)
)
def test_changed_rows_are_exactly_those_that_differ(layout: Layout, edits: list[tuple[int, int, int]]) -> None:
    before = _fill(Sheet(layout, KEYS, 2), 5, 0.5)
    after = before.copy()
    changed = set()
    for row, day, pick in edits:
        column = layout.columns[pick % len(layout.columns)]
        old = after.columns[column.name][row, day].copy()
        after.columns[column.name][row, day] = 1
        if (old != after.columns[column.name][row, day]).any():
            changed.add(row)
    assert after.changed_rows(before).tolist() == sorted(changed)
    assert not len(before.changed_rows(before.copy()))


def test_targets_and_blocks_of_rows() -> None:
    sheet = Sheet(SHADOW_LIMIT, [("a", "", 1), ("a", "", 2), ("b", "", 2), ("b", "x", 4)], 1)
    assert sheet.targets.tolist() == [0, 0, 1, 2]
    assert sheet.blocks.tolist() == [1, 2, 2, 4]
    assert Sheet(SHADOW_LIMIT, [], 1).targets.tolist() == []
