"""Which bookings an overselling falls on.

More was sold of a room on a night than there is; somebody has to be moved. It falls on whoever was changed last among
the bookings that were oversold, so that what became free serves those who were there before them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from gateway.engine.nights import Cell, Nights, per_night


class Oversold(NamedTuple):
    """A booking that was oversold; ``rev`` is the property's revision when it was changed last."""

    number: str
    rev: int
    nights: Nights


def attributed(bookings: Iterable[Oversold], missing: Callable[[Cell], int]) -> dict[str, dict[Cell, int]]:
    """How many of its rooms each booking is short of, by room and night, where it is any.

    ``missing`` says how many rooms of a type are sold too many on a night; it may be more than the bookings have.
    """
    left: dict[Cell, int] = {}
    short: dict[str, dict[Cell, int]] = {}
    for booking in sorted(bookings, key=lambda one: (one.rev, one.number), reverse=True):
        cells = {}
        for cell, units in per_night(booking.nights).items():
            if cell not in left:
                left[cell] = max(0, missing(cell))
            if taken := min(units, left[cell]):
                left[cell] -= taken
                cells[cell] = taken
        short[booking.number] = cells
    return short
