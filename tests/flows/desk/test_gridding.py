"""The grid of a calendar, against an oracle that looks at each night by itself."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.rates import ruling
from gateway.flows.desk.grid import ProductDay, ProductGrid, Rules
from gateway.flows.desk.gridding import Gridder
from gateway.model.ari import Field
from gateway.model.dates import BLOCK_DAYS
from tests.engine.push_house import TODAY, Nights, house
from tests.engine.test_view import CALENDARS, PLANS, ROOMS, RULES, STATUS, STRICT_LOW, adjusted, line_of

FIRST, LAST = TODAY - 3, TODAY + 45
NO_PRICE = -1


@settings(max_examples=100, deadline=None)
@given(CALENDARS, st.sets(st.sampled_from([plan.code for plan in PLANS]), min_size=1))
def test_each_cell_says_what_its_night_says(nights: Nights, plans: set[str]) -> None:
    hotel, _ = house(rooms=ROOMS, plans=PLANS)
    gridder = Gridder(hotel, 7, FIRST, LAST, (), sorted(plans))
    read = {(*target, block) for target in gridder.targets() for block in gridder.blocks}
    calendar = [row for row in nights.rows(hotel.guests) if row[0] in read]
    grid = gridder.grid(calendar, nights.stock_rows())
    assert (grid.rev, grid.first, grid.last) == (7, FIRST, LAST)
    for room in grid.rooms:
        assert [day.day for day in room.days] == list(range(FIRST, LAST + 1))
        assert [day.rules for day in room.days] == [_rules(nights, day.day, [(room.room, "")]) for day in room.days]
        assert [product.plan for product in room.products] == [plan.code for plan in PLANS if plan.code in plans]
        for product in room.products:
            assert list(product.days) == _expected(nights, room.room, room.adults_max, product)


def _expected(nights: Nights, room: str, adults: int, product: ProductGrid) -> list[ProductDay]:
    line = line_of(product.plan)
    levels = [("", ""), (room, ""), *((room, plan.code) for plan in ruling(tuple(reversed(line))))]
    base = line[0].code

    def amount(day: int, field: Field, guests: int = 0) -> int | None:
        price = nights.get(room, base, day, field, guests)
        if price == NO_PRICE:
            return None
        for plan in line[1:]:
            price = adjusted(price, plan.adjust, extra=not guests)
        return price

    found = []
    for day in range(FIRST, LAST + 1):
        by_adults = [amount(day, Field.PRICE, guests) for guests in range(1, adults + 1)]
        # A price for two holds for one; what came to nothing is no price, for nobody.
        filled = [next((price for price in by_adults[at:] if price is not None), None) for at in range(adults)]
        found.append(
            ProductDay(
                day,
                tuple(price or None for price in filled),
                amount(day, Field.EXTRA_ADULT) or None,
                amount(day, Field.EXTRA_CHILD) or None,
                _rules(nights, day, [(room, product.plan)]),
                _rules(nights, day, levels),
            )
        )
    return found


def _rules(nights: Nights, day: int, levels: list[tuple[str, str]]) -> Rules:
    said: dict[str, bool | int] = {}
    for field in RULES:
        values = [value for level in levels if (value := nights.get(*level, day, field))]
        if field is Field.LOS_CLOSED:
            joined = 0
            for value in values:
                joined |= value
            said[field.value] = joined
        else:
            value = (min if field in STRICT_LOW else max)(values, default=0)
            said[field.value] = bool(value) if field in STATUS else value
    return Rules(**said)  # type: ignore[arg-type]


def test_equal_nights_share_what_they_say() -> None:
    """A large house has 20,000 cells, which mean a few hundred things."""
    hotel, _ = house()
    nights = Nights().open(range(TODAY, TODAY + BLOCK_DAYS))
    grid = Gridder(hotel, 1, TODAY, TODAY + 9, (), ()).grid(nights.rows(hotel.guests), nights.stock_rows())
    days = [day for room in grid.rooms for product in room.products for day in product.days]
    assert len(days) == 40
    assert len({id(day.prices) for day in days}) == 2  # one for each number of adults
    assert len({id(day.effective) for day in days}) == 1
