"""Ours: a full push to one channel, from the rows of the stored calendar to the bytes of every message."""

from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np

from benchmarks import conditions
from benchmarks.datasets.ari import plan_codes, room_codes
from benchmarks.datasets.push import PushSet, full_calendar
from benchmarks.harness import Figures, cpu_and_wall, ours
from benchmarks.house import House, hotel_toml
from benchmarks.processes import durable_directory
from gateway.engine.calendar import PRODUCT, Array, Sheet
from gateway.engine.stock import FIGURE, open_stock
from gateway.flows.plan_push import PropertyPlan, plan_push
from gateway.flows.push_work import Channels
from gateway.messages import PushAvailability, PushRates
from gateway.model.dates import BLOCK_DAYS
from gateway.store.database import Transaction
from gateway.store.sql import Params
from gateway.store.tables import CalendarRow, Scope, StockRow

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


Answers = dict[tuple[str, int], Sequence[tuple[Any, ...]]]


class _InHand(Transaction):
    """Asks the database the first time, and answers from memory after that: a plan asks the same each time."""

    def __init__(self, tx: Transaction, answers: Answers) -> None:
        super().__init__(tx.counter)
        self.dialect = tx.dialect
        self._tx = tx
        self._answers = answers
        self._asked: Counter[str] = Counter()

    async def execute(self, text: str, params: Params) -> Sequence[tuple[Any, ...]]:
        self._asked[text] += 1
        key = text, self._asked[text]
        if key not in self._answers:
            self._answers[key] = await self._tx.execute(text, params)
        return self._answers[key]

    async def execute_all(self, text: str, rows: Sequence[Params]) -> None:
        raise NotImplementedError("a plan writes nothing")

    async def lock(self, scope_ids: Sequence[str], *, wait: bool) -> list[Scope]:
        raise NotImplementedError("a plan locks nothing")


@contextmanager
def _house(wanted: PushSet) -> Iterator[House]:
    """A house whose calendar is the dataset's, with one channel that holds none of it."""
    with (
        durable_directory() as directory,
        House(directory, hotel_toml(room_codes(), plan_codes(), channels=1)) as house,
    ):

        async def fill(tx: Transaction) -> None:
            await tx.upsert(CalendarRow, calendar_rows(wanted))
            await tx.upsert(StockRow, stock_rows(wanted))

        house.run(house.ours.services.database.write(fill))
        yield house


def _pusher(house: House, *, in_hand: bool) -> Callable[[], Coroutine[Any, Any, int]]:
    """Plans and encodes everything; returns the bytes written. With ``in_hand`` the rows are read only once."""
    services = house.ours.services
    channels, connector = Channels(services.connectors), services.connectors.outbound("opentravel")
    answers: Answers = {}

    async def planned(tx: Transaction) -> PropertyPlan | None:
        asked = _InHand(tx, answers) if in_hand else tx
        return await plan_push(asked, services.hotels, channels, SCOPE, None, NOW_MS)

    async def push() -> int:
        plan = await services.database.read(planned)
        assert plan is not None
        (channel,) = plan.channels
        site = services.site(plan.hotel, channel.channel.connection, outbound=True)
        written = 0
        for number, parcel in enumerate(channel.parcels):
            kind = PushRates if parcel.rates else PushAvailability
            command = kind(id=str(number), at_ms=NOW_MS, updates=tuple(part.update for part in parcel.parts))
            written += len(connector.encode(command, site).body)
        return written

    return push


def _measure(*, nightly: bool, in_hand: bool) -> Figures:
    with _house(PushSet(nightly=nightly)) as house:
        push = _pusher(house, in_hand=in_hand)

        def work() -> None:
            assert house.run(push()) > 500_000

        return cpu_and_wall(work)


ours("push-seasons")(partial(_measure, nightly=False, in_hand=True))
ours("push-nightly")(partial(_measure, nightly=True, in_hand=True))
ours("push-read")(partial(_measure, nightly=False, in_hand=False))
