"""Rates and availability come in: on exactly their days, wholly or not at all, and no sender but the PMS."""

from __future__ import annotations

import pytest

from gateway.contract import Reply
from gateway.engine.calendar import NO_PRICE
from gateway.messages import AriReceived, Clearing
from gateway.model.ari import AriUpdate, Aspect
from gateway.model.dates import weekday
from gateway.store.tables import MessageRow, Scope
from tests.flows.house import HORIZON, TODAY, House, channel, hotel, pms, update

WEEKEND = 0b1100000


async def rev(house: House) -> int:
    (scope,) = await house.rows(Scope)
    return int(scope.rev)


def reason(reply: Reply) -> str:
    """The reason a refusal names; the plain connector answers ``reason: text``."""
    assert reply.status == 400, reply
    return reply.body.decode().partition(":")[0]


async def test_figures_are_set_on_their_days_and_no_others(house: House) -> None:
    """Over several blocks of 32 days, with weekdays, later parts of a document over earlier ones."""
    reply = await house.ari(
        update("pDBL", "", 2, 70, figure=5),
        update("pDBL", "", 10, 40, figure=1, weekdays=WEEKEND),
        update("pFAM", "", 3, 3, figure=2),
    )
    assert reply.status == 200
    figures = [night[0] for night in await house.stock("DBL", 0, 75)]
    expected = [5 if 2 <= day <= 70 else -1 for day in range(76)]
    for day in range(10, 41):
        if weekday(TODAY + day) >= 5:
            expected[day] = 1
    assert figures == expected
    assert [night[0] for night in await house.stock("FAM", 2, 4)] == [-1, 2, -1]
    assert await house.outcomes() == ["applied"]


async def test_rules_and_prices_are_set_on_their_days_and_no_others(house: House) -> None:
    await house.ari(
        update("pDBL", "BAR", 29, 35, closed=1, min_arrival=3),
        update("pDBL", "BAR", 29, 35, price1=9_000, price2=11_000),
        update("pFAM", "", 30, 30, cta=1),
    )
    for day in (28, 29, 35, 36):
        inside = 29 <= day <= 35
        assert await house.cell("DBL", "BAR", day, "closed") == int(inside)
        assert await house.cell("DBL", "BAR", day, "min_arrival") == (3 if inside else 0)
        assert await house.cell("DBL", "BAR", day, "price") == ([9_000, 11_000, -1, -1] if inside else [-1] * 4)
    assert [await house.cell("FAM", "", day, "cta") for day in (29, 30, 31)] == [0, 1, 0]
    assert await house.cell("DBL", "HB", 30, "closed") == 0


async def test_a_plan_without_a_room_is_set_for_every_room_that_sells_it(house: House) -> None:
    await house.ari(update("", "HB", 1, 2, closed=1))
    assert [await house.cell(room, "HB", 1, "closed") for room in ("DBL", "FAM")] == [1, 1]
    assert await house.cell("DBL", "BAR", 1, "closed") == 0


