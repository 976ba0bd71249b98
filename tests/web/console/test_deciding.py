"""What waits for a person on the pages: changes the guard holds back, and deliveries that were refused."""

from __future__ import annotations

import pytest

from gateway.flows.desk import holding
from gateway.model.access import AccessRole
from gateway.store.tables import DeliveryRow, HeldRow
from tests.flows.house import new, rejecting, stay, update
from tests.web.conftest import Web
from tests.web.console.conftest import Person, signed_in

HELD = "/hotels/h/held"


async def slip(web: Web) -> int:
    """The PMS says 12,000.00 where 120.00 was; returns the number of the message."""
    await web.house.ari(update("pDBL", "BAR", 3, 5, price2=1_200_000))
    (held,) = await holding.find(web.house.services, "h")
    return held.message_id


async def price(web: Web) -> object:
    prices = await web.house.cell("DBL", "BAR", 3, "price")
    assert isinstance(prices, list)
    return prices[1]


async def test_a_slip_is_shown_with_what_it_would_change(web: Web, ada: Person) -> None:
    assert "Nothing waits" in (await ada.get(HELD)).text
    number = await slip(web)
    page = await ada.get(HELD)
    for text in ("From pms", "3 nights", "€120.00", "€12,000.00", f'action="{HELD}/{number}"', 'value="confirm"'):
        assert text in page.text
    for place in ("alerts", "held"):
        assert HELD in (await ada.get(f"/hotels/h/{place}")).text


@pytest.mark.parametrize(("do", "after", "said"), [("confirm", 1_200_000, "Set."), ("discard", 12_000, "Thrown away")])
async def test_it_is_decided_once(web: Web, ada: Person, do: str, after: int, said: str) -> None:
    number = await slip(web)
    answer = await ada.post(f"{HELD}/{number}", do=do)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{HELD}?done={do}")
    assert said in (await ada.get(f"{HELD}?done={do}")).text
    assert (await price(web), await web.house.rows(HeldRow)) == (after, [])
    again = await ada.post(f"{HELD}/{number}", do=do)
    assert again.headers["location"] == f"{HELD}?done=gone"


async def test_who_may_not_set_rates_may_look_only(web: Web, ada: Person) -> None:
    number = await slip(web)
    desk = await signed_in(web, AccessRole.FRONT_DESK, name="eve")
    page = await desk.get(HELD)
    assert "€12,000.00" in page.text
    assert 'value="confirm"' not in page.text
    assert (await desk.post(f"{HELD}/{number}", do="confirm")).status_code == 403
    assert (await ada.post(f"{HELD}/{number}", csrf="x", do="confirm")).status_code == 403
    assert (await ada.post(f"{HELD}/{number}", do="guess")).status_code == 422
    assert (await ada.post(f"{HELD}/abc", do="confirm")).status_code == 422
    assert await price(web) == 12_000


async def test_what_somebody_sets_that_looks_like_a_slip_waits_too(web: Web, ada: Person) -> None:
    form = {"room": "DBL", "plan": "BAR", "first": "2026-11-23", "last": "2026-11-23", "price2": "12000"}
    answer = await ada.post("/hotels/h/calendar/save", **form)
    assert answer.headers["location"].endswith("saved=parked")
    page = await ada.get(answer.headers["location"])
    assert "looks like a slip" in page.text
    assert HELD in page.text
    assert "From person:ada" in (await ada.get(HELD)).text


# --- deliveries -------------------------------------------------------------------------------------------------------


async def refused(web: Web) -> str:
    """A booking that the PMS has refused."""
    number = await web.house.say(new(stay(2, 3)))
    web.house.wire.answers["pms"] = [rejecting]
    await web.house.deliver()
    assert await state(web) == "refused"
    return number


async def state(web: Web) -> str:
    (row,) = await web.house.rows(DeliveryRow)
    assert isinstance(row, DeliveryRow)
    return row.state


async def test_a_refused_booking_is_sent_again(web: Web, ada: Person) -> None:
    number = await refused(web)
    path = f"/hotels/h/bookings/{number}"
    page = await ada.get(path)
    assert 'aria-label="Send to pms again"' in page.text
    assert 'for="ref-pms"' in page.text
    # Enter in the field must not be the other button.
    (entered,) = [form for form in page.text.split("<form") if 'id="ref-pms"' in form]
    assert 'value="entered"' in entered
    assert 'value="resend"' not in entered
    answer = await ada.post(f"{path}/delivery", connection="pms", do="resend")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?done=resend")
    await web.house.deliver()
    assert await state(web) == "confirmed"
    page = await ada.get(f"{path}?done=resend")
    assert "It is being handed over again." in page.text
    assert 'value="entered"' not in page.text
    assert 'value="resend"' in page.text


async def test_a_refused_booking_was_entered_by_hand(web: Web, ada: Person) -> None:
    number = await refused(web)
    path = f"/hotels/h/bookings/{number}"
    answer = await ada.post(f"{path}/delivery", connection="pms", do="entered", ref="77")
    assert answer.headers["location"] == f"{path}?done=entered"
    (row,) = await web.house.rows(DeliveryRow)
    assert isinstance(row, DeliveryRow)
    assert (row.state, row.ref) == ("confirmed", "77")
    again = await ada.post(f"{path}/delivery", connection="pms", do="entered")
    assert again.status_code == 409
    assert "has not refused" in again.text


async def test_what_cannot_be_handed_over_is_told_on_the_page(web: Web, ada: Person) -> None:
    number = await refused(web)
    path = f"/hotels/h/bookings/{number}"
    assert (await ada.post(f"{path}/delivery", connection="nobody", do="resend")).status_code == 404
    assert (await ada.post(f"{path}/delivery", connection="pms", do="burn")).status_code == 422
    assert (await ada.post(f"{path}/delivery", csrf="x", connection="pms", do="resend")).status_code == 403
    assert (await ada.post("/hotels/h/bookings/NONE/delivery", connection="pms", do="resend")).status_code == 404
    eve = await signed_in(web, AccessRole.READ_ONLY, name="eve")
    assert 'value="resend"' not in (await eve.get(path)).text
    assert (await eve.post(f"{path}/delivery", connection="pms", do="resend")).status_code == 403
    assert await state(web) == "refused"
