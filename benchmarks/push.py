"""Ours: a full push to one channel, from the stored calendar to the bytes of every message."""

from datetime import UTC, datetime
from functools import partial

import numpy as np

from benchmarks import conditions
from benchmarks.datasets.ari import plan_codes, room_codes
from benchmarks.datasets.push import PushSet, full_calendar
from benchmarks.harness import Figures, cpu_and_wall, ours
from benchmarks.house import House, hotel_toml
from benchmarks.processes import durable_directory
from gateway.engine.calendar import PRODUCT, Array, Sheet
from gateway.engine.stock import FIGURE, open_stock
from gateway.flows.plan_push import plan_push
from gateway.flows.push_work import Channels
from gateway.messages import PushAvailability, PushRates
from gateway.model.dates import BLOCK_DAYS
from gateway.store.database import Transaction
from gateway.store.tables import CalendarRow, StockRow

NOW_MS = int(datetime.combine(conditions.FIRST_DATE, datetime.min.time(), UTC).timestamp() * 1000)
SCOPE = "bench"


def _blocks() -> range:
    first = conditions.FIRST_DATE.toordinal()
    return range(first // BLOCK_DAYS, (first + conditions.PUSH_DAYS - 1) // BLOCK_DAYS + 1)


def _spread(values: Array, fill: int) -> Array:
    """Days along the last axis, moved so that they begin with a block: shape (…, blocks, 32)."""
    lead = conditions.FIRST_DATE.toordinal() % BLOCK_DAYS
    blocks = len(_blocks())
    spread = np.full((*values.shape[:-1], blocks * BLOCK_DAYS), fill, np.int64)
    spread[..., lead : lead + values.shape[-1]] = values
    return spread.reshape(*values.shape[:-1], blocks, BLOCK_DAYS)


def calendar_rows(wanted: PushSet) -> list[CalendarRow]:
    """The dataset's calendar as stored rows."""
    held = full_calendar(wanted)
    keys = [(room, plan, block) for room in wanted.room_codes for plan in wanted.plan_codes for block in _blocks()]
    sheet = Sheet(PRODUCT, keys, guests=2)
    for guests in range(2):
        prices = _spread(held.prices_minor[..., guests], -1)
        sheet.columns["price"][..., guests] = prices.reshape(len(keys), BLOCK_DAYS)
    sheet.columns["min_arrival"][:] = _spread(held.min_stay_nights, 0).reshape(len(keys), BLOCK_DAYS)
    sheet.columns["closed"][:] = _spread(held.closed, 0).reshape(len(keys), BLOCK_DAYS)
    return [CalendarRow(SCOPE, *key, 1, body) for key, body in zip(keys, sheet.pack(range(len(keys))), strict=True)]


def stock_rows(wanted: PushSet) -> list[StockRow]:
    """The dataset's limits as figures."""
    rows = []
    for room, limits in zip(wanted.room_codes, _spread(full_calendar(wanted).limits, 0), strict=True):
        for block, days in zip(_blocks(), limits, strict=True):
            stock = open_stock(None)
            for slot, rooms in enumerate(days.tolist()):
                stock[FIGURE + slot] = rooms
            rows.append(StockRow(SCOPE, room, block, 1, stock.tobytes()))
    return rows


def _measure(*, nightly: bool) -> Figures:
    wanted = PushSet(nightly=nightly)
    toml = hotel_toml(room_codes(), plan_codes(), channels=1)
    with durable_directory() as directory, House(directory, toml) as house:
        services = house.ours.services
        database = services.database

        async def fill(tx: Transaction) -> None:
            await tx.upsert(CalendarRow, calendar_rows(wanted))
            await tx.upsert(StockRow, stock_rows(wanted))

        channels = Channels(services.connectors)
        connector = services.connectors.outbound("opentravel")

        async def push() -> int:
            plan = await database.read(lambda tx: plan_push(tx, services.hotels, channels, SCOPE, None, NOW_MS))
            assert plan is not None
            (channel,) = plan.channels
            site = services.site(plan.hotel, channel.channel.connection, outbound=True)
            written = 0
            for number, parcel in enumerate(channel.parcels):
                kind = PushRates if parcel.rates else PushAvailability
                command = kind(id=str(number), at_ms=NOW_MS, updates=tuple(part.update for part in parcel.parts))
                written += len(connector.encode(command, site).body)
            return written

        house.run(database.write(fill))

        def work() -> None:
            assert house.run(push()) > 500_000

        return cpu_and_wall(work)


ours("push-seasons")(partial(_measure, nightly=False))
ours("push-nightly")(partial(_measure, nightly=True))
