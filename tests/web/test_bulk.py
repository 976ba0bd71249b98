"""Many rooms, plans and ranges in one request: one preview, one transaction, and as many statements as for one."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest

from gateway.flows.desk import history
from gateway.model.access import AccessRole
from gateway.store.tables import MessageRow
from tests.flows.house import TODAY, House
from tests.web.conftest import Web, problem

CALENDAR = "/v1/properties/h/calendar"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def nights(first: int, last: int) -> dict[str, str]:
    return {"first": date.fromordinal(TODAY + first).isoformat(), "last": date.fromordinal(TODAY + last).isoformat()}


def bulk(*ranges: tuple[int, int], rooms: list[str], plans: list[str], **values: Any) -> dict[str, Any]:
    return {"ranges": [nights(*each) for each in ranges], "rooms": rooms, "plans": plans, "set": values}


async def cells(house: House, plan: str, field: str, days: range) -> list[list[int]]:
    """By room type, one value a day."""
    found = [[await house.cell(room, plan, day, field) for day in days] for room in ("DBL", "FAM")]
    return [[value if isinstance(value, int) else value[1] for value in values] for values in found]


async def test_every_combination_is_set_at_once(web: Web, owner: httpx.AsyncClient) -> None:
    price = bulk((1, 2), (5, 6), rooms=["DBL", "FAM"], plans=["BAR", "HB"], prices=[{"guests": 2, "amount": 15_000}])
    closed = {**bulk((1, 6), rooms=["DBL", "FAM"], plans=[], cta=True), "weekdays": ["sun", "mon"]}
    body = {"bulk": [price, closed], "force": True}
    preview = (await owner.post(f"{CALENDAR}/preview", json=body)).json()
    assert {(each["room"], each["plan"]) for each in preview["changes"]} == {
        (room, plan) for room in ("DBL", "FAM") for plan in ("BAR", "HB", "")
    }
    assert preview["channels"][0]["updates"]
    reply = await owner.patch(CALENDAR, json=body)
    assert reply.status_code == 200, reply.text
    for plan in ("BAR", "HB"):
        assert await cells(web.house, plan, "price", range(1, 7)) == [[15_000] * 2 + [-1] * 2 + [15_000] * 2] * 2
    days = range(1, 7)
    falls = [int(date.fromordinal(TODAY + day).weekday() in (6, 0)) for day in days]
    assert await cells(web.house, "", "cta", days) == [falls, falls]
    (message,) = await web.house.rows(MessageRow, "kind = 'calendar'")
    page = await history.changes(web.house.services, "h", TODAY + 5, room="FAM", plan="HB")
    assert (page.items[0].message_id, page.items[0].value) == (message.message_id, 15_000)


async def test_the_statements_do_not_grow_with_the_targets(web: Web, owner: httpx.AsyncClient) -> None:
    counter = web.house.services.database.counter

    async def cost(body: dict[str, Any]) -> int:
        await web.settle()
        before = counter.statements
        assert (await owner.patch(CALENDAR, json=body)).json()["outcome"] == "applied"
        return counter.statements - before

    await cost({"bulk": [bulk((1, 1), rooms=["DBL"], plans=["BAR"], min_arrival=9)]})
    one = await cost({"bulk": [bulk((1, 1), rooms=["FAM"], plans=["NR"], min_arrival=2)]})
    many = bulk((1, 3), (6, 9), (30, 200), rooms=["DBL", "FAM"], plans=["BAR", "NR", "HB"], min_arrival=3, ctd=True)
    assert await cost({"bulk": [many]}) == one


async def test_what_cannot_be_set_is_pointed_at_and_nothing_is(web: Web, owner: httpx.AsyncClient) -> None:
    fine = bulk((1, 1), rooms=["DBL"], plans=["BAR"], cta=True)
    wrong = bulk((1, 1), rooms=["DBL", "XXX"], plans=["BAR"], cta=True)
    said = problem(await owner.patch(CALENDAR, json={"bulk": [fine, wrong]}), 422)
    assert "/bulk/1" in str(said)
    said = problem(await owner.patch(CALENDAR, json={"bulk": [fine, bulk((1, 1), rooms=[], plans=[])]}), 422)
    assert "/bulk/1/set" in str(said)
    ranges = [(day, day) for day in range(100)]
    assert (
        await owner.patch(CALENDAR, json={"bulk": [bulk(*ranges, rooms=["DBL"] * 60, plans=[], cta=True)]})
    ).is_error
    assert (await owner.patch(CALENDAR, json={})).is_error
    assert await cells(web.house, "BAR", "cta", range(1, 2)) == [[0], [0]]


async def test_numbers_of_rooms_are_the_room_types(web: Web, owner: httpx.AsyncClient) -> None:
    body = {"bulk": [bulk((1, 1), rooms=["DBL", "FAM"], plans=["BAR", "HB"], figure=2)], "over_pms": True}
    assert (await owner.patch(CALENDAR, json=body)).status_code == 200
    assert [(await web.house.stock(room, 1, 1))[0][0] for room in ("DBL", "FAM")] == [2, 2]
    desk = await web.as_role(AccessRole.FRONT_DESK)
    problem(await desk.patch(CALENDAR, json={"bulk": [bulk((1, 1), rooms=["DBL"], plans=["BAR"], cta=True)]}), 403)


async def test_a_bulk_edit_is_taken_back(web: Web, owner: httpx.AsyncClient) -> None:
    body = {"bulk": [bulk((1, 2), rooms=["DBL", "FAM"], plans=["BAR", "HB"], cta=True)]}
    saved = (await owner.patch(CALENDAR, json=body)).json()
    desk = await web.as_role(AccessRole.FRONT_DESK)
    undo = {"message_id": saved["message_id"]}
    problem(await desk.post(f"{CALENDAR}/undo", json=undo), 403)
    reply = await owner.post(f"{CALENDAR}/undo", json=undo)
    assert (reply.status_code, reply.json()["outcome"]) == (200, "applied")
    assert await cells(web.house, "HB", "cta", range(1, 3)) == [[0, 0], [0, 0]]
    problem(await owner.post(f"{CALENDAR}/undo", json=undo), 412)
