"""The calendar of a property as rows for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.engine.grid import GridCell, GridRow
from gateway.flows.desk import calendar, properties
from gateway.flows.desk.calendar import Grid, ProductDay
from gateway.flows.services import Services
from gateway.model.dates import Day


async def calendar_rows(services: Services, property_id: str, first: Day, days: int) -> tuple[str, list[GridRow]]:
    """The property's name, and a row per room type with the rooms left and one per rate plan with its prices.

    Raises NotFound for an unknown property, and what :func:`gateway.flows.desk.calendar.read` refuses.
    """
    grid = await calendar.read(services, property_id, first, first + days - 1)
    known = await properties.find(services, only=[property_id], limit=1)
    return known.items[0].name, list(_rows(grid))


def _rows(grid: Grid) -> Iterator[GridRow]:
    for room in grid.rooms:
        yield GridRow(room.room, tuple(GridCell(free=day.free) for day in room.days), name=room.name)
        for product in room.products:
            cells = tuple(map(_cell, product.days))
            yield GridRow(room.room, cells, plan=product.plan, name=product.name, currency=grid.currency)


def _cell(day: ProductDay) -> GridCell:
    """With the price of the full occupancy, and the stricter of the rules that are alike."""
    rules = day.effective
    return GridCell(
        price=day.prices[-1],
        closed=rules.closed,
        cta=rules.cta,
        ctd=rules.ctd,
        min_stay=max(rules.min_arrival, rules.min_through),
        max_stay=min(filter(None, (rules.max_arrival, rules.max_through)), default=0),
    )
