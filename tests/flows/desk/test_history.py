"""Who set what, and what a channel held at some instant."""

from __future__ import annotations

from gateway.flows.desk import calendar, history
from tests.flows.house import TODAY, House, lost, refusing, unanswered, update

DAY = TODAY + 5


async def values(house: House, at_ms: int | None = None) -> dict[tuple[str, str, str, int], history.HeldValue]:
    found = await history.held(house.services, "h", "ota", DAY, house.clock.now_ms() if at_ms is None else at_ms)
    assert found.complete
    return {(each.room, each.plan, each.field, each.guests): each for each in found.values}


PRICE = ("r1", "bar", "price", 2)


async def set_price(house: House, price: int) -> None:
    part = update("DBL", "BAR", 0, 9, currency="", price2=price)
    await calendar.change(house.services, "h", [part], "person:ada")


async def test_every_change_of_a_day_names_who_made_it(house: House) -> None:
    await house.ari(update("pDBL", "BAR", 0, 9, price2=9_000))
    await set_price(house, 9_500)
    await house.ari(update("pFAM", "BAR", 0, 9, price2=9_000))
    await calendar.change(house.services, "h", [update("DBL", "BAR", 6, 9, currency="", price2=1)], "person:bob")
    page = await history.changes(house.services, "h", DAY, room="DBL", plan="BAR")
    assert [(each.author, each.connection, each.field, each.guests, each.value) for each in page.items] == [
        ("person:ada", "", "price", 2, 9_500),
        ("connection:pms", "pms", "price", 2, 9_000),
    ]
    assert (page.items[0].first, page.items[0].last, page.next) == (TODAY, TODAY + 9, "")
    everything = await history.changes(house.services, "h", DAY)
    assert [each.room for each in everything.items] == ["FAM", "DBL", "DBL"]


async def test_what_repeats_a_value_is_no_change(house: House) -> None:
    for _ in range(2):
        await set_price(house, 9_500)
    assert len((await history.changes(house.services, "h", DAY)).items) == 1


async def test_figures_have_their_history_too(house: House) -> None:
    await house.ari(update("pDBL", "", 0, 9, figure=3, closed=1))
    page = await history.changes(house.services, "h", DAY)
    assert {(each.field, each.value) for each in page.items} == {("figure", 3), ("closed", 1)}


async def test_only_the_last_word_of_a_message_counts_and_weekdays_do(house: House) -> None:
    weekday = (DAY - 1) % 7
    parts = [
        update("DBL", "BAR", 0, 9, currency="", price2=1_000),
        update("DBL", "BAR", 0, 9, currency="", price2=2_000),
        update("DBL", "BAR", 0, 9, currency="", weekdays=0b1111111 & ~(1 << weekday), price2=3_000),
    ]
    await calendar.change(house.services, "h", parts, "x")
    page = await history.changes(house.services, "h", DAY)
    assert [each.value for each in page.items] == [2_000]
    assert (await house.cell("DBL", "BAR", 5, "price"))[1] == 2_000  # type: ignore[index]


async def test_pages_of_changes_follow_one_another(house: House) -> None:
    for price in range(1, 8):
        await set_price(house, price)
    seen, cursor = [], ""
    for _ in range(4):
        page = await history.changes(house.services, "h", DAY, cursor=cursor, limit=2)
        seen += [each.value for each in page.items]
        cursor = page.next
        if not cursor:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]


async def test_what_a_channel_held_at_an_instant(house: House) -> None:
    await house.open_for_sale(price=8_000)
    await house.push()
    first_ms = house.clock.now_ms()
    house.clock.pass_s(60)
    await set_price(house, 12_000)
    await house.push()
    assert (await values(house, first_ms))[PRICE].value == 10_000
    now = (await values(house))[PRICE]
    assert (now.value, now.certain, now.since_ms > first_ms) == (12_000, True, True)
    assert (await values(house, first_ms - 3_600_000)) == {}
    assert ("r1", "", "figure", 0) in await values(house)


async def test_a_value_that_is_said_again_is_held_since_the_first_time(house: House) -> None:
    prices = [10_000, 9_000, 10_000]
    for price in prices:
        await house.open_for_sale(price=price - 2_000)
        await house.push()
        house.clock.pass_s(60)
    last_ms = (await values(house))[PRICE].since_ms
    assert house.clock.now_ms() - last_ms < 61_000


async def test_what_was_refused_is_not_held(house: House) -> None:
    await house.open_for_sale(price=8_000)
    await house.push()
    house.wire.answers["ota"] = [refusing(0)]
    await set_price(house, 12_000)
    await house.push()
    assert (await values(house))[PRICE].value == 10_000


async def test_what_nobody_answered_may_be_held(house: House) -> None:
    await house.open_for_sale(price=8_000)
    await house.push()
    for answer in (lost, unanswered):
        house.wire.answers["ota"] = [answer]
        await set_price(house, 12_000)
        await house.push()
        found = (await values(house))[PRICE]
        assert (found.value, found.certain, found.before) == (12_000, False, 10_000)
