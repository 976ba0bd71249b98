"""Random histories of the whole gateway: all counterparts end with what they should hold, nothing acknowledged is lost.

``GATEWAY_HISTORIES=200 pytest tests/simulation`` runs more of them; a failure names its seed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from cryptography.fernet import Fernet

from gateway.engine.loaded import Calendar
from gateway.engine.view import Channel
from gateway.io.clock import FakeClock
from gateway.messages import AriReceived, Event
from gateway.model.ari import AriUpdate, Aspect, Field, Setting
from gateway.model.dates import BLOCK_DAYS, day_start_ms, parse_day
from gateway.model.property import Adjustment, Connection, Part, Product, Property, RatePlan, Role, RoomType
from gateway.store.secrets import Vault
from gateway.store.tables import CalendarRow, ReservationRow, StockRow
from tests.simulation.counterparts import SimChannel, SimPms
from tests.simulation.plain import PlainConnector
from tests.simulation.world import Gateway, InlineSqlite, Network, open_database

HISTORIES = int(os.environ.get("GATEWAY_HISTORIES", "12"))
TODAY = parse_day("2026-11-21")
HORIZON = 24
FIGURE_DELAY_S = 3
STEPS = 60
PLANS = ("BAR", "NR", "HB")
OURS = {"r1": "DBL", "r2": "FAM", "r3": "FAM", "r4": "SUI"}
# What one suite takes, from one relinking to the next; a suite without parts is a room of its own.
SUITES: tuple[dict[str, int], ...] = ({"DBL": 2}, {"DBL": 1, "FAM": 1}, {})


def _hotel(*, suite: bool) -> Property:
    rooms: tuple[RoomType, ...] = (RoomType("DBL", "Double", 3), RoomType("FAM", "Family", 2, adults_max=4))
    sold_as = {"DBL": "r1", "FAM": "r2"}
    if suite:
        rooms, sold_as = (*rooms, _suite(SUITES[0])), sold_as | {"SUI": "r4"}
    plans = (RatePlan("BAR", "Bar"), RatePlan("NR", "NR", parent="BAR", adjust=Adjustment(-1000)), RatePlan("HB", "HB"))
    products = tuple(
        Product(room, plan, their_room, plan.lower()) for room, their_room in sold_as.items() for plan in PLANS
    )
    channel = {"connector": "plain", "role": Role.CHANNEL, "days_ahead": HORIZON, "products": products}
    return Property(
        "h",
        "Hotel",
        "EUR",
        "UTC",
        rooms,
        plans,
        (
            Connection(
                "pms",
                "plain",
                "plain",
                Role.PMS,
                "P",
                url="pms",
                products=tuple(Product(r.code, p.code, f"p{r.code}", p.code) for r in rooms for p in plans),
                figure_delay_s=FIGURE_DELAY_S,
            ),
            Connection(id="plain", profile="plain", hotel="A", url="plain", **channel),  # type: ignore[arg-type]
            Connection(id="counting", profile="counting", hotel="B", url="counting", **channel),  # type: ignore[arg-type]
        ),
    )


def _suite(parts: dict[str, int]) -> RoomType:
    return RoomType("SUI", "Suite", 1, made_of=tuple(Part(room, units) for room, units in parts.items()))


class World:
    """One history. With ``suite`` the hotel sells suites as well, made of its other rooms in one way or another."""

    def __init__(self, seed: int, path: Path, *, suite: bool = False) -> None:
        self.random = Random(seed)
        self.clock = FakeClock(day_start_ms(TODAY, "UTC") + 9 * 3_600_000)
        self.network = Network(self.clock, self.random, fault_rate=0.25)
        self.path = path
        self.hotel = _hotel(suite=suite)
        self.suite = suite
        self.vault = Vault(Fernet.generate_key())
        self.pms = SimPms("P", self.clock, self.random, {"pDBL": 3, "pFAM": 2, "pSUI": 1})
        self._link(SUITES[0])
        swaps = {"r1": "r4", "r4": "r1"} if suite else {}
        self.channels = {
            "plain": SimChannel("A", self.clock, self.random, swaps=swaps),
            "counting": SimChannel("B", self.clock, self.random, counts_down=True, swaps=swaps),
        }
        self.network.serve = {"pms": self.pms.serve, **{name: c.serve for name, c in self.channels.items()}}
        self.tasks: set[asyncio.Task[Any]] = set()
        self.database: InlineSqlite
        self.gateway: Gateway

    async def run(self) -> None:
        self.database = await open_database(self.path)
        self.gateway = self._start()
        await self.gateway.apply(self.hotel)
        await self._publish_all()
        for _ in range(STEPS):
            self._step()
            await self.clock.sleep(self.random.choice((0.0, 0.05, 0.3, 2.0)))
            if self.random.random() < 0.04:
                await self._crash()
        await self._quiet()
        await self._check()
        await self.gateway.kill()
        await self.database.close()

    def _start(self) -> Gateway:
        return Gateway(self.database, self.clock, self.network, self.random, self.vault)

    async def _crash(self) -> None:
        await self.gateway.kill()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()
        self.gateway = self._start()

    # --- what happens -----------------------------------------------------------------------------------------------

    def _step(self) -> None:
        happens = self.random.choice(
            [
                *(self._price, self._rule, self._figures, self._figures, self._sale, self._sale, self._sale),
                *(self._change, self._post, self._post, self._post),
                *(self._late, self._outage, self._remap, self._refusal),
                *((self._relink, self._suite_sale, self._suite_sale) if self.suite else ()),
            ]
        )
        task = asyncio.create_task(happens(), name="step")
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _send(self, connection: str, event: Event) -> bool:
        reply = await self.gateway.post(connection, event)
        return reply.status == 200

    def _span(self) -> tuple[int, int]:
        first = TODAY + self.random.randrange(HORIZON)
        return first, min(first + self.random.randrange(1, 12), TODAY + HORIZON + 5)

    async def _price(self) -> None:
        first, last = self._span()
        room, plan = self.random.choice(("pDBL", "pFAM")), self.random.choice(("BAR", "HB"))
        amount = self.random.randrange(50, 60) * 100
        settings = (Setting(Field.PRICE, amount, 1), Setting(Field.PRICE, amount + 1000, 2))
        update = AriUpdate(room, plan, first, last, settings, weekdays=self._weekdays(), currency="EUR")
        await self._send("pms", AriReceived("P", (update,)))

    async def _rule(self) -> None:
        first, last = self._span()
        room = self.random.choice(("pDBL", "pFAM"))
        plan = self.random.choice(("", *PLANS))
        field = self.random.choice((Field.CLOSED, Field.CTA, Field.CTD, Field.MIN_ARRIVAL, Field.MAX_THROUGH))
        update = AriUpdate(
            room, plan, first, last, (Setting(field, self.random.randrange(2)),), weekdays=self._weekdays()
        )
        await self._send("pms", AriReceived("P", (update,)))

    def _weekdays(self) -> int:
        return self.random.choice((127, 127, 0b1100000, 0b0011111))

    async def _figures(self) -> None:
        first, last = self._span()
        event = self.pms.figures(self.random.choice(self._counted), first, last)
        # Figures keep their order, so only their way is slow, and never slower than promised.
        await self.clock.sleep(FIGURE_DELAY_S * 0.9)
        await self._send("pms", event)

    async def _publish_all(self) -> None:
        for kind in self.hotel.room_types:
            for plan in ("BAR", "HB"):
                settings = (Setting(Field.PRICE, 10_000, 1), Setting(Field.PRICE, 12_000, 2))
                update = AriUpdate(f"p{kind.code}", plan, TODAY, TODAY + HORIZON + 5, settings, currency="EUR")
                await self._send("pms", AriReceived("P", (update,)))
        for room in self._counted:
            await self._send("pms", self.pms.figures(room, TODAY, TODAY + HORIZON + 5))

    async def _sale(self) -> None:
        channel = self.random.choice(list(self.channels.values()))
        arrival = TODAY + self.random.randrange(HORIZON - 4)
        room, plan = self.random.choice(("r1", "r2")), self.random.choice(("bar", "nr"))
        channel.sell(room, plan, arrival, self.random.randrange(1, 4))

    async def _change(self) -> None:
        self.random.choice(list(self.channels.values())).change()

    async def _post(self) -> None:
        name, channel = self.random.choice(list(self.channels.items()))
        await channel.deliver(partial(self._send, name))

    async def _late(self) -> None:
        await self.network.arrive_late()

    async def _outage(self) -> None:
        url = self.random.choice(("pms", "plain", "counting"))
        self.network.down.add(url)
        await self.clock.sleep(self.random.uniform(0.5, 5))
        self.network.down.discard(url)

    async def _refusal(self) -> None:
        channel = self.channels["plain"]
        target = ("r1", self.random.choice(("", "bar")))
        channel.refuses.add(target)
        await self.clock.sleep(3)
        channel.refuses.discard(target)

    async def _remap(self) -> None:
        """One channel sells the family rooms under another code, or not at all, and falls back to another room."""
        code, fallback = self.random.choice(("r2", "r3", "")), self.random.choice([*self.rooms])
        connections = []
        for connection in self.hotel.connections:
            if connection.id == "plain":
                products = [product for product in connection.products if product.room != "FAM"]
                products += [Product("FAM", plan, code, plan.lower()) for plan in PLANS if code]
                connection = msgspec.structs.replace(connection, products=tuple(products), fallback_room=fallback)
            connections.append(connection)
        self.hotel = msgspec.structs.replace(self.hotel, connections=tuple(connections))
        await self.gateway.apply(self.hotel)

    async def _suite_sale(self) -> None:
        channel = self.random.choice(list(self.channels.values()))
        channel.sell("r4", "bar", TODAY + self.random.randrange(HORIZON - 4), self.random.randrange(1, 4))

    async def _relink(self) -> None:
        """The house makes its suites of other rooms, here and at the PMS in one moment."""
        parts = self.random.choice(SUITES)
        self.hotel = msgspec.structs.replace(self.hotel, room_types=(*self.hotel.room_types[:2], _suite(parts)))
        self._link(parts)
        await self.gateway.apply(self.hotel)

    def _link(self, parts: dict[str, int]) -> None:
        self.parts = {"SUI": parts}
        self.pms.parts = {f"p{room}": {f"p{part}": units for part, units in parts.items()} for room in ("SUI",)}

    @property
    def rooms(self) -> dict[str, RoomType]:
        return {room.code: room for room in self.hotel.room_types}

    @property
    def _counted(self) -> list[str]:
        """What the PMS has figures of: rooms that are made of no others."""
        return [f"p{room.code}" for room in self.hotel.room_types if not room.made_of]

    # --- and how it must end ----------------------------------------------------------------------------------------

    async def _quiet(self) -> None:
        """Faults stop; everything still on its way arrives; then time passes."""
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.network.fault_rate = 0.0
        self.network.down.clear()
        while self.network.late:
            await self.network.arrive_late()
        for name, channel in self.channels.items():
            channel.refuses.clear()
            while channel.outbox:
                await channel.deliver(partial(self._send, name))
        await self.clock.sleep(60)
        for room in self._counted:
            await self._send("pms", self.pms.figures(room, TODAY, TODAY + HORIZON + 5))
        await self.clock.sleep(20 * 60)  # what was refused is tried again after a quarter of an hour

    async def _check(self) -> None:
        """The counterparts' own state against the view, and the house against everything that was ever acknowledged."""
        hotel = await self.gateway.services.directory.hotel_of("pms")
        assert hotel is not None
        calendar_rows = await self.database.read(lambda tx: tx.rows(CalendarRow, "scope_id = ?", "h"))
        stock_rows = await self.database.read(lambda tx: tx.rows(StockRow, "scope_id = ?", "h"))
        calendar = Calendar(
            hotel.guests, [(row[1:4], row.body) for row in calendar_rows], [(row[1:3], row.body) for row in stock_rows]
        )
        connector = PlainConnector()
        for connection in hotel.channels:
            channel = Channel(hotel, connection, connector.capabilities(connection.profile))
            _compare(channel, calendar, self.channels[connection.id])
        await self._check_parked()
        taken = await self._taken()
        for row in stock_rows:
            self._check_house(calendar, row, taken)
        for name, channel_state in self.channels.items():
            missing = [said for said in channel_state.acknowledged if not await self._stored(name, said[0])]
            assert not missing, f"acknowledged and lost: {missing}"

    async def _stored(self, connection: str, booking: str) -> bool:
        sql = "SELECT count(*) FROM reservation WHERE connection = ? AND booking_id = ?"
        found = await self.database.read(lambda tx: tx.fetch(sql, connection, booking))
        return bool(found[0][0])

    async def _check_parked(self) -> None:
        """Parked is what speaks of a code that is not mapped, and nothing else."""
        rows = await self.database.read(lambda tx: tx.rows(ReservationRow, "scope_id = ? AND parked > 0", "h"))
        for row in rows:
            assert row.connection == "plain"
            assert {stay.room for stay in self.channels["plain"].bookings[row.booking_id][-1].content.stays} == {"r2"}

    async def _taken(self) -> dict[tuple[str, int], int]:
        """What the channels' bookings, as last said, take of our rooms; parked ones of the fallback they hold."""
        fallback = next(known.fallback_room for known in self.hotel.connections if known.id == "plain")
        rows = await self.database.read(lambda tx: tx.rows(ReservationRow, "scope_id = ? AND parked > 0", "h"))
        parked = {row.booking_id for row in rows}
        taken: dict[tuple[str, int], int] = {}
        for channel in self.channels.values():
            for name in channel.bookings:
                nights = channel.nights(channel.bookings.keys() - {name})
                for (code, day), units in nights.items():
                    room = fallback if name in parked else OURS[code]
                    for level, times in {room: 1, **self.parts.get(room, {})}.items():
                        taken[level, day] = taken.get((level, day), 0) + units * times
        return taken

    def _check_house(self, calendar: Calendar, row: StockRow, taken: dict[tuple[str, int], int]) -> None:
        figure, sold, unseen, _ = calendar.stock([(row.room, row.block)])[0]
        for slot in range(BLOCK_DAYS):
            day = row.block * BLOCK_DAYS + slot
            if not TODAY <= day <= TODAY + HORIZON:
                continue
            booked = taken.get((row.room, day), 0)
            assert sold[slot] == booked, f"sold {sold[slot]} but booked {booked} on {day}"
            if self.parts.get(row.room):
                continue  # of a suite made of other rooms there is no figure
            held = self.pms.left(f"p{row.room}", day)
            assert figure[slot] + unseen[slot] == held, f"{row.room} {day}: {figure[slot]} + {unseen[slot]}, PMS {held}"


