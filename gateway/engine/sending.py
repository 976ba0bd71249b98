"""Turning differences into messages, and replies into what the shadow then knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gateway.contract import Accepted, Confirmed, Outcome, Refused
from gateway.engine.calendar import Array
from gateway.engine.plan import CONFIRMED, DIRTY, DOUBT, REFUSED, Difference, Shadow
from gateway.model.ari import AriUpdate, Aspect
from gateway.model.dates import BLOCK_DAYS, Instant


class Part(NamedTuple):
    """One run of a difference."""

    of: Difference
    run: int

    @property
    def update(self) -> AriUpdate:
        return self.of.updates[self.run]

    @property
    def cells(self) -> slice:
        return slice(int(self.of.starts[self.run]), int(self.of.stops[self.run]))


class Touched(NamedTuple):
    """Rows of a shadow that changed and have to be stored."""

    shadow: Shadow
    rows: Array


class Parcel(NamedTuple):
    """The parts of one message: rates, or availability with rules."""

    rates: bool
    urgent: bool
    parts: tuple[Part, ...]


def parcels(differences: Sequence[Difference], parts_max: int) -> list[Parcel]:
    """Closings first, then prices, then openings: nothing reopens at a price that is no longer true."""
    closing: list[Part] = []
    rates: list[Part] = []
    opening: list[Part] = []
    for found in differences:
        for run in range(len(found.updates)):
            part = Part(found, run)
            if found.aspect is Aspect.PRICES:
                rates.append(part)
            else:
                (closing if found.urgent[run] else opening).append(part)
    packed = []
    for parts, is_rates, is_urgent in ((closing, False, True), (rates, True, False), (opening, False, False)):
        for start in range(0, len(parts), parts_max):
            packed.append(Parcel(is_rates, is_urgent, tuple(parts[start : start + parts_max])))
    return packed


def intend(parcel: Parcel, hold_ms: Instant) -> list[Touched]:
    """Writes the intent into the shadows: the cells now hold what is about to be said, in doubt until ``hold_ms``."""
    touched = []
    for of, runs in _by_difference(parcel.parts):
        cells = _cells(of, runs)
        for name, wanted in of.view.columns.items():
            if name != "sync":
                _flat(of.shadow.sheet.columns[name])[cells] = _flat(wanted)[cells]
        of.shadow.sync[cells] = DOUBT
        rows = _rows(cells)
        of.shadow.hold_ms[rows] = np.maximum(of.shadow.hold_ms[rows], hold_ms)
        touched.append(Touched(of.shadow, rows))
    return touched


def postpone(waiting: Sequence[Parcel]) -> list[Touched]:
    """Marks the cells of parcels that are not sent yet, so that the connection's revision may advance past them."""
    touched = []
    for of, runs in _by_difference([part for parcel in waiting for part in parcel.parts]):
        cells = _cells(of, runs)
        of.shadow.sync[cells] = DIRTY
        touched.append(Touched(of.shadow, _rows(cells)))
    return touched


class Held(NamedTuple):
    """What the rows of a parcel waited for before it was sent."""

    shadow: Shadow
    rows: Array
    hold_ms: Array


def held_before(parcel: Parcel) -> list[Held]:
    """To be taken before :func:`intend`, for :func:`settle`: doubt that is there already outlasts this parcel's answer."""
    found = []
    for of, runs in _by_difference(parcel.parts):
        rows = _rows(_cells(of, runs))
        found.append(Held(of.shadow, rows, of.shadow.hold_ms[rows].copy()))
    return found


class Settled(NamedTuple):
    """The rows to store, the parts that were refused, and those that are confirmed after a refusal."""

    touched: list[Touched]
    refused: list[tuple[Part, Refused]]


def settle(
    parcel: Parcel,
    overall: Outcome,
    by_part: Mapping[int, Outcome],
    before: Sequence[Held],
    *,
    doubt_until_ms: Instant,
    retry_at_ms: Instant,
) -> Settled:
    """What an answer makes of the cells in doubt."""
    for held in before:
        held.shadow.hold_ms[held.rows] = held.hold_ms
    refused: list[tuple[Part, Refused]] = []
    for index, part in enumerate(parcel.parts):
        outcome = by_part.get(index, overall)
        shadow, cells = part.of.shadow, part.cells
        rows = slice(cells.start // BLOCK_DAYS, (cells.stop - 1) // BLOCK_DAYS + 1)
        hold_ms = 0
        if isinstance(outcome, Confirmed):
            shadow.sync[cells] = np.where(part.of.lingering[cells], DOUBT, CONFIRMED)
        elif isinstance(outcome, Refused):
            shadow.sync[cells] = np.where(part.of.lingering[cells], DOUBT, REFUSED)
            hold_ms = retry_at_ms
            refused.append((part, outcome))
        else:
            hold_ms = outcome.deadline_ms if isinstance(outcome, Accepted) else doubt_until_ms
        if hold_ms:
            shadow.hold_ms[rows] = np.maximum(shadow.hold_ms[rows], hold_ms)
    return Settled([Touched(held.shadow, held.rows) for held in before], refused)


def undo(parcel: Parcel, before: Sequence[Held]) -> list[Touched]:
    """The message certainly did not arrive: its cells are simply to be sent again."""
    for held in before:
        held.shadow.hold_ms[held.rows] = held.hold_ms
    for of, runs in _by_difference(parcel.parts):
        cells = _cells(of, runs)
        of.shadow.sync[cells] = np.where(of.lingering[cells], DOUBT, DIRTY)
    return [Touched(held.shadow, held.rows) for held in before]


def _by_difference(parts: Sequence[Part]) -> list[tuple[Difference, Array]]:
    runs: dict[int, list[int]] = {}
    differences: dict[int, Difference] = {}
    for part in parts:
        differences[id(part.of)] = part.of
        runs.setdefault(id(part.of), []).append(part.run)
    return [(differences[name], np.array(found)) for name, found in runs.items()]


def _cells(of: Difference, runs: Array) -> Array:
    """The flat cell indexes of several runs."""
    starts, lengths = of.starts[runs], of.stops[runs] - of.starts[runs]
    before = np.cumsum(lengths) - lengths
    cells: Array = np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))
    return cells


def _rows(cells: Array) -> Array:
    return np.unique(cells // BLOCK_DAYS)


def _flat(values: Array) -> Array:
    return values.reshape(-1, *values.shape[2:])
