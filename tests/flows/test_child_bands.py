"""A PMS sends prices of children by age: the highest is kept, and what is not kept stands in the answer."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from lxml import etree

from gateway.contract import Head
from gateway.flows.receive import receive
from gateway.model.dates import format_day
from gateway.model.selling import ChildRate, Selling
from gateway.store.tables import MessageRow
from gateway.wire.http_auth import compose_basic
from tests.flows.house import TODAY, House, channel, hotel, pms
from tests.flows.selling.test_sell_asked import NS, Both

MESSAGE = f"""<OTA_HotelRateAmountNotifRQ xmlns="{NS}" Version="1.0" EchoToken="e1">
<RateAmountMessages HotelCode="P"><RateAmountMessage LocatorID="1">
<StatusApplicationControl Start="{format_day(TODAY)}" End="{format_day(TODAY)}" InvTypeCode="pDBL" RatePlanCode="BAR"/>
<Rates><Rate><BaseByGuestAmts><BaseByGuestAmt AmountAfterTax="100.00" CurrencyCode="EUR" NumberOfGuests="2"/>
</BaseByGuestAmts><AdditionalGuestAmounts>
<AdditionalGuestAmount AgeQualifyingCode="8" Amount="10.00" MaxAge="5"/>
<AdditionalGuestAmount AgeQualifyingCode="8" Amount="25.00" MinAge="6" MaxAge="11"/>
</AdditionalGuestAmounts></Rate></Rates></RateAmountMessage></RateAmountMessages></OTA_HotelRateAmountNotifRQ>"""


@pytest.mark.parametrize(
    ("children", "warnings"),
    [
        ((), ["BAR in pDBL: 10.00 for children of 0 to 5 years is not kept; they pay 25.00 EUR"]),
        ((ChildRate(5, amount=1_000),), []),
    ],
)
async def test_the_highest_is_kept_and_the_rest_told(
    empty_house: House, children: tuple[ChildRate, ...], warnings: list[str]
) -> None:
    house = empty_house
    house.services = replace(house.services, connectors=Both())
    opentravel = msgspec.structs.replace(pms(), connector="opentravel", profile="ota-2015a")
    await house.apply(hotel(opentravel, channel("ota"), selling=Selling(children=children)))
    head = Head("POST", "/opentravel/pms", {"authorization": compose_basic("them", "in")})
    reply = await receive(house.services, "opentravel", "pms", head, [MESSAGE.encode()])
    answer = etree.fromstring(reply.body)
    assert answer.find(f"{{{NS}}}Success") is not None
    assert [warning.text for warning in answer.iter(f"{{{NS}}}Warning")] == warnings
    assert await house.cell("DBL", "BAR", 0, "extra_child") == 2_500
    (logged,) = [row for row in await house.rows(MessageRow) if row.connection == "pms"]
    assert (logged.outcome, logged.detail) == ("applied", "; ".join(warnings))
