"""What changes when a hotel links its room types in another way: bookings take other rooms than they did.

Nobody booked, changed or cancelled anything, so a PMS is told nothing. What its figures contain of a booking is taken
to be what they contained before, read by the new links: if they held the suite, they hold the doubles it is made of.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from gateway.engine.linked import Links
from gateway.engine.nights import HOUSE, Cell, Nights, with_house
from gateway.engine.window import Claim, Seen


class Relinking:
    """From the links ``before`` to those ``after``; ``house`` says that the house as a whole is a level too."""

    def __init__(self, before: Links, after: Links, *, house: bool) -> None:
        self._before = before
        self._after = after
        self._house = house

    def levels(self, taken: Nights) -> Nights:
        """What a booking takes now, from what it took; both without the house."""
        return self._after.levels(self._before.sold(taken))

    def claim(self, claim: Claim) -> Claim:
        """The claim of a booking on a PMS whose figures it may be in."""
        return replace(
            claim,
            want=self._value(claim.want),
            acked=self._value(claim.acked),
            sent=tuple(replace(of, value=self._value(of.value)) for of in claim.sent),
            older=tuple(replace(of, value=self._value(of.value)) for of in claim.older),
            seen=self._seen(claim),
        )

    def _value(self, value: Nights) -> Nights:
        levels = self.levels(tuple(run for run in value if run.room != HOUSE))
        return with_house(levels, self._after.parts) if self._house else levels

    def _seen(self, claim: Claim) -> tuple[Seen, ...]:
        """Every sum of what may have been counted of the types that share rooms, since each may be so."""
        seen = {(run.room, day): run for run in claim.seen for day in range(run.arrival, run.departure)}
        units = {cell: set(run.units) for cell, run in seen.items()}
        after = {cell: run.after for cell, run in seen.items()}
        for links, sign in ((self._before, -1), (self._after, 1)):
            for cell, run in seen.items():
                for level, times in self._steps(links, cell):
                    known = units.get(level, {0})
                    units[level] = {max(0, one + sign * times * other) for one in known for other in run.units}
                    after[level] = max(after.get(level, 0), run.after)
        return tuple(
            Seen(room, day, day + 1, tuple(sorted(found)), after[room, day] if len(found) > 1 else 0)
            for (room, day), found in sorted(units.items())
            if found != {0}
        )

    def _steps(self, links: Links, cell: Cell) -> Iterator[tuple[Cell, int]]:
        room, day = cell
        for part in links.parts.get(room, ()):
            yield (part.room, day), part.units
        if self._house and room in links.parts:
            yield (HOUSE, day), links.size(room) - 1
