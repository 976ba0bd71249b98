"""Channels are told what they should hold: in few ranges, closings first, until every one of them holds it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import msgspec
import pytest

from gateway.flows.push_ari import REFUSED_RETRY_S, Pusher
from gateway.flows.push_exchange import TURN_MAX_S
from gateway.messages import PushRates
from gateway.model.ari import AriUpdate, Field
from gateway.model.property import Adjustment, Allotment, Connection
from gateway.store import pushing
from gateway.store.database import Database, Transaction
from gateway.store.tables import MessageRow
from gateway.store.tables_connections import ConnectionRow, ShadowRow, SyncErrorRow
from tests.flows.house import (
    HORIZON,
    TODAY,
    House,
    busy,
    cancel,
    channel,
    down,
    hotel,
    lost,
    new,
    pms,
    refusing,
    rejecting,
    stay,
    unanswered,
    update,
)

T = TypeVar("T")
SETTLE_S = 20.0  # the plain connector's
TIMEOUT_S = 5.0


def spans(updates: list[AriUpdate]) -> set[tuple[str, str, int, int]]:
    return {(one.room, one.plan, one.first - TODAY, one.last - TODAY) for one in updates}


def parts(house: House, url: str = "ota") -> list[AriUpdate]:
    """Every part that was pushed there."""
    return [part for command in house.wire.pushes(url) for part in command.updates]


async def open_channel(house: House, figure: int = 3) -> None:
    """For sale, and the channel knows everything."""
    await house.open_for_sale(figure)
    await house.push()
    house.wire.sent.clear()


def limit(house: House, day: int, room: str = "r1", url: str = "ota") -> int | None:
    return house.wire.held.get((url, room, "", TODAY + day, "figure"))


def price(house: House, day: int, plan: str = "bar", url: str = "ota") -> int | None:
    return house.wire.held.get((url, "r1", plan, TODAY + day, "price2"))


async def test_everything_is_said_once_in_the_fewest_ranges(house: House) -> None:
    """Three blocks of days, and one range each: six products and two rooms."""
    await house.apply(hotel(pms(), channel("ota", days_ahead=80)))
    for room in ("pDBL", "pFAM"):
        await house.ari(update(room, "", 0, 90, figure=3))
        for plan in ("BAR", "HB"):
            await house.ari(update(room, plan, 0, 90, price2=12_000))
    await house.push()
    figures = [part for part in parts(house) if any(s.field is Field.FIGURE for s in part.settings)]
    assert spans(figures) == {(room, "", 0, 79) for room in ("r1", "r2")}
    prices = [part for part in parts(house) if any(s.field is Field.PRICE for s in part.settings)]
    assert spans(prices) == {(room, plan, 0, 79) for room in ("r1", "r2") for plan in ("bar", "nr", "hb")}
    rules = [part for part in parts(house) if part not in figures and part not in prices]
    assert spans(rules) == {(room, plan, 0, 79) for room in ("r1", "r2") for plan in ("bar", "nr", "hb")}
    assert len(house.wire.sent) <= 3


async def test_what_a_channel_holds_is_what_was_set(house: House) -> None:
    await house.apply(
        hotel(pms(), channel("ota", markup=Adjustment(1_200, 0, 10), allotment=Allotment(cap=5, keep_back=1)))
    )
    await house.ari(update("pDBL", "", 0, 9, figure=9), update("pDBL", "", 10, HORIZON, figure=2))
    await house.ari(update("pDBL", "BAR", 0, HORIZON, price1=9_000, price2=12_345))
    await house.ari(update("pDBL", "BAR", 3, 4, closed=1, min_arrival=2))
    await house.push()
    assert [limit(house, day) for day in (0, 9, 10)] == [5, 5, 1]
    assert price(house, 0) == 13_830  # 138.264 to the next 0.10
    assert price(house, 0, "nr") == 12_440  # 111.11 (of 111.105), then 124.4432
    held = house.wire.held
    assert [held["ota", "r1", "bar", TODAY + day, "closed"] for day in (2, 3, 4, 5)] == [0, 1, 1, 0]
    assert [held["ota", "r1", "bar", TODAY + day, "min_arrival"] for day in (2, 3, 4, 5)] == [0, 2, 2, 0]
    assert held["ota", "r1", "hb", TODAY, "closed"] == 1  # nobody has given it a price


async def test_a_change_is_said_for_its_days_only(house: House) -> None:
    await open_channel(house)
    await house.ari(update("pDBL", "BAR", 3, 4, price1=8_000, price2=9_000))
    await house.push()
    assert spans(parts(house)) == {("r1", "bar", 3, 4), ("r1", "nr", 3, 4)}
    assert [type(command) for command in house.wire.pushes("ota")] == [PushRates]
    assert (price(house, 3), price(house, 3, "nr"), price(house, 5)) == (9_000, 8_100, 12_000)


async def test_where_nothing_has_changed_nothing_is_said(house: House) -> None:
    await open_channel(house)
    for _ in range(3):
        await house.push()
    await house.ari(update("pDBL", "BAR", 3, 4, price2=12_000))
    await house.push()
    assert house.wire.sent == []


async def test_a_booking_leaves_every_channel(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel(pms(), channel("ota"), channel("ota2")))
    await open_channel(house)
    await house.say(new(stay(2, 4)))
    await house.push()
    for url in ("ota", "ota2"):
        assert [limit(house, day, url=url) for day in (1, 2, 3, 4)] == [3, 2, 2, 3]
        assert spans(parts(house, url)) == {("r1", "", 2, 3)}
    await house.say(cancel())
    await house.push()
    assert [limit(house, day) for day in (1, 2, 3, 4)] == [3, 3, 3, 3]


async def test_a_channel_that_counts_by_itself_is_told_after_its_own_sale(empty_house: House) -> None:
    """Its own count has moved, and it is set right even where ours has come back to what it was."""
    house = empty_house
    await house.apply(hotel(pms(), channel("ota", "counting"), channel("ota2")))
    await open_channel(house)
    await house.say(new(stay(2, 4)))
    await house.say(cancel())
    await house.push()
    assert spans(parts(house, "ota")) == {("r1", "", 2, 3)}
    assert parts(house, "ota2") == []


# --- order ------------------------------------------------------------------------------------------------------------


async def test_closings_go_before_prices_and_prices_before_openings(house: House) -> None:
    await house.ari(update("pDBL", "BAR", 5, 6, closed=1))
    await open_channel(house)
    await house.ari(update("pDBL", "BAR", 0, 9, price1=8_000, price2=9_000))
    await house.ari(update("pDBL", "BAR", 5, 6, closed=0))
    await house.ari(update("pFAM", "", 2, 2, figure=0))
    await house.push()
    first, second, third = house.wire.pushes("ota")
    assert spans(list(first.updates)) == {("r2", "", 2, 2)}
    assert isinstance(second, PushRates)
    assert spans(list(third.updates)) == {("r1", "bar", 5, 6), ("r1", "nr", 5, 6)}


@pytest.fixture
async def beside(house: House, database: Database) -> AsyncIterator[House]:
    """The same hotel in a process beside, which takes messages and pushes nothing."""
    beside = House(database)
    beside.start()
    yield beside
    await beside.stop()


@pytest.mark.parametrize("process", ["this one", "one beside"])
async def test_what_changes_between_two_messages_is_planned_anew(house: House, beside: House, process: str) -> None:
    """The second message of a sequence is never sent with values of yesterday, whoever has changed them."""
    await open_channel(house)
    await house.ari(update("pDBL", "", 2, 2, figure=1))
    await house.ari(update("pDBL", "BAR", 2, 2, price1=7_000, price2=8_000))

    async def change(_: str) -> None:
        house.wire.meanwhile = None
        told = house if process == "this one" else beside
        await told.ari(update("pDBL", "BAR", 2, 2, price1=6_000, price2=7_500))

    house.wire.meanwhile = change
    await house.push()
    said = [s.value for part in parts(house) for s in part.settings if s.field is Field.PRICE and s.guests == 2]
    assert 8_000 not in said
    assert (price(house, 2), limit(house, 2)) == (7_500, 1)


async def test_one_message_at_a_time_per_channel(house: House) -> None:
    await open_channel(house)
    under_way = 0

    async def look_again(_: str) -> None:
        nonlocal under_way
        under_way += 1
        assert under_way == 1
        await house.ari(update("pDBL", "", 2, 2, figure=len(house.wire.sent) % 2))
        await asyncio.gather(house.pusher.round("h"), house.pusher.round("h"))
        if len(house.wire.sent) >= 5:
            house.wire.meanwhile = None
        under_way -= 1

    house.wire.meanwhile = look_again
    await house.ari(update("pDBL", "", 2, 2, figure=2))
    await house.push()
    assert limit(house, 2) == 1


# --- what goes wrong --------------------------------------------------------------------------------------------------


async def connection(house: House, name: str = "ota") -> ConnectionRow:
    (row,) = await house.rows(ConnectionRow, f"connection = '{name}'")
    assert isinstance(row, ConnectionRow)
    return row


async def test_a_refused_part_is_kept_and_the_others_hold(house: House) -> None:
    await open_channel(house)
    house.wire.answers["ota"] = [refusing(0)]
    await house.ari(update("pDBL", "", 2, 2, figure=1))
    await house.push()
    (error,) = await house.rows(SyncErrorRow)
    assert (error.connection, error.aspect, error.room, error.plan) == ("ota", "limit", "r1", "")
    assert (error.first - TODAY, error.last - TODAY, error.text) == (2, 2, "not loaded")
    # It is neither sent again at once nor forgotten.
    await house.push()
    assert len(house.wire.sent) == 1
    house.clock.pass_s(REFUSED_RETRY_S)
    await house.push()
    assert limit(house, 2) == 1
    assert await house.rows(SyncErrorRow) == []
    assert (await house.rows(ShadowRow, "due_ms IS NOT NULL")) == []


async def test_a_refused_part_heals_with_its_next_value(house: House) -> None:
    await open_channel(house)
    house.wire.answers["ota"] = [refusing(0)]
    await house.ari(update("pDBL", "", 2, 2, figure=1))
    await house.push()
    await house.ari(update("pDBL", "", 2, 2, figure=2))
    await house.push()
    assert limit(house, 2) == 2
    assert await house.rows(SyncErrorRow) == []


async def test_refused_once_more(house: House) -> None:
    await open_channel(house)
    house.wire.answers["ota"] = [refusing(0), refusing(0)]
    await house.ari(update("pDBL", "", 2, 2, figure=1))
    await house.push()
    (first,) = await house.rows(SyncErrorRow)
    house.clock.pass_s(REFUSED_RETRY_S)
    await house.push()
    (second,) = await house.rows(SyncErrorRow)
    assert second.at_ms > first.at_ms
    assert len(house.wire.sent) == 2


async def test_a_whole_message_refused_is_kept_part_by_part(house: House) -> None:
    await open_channel(house)
    house.wire.answers["ota"] = [rejecting]
    await house.ari(update("pDBL", "BAR", 2, 2, price2=7_000))
    await house.push()
    errors = await house.rows(SyncErrorRow)
    assert {(error.aspect, error.plan, error.code) for error in errors} == {
        ("prices", "bar", "400"),
        ("prices", "nr", "400"),
    }
    assert (await connection(house)).failures == 1
    house.clock.pass_s(REFUSED_RETRY_S)
    await house.push()
    assert (await connection(house)).failures == 0
    assert price(house, 2) == 7_000
    assert await house.rows(SyncErrorRow) == []


async def test_a_channel_that_asks_for_time_gets_it(house: House) -> None:
    await open_channel(house)
    house.wire.answers["ota"] = [busy(60)]
    await house.ari(update("pDBL", "", 2, 2, figure=1))
    began_ms = house.clock.now_ms()
    await house.push()
    row = await connection(house)
    assert row.paused_until_ms >= began_ms + 60_000
    assert row.failures == 1
    # A closing in between does not break the promise.
    await house.ari(update("pDBL", "", 3, 3, figure=0))
    house.clock.pass_s(59)
    await house.push()
    assert len(house.wire.sent) == 1
    house.clock.pass_s(62)
    await house.push()
    assert (limit(house, 2), limit(house, 3)) == (1, 0)
    row = await connection(house)
    assert (row.failures, row.paused_until_ms, row.error) == (0, 0, "")


async def test_one_channel_that_is_down_holds_nobody_up(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel(pms(), channel("ota"), channel("ota2")))
    await open_channel(house)
    house.wire.answers["ota"] = [down] * 3
    for figure in (2, 1, 0):
        await house.ari(update("pDBL", "", 2, 2, figure=figure))
        await house.push()
        assert limit(house, 2, url="ota2") == figure
        house.clock.pass_s(120)
    assert limit(house, 2) == 3
    await house.push()
    assert limit(house, 2) == 0


@pytest.mark.parametrize("outcome", [lost, unanswered], ids=["lost", "unanswered"])
async def test_an_unknown_outcome_is_asserted_again_when_it_has_settled(house: House, outcome: object) -> None:
    await open_channel(house)
    house.wire.answers["ota"] = [outcome]  # type: ignore[list-item]
    await house.ari(update("pDBL", "", 2, 2, figure=1))
    await house.push()
    house.clock.pass_s(SETTLE_S - 1)
    await house.push()
    assert len(house.wire.sent) == 1
    house.clock.pass_s(TIMEOUT_S + 2)
    await house.push()
    assert len(house.wire.sent) == 2
    assert limit(house, 2) == 1
    house.clock.pass_s(3_600)
    await house.push()
    assert len(house.wire.sent) == 2


async def test_a_new_value_does_not_wait_for_doubt_and_is_said_twice(house: House) -> None:
    """At once, and again once the request that stayed unanswered can no longer land."""
    await open_channel(house)
    house.wire.answers["ota"] = [lost]
    await house.ari(update("pDBL", "", 2, 2, figure=1))
    await house.push()
    house.clock.pass_s(2)  # longer than the pause after one failure
    await house.ari(update("pDBL", "", 2, 2, figure=2))
    await house.push()
    assert limit(house, 2) == 2
    house.wire.held["ota", "r1", "", TODAY + 2, "figure"] = 1  # the lost request lands after all
    house.clock.pass_s(SETTLE_S + TIMEOUT_S)
    await house.push()
    assert limit(house, 2) == 2
    assert len(house.wire.sent) == 3


async def test_what_was_under_way_when_the_process_ended_is_asserted_again(house: House) -> None:
    await open_channel(house)
    on_its_way = asyncio.Event()

    async def hang(_: str) -> None:
        on_its_way.set()
        await asyncio.Event().wait()

    house.wire.meanwhile = hang
    await house.ari(update("pDBL", "", 2, 2, figure=1))
    await house.pusher.round("h")
    await on_its_way.wait()
    for task in asyncio.all_tasks():
        if task.get_name().startswith("push "):
            task.cancel()
    house.wire.meanwhile = None
    house.pusher = Pusher(house.services)
    await house.push()
    assert len(house.wire.sent) == 1  # it may still land
    house.clock.pass_s(TURN_MAX_S + SETTLE_S + TIMEOUT_S)
    await house.push()
    assert limit(house, 2) == 1


async def test_what_was_said_and_answered_is_kept(house: House) -> None:
    await house.open_for_sale()
    house.wire.answers["ota"] = [refusing(0)]
    await house.push()
    rows = await house.rows(MessageRow, "scope_id = 'h' AND direction = 'out'")
    assert [row.outcome for row in rows] == ["refused", *["confirmed"] * (len(rows) - 1)]
    assert {row.kind for row in rows} == {"PushAvailability", "PushRates"}
    assert all(row.raw and row.answer for row in rows)


# --- configuration and time -------------------------------------------------------------------------------------------


async def test_what_is_unmapped_is_closed_and_then_forgotten(house: House) -> None:
    await open_channel(house)
    products = tuple(product for product in hotel().connections[1].products if product.room == "DBL")
    await house.apply(hotel(pms(), channel("ota", products=products)))
    await house.push()
    assert [limit(house, day, "r2") for day in (0, HORIZON - 1)] == [0, 0]
    assert house.wire.held["ota", "r2", "bar", TODAY, "closed"] == 1
    assert limit(house, 0) == 3
    house.clock.pass_s(86_400)  # rows are cleared away when everything is looked at, which is once a day
    await house.push()
    assert await house.rows(ShadowRow, "room = 'r2' AND connection = 'ota'") == []


async def test_a_day_later_the_window_has_moved(house: House) -> None:
    await open_channel(house)
    await house.ari(update("pDBL", "", 0, HORIZON + 5, figure=3))
    await house.push()
    assert limit(house, HORIZON) is None
    house.clock.pass_s(86_400)
    await house.push()
    assert (limit(house, HORIZON), limit(house, HORIZON + 1)) == (3, None)


# --- what it costs ----------------------------------------------------------------------------------------------------


async def test_a_change_of_two_nights_reaches_three_channels_in_few_statements(empty_house: House) -> None:
    """From the PMS's message to the last confirmation, in every transaction it takes."""
    house = empty_house
    await house.apply(hotel(pms(), *(channel(name) for name in ("one", "two", "three"))))
    await open_channel(house)
    counter = house.services.database.counter
    before = counter.statements
    await house.ari(update("pDBL", "", 2, 3, figure=1))
    taken = counter.statements
    await house.push()
    print(
        f"\n{house.services.database.dialect}: {taken - before} for the message, {counter.statements - taken} to push"
    )
    assert [limit(house, 2, url=name) for name in ("one", "two", "three")] == [1, 1, 1]
    assert counter.statements - before <= 24


