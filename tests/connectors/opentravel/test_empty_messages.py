"""A message without a single item says nothing: it is refused, and the answer names what is missing."""

from __future__ import annotations

import pytest
from lxml import etree

from connectors.opentravel._shared.names import NAMESPACE
from connectors.opentravel.ota import CONNECTOR
from connectors.opentravel.ota.document import SMALL_BYTES
from gateway.contract import Head
from gateway.errors import Malformed, Reason
from gateway.messages import AriReceived
from tests.connectors.opentravel.outbound import site

SITE = site("ota-2015a")
COMPLETE = '<UniqueID Type="16" ID="1" Instance="CompleteSet"/>'
AVAIL = "OTA_HotelAvailNotifRQ"
# More than is read at once.
LONG = "<!-- nothing -->" * (SMALL_BYTES // 16)


def written(root: str, content: str) -> bytes:
    return f'<{root} xmlns="{NAMESPACE}" Version="1.0" ResStatus="Commit">{content}</{root}>'.encode()


@pytest.mark.parametrize(
    ("root", "content", "path"),
    [
        ("OTA_HotelResNotifRQ", "<HotelReservations/>", "HotelReservations/HotelReservation"),
        ("OTA_HotelResNotifRQ", "", "HotelReservations/HotelReservation"),
        (
            "OTA_HotelResNotifRQ",
            "<HotelReservations><Reservation/></HotelReservations>",
            "HotelReservations/HotelReservation",
        ),
        ("OTA_HotelResModifyNotifRQ", "<HotelResModifies/>", "HotelResModifies/HotelResModify"),
        (AVAIL, '<AvailStatusMessages HotelCode="H"/>', "AvailStatusMessages/AvailStatusMessage"),
        (AVAIL, f'{LONG}<AvailStatusMessages HotelCode="H"/>', "AvailStatusMessages/AvailStatusMessage"),
        (
            AVAIL,
            '<AvailStatusMessages HotelCode="H"><AvailStatusMsg/></AvailStatusMessages>',
            "AvailStatusMessages/AvailStatusMessage",
        ),
        (
            AVAIL,
            f'{COMPLETE}<AvailStatusMessages HotelCode="H"><AvailStatusMsg/></AvailStatusMessages>',
            "AvailStatusMessages/AvailStatusMessage",
        ),
        (
            "OTA_HotelRateAmountNotifRQ",
            '<RateAmountMessages HotelCode="H"/>',
            "RateAmountMessages/RateAmountMessage",
        ),
        ("OTA_HotelInvCountNotifRQ", '<Inventories HotelCode="H"/>', "Inventories/Inventory"),
        ("OTA_HotelRatePlanNotifRQ", '<RatePlans HotelCode="H"/>', "RatePlans/RatePlan"),
        ("OTA_HotelRatePlanNotifRQ", f'{COMPLETE}<RatePlans HotelCode="H"><Plan/></RatePlans>', "RatePlans/RatePlan"),
    ],
)
def test_a_message_without_items_is_refused(root: str, content: str, path: str) -> None:
    document = CONNECTOR.open(Head("POST", "/", {}), [written(root, content)])
    with pytest.raises(Malformed) as refused:
        CONNECTOR.parse(document, SITE)
    assert (refused.value.reason, refused.value.path) == (Reason.REQUIRED_MISSING, f"/{root}/{path}")
    [[error]] = etree.fromstring(CONNECTOR.refuse(document, refused.value, 0).body)
    assert (error.get("Type"), error.get("Code")) == ("10", "321")


def test_an_empty_complete_set_takes_everything_away() -> None:
    body = written(AVAIL, f'{COMPLETE}<AvailStatusMessages HotelCode="H"/>')
    [event] = CONNECTOR.parse(CONNECTOR.open(Head("POST", "/", {}), [body]), SITE)
    assert isinstance(event, AriReceived)
    assert event.clears
