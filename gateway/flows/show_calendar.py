"""The calendar of a property as rows for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.engine.calendar import NO_PRICE, Array
from gateway.engine.grid import GridCell, GridRow
from gateway.engine.hotel import Hotel
from gateway.engine.linked import Counts
from gateway.engine.loaded import Calendar
from gateway.engine.nights import Cell
from gateway.engine.rates import derived, filled_down, lineage, ruling
from gateway.engine.stock import FIGURE, HELD, NO_FIGURE, SOLD, UNSEEN
from gateway.flows.services import Services
from gateway.model.dates import BLOCK_DAYS, Day, blocks_of
from gateway.model.property import RatePlan, RoomType
from gateway.store import pushing
from gateway.store.database import Transaction
from gateway.store.tables import Scope

_PLANES = [plane // BLOCK_DAYS for plane in (FIGURE, SOLD, UNSEEN, HELD)]


async def calendar_rows(services: Services, scope_id: str, first: Day, days: int) -> tuple[Hotel, list[GridRow]]:
    """A row per room type with the rooms left and one per rate plan; LookupError for an unknown property."""

    async def read(tx: Transaction) -> tuple[Hotel, Calendar]:
        scopes = await tx.rows(Scope, "scope_id = ?", scope_id)
        hotel = (await services.hotels.current(tx, scopes)).get(scope_id)
        if hotel is None:
            raise LookupError(f"there is no property {scope_id!r}")
        blocks = blocks_of(first, first + days - 1)
        calendar = [
            (scope_id, room, plan, block)
            for block in blocks
            for room in ("", *hotel.rooms)
            for plan in ("", *hotel.plans)
        ]
        stock = [(scope_id, room, block) for block in blocks for room in hotel.rooms]
        return hotel, Calendar(
            hotel.guests,
            [(row[1:4], row.body) for row in await pushing.calendar_rows(tx, calendar)],
            [(row[1:3], row.body) for row in await pushing.stock_rows(tx, stock)],
        )

    hotel, calendar = await services.database.read(read)
    span = range(first, first + days)
    return hotel, [row for room in hotel.property.room_types for row in _room_rows(hotel, calendar, room, span)]


def _room_rows(hotel: Hotel, calendar: Calendar, room: RoomType, days: range) -> Iterator[GridRow]:
    yield GridRow(room.code, tuple(_left(hotel, calendar, room.code, day) for day in days), name=room.name)
    for plan in hotel.property.rate_plans:
        cells = tuple(_product(hotel, calendar, room, plan, day) for day in days)
        yield GridRow(room.code, cells, plan=plan.code, name=plan.name, currency=hotel.property.currency)


def _left(hotel: Hotel, calendar: Calendar, room: str, day: Day) -> GridCell:
    def counts(cell: Cell) -> Counts:
        stock = calendar.stock([(cell[0], cell[1] // BLOCK_DAYS)])[0, :, cell[1] % BLOCK_DAYS]
        figure, sold, unseen, held = (int(stock[plane]) for plane in _PLANES)
        return figure, sold, unseen, held

    if counts((room, day))[0] == NO_FIGURE and room not in hotel.links.parts:
        return GridCell()
    return GridCell(free=hotel.links.left(hotel.figure_kind, (room, day), counts))


def _product(hotel: Hotel, calendar: Calendar, room: RoomType, plan: RatePlan, day: Day) -> GridCell:
    block, slot = day // BLOCK_DAYS, day % BLOCK_DAYS
    line = lineage(hotel.property, plan.code)
    keys = [("", "", block), (room.code, "", block), *((room.code, each.code, block) for each in ruling(line))]
    rows = calendar.rows(keys)
    (base,) = calendar.rows([(room.code, line[-1].code, block)])
    prices: Array = filled_down(calendar.sheet.columns["price"][base, slot, : room.adults_max])
    shown = derived(prices, line)[-1:]
    price = int(shown[0]) if len(shown) and shown[0] != NO_PRICE else None

    def values(name: str) -> list[int]:
        found: list[int] = calendar.sheet.columns[name][rows, slot].tolist()
        return found

    return GridCell(
        price=price,
        closed=any(values("closed")),
        cta=any(values("cta")),
        ctd=any(values("ctd")),
        min_stay=max(*values("min_arrival"), *values("min_through")),
        max_stay=min((n for n in (*values("max_arrival"), *values("max_through")) if n), default=0),
    )
