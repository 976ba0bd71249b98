"""Whether a stay may be sold from the stored state, and at which price: the sheet's section 3.2, field by field."""

from simulators.cells import Cell, Cells
from simulators.opentravel.days import midnight
from simulators.opentravel.stays import Stay
from simulators.ota.bookings import Nights, units_by_night

ADULT, CHILD = "10", "8"


def refusals(cells: Cells, stay: Stay, booked_at: float) -> list[str]:
    """Names of the checks [arrival, departure) fails; empty when it may be sold. `booked_at`: epoch seconds.

    Restrictions of the plan and those of the room type as a whole (plan "") both count.
    """
    return stays_refusals(cells, [stay], {}, booked_at)


def stays_refusals(cells: Cells, stays: list[Stay], own: Nights, booked_at: float) -> list[str]:
    """The same for several stays sold together; `own` units per (room, day) are held by the booking already."""
    failed: set[str] = set()
    for (room, day), units in units_by_night(stays).items():
        more = units - own.get((room, day), 0)
        limit = cells.limit(room, day)
        # A night never loaded is not sold: the channel cannot know that a room is there.
        if more > 0 and (limit is None or limit < more):
            failed.add("limit")
    for stay in stays:
        for plan in {stay.plan, ""}:
            failed |= _rule_refusals(cells, stay, plan, booked_at)
        # A stay that brings its prices along was priced elsewhere.
        if not stay.nightly and nightly_prices(cells, stay) is None:
            failed.add("price")
    return sorted(failed)


def nightly_prices(cells: Cells, stay: Stay) -> list[int] | None:
    """One unit's price per night in minor units; None where a night has none for these guests."""
    prices = [_price(cells.cell(stay.room, stay.plan, day), stay) for day in range(stay.arrival, stay.departure)]
    found = [price for price in prices if price is not None]
    return found if len(found) == len(prices) else None


def _rule_refusals(cells: Cells, stay: Stay, plan: str, booked_at: float) -> set[str]:
    nights = stay.departure - stay.arrival
    cell = [cells.cell(stay.room, plan, day) for day in range(stay.arrival, stay.departure)]
    arrival, departure = cell[0], cells.cell(stay.room, plan, stay.departure)
    ahead_s = midnight(stay.arrival) - booked_at
    checks = {
        "closed": any(night.closed for night in cell),
        "cta": arrival.cta,
        "ctd": departure.ctd,
        "min_arrival": nights < (arrival.min_arrival or 0),
        "max_arrival": arrival.max_arrival is not None and nights > arrival.max_arrival,
        "min_through": any(nights < (night.min_through or 0) for night in cell),
        "max_through": any(night.max_through is not None and nights > night.max_through for night in cell),
        # Lengths beyond the pattern are not restricted.
        "pattern": arrival.pattern is not None and arrival.pattern[nights - 1 : nights] == "N",
        "min_offset": arrival.min_offset_s is not None and ahead_s < arrival.min_offset_s,
        "max_offset": arrival.max_offset_s is not None and ahead_s > arrival.max_offset_s,
    }
    return {check for check, fails in checks.items() if fails}


def _price(cell: Cell, stay: Stay) -> int | None:
    adults = _adults_price(cell, stay.adults)
    if adults is None:
        return None
    # Children without a price of their own stay free.
    return adults + stay.children * cell.extra.get(CHILD, 0)


def _adults_price(cell: Cell, adults: int) -> int | None:
    """The price for this occupancy, else for the room, else the largest priced occupancy plus extra adults."""
    for guests in (adults, 0):
        if guests in cell.base:
            return cell.base[guests]
    largest = max(cell.base, default=0)
    if ADULT in cell.extra and 0 < largest < adults:
        return cell.base[largest] + (adults - largest) * cell.extra[ADULT]
    return None
