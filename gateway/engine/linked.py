"""Linked room types: rooms that are sold under more than one name.

A suite made of two doubles, or a double that is also sold as a twin, has no rooms of its own. It takes those of its
*parts*, which are physical room types. What is taken is written down at every *level*: under the linked type itself and
under each part. From that follows, on every night::

    left(linked) = min(own(linked), min over its parts of left(part) // units of it)
    own(linked)  = what a figure for it says, as for any room type; without one its ``units`` - sold - held

and, since a sale of either side changes the same rows in the same transaction, nothing can be sold twice: on every
night and for every physical type, rooms sold under its own name plus those that linked types took of it are ``sold``.

A PMS's figures are of physical rooms. Selling a suite makes the figure of its doubles stale by two, which is what
:mod:`gateway.engine.window` is told; a figure of the suite itself can only lower what is left.

A hotel without linked types has an empty, false :class:`Links`, and nobody asks it anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from gateway.engine.calendar import Array, Key
from gateway.engine.nights import Cell, Nights, RoomNights, normalise
from gateway.engine.stock import NO_FIGURE
from gateway.engine.window import free
from gateway.model.property import FigureKind, Part, RoomType

Counts = tuple[int, int, int, int]  # figure, sold, unseen, held


class Links:
    """The linked types of a hotel: ``parts`` by linked type, in the order of the hotel."""

    def __init__(self, rooms: Iterable[RoomType] = ()) -> None:
        linked = [room for room in rooms if room.made_of]
        self.parts: dict[str, tuple[Part, ...]] = {room.code: room.made_of for room in linked}
        self._units = {room.code: room.units for room in linked}

    def __bool__(self) -> bool:
        return bool(self.parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Links) and self.parts == other.parts

    __hash__ = None  # type: ignore[assignment]

    def reads(self, room: str) -> tuple[str, ...]:
        """The room types whose stock says how many of ``room`` are left, itself first."""
        return (room, *(part.room for part in self.parts.get(room, ())))

    def closed_under(self, rooms: Iterable[str]) -> list[str]:
        """The room types and all their parts, each once and in order."""
        return list(dict.fromkeys(read for room in rooms for read in self.reads(room)))

    # --- what is taken ----------------------------------------------------------------------------------------------

    def levels(self, nights: Nights) -> Nights:
        """What rooms as they were sold take, at every level, in normal form."""
        if not any(run.room in self.parts for run in nights):
            return nights
        return normalise([*nights, *self._taken(nights, 1)])

    def sold(self, levels: Nights) -> Nights:
        """The other way round: what was sold, from what it takes."""
        if not any(run.room in self.parts for run in levels):
            return levels
        return normalise([*levels, *self._taken(levels, -1)])

    def _taken(self, nights: Nights, times: int) -> Iterable[RoomNights]:
        for run in nights:
            for part in self.parts.get(run.room, ()):
                yield RoomNights(part.room, run.arrival, run.departure, run.units * part.units * times)

    # --- what is left -----------------------------------------------------------------------------------------------

    def own(self, kind: FigureKind, room: str, counts: Counts) -> int:
        """What is left of one level by itself; below 0 it is the size of the overselling."""
        figure, sold, _, held = counts
        if figure == NO_FIGURE and room in self.parts:
            return self._units[room] - sold - held
        return int(free(kind, *counts, clamped=True))

    def left(self, kind: FigureKind, cell: Cell, counts: Callable[[Cell], Counts]) -> int:
        """Rooms left of any type on a night."""
        room, day = cell
        parts = self.parts.get(room, ())
        by_parts = (self.own(kind, part.room, counts((part.room, day))) // part.units for part in parts)
        return min((self.own(kind, room, counts(cell)), *by_parts))

    def size(self, room: str) -> int:
        """How many rooms of the house one room of the type takes."""
        return sum(part.units for part in self.parts.get(room, ())) or 1

    def levels_left(self, kind: FigureKind, keys: Sequence[Key], planes: Array) -> Array:
        """What is left of each level by itself, shape (keys, …); as :meth:`own`, many at once.

        ``keys`` begin with the room type. ``planes`` has shape (keys, 4, …) as
        :func:`gateway.engine.stock.stock_matrix`.
        """
        left: Array = free(kind, *(planes[:, plane] for plane in range(4)), clamped=True)
        for at, (room, *_) in enumerate(keys):
            if room in self.parts:
                figure, sold, _, held = planes[at]
                left[at] = np.where(figure == NO_FIGURE, self._units[room] - sold - held, left[at])
        return left

    def narrow(self, keys: Sequence[Key], left: Array) -> None:
        """Makes of what each level has left by itself what is left of each room type.

        ``keys`` are distinct, begin with the room type, and hold every part of theirs with the same rest.
        """
        place = {key: at for at, key in enumerate(keys)}
        for (room, *rest), at in place.items():
            for part in self.parts.get(room, ()):
                left[at] = np.minimum(left[at], left[place[part.room, *rest]] // part.units)
