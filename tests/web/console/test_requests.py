"""Requests on the pages: shown with who asks, accepted or declined by who may."""

from __future__ import annotations

import pytest

from gateway.engine.sale import SaleState
from gateway.flows.selling import sell
from gateway.model.access import AccessRole
from tests.flows.house import channel, hotel, pms
from tests.flows.selling.test_requests import ASKING, requested
from tests.flows.selling.test_sell import site
from tests.web.conftest import Web
from tests.web.console.conftest import Person, signed_in

REQUESTS = "/hotels/h/requests"


@pytest.mark.parametrize(
    ("do", "state", "said"),
    [("accept", SaleState.BOOKED, "it is a booking now"), ("decline", SaleState.RELEASED, "its rooms are free again")],
)
async def test_a_request_is_answered(web: Web, ada: Person, do: str, state: SaleState, said: str) -> None:
    assert "No request waits" in (await ada.get(REQUESTS)).text
    await web.house.apply(hotel(pms(), channel("ota"), site(), selling=ASKING))
    number = (await requested(web.house)).sale_id
    assert f'href="{REQUESTS}"' in (await ada.get("/hotels/h/bookings")).text
    page = await ada.get(REQUESTS)
    for text in (number, "Ada Lovelace", "DBL · BAR", 'value="accept"'):
        assert text in page.text
    looking = await signed_in(web, AccessRole.READ_ONLY, name="eve")
    assert 'value="accept"' not in (await looking.get(REQUESTS)).text
    assert (await looking.post(f"{REQUESTS}/{number}", do=do)).status_code == 403
    answer = await ada.post(f"{REQUESTS}/{number}", do=do)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{REQUESTS}?done={do}")
    assert said in (await ada.get(answer.headers["location"])).text
    assert (await sell.show(web.house.services, "h", number)).state is state
    assert (await ada.post(f"{REQUESTS}/{number}", do="guess")).status_code == 422
