"""3-D Secure over HTTP: the guest's bank asks, and the sale is booked, given up, or runs out, as the guest answers."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit

import httpx
import msgspec
import pytest

from gateway.engine.asking import Party
from gateway.engine.sale import Customer, SaleState
from gateway.errors import Rejected
from gateway.flows.payments import amend, operate, schedule
from gateway.flows.payments.operate import Ask, Operated
from gateway.flows.payments.schedule import PayLink, Wish
from gateway.flows.selling import search, sell
from gateway.flows.selling.release import Releaser
from gateway.flows.selling.search import Line
from gateway.model.payment import OperationKind, OperationOutcome
from gateway.model.payment_error import PaymentError
from gateway.model.payment_means import Card, Device, Occasion, Presence, StoredMethod
from gateway.model.reservation import Guest
from gateway.store.database import Database
from gateway.store.tables import SaleRow
from gateway.store.tables_paying import PaymentOperationRow
from simulators.psp.adyen import Adyen
from simulators.psp.stripe_challenges import CHALLENGED
from tests.flows.house import TODAY
from tests.payments.five import ACCOUNT, Five, opened
from tests.payments.test_sold import ME, TOTAL, money, open_for_sale

BACK = "http://hotel.invalid/back"
GUEST = Customer(Guest("Lovelace", "Ada", email="ada@example.org"))
METHOD = {
    "stripe": {"payment_method": CHALLENGED},
    "adyen": {"type": "scheme", "encryptedCardNumber": "challenged"},
}
HERE = {"type": "scheme", "encryptedCardNumber": "challenged-here"}
DEVICE = Device("203.0.113.9", {"userAgent": "A", "screenWidth": 1200, "javaEnabled": False}, "http://hotel.invalid")


@pytest.fixture(params=["stripe", "adyen"])
async def five(request: pytest.FixtureRequest, sqlite: Database) -> AsyncIterator[Five]:
    async with opened(request.param, sqlite) as one:
        await open_for_sale(one)
        yield one


async def asked(five: Five, client: dict[str, str] | None = None) -> PayLink:
    """A hold is begun to be paid, and the bank asks."""
    quote = await search.quote(five.services, "h", TODAY + 3, TODAY + 5, [Line("DBL", "BAR", Party(2))], ME)
    wish = Wish(client=client or METHOD[five.gateway], return_url=BACK, device=DEVICE)
    link = await schedule.pay(five.services, "h", quote.sale_id, wish, ME, customer=GUEST)
    assert (link.outcome, link.state) == (OperationOutcome.ACTION_REQUIRED, SaleState.HELD)
    assert link.action is not None
    assert await five.house.free("DBL", 3) == 0
    return link


def page_of(link: PayLink | Operated) -> str:
    """Where the guest's browser goes: an address, or what Adyen's component opens."""
    assert link.action is not None
    if link.action.url:
        return link.action.url
    said: dict[str, str] = msgspec.json.decode(link.action.content)
    return said["url"]


async def answered(five: Five, link: PayLink, *, succeeds: bool) -> httpx.Response:
    """The guest's browser at the bank, until it comes back to us; Adyen is then asked what that means."""
    page = page_of(link)
    assert "Simulated" in (await five.client.get(page)).text
    answer = "yes" if succeeds else "no"
    returned = await five.client.post(page, data={"succeeds": answer})
    assert returned.status_code == 303
    target = urlsplit(returned.headers["location"])
    assert f"{target.scheme}://{target.netloc}{target.path}" == BACK
    said = dict(parse_qsl(target.query))
    if five.gateway == "adyen":
        await amend.proceed(five.services, "h", link.payment_id, said)
    else:
        # Parameters of an address prove nothing: until Stripe says so, nothing has happened.
        assert said["redirect_status"] == ("succeeded" if succeeds else "failed")
        assert (await money(five, link.sale_id)).state is SaleState.HELD
    return returned


async def letter(five: Five, sale_id: str) -> str:
    (row,) = await five.house.rows(SaleRow, f"sale_id = '{sale_id}'")
    return str(row.letter)


async def goes_by(five: Five, hours: float) -> None:
    five.clock.pass_s(hours * 3_600)
    await Releaser(five.services).round()
    await five.settle()


