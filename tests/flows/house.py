"""A hotel over a real database, with counterparts that are tables in memory and a clock that jumps.

A flow that sleeps moves the clock and goes on at once, so nothing here waits for real time but the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from random import Random

import msgspec
from cryptography.fernet import Fernet

from gateway.contract import Head, Reply, Request
from gateway.engine.connection_shapes import Side
from gateway.engine.hotel import Hotel
from gateway.engine.hotel_file import HotelFile
from gateway.engine.loaded import Calendar
from gateway.engine.stock import FIGURE, HELD, SOLD, UNSEEN, open_stock
from gateway.engine.window import free
from gateway.errors import OutcomeUnknown, Retryable
from gateway.flows.apply_hotel import apply_hotel
from gateway.flows.delivering.deliver import Deliverer
from gateway.flows.plan_hotel import plan_hotel
from gateway.flows.push_ari import Pusher
from gateway.flows.receive import receive
from gateway.flows.services import Ids, Services
from gateway.messages import (
    AriReceived,
    DeliverReservation,
    Event,
    PushAvailability,
    PushRates,
    Query,
    ReservationReceived,
)
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.dates import ALL_WEEK, BLOCK_DAYS, Day, day_start_ms, days_in, parse_day
from gateway.model.property import Adjustment, Connection, Credentials, Product, Property, RatePlan, Role, RoomType
from gateway.model.reservation import Content, Revision, RevisionKind, RoomStay
from gateway.store.batcher import Batcher
from gateway.store.database import Database
from gateway.store.directory import Directory
from gateway.store.hotels import Hotels
from gateway.store.schema import SPECS
from gateway.store.secrets import Vault
from gateway.store.tables import CalendarRow, MessageRow, ReservationRow, StockRow
from gateway.store.tables_connections import TheirCodeRow
from tests.simulation.plain import Only, PlainConnector, PlainReply, Sendable, decode_command

TODAY = parse_day("2026-11-21")
HORIZON = 24
FIGURE_DELAY_S = 30
ROOMS = (RoomType("DBL", "Double", 3), RoomType("FAM", "Family", 2, adults_max=4))
PLANS = (
    RatePlan("BAR", "Best available"),
    RatePlan("NR", "Non-refundable", parent="BAR", adjust=Adjustment(-1000)),
    RatePlan("HB", "Half board"),
)
VAULT = Vault(Fernet.generate_key())
Answer = Callable[[Callable[[], None]], Reply]


class JumpClock:
    """Whoever sleeps has slept; ``pass_s`` lets time go by without anybody sleeping."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def pass_s(self, seconds: float) -> None:
        self._now_ms += round(seconds * 1000)

    async def sleep(self, seconds: float) -> None:
        self.pass_s(seconds)
        await asyncio.sleep(0)

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        if not event.is_set():
            await self.sleep(timeout_s)
        return event.is_set()


# --- counterparts -----------------------------------------------------------------------------------------------------


def confirmed(apply: Callable[[], None]) -> Reply:
    apply()
    return Reply(200, {}, msgspec.json.encode(PlainReply(ref="P1")))


def refusing(*parts: int) -> Answer:
    """Refuses those parts of the message, and holds nothing of it (what the others hold is not looked at)."""
    return lambda apply: Reply(200, {}, msgspec.json.encode(PlainReply(refused=dict.fromkeys(parts, "not loaded"))))


def rejecting(apply: Callable[[], None]) -> Reply:
    return Reply(400, {}, b"")


def busy(after_s: int) -> Answer:
    return lambda apply: Reply(429, {"retry-after": str(after_s)}, b"")


def down(apply: Callable[[], None]) -> Reply:
    raise Retryable("connection refused")


def lost(apply: Callable[[], None]) -> Reply:
    """Neither arrived nor answered."""
    raise OutcomeUnknown("no answer")


