"""Stock rows: the bytes, and the two ways to look at them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.stock import FIGURE, HELD, NO_FIGURE, SOLD, UNSEEN, open_stock, stock_matrix
from gateway.engine.window import free
from gateway.model.dates import BLOCK_DAYS
from gateway.model.property import FigureKind

WORDS = st.binary(min_size=16 * BLOCK_DAYS, max_size=16 * BLOCK_DAYS)


def test_a_row_nobody_wrote_has_no_figure_and_nothing_taken() -> None:
    row = open_stock(None)
    for slot in range(BLOCK_DAYS):
        assert row[FIGURE + slot] == NO_FIGURE
        assert [row[plane + slot] for plane in (SOLD, UNSEEN, HELD)] == [0, 0, 0]


@given(st.lists(st.none() | WORDS, min_size=1, max_size=4))
def test_both_views_show_the_same_numbers(bodies: list[bytes | None]) -> None:
    matrix = stock_matrix(bodies)
    for body, planes in zip(bodies, matrix, strict=True):
        row = open_stock(body)
        assert planes.reshape(-1).tolist() == list(row)
        assert planes[UNSEEN // BLOCK_DAYS].tolist() == list(row[UNSEEN:HELD])
        assert open_stock(row.tobytes()) == row


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="128 numbers"):
        open_stock(b"\0" * 4)


@given(st.lists(st.tuples(*[st.integers(-1, 30_000)] * 4), min_size=1, max_size=9), st.sampled_from(FigureKind))
def test_what_is_free_is_the_same_for_arrays_as_for_numbers(cells: list[tuple[int, ...]], kind: FigureKind) -> None:
    figure, sold, unseen, held = np.array(cells, np.int32).T
    assert free(kind, figure, sold, unseen, held).tolist() == [free(kind, *cell) for cell in cells]