REFUSED = {
    "unknown room": (update("pSGL", "", 0, 1, figure=1), "room_type"),
    "unknown plan": (update("pDBL", "XX", 0, 1, closed=1), "rate_plan"),
    "price of a derived plan": (update("pDBL", "NR", 0, 1, price2=9_000), "rate_plan"),
    "foreign currency": (update("pDBL", "BAR", 0, 1, price2=9_000, currency="USD"), "currency"),
    "no currency": (update("pDBL", "BAR", 0, 1, price2=9_000, currency=""), "currency"),
    "net where prices are gross": (update("pDBL", "BAR", 0, 1, price2=9_000, net=True), "business_rule"),
    "price without a plan": (update("pDBL", "", 0, 1, price2=9_000), "rate_plan"),
    "price for more guests than any room takes": (update("pDBL", "BAR", 0, 1, price9=9_000), "occupancy"),
    "negative figure": (update("pDBL", "", 0, 1, figure=-1), "invalid_value"),
    "figure beyond any hotel": (update("pDBL", "", 0, 1, figure=30_001), "invalid_value"),
    "negative price": (update("pDBL", "BAR", 0, 1, price2=-1), "invalid_value"),
    "stay longer than three years": (update("pDBL", "BAR", 0, 1, min_arrival=1_000), "invalid_value"),
    "flag that is neither": (update("pDBL", "BAR", 0, 1, closed=2), "invalid_value"),
    "end before start": (update("pDBL", "", 5, 4, figure=1), "date_combination"),
    "range of decades": (update("pDBL", "", 0, 20_000, figure=1), "date_combination"),
    "house figure that is not enabled": (update("", "", 0, 1, figure=1), "business_rule"),
    "relative change without a message id": (update("pDBL", "", 0, 1, figure_by=-1), "required_missing"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_document_with_a_fault_changes_nothing(house: House, name: str) -> None:
    """Its good parts included, whichever side of the fault they stand on."""
    fault, expected = REFUSED[name]
    await house.open_for_sale()
    before = await house.ledger()
    good = update("pFAM", "", 3, 4, figure=1), update("pFAM", "BAR", 3, 4, price2=7_700, closed=1)
    assert reason(await house.ari(good[0], fault, good[1])) == expected
    assert await house.ledger() == before
    assert (await house.outcomes())[-1] == "refused"


async def test_another_hotels_document_is_refused(house: House) -> None:
    before = await house.ledger()
    assert reason(await house.ari(update("pDBL", "", 0, 1, figure=1), hotel="Q")) == "hotel"
    assert await house.ledger() == before


async def test_restrictions_of_a_derived_plan_may_be_set(house: House) -> None:
    reply = await house.ari(update("pDBL", "NR", 0, 1, closed=1))
    assert reply.status == 200
    assert await house.cell("DBL", "NR", 0, "closed") == 1


async def test_net_prices_where_the_hotel_keeps_net(empty_house: House) -> None:
    await empty_house.apply(hotel(net=True))
    reply = await empty_house.ari(update("pDBL", "BAR", 0, 1, price2=9_000, net=True))
    assert reply.status == 200
    gross = await empty_house.ari(update("pDBL", "BAR", 0, 1, price2=8_000))
    assert reason(gross) == "business_rule"
    assert await empty_house.cell("DBL", "BAR", 0, "price") == [-1, 9_000, -1, -1]


async def test_a_channel_may_not_set_anything(house: House) -> None:
    before = await house.ledger()
    for change in (update("r1", "", 0, 1, figure=9), update("r1", "bar", 0, 1, price2=1)):
        assert reason(await house.ari(change, connection="ota", hotel="OTA")) == "authorization"
    assert await house.ledger() == before


async def test_figures_come_from_one_pms_only(empty_house: House) -> None:
    """A second system of the role may set prices and restrictions."""
    await empty_house.apply(hotel(pms(), pms("rms"), channel("ota")))
    assert (await empty_house.ari(update("pDBL", "", 0, 1, figure=2))).status == 200
    before = await empty_house.ledger()
    assert reason(await empty_house.ari(update("pDBL", "", 0, 1, figure=9), connection="rms")) == "authorization"
    assert await empty_house.ledger() == before
    assert (await empty_house.ari(update("pDBL", "BAR", 0, 1, price2=9_900), connection="rms")).status == 200


async def test_a_wrong_password_changes_nothing_and_is_not_archived(house: House) -> None:
    before = await house.ledger()
    for connection in ("pms", "nobody"):
        reply = await house.post(connection, password="guess")
        assert reply.status == 400
    assert await house.ledger() == before
    assert await house.outcomes() == []


# --- repetition -------------------------------------------------------------------------------------------------------


async def figures(house: House) -> list[int]:
    return [night[0] for night in await house.stock("DBL", 0, 2)]


async def test_a_relative_change_counts_once_per_message(house: House) -> None:
    await house.ari(update("pDBL", "", 0, 2, figure=5))
    sell = update("pDBL", "", 0, 1, figure_by=-2)
    for _ in range(3):
        assert (await house.ari(sell, token="m1")).status == 200
    assert await figures(house) == [3, 3, 5]
    await house.ari(sell, token="m2")
    assert await figures(house) == [1, 1, 5]
    await house.ari(sell, token="m3")
    assert await figures(house) == [0, 0, 5]


async def test_something_else_under_an_old_message_id_is_taken(house: House) -> None:
    """A sender that counts its messages from the start again loses nothing, least of all a closing."""
    await house.ari(update("pDBL", "", 0, 2, figure=5))
    await house.ari(update("pDBL", "", 0, 2, figure_by=-2), token="m1")
    other = update("pDBL", "", 0, 1, figure_by=-1), update("pDBL", "BAR", 0, 1, closed=1)
    for _ in range(2):
        assert (await house.ari(*other, token="m1")).status == 200
    assert await figures(house) == [2, 2, 3]
    assert await house.cell("DBL", "BAR", 0, "closed") == 1
    assert await house.outcomes() == ["applied", "applied", "applied", "unchanged"]


async def test_absolute_values_beside_a_relative_one_are_always_applied(house: House) -> None:
    await house.ari(update("pDBL", "", 0, 2, figure=5))
    document = update("pDBL", "", 0, 2, figure_by=-1), update("pDBL", "BAR", 0, 2, closed=1, min_arrival=2)
    await house.ari(*document, token="m1")
    await house.ari(update("pDBL", "BAR", 0, 2, closed=0))
    await house.ari(*document, token="m1")
    assert await figures(house) == [4, 4, 4]
    assert await house.cell("DBL", "BAR", 1, "closed") == 1


async def test_what_counts_on_from_a_documents_own_figure_does_so_again(house: House) -> None:
    """The limit is set anew, and what was taken off it comes off again; other nights were counted before."""
    await house.ari(update("pDBL", "", 0, 2, figure=9))
    document = update("pDBL", "", 1, 1, figure=5), update("pDBL", "", 0, 2, figure_by=-1)
    for _ in range(2):
        await house.ari(*document, token="m1")
        assert await figures(house) == [8, 4, 8]
    await house.ari(update("pDBL", "", 1, 1, figure=0))
    await house.ari(*document, token="m1")
    assert await figures(house) == [8, 4, 8]


async def test_a_repetition_is_in_the_log_and_names_the_message_that_counted(house: House) -> None:
    await house.ari(update("pDBL", "", 0, 2, figure=5))
    for _ in range(2):
        await house.ari(update("pDBL", "", 0, 2, figure_by=-1), token="m1")
    _, first, again = await house.rows(MessageRow, "connection = 'pms'")
    assert (first.outcome, first.detail, again.outcome) == ("applied", "", "unchanged")
    assert again.detail == f"its relative changes were counted with message {first.message_id}"
    assert again.rev == first.rev


async def test_the_token_of_one_sender_says_nothing_about_anothers(empty_house: House) -> None:
    """Two systems number their messages without knowing of each other."""
    first, second = hotel(pms("pms"), channel("ota")), hotel(pms("pms2"), channel("ota2"), scope_id="h2")
    for prop, connection in ((first, "pms"), (second, "pms2")):
        await empty_house.apply(prop)
        await empty_house.ari(update("pDBL", "", 0, 2, figure=5), connection=connection)
        await empty_house.ari(update("pDBL", "", 0, 2, figure_by=-1), connection=connection, token="m1")
    assert await figures(empty_house) == [4, 4, 4]


async def test_a_relative_change_of_what_is_unknown_stays_unknown(house: House) -> None:
    await house.ari(update("pDBL", "", 0, 2, figure_by=3), token="m1")
    assert await figures(house) == [-1, -1, -1]


async def test_absolute_figures_are_always_applied(house: House) -> None:
    """Limits 0, 5, 0 with one token are three changes."""
    seen = []
    for figure in (0, 5, 0):
        assert (await house.ari(update("pDBL", "", 0, 2, figure=figure), token="same")).status == 200
        seen.append((await figures(house), await rev(house)))
    assert [shown for shown, _ in seen] == [[0, 0, 0], [5, 5, 5], [0, 0, 0]]
    revs = [number for _, number in seen]
    assert revs == sorted(set(revs))


async def test_what_changes_nothing_wakes_nobody(house: House) -> None:
    def document() -> tuple[AriUpdate, ...]:
        return update("pDBL", "", 0, 9, figure=4), update("pDBL", "BAR", 0, 9, price2=9_900, cta=1)

    await house.ari(*document())
    house.changed.clear()
    before = await house.ledger()
    assert (await house.ari(*document())).status == 200
    assert house.changed == set()
    assert await house.ledger() == before
    assert await house.outcomes() == ["applied", "unchanged"]


async def test_a_complete_set_takes_away_what_it_does_not_mention(house: House) -> None:
    await house.open_for_sale(figure=3)
    event = AriReceived("P", (update("pDBL", "", 2, 4, figure=2),), clears=(Clearing(Aspect.LIMIT),))
    assert (await house.post("pms", event)).status == 200
    assert [figure for figure, *_ in await house.stock("DBL", 1, 5)] == [0, 2, 2, 2, 0]
    assert [figure for figure, *_ in await house.stock("FAM", 0, HORIZON)] == [0] * (HORIZON + 1)


async def test_prices_and_rules_are_cleared_for_one_plan_only(house: House) -> None:
    await house.open_for_sale(price=10_000)
    await house.ari(update("pDBL", "BAR", 0, HORIZON, min_through=3, extra_child=500))
    clears = (Clearing(Aspect.PRICES, plan="BAR"), Clearing(Aspect.RULES, room="pDBL", plan="BAR"))
    event = AriReceived("P", (update("pDBL", "BAR", 5, 5, price2=9_000),), clears=clears)
    assert (await house.post("pms", event)).status == 200
    assert await house.cell("DBL", "BAR", 4, "price") == [NO_PRICE] * 4
    assert await house.cell("DBL", "BAR", 4, "extra_child") == NO_PRICE
    assert await house.cell("DBL", "BAR", 4, "min_through") == 0
    prices = await house.cell("DBL", "BAR", 5, "price")
    assert isinstance(prices, list)
    assert prices[1] == 9_000
    assert await house.cell("DBL", "HB", 4, "price") != [NO_PRICE] * 4


async def test_the_past_is_not_cleared(house: House) -> None:
    await house.open_for_sale(figure=3)
    await house.ari(update("pDBL", "", -2, -1, figure=3))
    assert (await house.post("pms", AriReceived("P", (), clears=(Clearing(Aspect.LIMIT),)))).status == 200
    assert [figure for figure, *_ in await house.stock("DBL", -2, 0)] == [3, 3, 0]
