"""Ranges of days out of cells: the fewest that say what has to be said, and the values each of them carries.

Cells are flat: 32 per row of a sheet, rows sorted so that the blocks of one target are neighbours in day order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gateway.engine.calendar import Array, Sheet
from gateway.model.ari import Field, Setting
from gateway.model.dates import BLOCK_DAYS

NOT_SAID = -1


def runs(view: Sheet, fields: Iterable[str], eligible: Array, sayable: Array) -> tuple[Array, Array]:
    """The fewest ranges that are equal in ``fields`` and cover the eligible cells: flat starts, stops (not included).

    A range may bridge cells that need nothing, as long as they are ``sayable``: saying again what is held there costs
    nothing, a second range does.
    """
    chosen = np.flatnonzero(eligible)
    if not len(chosen):
        return chosen, chosen
    breaks = _target_breaks(view)
    for values in (sayable, *(view.columns[name] for name in fields)):
        cells = values.reshape(len(breaks), -1)
        for guests in range(cells.shape[1]):
            breaks[1:] |= cells[1:, guests] != cells[:-1, guests]
    run = np.cumsum(breaks)[chosen]
    ends = np.flatnonzero(run[1:] != run[:-1])
    starts = chosen[np.concatenate(([0], ends + 1))]
    stops = chosen[np.concatenate((ends, [len(chosen) - 1]))] + 1
    return starts, stops


def _target_breaks(view: Sheet) -> Array:
    """True at cells that don't follow on the cell before: another target, or a block left out."""
    breaks = np.zeros((len(view.keys), BLOCK_DAYS), bool)
    breaks[1:, 0] = (np.diff(view.targets) != 0) | (np.diff(view.blocks) != 1)
    return breaks.reshape(-1)


def joined(view: Sheet, starts: Array, stops: Array, said: Said) -> tuple[Array, Array, Said]:
    """The same with neighbours that say the same made one; they differ in what neither of them has to say."""
    if not len(starts):
        return starts, stops, said
    apart = np.ones(len(starts), bool)
    apart[1:] = (starts[1:] != stops[:-1]) | (said.values[1:] != said.values[:-1]).any(axis=1)
    apart |= _target_breaks(view)[starts]
    firsts = np.flatnonzero(apart)
    return starts[firsts], stops[np.append(firsts[1:], len(starts)) - 1], said._replace(values=said.values[firsts])


def any_between(cells: Array, starts: Array, stops: Array) -> Array:
    """For each range, whether any of its cells is true."""
    marked = np.flatnonzero(cells)
    found: Array = np.searchsorted(marked, stops) > np.searchsorted(marked, starts)
    return found


class Said(NamedTuple):
    """What ranges say: ``values`` has a row per range and a column per name, ``NOT_SAID`` where one is left out."""

    names: Sequence[tuple[Field, int]]  # fields, and for prices the occupancy
    values: Array

    def settings(self, ranges: Array) -> list[tuple[Setting, ...]]:
        """The settings of some of the ranges; equal ones are shared."""
        known: dict[tuple[int, ...], tuple[Setting, ...]] = {}
        settings = []
        for values in map(tuple, self.values[ranges].tolist()):
            if values not in known:
                known[values] = tuple(
                    Setting(field, value, guests)
                    for (field, guests), value in zip(self.names, values, strict=True)
                    if value != NOT_SAID
                )
            settings.append(known[values])
        return settings


def say_limits(view: Sheet, starts: Array) -> Said:
    """The number of rooms of each range."""
    return Said([(Field.FIGURE, 0)], view.columns["limit"].reshape(-1, 1)[starts])


def say_prices(view: Sheet, fields: Sequence[Field], starts: Array, *, per_room: bool) -> Said:
    """Every price of each range, by occupancy or one for the room; amounts that are missing are not said."""
    columns = [view.columns[field].reshape(len(view.keys) * BLOCK_DAYS, -1)[starts] for field in fields]
    names = [
        (field, 0 if per_room or field is not Field.PRICE else guests)
        for field, column in zip(fields, columns, strict=True)
        for guests in range(1, column.shape[1] + 1)
    ]
    return Said(names, np.concatenate(columns, axis=1))


def say_rules(view: Sheet, differs: Mapping[Field, Array], unsure: Array, starts: Array, stops: Array) -> Said:
    """The rules of each range that differ in any of its cells, or all where a cell is unsure; the others are held."""
    values = np.stack([view.columns[field].reshape(-1)[starts].astype(np.int64) for field in differs], axis=1)
    needed = np.stack([any_between(cells, starts, stops) for cells in differs.values()], axis=1)
    needed |= any_between(unsure, starts, stops)[:, None]
    return Said([(field, 0) for field in differs], np.where(needed, values, NOT_SAID))
