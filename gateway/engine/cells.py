"""Differences between two states of some rows, told in as few ranges as there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gateway.engine.calendar import GONE, NO_PRICE, PRODUCT, Array, Key, Sheet
from gateway.engine.stock import NO_FIGURE, stock_matrix
from gateway.model.dates import BLOCK_DAYS, Day

STOCK_PLANES = ("figure", "sold", "on_its_way", "held")
_NOT_TOLD = frozenset({"sync", GONE})  # what nobody has set
_ABSENT = {"price": NO_PRICE, "extra_adult": NO_PRICE, "extra_child": NO_PRICE, "figure": NO_FIGURE, "limit": -1}


class Run(NamedTuple):
    """Neighbouring cells of one row's target, ``row`` and ``cell`` being where the first one stands."""

    key: Key
    first: Day
    last: Day
    row: int
    cell: int


class Changed(NamedTuple):
    """One field of one target (its key without the block) on the days ``first`` to ``last``; None is no value."""

    target: Key
    first: Day
    last: Day
    field: str
    guests: int
    before: int | None
    after: int | None


def following(keys: Sequence[Key]) -> Array:
    """Which cells of rows with these keys come right after the cell before them, of the same target.

    Keys are sorted, so that blocks of one target that follow each other do so here.
    """
    follows = np.ones((len(keys), BLOCK_DAYS), bool)
    follows[:, 0] = [False, *(key == (*last[:-1], last[-1] + 1) for last, key in pairwise(keys))][: len(keys)]
    return follows


def runs(keys: Sequence[Key], follows: Array, chosen: Array, *alike: Array) -> Iterator[Run]:
    """Ranges of the chosen cells, shape (rows, 32), whose values are equal in each of ``alike``.

    ``follows`` is what :func:`following` says of the keys.
    """
    flat, joins = chosen.reshape(-1), follows.flatten()
    joins[1:] &= flat[:-1]
    for values in alike:
        cells = values.reshape(-1)
        joins[1:] &= cells[1:] == cells[:-1]
    starts = np.flatnonzero(flat & ~joins)
    # A run ends before the next cell that does not join the one before it, or is not chosen.
    ends = np.flatnonzero(np.append(~(flat[1:] & joins[1:]), True) & flat)
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        row, day = divmod(start, BLOCK_DAYS)
        first = keys[row][-1] * BLOCK_DAYS + day
        yield Run(keys[row], first, first + end - start, row, day)


def changed(keys: Sequence[Key], name: str, guests: int, before: Array, after: Array) -> Iterator[Changed]:
    """The ranges in which one column differs, both of shape (rows, 32)."""
    absent = _ABSENT.get(name)

    def value(cell: int) -> int | None:
        return None if cell == absent else cell

    for run in runs(keys, following(keys), before != after, before, after):
        was, now = int(before[run.row, run.cell]), int(after[run.row, run.cell])
        yield Changed(run.key[:-1], run.first, run.last, name, guests, value(was), value(now))


def sheet_changes(before: Sheet, after: Sheet) -> Iterator[Changed]:
    """The ranges in which two sheets of the same keys differ, column by column."""
    for column in before.layout.columns:
        was, now = before.columns[column.name], after.columns[column.name]
        if column.name in _NOT_TOLD or np.array_equal(was, now):
            continue
        if column.by_guests:
            for guests in range(was.shape[2]):
                yield from changed(before.keys, column.name, guests + 1, was[..., guests], now[..., guests])
        else:
            yield from changed(before.keys, column.name, 0, was, now)


def calendar_changes(
    guests: int, before: Sequence[tuple[Key, bytes]], after: Sequence[tuple[Key, bytes]]
) -> Iterator[Changed]:
    """What differs between calendar rows ``(room, plan, block)``; a row that is missing holds defaults."""
    keys = sorted({key for key, _ in (*before, *after)})
    return sheet_changes(Sheet.load(PRODUCT, guests, keys, before), Sheet.load(PRODUCT, guests, keys, after))


def stock_changes(before: Sequence[tuple[Key, bytes]], after: Sequence[tuple[Key, bytes]]) -> Iterator[Changed]:
    """What differs between stock rows ``(room, block)``; ``on_its_way`` is the negative of what is unseen."""
    was, now = dict(before), dict(after)
    keys = sorted(was.keys() | now.keys())
    old, new = (stock_matrix([rows.get(key) for key in keys]) for rows in (was, now))
    for plane, name in enumerate(STOCK_PLANES):
        sign = -1 if name == "on_its_way" else 1
        yield from changed(keys, name, 0, old[:, plane] * sign, new[:, plane] * sign)
