"""Whom an overselling falls on: nobody twice, whoever came last first, and never more than there is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.nights import Cell, RoomNights, normalise, per_night
from gateway.engine.shortage import Oversold, attributed

RUNS = st.builds(
    lambda room, arrival, nights, units: RoomNights(room, arrival, arrival + nights, units),
    st.sampled_from(["DBL", "FAM"]),
    st.integers(0, 4),
    st.integers(1, 4),
    st.integers(1, 3),
)
BOOKINGS = st.lists(st.lists(RUNS, max_size=3).map(normalise), max_size=6).map(
    lambda found: [Oversold(f"R{n}", n, nights) for n, nights in enumerate(found)]
)
MISSING = st.dictionaries(st.tuples(st.sampled_from(["DBL", "FAM"]), st.integers(0, 8)), st.integers(-3, 6))


def test_whoever_came_last_is_short_first() -> None:
    nights = (RoomNights("DBL", 1, 3, 2),)
    early, late = Oversold("B", 1, nights), Oversold("A", 2, nights)

    def missing(cell: Cell) -> int:
        return {("DBL", 1): 3}.get(cell, 0)

    assert attributed([early, late], missing) == {"A": {("DBL", 1): 2}, "B": {("DBL", 1): 1}}
    assert attributed([late], missing) == {"A": {("DBL", 1): 2}}


@given(BOOKINGS, MISSING)
def test_what_is_missing_falls_on_somebody_as_far_as_they_have_rooms(
    bookings: list[Oversold], missing: dict[Cell, int]
) -> None:
    short = attributed(reversed(bookings), lambda cell: missing.get(cell, 0))
    assert short == attributed(bookings, lambda cell: missing.get(cell, 0))
    for cell in {cell for booking in bookings for cell in per_night(booking.nights)}:
        have = [per_night(booking.nights).get(cell, 0) for booking in bookings]
        found = [short[booking.number].get(cell, 0) for booking in bookings]
        assert sum(found) == min(max(0, missing.get(cell, 0)), sum(have))
        assert all(0 <= some <= all_of_it for some, all_of_it in zip(found, have, strict=True))
        # Nobody is short while somebody after them has a room.
        first = next((n for n, some in enumerate(found) if some), len(found))
        assert found[first + 1 :] == have[first + 1 :]
