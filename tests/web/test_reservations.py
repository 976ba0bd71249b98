"""Reservations over HTTP and in the console, where there is next to nothing to say of one."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.model.dates import format_day
from gateway.model.reservation import Content, Revision, RevisionKind
from tests.flows.house import TODAY, cancel, new, stay
from tests.web.conftest import Web
from tests.web.console.conftest import signed_in

LIST = "/v1/properties/h/reservations"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
async def undated(web: Web) -> list[str]:
    """A cancellation and something to be ignored, both of bookings that nobody has heard of; beside them a booking."""
    ignored = Revision("B3", RevisionKind.IGNORE, Content())
    await web.house.say(new(stay(2, 4), booking="B1", version=None))
    return [await web.house.say(said) for said in (cancel(booking="B2", version=None), ignored)]


async def found(owner: httpx.AsyncClient, **query: str) -> list[dict[str, Any]]:
    page = await owner.get(LIST, params=query)
    assert page.status_code == 200, page.text
    items: list[dict[str, Any]] = page.json()["items"]
    return items


async def test_what_nobody_has_dated_has_no_dates(owner: httpx.AsyncClient, undated: list[str]) -> None:
    dates = {each["booking_id"]: (each["arrival"], each["departure"]) for each in await found(owner)}
    assert dates.pop("B1") == (format_day(TODAY + 2), format_day(TODAY + 4))
    assert dates == {"B2": (None, None), "B3": (None, None)}
    for number in undated:
        one = await owner.get(f"{LIST}/{number}")
        assert one.status_code == 200
        assert one.json()["reservation"]["arrival"] is None


async def test_it_is_found_by_all_but_a_day(owner: httpx.AsyncClient, undated: list[str]) -> None:
    last = format_day(TODAY + 30)
    assert [each["booking_id"] for each in await found(owner, arrival_last=last)] == ["B1"]
    assert [each["booking_id"] for each in await found(owner, arrival_last=last, order="arrival")] == ["B1"]
    assert [each["booking_id"] for each in await found(owner, status="cancelled")] == ["B2"]
    assert [each["booking_id"] for each in await found(owner, order="arrival")][-1] == "B1"


async def test_the_schema_says_that_dates_may_be_missing(owner: httpx.AsyncClient) -> None:
    schema = (await owner.get("/schema")).json()["components"]["schemas"]["Reservation"]
    for name in ("arrival", "departure"):
        assert {"type": "null"} in schema["properties"][name]["anyOf"]


async def test_the_console_shows_a_dash(web: Web, undated: list[str]) -> None:
    person = await signed_in(web)
    for path in ("bookings", "bookings?order=arrival", *(f"bookings/{number}" for number in undated)):
        page = await person.get(f"/hotels/h/{path}")
        assert page.status_code == 200, path
        assert "<td>–</td>" in page.text or "<dd>–</dd>" in page.text
