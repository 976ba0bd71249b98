"""Ranges of days out of cells: the fewest that say what has to be said, and the settings each of them carries.

Cells are flat: 32 per row of a sheet, rows sorted so that the blocks of one target are neighbours in day order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gateway.engine.calendar import Array, Sheet
from gateway.engine.view import Slot
from gateway.model.ari import Field, Setting
from gateway.model.dates import BLOCK_DAYS


def runs(keys: Sequence[Slot], wanted: Sequence[Array], eligible: Array, sendable: Array) -> tuple[Array, Array]:
    """The fewest ranges of equal wanted values that cover the eligible cells: flat starts, and stops (not included).

    A range may bridge cells that need nothing, as long as they may be said: saying again what is held there costs
    nothing, a second range does.
    """
    chosen = np.flatnonzero(eligible.reshape(-1))
    if not len(chosen):
        return chosen, chosen
    breaks = _target_breaks(keys)
    for values in (sendable, *wanted):
        cells = values.reshape(len(breaks), -1)
        for guests in range(cells.shape[1]):
            breaks[1:] |= cells[1:, guests] != cells[:-1, guests]
    run = np.cumsum(breaks)[chosen]
    ends = np.flatnonzero(run[1:] != run[:-1])
    starts = chosen[np.concatenate(([0], ends + 1))]
    stops = chosen[np.concatenate((ends, [len(chosen) - 1]))] + 1
    return starts, stops


def _target_breaks(keys: Sequence[Slot]) -> Array:
    """True at cells that don't follow on the cell before: another target, or a block left out."""
    breaks = np.zeros(len(keys) * BLOCK_DAYS, bool)
    previous: Slot = ("", "", -2)
    for row, slot in enumerate(keys):
        if slot[2] != previous[2] + 1 or slot[0] != previous[0] or slot[1] != previous[1]:
            breaks[row * BLOCK_DAYS] = True
        previous = slot
    return breaks


def any_between(cells: Array, starts: Array, stops: Array) -> Array:
    """For each range, whether any of its cells is true."""
    counted = np.concatenate(([0], np.cumsum(cells.reshape(-1))))
    found: Array = (counted[stops] - counted[starts]) > 0
    return found


Settings = list[tuple[Setting, ...]]


def limit_settings(view: Sheet, starts: Array) -> Settings:
    """The number of rooms of each range."""
    return _settings([(Field.FIGURE, 0)], view.columns["limit"].reshape(-1, 1)[starts])


def price_settings(view: Sheet, fields: Sequence[Field], starts: Array, *, per_room: bool) -> Settings:
    """Every price of each range, by occupancy or one for the room; amounts that are missing are not said."""
    columns = [view.columns[field].reshape(len(view.keys) * BLOCK_DAYS, -1)[starts] for field in fields]
    names = [
        (field, 0 if per_room or field is not Field.PRICE else guests)
        for field, column in zip(fields, columns, strict=True)
        for guests in range(1, column.shape[1] + 1)
    ]
    return _settings(names, np.concatenate(columns, axis=1))


def rule_settings(view: Sheet, said: Mapping[Field, Array], starts: Array, stops: Array) -> Settings:
    """The rules of each range that ``said`` marks in any of its cells; the others are held already."""
    columns = [
        np.where(any_between(cells, starts, stops), view.columns[field].reshape(-1)[starts].astype(np.int64), -1)
        for field, cells in said.items()
    ]
    return _settings([(field, 0) for field in said], np.stack(columns, axis=1))


def _settings(names: Sequence[tuple[Field, int]], values: Array) -> Settings:
    """One tuple per row of ``values``, shared by equal rows; negative values are left out."""
    known: dict[tuple[int, ...], tuple[Setting, ...]] = {}
    settings: Settings = []
    for row in values.tolist():
        key = tuple(row)
        made = known.get(key)
        if made is None:
            made = known[key] = tuple(
                Setting(field, value, guests) for (field, guests), value in zip(names, key, strict=True) if value >= 0
            )
        settings.append(made)
    return settings
