"""How many rooms a stay is for, wherever the document says it."""

from __future__ import annotations

import pytest

from connectors.opentravel._shared.names import NAMESPACE
from connectors.opentravel.ota import CONNECTOR
from gateway.contract import Head
from gateway.errors import Malformed, Reason
from gateway.messages import ReservationReceived
from gateway.model.reservation import RoomStay
from tests.connectors.opentravel.outbound import site

FIRST = 'EffectiveDate="2031-02-01" ExpireDate="2031-02-02"'
SECOND = 'EffectiveDate="2031-02-02" ExpireDate="2031-02-03"'


def room_type(units: str = "", code: str = "10") -> str:
    given = f' NumberOfUnits="{units}"' if units else ""
    return f'<RoomType RoomTypeCode="{code}"{given}/>'


def rate(units: str = "", code: str = "10", plan: str = "FLEX", dates: str = "") -> str:
    given = f' NumberOfUnits="{units}"' if units else ""
    return f'<RoomRate RoomTypeCode="{code}" RatePlanCode="{plan}" {dates}{given}/>'


def read(room_types: str, rates: str) -> RoomStay:
    body = (
        f'<OTA_HotelResNotifRQ xmlns="{NAMESPACE}" ResStatus="Commit"><HotelReservations><HotelReservation>'
        '<UniqueID Type="14" ID="W-1"/><RoomStays><RoomStay>'
        f"<RoomTypes>{room_types}</RoomTypes>"
        '<RatePlans><RatePlan RatePlanCode="FLEX"/></RatePlans>'
        f'<RoomRates>{rates}</RoomRates><TimeSpan Start="2031-02-01" End="2031-02-03"/>'
        "</RoomStay></RoomStays></HotelReservation></HotelReservations></OTA_HotelResNotifRQ>"
    )
    [event] = CONNECTOR.parse(CONNECTOR.open(Head("POST", "/", {}), [body.encode()]), site("ota-2015a"))
    assert isinstance(event, ReservationReceived)
    [stay] = event.revision.content.stays
    return stay


@pytest.mark.parametrize(
    ("room_types", "rates", "units"),
    [
        (room_type("2") + room_type("3"), "", 5),
        (room_type("2") + room_type(), "", 3),
        (room_type() + room_type(), "", 2),
        (room_type("2") + room_type("3"), rate("5"), 5),
        (room_type("2") + room_type("3"), rate("2") + rate("3"), 5),
        (room_type("2"), rate(), 2),
        (room_type(), rate("2"), 2),
        ("", rate("2") + rate("3"), 5),
        ("", rate("2", dates=FIRST) + rate("2", dates=SECOND), 2),
        (room_type("2"), rate("2", dates=FIRST) + rate("2", dates=SECOND), 2),
        (room_type("2"), rate("2") + rate("2", plan="BREAKFAST"), 2),
        (room_type("2"), rate("2") + rate("2"), 2),
        (room_type(), rate() + rate(), 1),
    ],
)
def test_rooms_are_counted_wherever_they_stand(room_types: str, rates: str, units: int) -> None:
    stay = read(room_types, rates)
    assert (stay.room, stay.units) == ("10", units)


@pytest.mark.parametrize(
    ("room_types", "rates"),
    [
        (room_type("1"), rate("2")),
        (room_type("2") + room_type("3"), rate("2")),
        (room_type("2"), rate("2", dates=FIRST) + rate("1", dates=SECOND)),
        ("", rate("2", dates=FIRST) + rate("1", dates=SECOND)),
        (room_type("999") + room_type("1"), ""),
    ],
)
def test_numbers_of_rooms_that_differ_are_refused(room_types: str, rates: str) -> None:
    with pytest.raises(Malformed) as refused:
        read(room_types, rates)
    assert refused.value.reason is Reason.INVALID_VALUE
    assert (refused.value.path or "").endswith("@NumberOfUnits")


@pytest.mark.parametrize("rates", [rate(code="20"), rate() + rate(code="20")])
def test_a_rate_of_another_room_type_is_refused(rates: str) -> None:
    with pytest.raises(Malformed) as refused:
        read(room_type(), rates)
    assert refused.value.reason is Reason.ROOM_TYPE
    assert (refused.value.path or "").endswith("/RoomRates/RoomRate/@RoomTypeCode")
