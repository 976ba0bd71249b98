"""Counterparts that are told what rooms and plans are called: once for each change, until they confirm it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.flows.describe import Describer
from gateway.flows.desk import connections
from gateway.messages import Described, PushContent
from gateway.model.property import Product, RatePlan, RoomType
from gateway.store.tables import MessageRow
from gateway.store.tables_connections import ContentRow
from tests.flows.house import ROOMS, House, channel, down, hotel, lost, pms, rejecting, unanswered

NAMED = channel("ota", "named")


@pytest.fixture
async def named(house: House) -> House:
    await house.apply(hotel(pms(), NAMED))
    return house


async def tell(house: House) -> list[PushContent]:
    """A round; what was told in it."""
    before = len(house.wire.sent)
    describer = Describer(house.services)
    await describer.round()
    await describer.errands.idle()
    return [c for _, c in house.wire.sent[before:] if isinstance(c, PushContent)]


async def renamed(house: House, name: str, **more: object) -> None:
    rooms = (replace(ROOMS[0], name=name), *ROOMS[1:])
    await house.apply(replace(hotel(pms(), channel("ota", "named", **more)), room_types=rooms))


async def line(house: House) -> connections.ConnectionLine:
    return next(c for c in (await connections.state(house.services, "h")).connections if c.id == "ota")


async def test_rooms_and_plans_are_told_under_their_codes_with_our_names(named: House) -> None:
    (told,) = await tell(named)
    assert told.rooms == (Described("r1", "Double"), Described("r2", "Family"))
    assert told.plans == (
        Described("bar", "Best available"),
        Described("nr", "Non-refundable"),
        Described("hb", "Half board"),
    )
    (logged,) = await named.rows(MessageRow, "scope_id = 'h' AND kind = 'PushContent'")
    assert isinstance(logged, MessageRow)
    assert (logged.connection, logged.direction, logged.outcome) == ("ota", "out", "confirmed")


async def test_they_are_told_once(named: House) -> None:
    assert len(await tell(named)) == 1
    named.services.clock.pass_s(86_400)  # type: ignore[attr-defined]
    assert await tell(named) == []


async def test_they_are_told_again_when_a_name_changes_and_not_for_another_change(named: House) -> None:
    await tell(named)
    await renamed(named, ROOMS[0].name, days_ahead=20)
    assert await tell(named) == []
    await renamed(named, "Garden view")
    assert [each.rooms[0] for each in await tell(named)] == [Described("r1", "Garden view")]


async def test_an_account_somewhere_else_is_told_everything(named: House) -> None:
    await tell(named)
    await named.apply(hotel(pms(), replace(NAMED, hotel="ELSEWHERE")))
    assert len(await tell(named)) == 1


@pytest.mark.parametrize("answer", [rejecting, lost, unanswered])
async def test_what_was_not_confirmed_is_told_again_later(named: House, answer: object) -> None:
    named.wire.answers["ota"] = [answer] * 3  # type: ignore[list-item]
    await tell(named)
    stands = await line(named)
    assert stands.content_pending
    assert stands.content_error
    assert await tell(named) == []
    named.wire.answers.clear()
    named.services.clock.pass_s(60)  # type: ignore[attr-defined]
    assert len(await tell(named)) == 1
    stands = await line(named)
    assert (stands.content_pending, stands.content_error) == (False, "")
    assert stands.content_ms == named.services.clock.now_ms()


async def test_one_that_is_away_is_left_alone_for_longer_and_longer(named: House) -> None:
    waits = []
    for _ in range(12):
        named.wire.answers["ota"] = [down] * 3
        await tell(named)
        (row,) = await named.rows(ContentRow)
        assert isinstance(row, ContentRow)
        assert row.due_ms is not None
        wait_s = (row.due_ms - named.services.clock.now_ms()) / 1000
        waits.append(wait_s)
        named.services.clock.pass_s(wait_s)  # type: ignore[attr-defined]
    assert waits[0] <= 30
    assert 60 < waits[-1] <= 3600


async def test_a_change_during_the_call_is_told_after_it(named: House) -> None:
    async def meanwhile(url: str) -> None:
        named.wire.meanwhile = None
        await renamed(named, "Garden view")

    named.wire.meanwhile = meanwhile
    assert [each.rooms[0].name for each in await tell(named)] == ["Double"]
    assert (await line(named)).content_pending
    assert [each.rooms[0].name for each in await tell(named)] == ["Garden view"]
    assert not (await line(named)).content_pending


async def test_one_taken_out_during_the_call_has_no_row_afterwards(named: House) -> None:
    async def meanwhile(url: str) -> None:
        named.wire.meanwhile = None
        await named.apply(hotel(pms(), replace(NAMED, enabled=False)))

    named.wire.meanwhile = meanwhile
    await tell(named)
    assert await named.rows(ContentRow) == []


async def test_one_that_is_enabled_again_is_told_again(named: House) -> None:
    await tell(named)
    await named.apply(hotel(pms(), replace(NAMED, enabled=False)))
    assert await tell(named) == []
    await named.apply(hotel(pms(), NAMED))
    assert len(await tell(named)) == 1


async def test_whoever_is_sent_everything_again_is_told_again(named: House) -> None:
    await tell(named)
    await connections.full_sync(named.services, "h", "ota", "anna")
    assert len(await tell(named)) == 1
    await connections.pause(named.services, "h", "ota", "anna", paused=True)
    assert await tell(named) == []


async def test_dialects_without_it_are_told_nothing(house: House) -> None:
    await house.apply(hotel(pms(), channel("ota")))
    assert await tell(house) == []
    assert await house.rows(ContentRow) == []


async def test_one_code_for_several_rooms_has_one_name(house: House) -> None:
    products = (Product("DBL", "BAR", "r", "p"), Product("FAM", "BAR", "r", "p"), Product("DBL", "", "r3", ""))
    await house.apply(
        replace(
            hotel(pms(products=()), channel("ota", "named", products=products)),
            room_types=(RoomType("DBL", "Double", 3), RoomType("FAM", "Family", 2)),
            rate_plans=(RatePlan("BAR", "Best"),),
        )
    )
    (told,) = await tell(house)
    assert told.rooms == (Described("r", "Double"), Described("r3", "Double"))
    assert told.plans == (Described("p", "Best"),)