def _compare(channel: Channel, calendar: Calendar, state: SimChannel) -> None:
    blocks = range(TODAY // BLOCK_DAYS, (TODAY + HORIZON) // BLOCK_DAYS + 1)
    wrong: list[str] = []
    for aspect in channel.aspects:
        slots = sorted(channel.all_slots(aspect, blocks))
        view = channel.view(aspect, slots, calendar)
        for row, (room, plan, block) in enumerate(slots):
            for slot in range(BLOCK_DAYS):
                day = block * BLOCK_DAYS + slot
                if TODAY <= day < TODAY + HORIZON:
                    wrong += _differences(aspect, view.columns, row, slot, state, (room, plan, day))
    mapped = {(room, plan) for room, plan, _ in channel.all_slots(Aspect.RULES, blocks)}
    for (room, plan, day), cell in state.cells.items():
        if (room, plan) not in mapped and cell.get("closed", 1) == 0:
            wrong.append(f"unmapped {room} {plan} is open on {day}")
    assert not wrong, f"{channel.connection.id}: " + "; ".join(wrong[:5])


def _differences(
    aspect: Aspect, columns: dict[str, Any], row: int, slot: int, state: SimChannel, target: tuple[str, str, int]
) -> list[str]:
    room, plan, day = target
    if aspect is Aspect.LIMIT:
        wanted, held = int(columns["limit"][row, slot]), state.limits.get((room, day))
        return [] if wanted == held else [f"limit {room} {day}: wanted {wanted}, holds {held}"]
    cell = state.cells.get((room, plan, day), {})
    if aspect is Aspect.PRICES:
        prices = columns["price"][row, slot].tolist()
        pairs = [(f"price{guests}", price) for guests, price in enumerate(prices, 1) if price >= 0]
    else:
        pairs = [
            (name, int(columns[name][row, slot])) for name in ("closed", "cta", "ctd", "min_arrival", "max_through")
        ]
    return [
        f"{name} {room} {plan} {day}: wanted {value}, holds {cell.get(name)}"
        for name, value in pairs
        if cell.get(name) != value
    ]


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_every_history_converges(seed: int, tmp_path: Path) -> None:
    world = World(seed, tmp_path / "world.sqlite")
    _run(world.clock, world.run())


@pytest.mark.parametrize("seed", range(1_000, 1_000 + (HISTORIES + 2) // 3))
def test_every_history_of_a_house_with_suites_converges(seed: int, tmp_path: Path) -> None:
    world = World(seed, tmp_path / "world.sqlite", suite=True)
    _run(world.clock, world.run())


def _run(clock: FakeClock, journey: Coroutine[Any, Any, None]) -> None:
    asyncio.run(clock.run(journey))
