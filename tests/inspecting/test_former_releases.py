"""The profile ``ota``: what only 2003B to 2005A have, which no release with a full description has any more."""

from __future__ import annotations

import pytest

from connectors.opentravel._shared.inspect_ota import inspect
from gateway.contract_inspecting import Inspection
from gateway.errors import Malformed
from tests.inspecting.documents import PARAGRAPH, PAYMENT, answer, avail, booked

OTA = Inspection("ota")


def rate(inner: str) -> bytes:
    rates = (
        f"<RoomRates><RoomRate><Rates><Rate><Base AmountBeforeTax='9.00'/>{inner}</Rate></Rates></RoomRate></RoomRates>"
    )
    return booked(rates)


def described(inner: str) -> bytes:
    content = f'<HotelDescriptiveContents><HotelDescriptiveContent HotelCode="D">{inner}</HotelDescriptiveContent>'
    return answer(content + "</HotelDescriptiveContents>", "OTA_HotelDescriptiveContentNotifRQ")


def cancelled(times: int) -> bytes:
    found = '<UniqueID Type="14" ID="1"/>' + times * "<Verification/>" + "<TPA_Extensions/>"
    return answer(found, "OTA_CancelRQ").replace(b"Version", b'CancelType="Initiate" Version')


TEXT = PARAGRAPH.format("Description")

# What 2003B or 2005A have, and no release of 2006 or later.
FORMER = [
    answer(
        '<Success/><UniqueID Type="14" ID="1"/><CancelInfoRS><CancelRules><CancelRule Percent="50">Late</CancelRule>'
        "</CancelRules></CancelInfoRS>",
        "OTA_CancelRS",
    ).replace(b"Version", b'Status="Cancelled" Version'),
    rate(PAYMENT.format("PaymentPolicies")),
    booked(PAYMENT.format("DepositPayments")),
    booked("<AlternateInfo/>").replace(b"OTA_HotelResRQ", b"OTA_HotelResNotifRQ"),
    answer("<Success/>", "OTA_HotelResRS").replace(b"Version", b'ResResponseType="On Hold" Version'),
    avail('<LengthsOfStay><LengthOfStay Time="2" MinMaxMessageType="RemoveForward MinStay"/></LengthsOfStay>'),
    described(f"<HotelInfo><Descriptions><Renovation>{TEXT}</Renovation></Descriptions></HotelInfo>"),
    described(
        '<HotelInfo><Descriptions><Description InfoCode="1"><Text>x</Text></Description></Descriptions></HotelInfo>'
    ),
    described(f'<HotelInfo><Services><Service Code="1">{TEXT}</Service></Services></HotelInfo>'),
    described(f'<AreaInfo><Attractions><Attraction AttractionName="x">{TEXT}</Attraction></Attractions></AreaInfo>'),
    described(
        '<MultimediaObjects><MultimediaObject ContentCode="1" ContentData="x" Version="1" ContentTitle="y">'
        "<URL>http://example.org/a.jpg</URL></MultimediaObject></MultimediaObjects>"
    ),
    described(
        "<FacilityInfo><Restaurants><Restaurant>"
        + PARAGRAPH.format("RestaurantDescription")
        + "</Restaurant></Restaurants></FacilityInfo>"
    ),
    described('<Policies><Policy PetsPolicyCode="1" CodeDetail="x"/></Policies>'),
    described("<Policies><Policy>" + PAYMENT.format("PaymentPolicy") + "</Policy></Policies>"),
    described(
        '<Policies><Policy><PolicyInfoCodes><PolicyInfoCode Name="OversoldArrangeAccomodations"/></PolicyInfoCodes>'
        "</Policy></Policies>"
    ),
    described(
        '<FacilityInfo><Restaurants><Restaurant><OperationSchedules><OperationTimes><OperationTime Mon="1"/>'
        "</OperationTimes></OperationSchedules></Restaurant></Restaurants></FacilityInfo>"
    ),
    described(
        '<FacilityInfo><Restaurants><Restaurant><InfoCodes><InfoCode Name="SrvcInfoCode" Code="1"/></InfoCodes>'
        "</Restaurant></Restaurants></FacilityInfo>"
    ),
    answer(
        '<RuleMessages HotelCode="D"><RuleMessage><BookingRules><BookingRule><GuaranteesAccepted><GuaranteeAccepted/>'
        "</GuaranteesAccepted></BookingRule></BookingRules></RuleMessage></RuleMessages>",
        "OTA_HotelBookingRuleNotifRQ",
    ),
    answer(
        '<HotelReservations><HotelReservation><Services><Service ServiceRPH="1"/></Services></HotelReservation>'
        "</HotelReservations>",
        "OTA_HotelResRQ",
    ),
    cancelled(5),
    answer("", "OTA_HotelRateAmountNotifRQ").replace(b"Version", b'HotelCode="D" Version'),
    answer(
        '<SellableProducts HotelCode="D"><SellableProduct SellableProductRPH="1"><MeetingRoom MeetingRoomCount="1"/>'
        "</SellableProduct></SellableProducts>",
        "OTA_HotelInvNotifRQ",
    ),
]


@pytest.mark.parametrize("data", FORMER)
def test_what_only_older_releases_have_is_taken_with_a_warning(data: bytes) -> None:
    assert len(inspect(data, OTA).warnings) == 1


def test_more_than_the_most_generous_release_allows_is_refused() -> None:
    with pytest.raises(Malformed) as caught:
        inspect(cancelled(6), OTA)
    assert caught.value.path == "/OTA_CancelRQ/Verification[6]"
