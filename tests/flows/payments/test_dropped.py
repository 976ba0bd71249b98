"""A payment account is only taken out of the hotel file once nobody waits for an answer of it."""

from __future__ import annotations

import pytest

from gateway.engine.hotel_file import HotelFile
from gateway.errors import Rejected
from gateway.flows.apply_hotel import apply_hotel
from gateway.flows.plan_hotel import plan_hotel
from tests.flows.house import hotel
from tests.flows.payments.house import ACCOUNTS, SECRETS, PayHouse, lost


async def _keep(psp: PayHouse, *accounts: str) -> None:
    kept = tuple(account for account in ACCOUNTS if account.id in accounts)
    secrets = {place: secret for place, secret in SECRETS.items() if place[0] in accounts}
    planned, _ = await plan_hotel(psp.house.services, HotelFile(hotel(payments=kept), {}, payment_secrets=secrets))
    await apply_hotel(psp.house.services, planned, "test")


async def test_an_account_stays_until_what_is_under_way_has_ended(psp: PayHouse) -> None:
    await psp.page("desk")
    with pytest.raises(Rejected, match="'desk' are under way"):
        await _keep(psp, "online")
    psp.wire.faults = [lost]
    await psp.charge("online")
    with pytest.raises(Rejected, match="'online' are under way"):
        await _keep(psp, "desk")
    await psp.settle()
    await _keep(psp, "desk")


async def test_one_that_has_nothing_to_do_goes(psp: PayHouse) -> None:
    await psp.charge("online")
    await psp.tell("online")
    await psp.work()
    await _keep(psp, "desk")
    await _keep(psp, "desk", "online")
