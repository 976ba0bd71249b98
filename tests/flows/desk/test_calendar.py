"""The calendar as people see it and change it."""

from __future__ import annotations

import msgspec
import pytest

from gateway.errors import Malformed, NotFound, Refusal, Stale
from gateway.flows.desk import calendar
from gateway.model.ari import AriUpdate
from gateway.store.tables import JournalRow, MessageRow
from tests.flows.house import TODAY, House, channel, hotel, new, pms, stay, update


def ours(room: str, plan: str, first: int, last: int, **settings: int) -> AriUpdate:
    """In our codes, without saying a currency."""
    return msgspec.structs.replace(update(room, plan, first, last, **settings), currency="")  # type: ignore[arg-type]


async def grid(house: House, first: int = 0, last: int = 0) -> calendar.Grid:
    return await calendar.read(house.services, "h", TODAY + first, TODAY + last)


def product(shown: calendar.Grid, room: str, plan: str) -> calendar.ProductGrid:
    (found,) = [known for known in shown.rooms if known.room == room]
    return next(known for known in found.products if known.plan == plan)


async def test_the_grid_says_what_is_left_and_what_is_on_its_way(house: House) -> None:
    await house.open_for_sale(figure=3)
    await house.say(new(stay(0, 2)))
    shown = await grid(house, 0, 2)
    days = shown.rooms[0].days
    assert [(day.figure, day.sold, day.on_its_way, day.free) for day in days] == [
        (3, 1, 1, 2),
        (3, 1, 1, 2),
        (3, 0, 0, 3),
    ]
    assert (shown.figures_from, shown.currency, shown.rooms[0].units) == ("pms", "EUR", 3)


async def test_a_grid_over_several_blocks_is_in_order(house: House) -> None:
    await calendar.change(
        house.services, "h", [ours("DBL", "BAR", n, n, price2=100 + n) for n in range(70)], "person:ada"
    )
    shown = await grid(house, 3, 69)
    assert [day.prices[1] for day in product(shown, "DBL", "BAR").days] == list(range(103, 170))
    assert [day.day for day in shown.rooms[0].days] == list(range(TODAY + 3, TODAY + 70))


async def test_derived_prices_are_worked_out_and_rules_add_up(house: House) -> None:
    await house.ari(update("pDBL", "BAR", 0, 0, price2=10_000, min_through=2))
    await calendar.change(house.services, "h", [ours("DBL", "", 0, 0, cta=1), ours("", "", 0, 0, max_through=9)], "x")
    day = product(await grid(house), "DBL", "NR").days[0]
    assert day.prices == (9_000, 9_000)
    assert day.own == calendar.Rules()
    assert (day.effective.cta, day.effective.min_through, day.effective.max_through) == (True, 2, 9)
    assert product(await grid(house), "DBL", "NR").derived


async def test_only_what_is_asked_for(house: House) -> None:
    shown = await calendar.read(house.services, "h", TODAY, TODAY, rooms=["FAM"], plans=["HB"])
    assert [[known.plan for known in room.products] for room in shown.rooms] == [["HB"]]
    for codes in ({"rooms": ["XXX"]}, {"plans": ["XXX"]}):
        with pytest.raises(NotFound, match="XXX"):
            await calendar.read(house.services, "h", TODAY, TODAY, **codes)
    with pytest.raises(NotFound):
        await calendar.read(house.services, "nobody", TODAY, TODAY)
    for last in (TODAY - 1, TODAY + 400):
        with pytest.raises(Malformed):
            await calendar.read(house.services, "h", TODAY, last)


async def test_a_grid_costs_as_many_statements_as_tables(house: House) -> None:
    await house.open_for_sale()
    counter = house.services.database.counter
    before = counter.statements
    await grid(house, 0, 24)
    assert counter.statements - before <= 4


# --- changing ---------------------------------------------------------------------------------------------------------


async def test_a_change_is_durable_and_names_its_author(house: House) -> None:
    saved = await calendar.change(house.services, "h", [ours("DBL", "BAR", 0, 1, price2=9_900)], "person:ada")
    assert saved.outcome == "applied"
    assert product(await grid(house), "DBL", "BAR").days[0].prices == (9_900, 9_900)
    (message,) = await house.rows(MessageRow, "kind = 'calendar'")
    assert (message.author, message.message_id, message.rev) == ("person:ada", saved.message_id, saved.rev)
    assert b'"2026-11-21"' in message.raw
    again = await calendar.change(house.services, "h", [ours("DBL", "BAR", 0, 1, price2=9_900)], "person:ada")
    assert (again.outcome, again.rev) == ("unchanged", saved.rev)
    assert {row.author for row in await house.rows(JournalRow, "ledger = ''")} == {"person:ada"}


async def test_a_plan_without_a_room_is_set_on_every_room(house: House) -> None:
    await calendar.change(house.services, "h", [ours("", "BAR", 0, 0, closed=1)], "x")
    shown = await grid(house)
    assert [product(shown, room, "BAR").days[0].own.closed for room in ("DBL", "FAM")] == [True, True]


