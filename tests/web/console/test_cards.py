"""Cards on the page of a booking: masked for everybody, in full for who may, with a reason."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.model.access import AccessRole
from gateway.store.database import Database
from tests.flows.vault.house import VISA, CardHouse, booking, with_cards
from tests.web.conftest import Web
from tests.web.console.conftest import signed_in


@pytest.fixture
async def web(database: Database) -> AsyncIterator[Web]:
    house = CardHouse(database)
    house.start()
    await house.apply(with_cards())
    await house.book(booking())
    web = Web(house)
    yield web
    await web.close()


async def test_a_number_is_shown_for_a_reason_that_stays(web: Web) -> None:
    house = web.house
    assert isinstance(house, CardHouse)
    (card,) = await house.cards()
    person, page = await signed_in(web, AccessRole.FRONT_DESK), f"/hotels/h/bookings/{card.reservation_id}"
    masked = (await person.get(page)).text
    assert VISA not in masked
    assert "411111…1111" in masked
    refused = await person.post(f"{page}/card", card=card.card_id, reason="")
    assert (refused.status_code, VISA in refused.text) == (422, False)
    shown = await person.post(f"{page}/card", card=card.card_id, reason="no-show <b>fee</b>")
    assert (shown.status_code, shown.headers["cache-control"]) == (200, "no-store")
    assert VISA in shown.text
    after = (await person.get(page)).text
    assert VISA not in after
    assert "no-show &lt;b&gt;fee" in after


async def test_who_may_not_see_numbers_is_not_offered_them(web: Web) -> None:
    house = web.house
    assert isinstance(house, CardHouse)
    (card,) = await house.cards()
    page = f"/hotels/h/bookings/{card.reservation_id}"
    for role in (AccessRole.REVENUE, AccessRole.INTEGRATOR, AccessRole.READ_ONLY):
        person = await signed_in(web, role, name=role.value)
        assert "411111…1111" in (text := (await person.get(page)).text)
        assert "Show the number" not in text
        assert (await person.post(f"{page}/card", card=card.card_id, reason="curiosity")).status_code == 403
    assert await house.uses() == []


async def test_the_api_shows_it_to_roles_that_may_and_lets_nobody_keep_it(web: Web) -> None:
    house = web.house
    assert isinstance(house, CardHouse)
    (card,) = await house.cards()
    path = f"/v1/properties/h/reservations/{card.reservation_id}/cards"
    desk = await web.as_role(AccessRole.FRONT_DESK)
    listed = await desk.get(path)
    assert (listed.json()["cards"][0]["last4"], VISA in listed.text) == ("1111", False)
    shown = await desk.post(
        f"{path}/{card.card_id}/show", json={"reason": "late charge"}, headers={"idempotency-key": "k"}
    )
    assert (shown.status_code, shown.headers["cache-control"]) == (200, "no-store")
    assert (shown.json()["number"], shown.json()["holder"]) == (VISA, "ADA OKONKWO")
    for reason, status in (("", 422), ("abc", 422), (VISA, 200)):
        assert (await desk.post(f"{path}/{card.card_id}/show", json={"reason": reason})).status_code == status
    assert (await desk.post(f"{path}/nothing/show", json={"reason": "late charge"})).status_code == 404
    listed = await desk.get(path)
    assert [use["what"] for use in listed.json()["uses"]] == ["shown", "shown"]
    assert VISA not in listed.text
    integrator = await web.as_role(AccessRole.INTEGRATOR)
    assert (await integrator.post(f"{path}/{card.card_id}/show", json={"reason": "late charge"})).status_code == 403