async def test_a_guest_who_proves_to_be_one_has_booked(five: Five) -> None:
    link = await asked(five)
    five.courier.faults.copies = 2
    await answered(five, link, succeeds=True)
    await five.settle()
    seen = await money(five, link.sale_id)
    assert (seen.state, seen.taken, seen.outstanding) == (SaleState.BOOKED, TOTAL, 0)
    assert await letter(five, link.sale_id) == "confirmed"
    assert five.psp.moved() == (TOTAL, 0)
    await sell.cancel(five.services, "h", link.sale_id, ME)
    await five.settle()
    assert five.psp.moved() == (TOTAL, TOTAL // 2)


async def test_a_guest_who_does_not_gets_no_room_and_is_told(five: Five) -> None:
    link = await asked(five)
    await answered(five, link, succeeds=False)
    await five.settle()
    (operation,) = [row for row in await five.house.rows(PaymentOperationRow) if row.kind == "purchase"]
    assert (operation.outcome, operation.error) == ("failed", PaymentError.AUTHENTICATION_FAILED)
    assert (await money(five, link.sale_id)).state is SaleState.RELEASED
    assert await five.house.free("DBL", 3) == 1
    assert await letter(five, link.sale_id) == "payment_failed"
    assert five.psp.moved() == (0, 0)


async def test_a_guest_who_walks_away_leaves_the_room_to_others_and_is_told(five: Five) -> None:
    link = await asked(five)
    await goes_by(five, 1)
    assert (await money(five, link.sale_id)).state is SaleState.RELEASED
    assert await five.house.free("DBL", 3) == 1
    assert await letter(five, link.sale_id) == "payment_failed"
    if isinstance(five.psp, Adyen):
        five.psp.abandon(page_of(link).rpartition("/")[2])
    await goes_by(five, 12)
    outcomes = {row.kind: row.outcome for row in await five.house.rows(PaymentOperationRow)}
    assert outcomes["purchase"] == "failed"
    assert five.psp.moved() == (0, 0)
    # The page is over, and so is what waits for its guest.
    assert (await five.client.post(page_of(link), data={"succeeds": "yes"})).status_code == 409
    with pytest.raises(Rejected, match="does not wait"):
        await amend.proceed(five.services, "h", link.payment_id, {"redirectResult": "x"})


async def test_who_answers_late_has_the_room_if_it_is_still_free(five: Five) -> None:
    link = await asked(five)
    five.courier.faults.withhold = True
    page = page_of(link)
    returned = await five.client.post(page, data={"succeeds": "yes"})
    five.clock.pass_s(3_600)
    await Releaser(five.services).round()
    assert (await money(five, link.sale_id)).state is SaleState.RELEASED
    if five.gateway == "adyen":
        said = dict(parse_qsl(urlsplit(returned.headers["location"]).query))
        await amend.proceed(five.services, "h", link.payment_id, said)
    five.courier.faults.withhold = False
    await five.settle()
    assert (await money(five, link.sale_id)).state is SaleState.BOOKED
    assert await five.house.free("DBL", 3) == 0


@pytest.mark.parametrize("five", ["adyen"], indirect=True)
@pytest.mark.parametrize("status", ["Y", "N"])
async def test_adyens_component_asks_in_two_steps(five: Five, status: str) -> None:
    link = await asked(five, HERE)
    assert link.action is not None
    first = msgspec.json.decode(link.action.content)
    assert (first["type"], first["subtype"]) == ("threeDS2", "fingerprint")
    given = {"threeDSResult": "eyJ0aHJlZURTQ29tcEluZCI6IlkifQ==", "paymentData": first["paymentData"]}
    challenge = await amend.proceed(five.services, "h", link.payment_id, given)
    assert challenge.outcome is OperationOutcome.ACTION_REQUIRED
    assert challenge.action is not None
    second = msgspec.json.decode(challenge.action.content)
    assert second["subtype"] == "challenge"
    result = msgspec.json.encode({"transStatus": status})
    done = await amend.proceed(
        five.services,
        "h",
        link.payment_id,
        {"threeDSResult": b64encode(result).decode(), "paymentData": second["paymentData"]},
    )
    proven = status == "Y"
    assert done.outcome is (OperationOutcome.SUCCEEDED if proven else OperationOutcome.FAILED)
    await five.settle()
    assert (await money(five, link.sale_id)).state is (SaleState.BOOKED if proven else SaleState.RELEASED)
    assert five.psp.moved() == (TOTAL if proven else 0, 0)


@pytest.mark.parametrize("five", ["stripe"], indirect=True)
async def test_who_is_not_there_cannot_be_asked(five: Five) -> None:
    """A kept card whose bank asks is declined; mail order is not asked about."""
    stored = Ask(
        intent=OperationKind.PURCHASE,
        amount=5_000,
        currency="EUR",
        means=StoredMethod(CHALLENGED),
        presence=Presence.ABSENT,
        occasion=Occasion.LATE_CHARGE,
    )
    refused = await operate.charge(five.services, "h", ACCOUNT, stored, "test")
    assert (refused.outcome, refused.error) == (OperationOutcome.FAILED, PaymentError.AUTHENTICATION_REQUIRED)
    typed = Card("4000002500003155", 12, 2033)
    by_mail = msgspec.structs.replace(stored, means=typed, presence=Presence.MOTO)
    assert (await operate.charge(five.services, "h", ACCOUNT, by_mail, "test")).outcome is OperationOutcome.SUCCEEDED


@pytest.mark.parametrize("five", ["stripe"], indirect=True)
async def test_another_card_may_be_confirmed_in_place_of_the_one_that_was_not_proven(five: Five) -> None:
    link = await asked(five)
    returned = await five.client.post(page_of(link), data={"succeeds": "no"})
    assert "redirect_status=failed" in returned.headers["location"]
    done = await amend.proceed(five.services, "h", link.payment_id, {"payment_method": "pm_ok"})
    assert done.outcome is OperationOutcome.SUCCEEDED
    await five.settle()
    assert (await money(five, link.sale_id)).state is SaleState.BOOKED
    assert five.psp.moved() == (TOTAL, 0)
