"""One counterpart account has one pace, whatever it is called for and whoever calls it."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import msgspec
import pytest

from gateway.contract import Capabilities, Reply
from gateway.flows.fetch import Fetcher
from gateway.messages import Command, PushAvailability, RetrieveReservations
from gateway.store.tables import DeliveryRow
from tests.flows.house import Answer, House, channel, confirmed, down, hotel, new, pms, stay, update
from tests.simulation.plain import PlainConnector, PlainPage

PER_MINUTE_MAX = 10
APART_MS = 6_000


@pytest.fixture
async def asking(empty_house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A channel that is told everything it needs, and waits to be asked."""
    whole = PlainConnector.capabilities

    def slow(self: PlainConnector, profile: str) -> Capabilities:
        return msgspec.structs.replace(whole(self, profile), per_minute_max=PER_MINUTE_MAX)

    monkeypatch.setattr(PlainConnector, "capabilities", slow)
    house = empty_house
    await house.apply(hotel(pms(), channel("ota", "asked")))
    await house.open_for_sale()
    await house.push()
    house.wire.sent.clear()
    return house


def nothing_there() -> Answer:
    return lambda apply: Reply(200, {}, msgspec.json.encode(PlainPage([], False)))


def said(house: House) -> list[type[Command]]:
    return [type(command) for to, command in house.wire.sent if to == "ota"]


async def go_on() -> None:
    """Lets every task come to where it waits for a call."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_push_waits_for_the_end_of_a_fetch(asking: House) -> None:
    on_its_way, answered = asyncio.Event(), asyncio.Event()

    async def hang(_: str) -> None:
        on_its_way.set()
        await answered.wait()

    asking.wire.meanwhile, asking.wire.answers["ota"] = hang, [nothing_there()]
    fetcher = Fetcher(asking.services)
    await fetcher.round()
    await on_its_way.wait()
    await asking.ari(update("pDBL", "", 2, 2, figure=1))
    await asking.pusher.round("h")
    await go_on()
    meanwhile = said(asking)
    answered.set()
    await fetcher.errands.idle()
    await asking.pusher.errands.idle()
    assert meanwhile == [RetrieveReservations]
    assert said(asking) == [RetrieveReservations, PushAvailability]


async def test_a_delivery_waits_for_the_end_of_any_other_call(empty_house: House) -> None:
    house = empty_house
    await house.apply(hotel())
    await house.say(new(stay(2, 3)))
    async with house.services.pace("pms", PlainConnector().capabilities("plain")).turn():
        await house.deliverer.round()
        while [row.state for row in await house.rows(DeliveryRow)] == ["pending"]:
            await asyncio.sleep(0)
        await go_on()
        assert house.wire.deliveries() == []
    await house.deliverer.errands.idle()
    assert len(house.wire.deliveries()) == 1


async def test_all_calls_together_keep_to_what_a_minute_allows(asking: House) -> None:
    begun: list[int] = []

    async def note(url: str) -> None:
        if url == "ota":
            begun.append(asking.clock.now_ms())

    asking.wire.meanwhile, asking.wire.answers["ota"] = note, [nothing_there()]
    fetcher = Fetcher(asking.services)
    await fetcher.round()
    await fetcher.errands.idle()
    await asking.ari(update("pDBL", "", 2, 2, figure=1), update("pDBL", "BAR", 5, 5, price1=9_000))
    await asking.push()
    assert len(begun) == 3
    assert all(later - earlier >= APART_MS for earlier, later in pairwise(begun))


async def test_a_push_does_not_wait_for_all_tries_of_a_fetch(asking: House) -> None:
    async def push(_: str) -> None:
        asking.wire.meanwhile = None
        await asking.ari(update("pDBL", "", 2, 2, figure=0))
        await asking.pusher.round("h")
        await go_on()

    asking.wire.meanwhile, asking.wire.answers["ota"] = push, [down, confirmed, nothing_there()]
    fetcher = Fetcher(asking.services)
    await fetcher.round()
    await fetcher.errands.idle()
    await asking.pusher.errands.idle()
    assert said(asking) == [RetrieveReservations, PushAvailability, RetrieveReservations]
