"""A receiver of bookings on the pages of its connection: how it is doing, paused and resumed."""

from __future__ import annotations

import msgspec

from gateway.model.access import AccessRole
from gateway.model.property import Role
from tests.flows.house import channel, down, hotel, new, pms, stay
from tests.web.conftest import Web
from tests.web.console.conftest import Person

CRM = msgspec.structs.replace(pms("crm"), role=Role.RECEIVER)


async def test_a_receiver_shows_its_failures_and_is_paused_and_resumed(web: Web, ada: Person) -> None:
    await web.house.apply(hotel(pms(), channel("ota"), CRM))
    web.house.wire.answers["crm"] = [down] * 3
    await web.house.say(new(stay(2, 4)))
    await web.house.deliver()
    assert "receiver of bookings" in (await ada.get("/hotels/h/channels")).text
    one = "/hotels/h/channels/crm"
    page = await ada.get(one)
    for part in ("connection refused", "1 failure in a row", 'value="pause"'):
        assert part in page.text, part
    assert 'value="full-sync"' not in page.text
    assert (await ada.post(f"{one}/order", order="pause")).status_code == 303
    assert "paused" in (await ada.get(one)).text
    web.house.clock.pass_s(3_600)
    sent = len(web.house.wire.deliveries())
    await web.house.deliver()
    assert len(web.house.wire.deliveries()) == sent
    await ada.post(f"{one}/order", order="resume")
    await web.house.deliver()
    assert len(web.house.wire.deliveries()) == sent + 1
    assert "in a row" not in (await ada.get(one)).text


async def test_programs_pause_and_resume_it_too(web: Web) -> None:
    await web.house.apply(hotel(pms(), channel("ota"), CRM))
    client = await web.as_role(AccessRole.INTEGRATOR)
    for order, paused in (("pause", True), ("resume", False)):
        answer = await client.post(f"/v1/properties/h/connections/crm/{order}")
        assert answer.status_code in (200, 202), answer.text
        lines = (await client.get("/v1/properties/h/connections")).json()["connections"]
        line = next(line for line in lines if line["id"] == "crm")
        assert (line["role"], line["paused"]) == ("receiver", paused)


async def test_what_a_channel_is_told_stands_with_the_reservation(web: Web) -> None:
    await web.house.apply(hotel(pms(), channel("ota", "asked", pms_number=True)))
    number = await web.house.say(new(stay(2, 4)))
    await web.house.deliver()
    await web.house.deliver()
    client = await web.as_role(AccessRole.FRONT_DESK)
    shown = (await client.get(f"/v1/properties/h/reservations/{number}")).json()["deliveries"]
    assert {line["connection"]: (line["state"], line["ref"]) for line in shown} == {
        "pms": ("confirmed", "P1"),
        "ota": ("confirmed", "P1"),
    }