async def statements_of_a_batch(house: House, bookings: int) -> int:
    """What it takes to commit that many new bookings that arrive together."""
    counter = house.services.database.counter
    before, transactions = counter.statements, counter.transactions
    said = [new(stay(n % 20, n % 20 + 2), booking=f"{bookings}-{n}") for n in range(bookings)]
    await asyncio.gather(*(house.say(revision, "one") for revision in said))
    print(f"{bookings} bookings: {counter.statements - before} in {counter.transactions - transactions} transactions")
    return (counter.statements - before) // max(1, counter.transactions - transactions)


@pytest.mark.parametrize("channels", [1, 12])
async def test_a_batch_costs_the_same_whatever_is_in_it(empty_house: House, channels: int) -> None:
    house = empty_house
    names = ("one", *(f"c{n}" for n in range(channels - 1)))
    await house.apply(hotel(pms(), *(channel(name) for name in names)))
    await house.open_for_sale()
    await house.say(new(stay(0, 1), booking="warm"), "one")
    print(f"\n{house.services.database.dialect}, {channels} channels")
    for bookings in (1, 10, 100):
        assert await statements_of_a_batch(house, bookings) <= 12


async def test_the_poll_finds_nothing_in_a_quiet_house(house: House) -> None:
    """It runs every second over all hotels there are; the PMS's own row must not look like work for ever."""
    await open_channel(house)
    await house.deliver()
    found = await house.services.database.read(lambda tx: pushing.due(tx, house.clock.now_ms()))
    assert found == []