def unanswered(apply: Callable[[], None]) -> Reply:
    """It took effect, and nobody was told."""
    apply()
    raise OutcomeUnknown("no answer")


class Wire:
    """Carries requests. ``answers`` by URL are used up in order, then everything is confirmed.

    ``held`` is what counterparts hold: (url, room, plan, day, field with guests) to value; ``meanwhile`` runs while
    a request is on its way.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[str, Sendable]] = []
        self.answers: dict[str, list[Answer]] = {}
        self.held: dict[tuple[str, str, str, Day, str], int] = {}
        self.meanwhile: Callable[[str], Awaitable[None]] | None = None

    async def call(self, request: Request, *, timeout_s: float) -> Reply:
        command = decode_command(request.body)
        self.sent.append((request.url, command))
        if self.meanwhile is not None:
            await self.meanwhile(request.url)
        waiting = self.answers.get(request.url)
        answer = waiting.pop(0) if waiting else confirmed
        return answer(lambda: self._store(request.url, command))

    def _store(self, url: str, command: Sendable) -> None:
        for update in command.updates if isinstance(command, PushAvailability | PushRates) else ():
            for day in days_in(update.first, update.last, update.weekdays):
                for setting in update.settings:
                    self.held[url, update.room, update.plan, day, _name(setting)] = setting.value

    def pushes(self, url: str) -> list[PushAvailability | PushRates]:
        """What was pushed there, in order."""
        return [c for to, c in self.sent if to == url and isinstance(c, PushAvailability | PushRates)]

    def deliveries(self) -> list[DeliverReservation]:
        """What was handed to the PMS, in order."""
        return [command for _, command in self.sent if isinstance(command, DeliverReservation)]


def _name(setting: Setting) -> str:
    return f"price{setting.guests}" if setting.field is Field.PRICE else setting.field.value


# --- the hotel --------------------------------------------------------------------------------------------------------


def channel(name: str, profile: str = "plain", **more: object) -> Connection:
    """A channel that sells everything: its rooms are r1 and r2, its plans are ours in lower case."""
    given: dict[str, object] = {"products": PRODUCTS, "days_ahead": HORIZON, **more}
    return Connection(name, "plain", profile, Role.CHANNEL, name.upper(), url=name, **given)  # type: ignore[arg-type]


def pms(name: str = "pms", **more: object) -> Connection:
    """The PMS calls the rooms pDBL and pFAM, and the plans as we do."""
    products = tuple(Product(room.code, plan.code, f"p{room.code}", plan.code) for room in ROOMS for plan in PLANS)
    given: dict[str, object] = {"products": products, "figure_delay_s": FIGURE_DELAY_S, "url": name, **more}
    return Connection(name, "plain", "plain", Role.PMS, "P", **given)  # type: ignore[arg-type]


PRODUCTS = tuple(
    Product(room, plan.code, their_room, plan.code.lower())
    for room, their_room in (("DBL", "r1"), ("FAM", "r2"))
    for plan in PLANS
)


def hotel(*connections: Connection, scope_id: str = "h", **more: object) -> Property:
    """With a PMS and one channel ``ota``, unless others are given."""
    chosen = connections or (pms(), channel("ota"))
    return Property(scope_id, "Hotel", "EUR", "UTC", ROOMS, PLANS, chosen, **more)  # type: ignore[arg-type]


@cache
def _secrets() -> tuple[Credentials, Credentials]:
    """Made once, because a digest is slow on purpose."""
    return Credentials("them", VAULT.digest("in")), Credentials("us", VAULT.seal("out"))


def sealed(prop: Property) -> Property:
    """With the passwords ``in`` and ``out`` on every connection."""
    inbound, outbound = _secrets()
    return msgspec.structs.replace(
        prop,
        connections=tuple(msgspec.structs.replace(c, inbound=inbound, outbound=outbound) for c in prop.connections),
    )


class House:
    """The flows over one database, as one process wires them, without the loops that run by themselves."""

    def __init__(self, database: Database) -> None:
        self.clock = JumpClock(day_start_ms(TODAY, "UTC") + 9 * 3_600_000)
        self.wire = Wire()
        hotels = Hotels()
        random = Random(1)
        self.services = Services(
            database=database,
            batcher=Batcher(database, hotels, self.clock, self._changed),
            hotels=hotels,
            directory=Directory(database, hotels, self.clock.now_ms),
            connectors=Only(PlainConnector()),
            vault=VAULT,
            caller=self.wire,
            clock=self.clock,
            ids=Ids(self.clock.now_ms, random),
            random=random,
        )
        self.pusher = Pusher(self.services)
        self.deliverer = Deliverer(self.services)
        self.changed: set[str] = set()

    def start(self) -> None:
        self.services.batcher.start()

    async def stop(self) -> None:
        await self.pusher.errands.idle()
        await self.deliverer.errands.idle()
        await self.services.batcher.stop()

    def _changed(self, scope_ids: set[str]) -> None:
        self.changed |= scope_ids
        self.pusher.changed(scope_ids)

    # --- what happens -----------------------------------------------------------------------------------------------

    async def apply(self, prop: Property) -> int:
        """Configure it as it is given, with known passwords."""
        return await apply_hotel(self.services, sealed(prop), "test")

    async def apply_file(self, prop: Property, secrets: dict[tuple[str, Side], str]) -> list[str]:
        """What the command does: plan, then apply; the lines of the plan."""
        planned, changes = await plan_hotel(self.services, HotelFile(prop, secrets))
        if changes:
            await apply_hotel(self.services, planned, "test")
        return [str(change.line) for change in changes]

    async def post(self, connection: str, *events: Event | Query, password: str = "in") -> Reply:
        head = Head("POST", f"/plain/{connection}", {"password": password})
        return await receive(self.services, "plain", connection, head, [msgspec.json.encode(events)])

    async def ari(self, *updates: AriUpdate, connection: str = "pms", token: str = "", hotel: str = "P") -> Reply:
        return await self.post(connection, AriReceived(hotel, updates, token))

    async def say(self, revision: Revision, connection: str = "ota") -> str:
        """The channel posts the revision; our number for it."""
        reply = await self.post(connection, ReservationReceived(connection.upper(), revision))
        assert reply.status == 200, reply.body
        (number,) = msgspec.json.decode(reply.body, type=list[str])
        return number

    async def open_for_sale(self, figure: int = 3, price: int = 10_000) -> None:
        """Figures and prices over the whole horizon."""
        for room in ("pDBL", "pFAM"):
            reply = await self.ari(update(room, "", 0, HORIZON, figure=figure))
            assert reply.status == 200, reply.body
            for plan in ("BAR", "HB"):
                reply = await self.ari(update(room, plan, 0, HORIZON, price1=price, price2=price + 2_000))
                assert reply.status == 200, reply.body

    async def push(self) -> None:
        """One look at the property, until nothing is under way."""
        await self.pusher.round("h")
        await self.pusher.errands.idle()

    async def deliver(self) -> int | None:
        """One look at what is due, until nothing is under way; when the next will be."""
        next_ms = await self.deliverer.round()
        await self.deliverer.errands.idle()
        return next_ms

    # --- what is there ----------------------------------------------------------------------------------------------

    async def rows(self, row: type, condition: str = "scope_id = 'h'") -> list:  # type: ignore[type-arg]
        return await self.services.database.read(lambda tx: tx.rows(row, f"{condition} ORDER BY {_key(row)}"))

    async def ledger(self) -> dict[str, list[object]]:
        """Every table but the message log, and the codes that were met in messages."""
        apart = (MessageRow, TheirCodeRow)
        return {row.__name__: await self.rows(row, "1 = 1") for row in SPECS if row not in apart}

    async def outcomes(self) -> list[str]:
        """What became of the counterparts' messages, in order."""
        return [
            row.outcome for row in await self.rows(MessageRow, "scope_id = 'h' AND direction = 'in'") if row.connection
        ]

    async def reservation(self) -> ReservationRow:
        (found,) = await self.rows(ReservationRow)
        assert isinstance(found, ReservationRow)
        return found

    async def stock(self, room: str, first: int, last: int) -> list[tuple[int, int, int, int]]:
        """Figure, sold, unseen and held on each day."""
        bodies = {(row.room, row.block): row.body for row in await self.rows(StockRow)}
        return [_night(bodies.get((room, day // BLOCK_DAYS)), day) for day in _days(first, last)]

    async def sold(self, room: str, first: int = 0, last: int = HORIZON) -> dict[int, int]:
        """Units sold by day (from TODAY), where there are any."""
        nights = await self.stock(room, first, last)
        return {first + n: night[1] for n, night in enumerate(nights) if night[1]}

    async def free(self, room: str, day: int) -> int:
        """Rooms free by the rule of the property's figures."""
        found = await self.services.directory.hotel_of("pms")
        assert isinstance(found, Hotel)
        ((figure, sold, unseen, held),) = await self.stock(room, day, day)
        return free(found.figure_kind, figure, sold, unseen, held)

    async def cell(self, room: str, plan: str, day: int, field: str) -> int | list[int]:
        """One value of the calendar; prices by guests."""
        rows = await self.rows(CalendarRow)
        calendar = Calendar(4, [((row.room, row.plan, row.block), row.body) for row in rows], [])
        index = calendar.rows([(room, plan, (TODAY + day) // BLOCK_DAYS)])
        value: int | list[int] = calendar.sheet.columns[field][index[0], (TODAY + day) % BLOCK_DAYS].tolist()
        return value


def _key(row: type) -> str:
    return ", ".join(SPECS[row].key)


def _days(first: int, last: int) -> Iterator[Day]:
    return iter(range(TODAY + first, TODAY + last + 1))


def _night(body: bytes | None, day: Day) -> tuple[int, int, int, int]:
    row, slot = open_stock(body), day % BLOCK_DAYS
    return row[FIGURE + slot], row[SOLD + slot], row[UNSEEN + slot], row[HELD + slot]


# --- what is said -----------------------------------------------------------------------------------------------------


def update(
    room: str,
    plan: str,
    first: int,
    last: int,
    *,
    weekdays: int = ALL_WEEK,
    currency: str = "EUR",
    net: bool = False,
    record: str = "",
    **settings: int,
) -> AriUpdate:
    """Days count from TODAY; ``price2=12000`` is the price for two, other settings are named as their field."""
    return AriUpdate(
        room,
        plan,
        TODAY + first,
        TODAY + last,
        tuple(_setting(name, value) for name, value in settings.items()),
        weekdays=weekdays,
        currency=currency,
        net=net,
        record=record,
    )


def _setting(name: str, value: int) -> Setting:
    if name.startswith("price"):
        return Setting(Field.PRICE, value, int(name.removeprefix("price")))
    return Setting(Field(name), value)


def stay(first: int, last: int, room: str = "r1", plan: str = "bar", units: int = 1) -> RoomStay:
    """Nights from ``first`` to before ``last``, counted from TODAY."""
    return RoomStay(room, plan, TODAY + first, TODAY + last, units=units, adults=2)


def new(*stays: RoomStay, booking: str = "B1", version: int | None = 1, channel: str = "") -> Revision:
    return Revision(booking, RevisionKind.NEW, Content(stays=stays), channel=channel, version=version)


def modify(*stays: RoomStay, booking: str = "B1", version: int | None = 2) -> Revision:
    return Revision(booking, RevisionKind.MODIFY, Content(stays=stays), version=version)


def cancel(*stays: RoomStay, booking: str = "B1", version: int | None = 3) -> Revision:
    return Revision(booking, RevisionKind.CANCEL, Content(stays=stays), version=version)
