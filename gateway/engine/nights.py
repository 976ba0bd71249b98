"""Rooms by night: what a reservation takes from the house.

*Normal form* has one spelling per meaning, so that ``==`` compares what is taken: runs of equal units that touch are
merged, zero is dropped, and runs are sorted by room and arrival. Room ``""`` is the house as a whole, for counterparts
that also limit the sum over all room types.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

import msgspec

from gateway.model.dates import Day

HOUSE = ""


class RoomNights(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """``units`` rooms of our room type ``room`` on each night from ``arrival`` up to, not including, ``departure``."""

    room: str
    arrival: Day
    departure: Day
    units: int


Nights = tuple[RoomNights, ...]
Cell = tuple[str, Day]


def normalise(runs: Iterable[RoomNights]) -> Nights:
    """The same rooms and nights in normal form; the cost follows the number of runs, not of nights."""
    steps: dict[str, dict[Day, int]] = {}
    for run in runs:
        if run.arrival < run.departure:
            of_room = steps.setdefault(run.room, {})
            of_room[run.arrival] = of_room.get(run.arrival, 0) + run.units
            of_room[run.departure] = of_room.get(run.departure, 0) - run.units
    return tuple(run for room in sorted(steps) for run in _runs(room, steps[room]))


def _runs(room: str, steps: Mapping[Day, int]) -> Iterator[RoomNights]:
    since, units = 0, 0
    for day in sorted(steps):
        if step := steps[day]:
            if units:
                yield RoomNights(room, since, day, units)
            since, units = day, units + step


def with_house(nights: Nights, apart: Container[str] = ()) -> Nights:
    """``nights`` (without the house) and, under room ``""``, their sum over all room types but those ``apart``."""
    counted = (run for run in nights if run.room not in apart)
    return normalise(RoomNights(HOUSE, run.arrival, run.departure, run.units) for run in counted) + nights


def per_night(nights: Iterable[RoomNights]) -> dict[Cell, int]:
    """Units by room and night; runs that overlap add up."""
    units: dict[Cell, int] = {}
    for run in nights:
        for day in range(run.arrival, run.departure):
            cell = (run.room, day)
            units[cell] = units.get(cell, 0) + run.units
    return units


def subtract(minuend: Mapping[Cell, int], subtrahend: Mapping[Cell, int]) -> dict[Cell, int]:
    """``minuend - subtrahend`` cell by cell, where it is not 0."""
    left = dict(minuend)
    for cell, units in subtrahend.items():
        left[cell] = left.get(cell, 0) - units
    return {cell: units for cell, units in left.items() if units}


def difference(old: Nights, new: Nights) -> dict[Cell, int]:
    """What a change from ``old`` to ``new`` takes (+) or gives back (-), where it is not 0."""
    return {} if old == new else subtract(per_night(new), per_night(old))