class Slow:
    """A database whose next read keeps its result back until it is let go."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.has_read = asyncio.Event()
        self.may_go = asyncio.Event()
        self.dialect = database.dialect

    async def read(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        found = await self._database.read(work)
        self.has_read.set()
        await self.may_go.wait()
        return found


async def test_a_plan_that_was_overtaken_is_not_sent(house: House) -> None:
    """Two rounds of one channel: the one that read first must not be the one that sends last."""
    await open_channel(house)
    await house.ari(update("pDBL", "", 2, 2, figure=1))
    slow = Slow(house.services.database)
    quick = house.pusher._services
    house.pusher._services = replace(quick, database=slow)  # type: ignore[arg-type]
    late = asyncio.create_task(house.pusher.round("h"))
    await slow.has_read.wait()
    house.pusher._services = quick
    await house.ari(update("pDBL", "", 2, 2, figure=2))
    await house.push()
    assert limit(house, 2) == 2
    slow.may_go.set()
    await late
    await house.pusher.errands.idle()
    await house.push()
    assert limit(house, 2) == 2
    values = [s.value for part in parts(house) for s in part.settings]
    assert values == [2]


async def test_a_plan_that_was_overtaken_does_not_lose_a_pause(house: House) -> None:
    await open_channel(house)
    slow = Slow(house.services.database)
    quick = house.pusher._services
    house.pusher._services = replace(quick, database=slow)  # type: ignore[arg-type]
    late = asyncio.create_task(house.pusher.round("h"))
    await slow.has_read.wait()
    house.pusher._services = quick
    house.wire.answers["ota"] = [busy(60)]
    await house.ari(update("pDBL", "", 2, 2, figure=1))
    await house.push()
    before = await connection(house)
    slow.may_go.set()
    await late
    assert (await connection(house)).paused_until_ms == before.paused_until_ms


async def test_an_account_that_changes_during_a_message_is_told_everything(house: House) -> None:
    """The sequence under way writes down how far it has come, and must not write over that nobody knows the new one."""
    await open_channel(house)

    async def move(url: str) -> None:
        house.wire.meanwhile = None
        await house.apply(hotel(pms(), replaced("ota", url="elsewhere")))

    house.wire.meanwhile = move
    await house.ari(update("pDBL", "", 3, 3, figure=1))
    await house.push()
    await house.push()
    told = house.wire.held
    days = range(HORIZON)
    assert [told.get(("elsewhere", "r1", "", TODAY + day, "figure")) for day in days] == [
        1 if d == 3 else 3 for d in days
    ]


def replaced(name: str, **changes: object) -> Connection:
    return msgspec.structs.replace(channel(name), **changes)


# --- prices that are taken away --------------------------------------------------------------------------------------


def held(house: House, field: str, day: int = 2, room: str = "r1", url: str = "ota") -> int | None:
    return house.wire.held.get((url, room, "bar", TODAY + day, field))


@pytest.mark.parametrize(("profile", "price"), [("plain", "price2"), ("room-price", "price0")])
async def test_an_occupancy_that_lost_its_price_is_not_sold_at_the_old_one(
    empty_house: House, profile: str, price: str
) -> None:
    """A channel merges prices: it goes on holding the one for two. And the one for one is not the room's."""
    house = empty_house
    await house.apply(hotel(pms(), channel("ota", profile)))
    await open_channel(house)
    assert (held(house, price), held(house, "closed")) == (12_000, 0)
    await house.ari(update("pDBL", "BAR", 2, 2, price1=9_500))
    await house.ari(update("pDBL", "BAR", 2, 2, price2=0))
    await house.push()
    assert (held(house, price), held(house, "closed")) == (12_000, 1)
    assert [held(house, "closed", day) for day in (1, 3)] == [0, 0]
    # It is open again with a price of its own.
    await house.ari(update("pDBL", "BAR", 2, 2, price2=13_000))
    await house.push()
    assert (held(house, price), held(house, "closed")) == (13_000, 0)


async def test_a_higher_occupancys_price_stands_for_one_that_lost_its_own(house: House) -> None:
    await open_channel(house)
    await house.ari(update("pDBL", "BAR", 2, 2, price1=0))
    await house.push()
    assert (held(house, "price1"), held(house, "closed")) == (12_000, 0)


async def test_a_plan_that_never_had_a_price_for_two_is_sold_to_one(house: House) -> None:
    """Also where a message takes away everything before it sets the one price, as a whole rate plan does."""
    await house.ari(update("pDBL", "", 0, 4, figure=3))
    await house.ari(update("pDBL", "BAR", 0, 4, price1=9_000))
    await house.ari(update("pDBL", "BAR", 0, 4, price0=0), update("pDBL", "BAR", 0, 4, price1=9_100))
    await house.push()
    assert (held(house, "price1"), held(house, "price2"), held(house, "closed")) == (9_100, None, 0)