async def test_a_change_reaches_the_channels(house: House) -> None:
    await house.open_for_sale()
    await house.push()
    await calendar.change(house.services, "h", [ours("DBL", "BAR", 5, 6, price2=7_700)], "x")
    await house.push()
    assert house.wire.held["ota", "r1", "bar", TODAY + 5, "price2"] == 7_700


REFUSED = {
    "unknown room": ours("XXX", "", 0, 0, closed=1),
    "unknown plan": ours("DBL", "XXX", 0, 0, closed=1),
    "derived price": ours("DBL", "NR", 0, 0, price2=1),
    "figure of the pms": ours("DBL", "", 0, 0, figure=1),
    "foreign currency": update("DBL", "BAR", 0, 0, currency="USD", price2=1),
    "too many guests": ours("DBL", "BAR", 0, 0, price9=1),
    "nothing set": ours("DBL", "BAR", 0, 0),
    "end before start": ours("DBL", "", 3, 2, closed=1),
}


async def test_a_change_with_a_fault_changes_nothing(house: House) -> None:
    before = await house.ledger()
    for fault, part in REFUSED.items():
        parts = [ours("DBL", "BAR", 0, 0, price2=5_500), part]
        with pytest.raises(Refusal):
            await calendar.change(house.services, "h", parts, "x")
        with pytest.raises(Refusal):
            await calendar.preview(house.services, "h", parts)
        assert await house.ledger() == before, fault


async def test_a_change_of_what_was_changed_meanwhile_is_stale(house: House) -> None:
    part = ours("DBL", "BAR", 0, 0, price2=5_500)
    saved = await calendar.change(house.services, "h", [part], "x")
    with pytest.raises(Stale):
        await calendar.change(house.services, "h", [part], "x", expected=saved.rev - 1)
    await calendar.change(house.services, "h", [part], "x", expected=saved.rev)


async def test_figures_where_no_pms_sets_them(empty_house: House) -> None:
    await empty_house.apply(hotel(channel("ota")))
    await calendar.change(empty_house.services, "h", [ours("DBL", "", 0, 2, figure=2)], "x")
    assert [day.free for day in (await grid(empty_house, 0, 3)).rooms[0].days] == [2, 2, 2, None]


async def test_figures_by_choice_where_a_pms_sets_them(house: House) -> None:
    """A person reads the number off the PMS: it may or may not contain the booking on its way."""
    await house.open_for_sale(figure=3)
    await house.say(new(stay(0, 1)))
    await calendar.change(house.services, "h", [ours("DBL", "", 0, 0, figure=2)], "x", over_pms=True)
    day = (await grid(house)).rooms[0].days[0]
    assert (day.figure, day.on_its_way, day.free) == (2, 1, 1)


# --- preview ----------------------------------------------------------------------------------------------------------


async def test_a_preview_shows_each_channel_its_own_words_and_does_nothing(empty_house: House) -> None:
    await empty_house.apply(hotel(pms(), channel("ota"), channel("usd", currency="USD", rate_ppm=2_000_000)))
    await empty_house.open_for_sale(price=8_000)
    before = await empty_house.ledger()
    shown = await calendar.preview(
        empty_house.services, "h", [ours("DBL", "BAR", 3, 5, price2=12_000, closed=1), ours("FAM", "", 40, 41, cta=1)]
    )
    assert await empty_house.ledger() == before
    prices = [change for change in shown.changes if change.field == "price"]
    assert [(c.room, c.plan, c.first - TODAY, c.last - TODAY, c.before, c.after) for c in prices] == [
        ("DBL", "BAR", 3, 5, 10_000, 12_000)
    ]
    told = {known.connection: known.updates for known in shown.channels}
    said = {
        (part.plan, setting.value)
        for part in told["usd"]
        for setting in part.settings
        if setting.field == "price" and setting.guests == 2
    }
    # The derived plan follows, one currency for all, and nothing of days beyond the channel's horizon.
    assert said == {("bar", 24_000), ("nr", 21_600)}
    assert {part.room for parts in told.values() for part in parts} == {"r1"}
    assert {part.currency for part in told["ota"] if part.settings[0].field == "price"} == {"EUR"}


async def test_a_preview_is_what_the_push_then_says(house: House) -> None:
    await house.open_for_sale()
    await house.push()
    seen = len(house.wire.pushes("ota"))
    part = ours("DBL", "BAR", 3, 9, price2=12_345, min_arrival=3)
    shown = await calendar.preview(house.services, "h", [part])
    await calendar.change(house.services, "h", [part], "x")
    await house.push()
    pushed = [each for command in house.wire.pushes("ota")[seen:] for each in command.updates]
    assert sorted(pushed, key=repr) == sorted(shown.channels[0].updates, key=repr)


async def test_a_preview_of_what_is_so_already_says_nothing(house: House) -> None:
    await house.open_for_sale(price=8_000)
    shown = await calendar.preview(house.services, "h", [ours("DBL", "BAR", 3, 5, price2=10_000)])
    assert shown.changes == ()
    assert [known.updates for known in shown.channels] == [()]
