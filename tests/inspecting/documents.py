"""Short OpenTravel messages to inspect."""

from __future__ import annotations

NAMESPACE = "http://www.opentravel.org/OTA/2003/05"

# Written as releases before 2006 had them.
PARAGRAPH = '<{0}><Text Formatted="1" Language="en">x</Text><ListItem ListItem="1">y</ListItem></{0}>'
PAYMENT = (
    '<{0}><RequiredPayment RetributionType="ResAutoCancelled" PaymentCode="5">'
    '<AmountPercent Percent="10"/><Deadline OffsetTimeUnit="Day" OffsetUnitMultiplier="1"/>'
    + PARAGRAPH.format("PaymentDescription")
    + "</RequiredPayment></{0}>"
)


def avail(inner: str = "", attributes: str = 'Version="1.0"', namespace: str = NAMESPACE) -> bytes:
    control = '<StatusApplicationControl Start="2031-02-01" End="2031-02-03" InvTypeCode="DBL"/>'
    return (
        f'<OTA_HotelAvailNotifRQ xmlns="{namespace}" {attributes}><AvailStatusMessages HotelCode="D">'
        f'<AvailStatusMessage BookingLimit="4">{control}{inner}</AvailStatusMessage>'
        f"</AvailStatusMessages></OTA_HotelAvailNotifRQ>"
    ).encode()


def answer(content: str, name: str = "OTA_HotelAvailNotifRS") -> bytes:
    return f'<{name} xmlns="{NAMESPACE}" Version="1.0">{content}</{name}>'.encode()


def booked(stay: str) -> bytes:
    inner = f"<HotelReservation><RoomStays><RoomStay>{stay}</RoomStay></RoomStays></HotelReservation>"
    return answer(f"<HotelReservations>{inner}</HotelReservations>", "OTA_HotelResRQ")
