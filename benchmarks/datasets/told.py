"""Prices, rules and figures of every product for as far ahead as channels are told, and channels that were told.

What stands in the shadows is what the gateway itself works out, but for one cell in 2,000, which differs from it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np

from benchmarks.datasets.years import Rows
from gateway.contract import Outbound
from gateway.engine.calendar import PRODUCT, Key, Sheet
from gateway.engine.hotel import Hotel
from gateway.engine.loaded import Calendar
from gateway.engine.plan import CONFIRMED, DOUBT
from gateway.engine.stock import open_stock
from gateway.engine.view import Channel
from gateway.flows.services import Services
from gateway.model.dates import BLOCK_DAYS, blocks_of
from gateway.store import reading_properties
from gateway.store.tables import CalendarRow, StockRow
from gateway.store.tables_connections import ShadowRow

DAYS_AHEAD = 500
ROOMS_LEFT = 12
_ODD_ONE_IN = 2_000


async def tables(services: Services, property_id: str) -> Iterator[tuple[type[Any], Rows]]:
    """The rows of the property as it is configured, beginning today."""
    found = await services.database.read(lambda tx: reading_properties.one(tx, services.hotels, property_id))
    assert found is not None
    hotel = found[1]
    today = datetime.now(UTC).toordinal()
    blocks = blocks_of(today, today + DAYS_AHEAD)
    priced, stocked = _calendar(hotel, blocks), _stock(hotel, blocks)
    calendar = Calendar(hotel.guests, priced, stocked)
    told = [row for channel in _channels(services, hotel) for row in _shadows(property_id, channel, blocks, calendar)]
    return iter(
        (
            (CalendarRow, ((property_id, *key, 1, body) for key, body in priced)),
            (StockRow, ((property_id, *key, 1, body) for key, body in stocked)),
            (ShadowRow, iter(told)),
        )
    )


def _channels(services: Services, hotel: Hotel) -> Iterator[Channel]:
    for connection in hotel.channels:
        connector: Outbound = services.connectors.outbound(connection.connector)
        yield Channel(hotel, connection, connector.capabilities(connection.profile))


def _calendar(hotel: Hotel, blocks: range) -> list[tuple[Key, bytes]]:
    keys: list[Key] = [(room, plan, block) for room in hotel.rooms for plan in hotel.plans for block in blocks]
    sheet = Sheet(PRODUCT, keys, hotel.guests)
    chance = np.random.default_rng(1)
    price = sheet.columns["price"]
    price[:] = chance.integers(80, 240, price.shape[:2])[..., None] * 100 + np.arange(hotel.guests) * 1_500
    sheet.columns["min_arrival"][:] = chance.integers(0, 4, price.shape[:2])
    sheet.columns["cta"][:] = chance.random(price.shape[:2]) < 0.1
    return list(zip(keys, sheet.pack(range(len(keys))), strict=True))


def _stock(hotel: Hotel, blocks: range) -> list[tuple[Key, bytes]]:
    row = open_stock(None)
    for day in range(BLOCK_DAYS):
        row[day] = ROOMS_LEFT
    body = row.tobytes()
    return [((room, block), body) for room in hotel.rooms for block in blocks]


def _shadows(property_id: str, channel: Channel, blocks: range, calendar: Calendar) -> Iterator[tuple[Any, ...]]:
    chance = np.random.default_rng(2)
    for aspect in channel.aspects:
        slots = sorted(channel.all_slots(aspect, blocks))
        sheet = channel.view(aspect, slots, calendar)
        odd = chance.random(sheet.columns["sync"].shape) < 1 / _ODD_ONE_IN
        sheet.columns["sync"][:] = np.where(odd, DOUBT, CONFIRMED)
        for slot, body in zip(slots, sheet.pack(range(len(slots))), strict=True):
            yield property_id, channel.connection.id, aspect.value, *slot, 0, None, body
