"""A change of the calendar is taken back: all of it, and only while it is still as it was left."""

from __future__ import annotations

import pytest

from gateway.errors import NotFound, Rejected, Stale
from gateway.flows.desk import calendar, history, messages
from gateway.flows.desk.calendar import Saved
from gateway.model.ari import AriUpdate
from gateway.store.tables import CalendarRow, StockRow
from tests.flows.house import TODAY, House, update

ME = "person:ada"


async def changed(house: House, **values: int) -> Saved:
    """Doubles on days 3 to 5, with the number of rooms on day 4."""
    updates = [update("DBL", "BAR", 3, 5, **values), update("DBL", "", 4, 4, figure=1)]  # type: ignore[arg-type]
    return await calendar.change(house.services, "h", updates, ME, over_pms=True)


async def state(house: House) -> list[tuple[object, ...]]:
    """Everything that is for sale, but for when it changed last."""
    rows = [*await house.rows(CalendarRow), *await house.rows(StockRow)]
    return [(*row[:3], row.body) for row in rows]


async def test_everything_is_as_before(house: House) -> None:
    await house.open_for_sale()
    await house.ari(update("pDBL", "BAR", 4, 4, min_arrival=2))
    before = await state(house)
    saved = await changed(house, price1=11_000, price2=15_000, min_arrival=3, cta=1, extra_child=500)
    assert await state(house) != before
    undone = await calendar.undo(house.services, "h", saved.message_id, "person:bea")
    assert (undone.outcome, await state(house)) == ("applied", before)
    page = await history.changes(house.services, "h", TODAY + 4, room="DBL", plan="BAR")
    told = {(each.field, each.guests): (each.author, each.value) for each in reversed(page.items)}
    assert told["min_arrival", 0] == ("person:bea", 2)
    assert told["extra_child", 0] == ("person:bea", -1)
    assert (await messages.show(house.services, "h", undone.message_id)).cause == saved.message_id


async def test_taking_back_is_taken_back(house: House) -> None:
    await house.open_for_sale()
    saved = await changed(house, price2=15_000)
    after = await state(house)
    undone = await calendar.undo(house.services, "h", saved.message_id, ME)
    await calendar.undo(house.services, "h", undone.message_id, ME)
    assert await state(house) == after


@pytest.mark.parametrize(
    "since", [update("pDBL", "BAR", 5, 5, price2=12_500), update("pDBL", "", 4, 4, figure=2)], ids=["price", "figure"]
)
async def test_what_was_changed_since_is_left_alone(house: House, since: AriUpdate) -> None:
    await house.open_for_sale()
    saved = await changed(house, price2=15_000, cta=1)
    await house.ari(since)
    before = await state(house)
    with pytest.raises(Stale):
        await calendar.undo(house.services, "h", saved.message_id, ME)
    assert await state(house) == before


async def test_what_cannot_be_taken_back_is_said(house: House) -> None:
    saved = await changed(house, price2=15_000)
    with pytest.raises(Rejected, match="no number of rooms before"):
        await calendar.undo(house.services, "h", saved.message_id, ME)
    again = await changed(house, price2=15_000)
    with pytest.raises(Rejected, match="changed nothing"):
        await calendar.undo(house.services, "h", again.message_id, ME)
    await house.ari(update("pDBL", "BAR", 5, 5, price2=12_500))
    theirs = (await history.changes(house.services, "h", TODAY + 5)).items[0]
    for number in (theirs.message_id, 1, -1):
        with pytest.raises(NotFound):
            await calendar.undo(house.services, "h", number, ME)
