"""The page of payments: what waits for a person, what can be done, nothing twice and nothing without the right."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from gateway.flows.payments.reconcile import reconcile_now
from gateway.model.access import AccessRole
from gateway.model.dates import format_day, local_day
from gateway.model.payment import OperationKind
from gateway.store.database import Database
from tests.flows.payments.house import PayHouse
from tests.flows.vault.charging import ChargingHouse
from tests.flows.vault.house import booking
from tests.web.conftest import Site
from tests.web.console.conftest import Person, hidden, signed_in

PAGE = "/hotels/h/payments"
REFUSED = "4000000000000002"


@pytest.fixture
async def web(psp: PayHouse) -> AsyncIterator[Site]:
    web = Site(psp.services)
    yield web
    await web.close()


@pytest.fixture
async def desk(web: Site) -> Person:
    return await signed_in(web, AccessRole.FRONT_DESK)


def offered(text: str) -> set[str]:
    return set(re.findall(r'id="do-(\w+)"', text))


async def test_a_hold_is_taken_in_part_and_given_back(psp: PayHouse, desk: Person) -> None:
    payment = await psp.charge("desk", OperationKind.AUTHORISE, reservation="R1", text="<b>stay")
    assert payment.payment_id in (await desk.get(PAGE)).text
    page = f"{PAGE}/{payment.payment_id}"
    shown = await desk.get(page)
    assert offered(shown.text) == {"capture", "void"}
    assert 'value="100.00"' in shown.text
    taken = await desk.post(f"{page}/do", do="capture", amount="60.00", seen=hidden(shown)["seen"])
    assert (taken.status_code, taken.headers["location"]) == (303, f"{page}?done=capture")
    after = await desk.get(page)
    assert offered(after.text) == {"refund"}
    again = await desk.post(f"{page}/do", do="capture", amount="40.00", seen=hidden(shown)["seen"])
    assert (again.status_code, "look at it again" in again.text) == (409, True)
    await desk.post(f"{page}/do", do="refund", amount="10", seen=hidden(after)["seen"])
    position = await psp.position(payment)
    assert (position.captured, position.refunded) == (6_000, 1_000)
    too_much = await desk.post(f"{page}/do", do="refund", amount="99", seen="3")
    assert (too_much.status_code, "That cannot be done" in too_much.text) == (409, True)
    assert (await desk.post(f"{page}/do", do="refund", amount="ten", seen="3")).status_code == 422
    assert (await desk.post(f"{page}/do", do="steal", seen="3")).status_code == 422
    assert (await psp.position(payment)).refunded == 1_000


async def test_an_unpaid_page_is_withdrawn_and_a_hold_released(psp: PayHouse, desk: Person) -> None:
    page, held = await psp.page("desk"), await psp.charge("desk", OperationKind.AUTHORISE)
    for payment, step, status in ((page, "close", "withdrawn"), (held, "void", "hold released")):
        path = f"{PAGE}/{payment.payment_id}"
        shown = await desk.get(path)
        assert step in offered(shown.text)
        await desk.post(f"{path}/do", do=step, seen=hidden(shown)["seen"])
        assert status in (await desk.get(path)).text


async def test_who_only_looks_is_offered_nothing_and_refused(psp: PayHouse, web: Site) -> None:
    payment = await psp.charge("desk", OperationKind.PURCHASE)
    page = f"{PAGE}/{payment.payment_id}"
    for role in (AccessRole.READ_ONLY, AccessRole.REVENUE):
        person = await signed_in(web, role, name=role.value)
        assert offered((await person.get(page)).text) == set()
        assert (await person.post(f"{page}/do", do="refund", seen="1")).status_code == 403
    desk = await signed_in(web, AccessRole.FRONT_DESK, name="desk")
    assert (await desk.post(f"{page}/do", csrf="wrong", do="refund", seen="1")).status_code == 403
    assert (await psp.position(payment)).refunded == 0


async def test_a_message_set_aside_is_seen_to(psp: PayHouse, desk: Person) -> None:
    await psp.charge("desk", OperationKind.PURCHASE)
    event = psp.stripe.events[-1]
    event["api_version"] = "1999-01-01"  # genuine, and not to be understood
    await psp.tell("desk", event)
    await psp.work()
    listed = await desk.get(PAGE)
    assert "Set aside for a person" in listed.text
    fields = {name: value for name, value in hidden(listed).items() if name in ("account", "id")}
    assert (await desk.post("/hotels/h/payment-messages", **fields)).status_code == 303
    assert "Set aside for a person" not in (await desk.get(PAGE)).text
    assert (await desk.post("/hotels/h/payment-messages", account="desk", id="none")).status_code == 404


async def test_a_difference_is_resolved_by_who_may(psp: PayHouse, web: Site) -> None:
    await psp.charge("desk", OperationKind.PURCHASE)
    psp.stripe.movements.append(psp.stripe.movements[0])
    day = format_day(local_day(psp.clock.now_ms(), "UTC"))
    psp.clock.pass_s(86_400)
    await reconcile_now(psp.services, "h", "desk", day)
    desk = await signed_in(web, AccessRole.FRONT_DESK)
    assert "told twice" in (await desk.get(PAGE)).text
    path, fields = "/hotels/h/payment-differences", {"account": "desk", "id": f"{day}#1"}
    assert (await desk.post(path, note="x", **fields)).status_code == 403
    revenue = await signed_in(web, AccessRole.REVENUE, name="rita")
    assert (await revenue.post(path, **fields)).status_code == 422
    found = hidden(await revenue.get(PAGE))
    done = await revenue.post(path, note="asked Stripe", account=found["account"], id=found["id"])
    assert done.status_code == 303
    assert "told twice" not in (await revenue.get(PAGE)).text


@pytest.fixture
async def cards(database: Database) -> AsyncIterator[ChargingHouse]:
    """Two bookings with virtual cards, of which the second one is refused."""
    house = ChargingHouse(database)
    house.start()
    await house.open()
    await house.book(booking(nights=("2026-11-27", "2026-11-29")))
    await house.book(booking(REFUSED, booking_id="B2", nights=("2026-11-22", "2026-11-24")))
    await house.look()
    yield house
    await house.stop()


async def test_virtual_cards_are_charged_or_taken_off_the_list(cards: ChargingHouse) -> None:
    web = Site(cards.services)
    desk = await signed_in(web, AccessRole.FRONT_DESK)
    page = (await desk.get(PAGE)).text
    assert ("Cards to charge" in page, "insufficient_funds" in page, REFUSED in page) == (True, True, False)
    refused, waiting = await cards.open_cards()
    path = "/hotels/h/cards-to-charge"
    form = {"reservation": refused.reservation_id, "card": refused.card_id, "account": "desk", "currency": "EUR"}
    for wrong in ({"amount": "x", "do": "charged"}, {"do": "charged"}, {"amount": "1"}):
        assert (await desk.post(path, **form, **wrong)).status_code == 422
    charged = await desk.post(path, **form, do="charged", amount="150")
    assert charged.status_code == 303
    assert "€150.00" in (await desk.get(charged.headers["location"])).text
    for card in (refused, waiting):
        form = {"reservation": card.reservation_id, "card": card.card_id}
        assert (await desk.post(path, **form, do="terminal")).status_code == 303
    assert "Cards to charge" not in (await desk.get(PAGE)).text
    assert "charged at the terminal" in (await desk.get(f"/hotels/h/bookings/{waiting.reservation_id}")).text
    other = await signed_in(web, AccessRole.REVENUE, name="rita")
    assert (await other.post(path, **form, do="terminal")).status_code == 403
    await web.close()


async def test_the_api_charges_a_card_once_for_one_key(cards: ChargingHouse) -> None:
    web = Site(cards.services)
    desk, revenue = await web.as_role(AccessRole.FRONT_DESK), await web.as_role(AccessRole.REVENUE)
    listed = (await revenue.get("/v1/properties/h/cards-to-charge")).json()["items"]
    assert [each["standing"] for each in listed] == ["refused", "waiting"]
    card = listed[1]
    path = f"/v1/properties/h/reservations/{card['reservation_id']}/cards/{card['card_id']}"
    body = {"account": "desk", "amount": 7_000, "currency": "EUR"}
    assert (await revenue.post(f"{path}/charge", json=body)).status_code == 403
    answers = [await desk.post(f"{path}/charge", json=body, headers={"idempotency-key": "k"}) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["outcome"] == "succeeded"
    assert sum(await cards.taken()) == 7_000
    listed = (await desk.get("/v1/properties/h/cards-to-charge")).json()["items"]
    assert listed[1]["amount"] == 13_000
    for wrong in ({"amount": 0}, {"currency": "eur"}, {"account": ""}):
        assert (await desk.post(f"{path}/charge", json=body | wrong)).status_code == 422
    assert (await desk.post(f"{path}/terminal")).status_code == 204
    assert len((await desk.get("/v1/properties/h/cards-to-charge")).json()["items"]) == 1
    await web.close()
