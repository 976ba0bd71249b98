"""OTA messages as f-strings with escaping: the cheapest correct way to write XML, for datasets and the push floor.

Amounts are minor units of a two-decimal currency, dates are ISO strings and inclusive.
"""

from collections.abc import Iterable
from xml.sax.saxutils import escape

NAMESPACE = "http://www.opentravel.org/OTA/2003/05"
TIME_STAMP = "2031-01-05T08:00:00Z"


def attribute(value: str) -> str:
    """Escape a value for a double-quoted attribute; most codes need none, which is cheaper to ask than to do."""
    return value if value.isalnum() else escape(value, {'"': "&quot;"})


def amount(minor: int) -> str:
    """Write minor units with two decimals."""
    return f"{minor // 100}.{minor % 100:02d}"


def rate_message(locator: int, control: str, single_minor: int, double_minor: int, child_minor: int) -> str:
    """Prices for one and two adults and a further child; `control` holds the attributes of the dates and codes."""
    return (
        f'<RateAmountMessage LocatorID="{locator}"><StatusApplicationControl {control}/><Rates><Rate><BaseByGuestAmts>'
        f'<BaseByGuestAmt NumberOfGuests="1" AgeQualifyingCode="10" AmountAfterTax="{amount(single_minor)}"'
        ' CurrencyCode="EUR"/>'
        f'<BaseByGuestAmt NumberOfGuests="2" AgeQualifyingCode="10" AmountAfterTax="{amount(double_minor)}"'
        ' CurrencyCode="EUR"/></BaseByGuestAmts><AdditionalGuestAmounts>'
        f'<AdditionalGuestAmount AgeQualifyingCode="8" Amount="{amount(child_minor)}"/>'
        "</AdditionalGuestAmounts></Rate></Rates></RateAmountMessage>"
    )


def limit_message(locator: int, control: str, rooms: int) -> str:
    """Rooms left to sell of a room type."""
    return (
        f'<AvailStatusMessage BookingLimit="{rooms}" BookingLimitMessageType="SetLimit" LocatorID="{locator}">'
        f"<StatusApplicationControl {control}/></AvailStatusMessage>"
    )


def status_message(locator: int, control: str, restriction: str, status: str) -> str:
    """Open or close sale, arrival or departure."""
    return (
        f'<AvailStatusMessage LocatorID="{locator}"><StatusApplicationControl {control}/>'
        f'<RestrictionStatus Restriction="{restriction}" Status="{status}"/></AvailStatusMessage>'
    )


def stay_message(locator: int, control: str, nights_min: int, nights_max: int, status: str) -> str:
    """Shortest and longest stay by arrival date, and whether it is on sale at all."""
    return (
        f'<AvailStatusMessage LocatorID="{locator}"><StatusApplicationControl {control}/>'
        '<LengthsOfStay ArrivalDateBased="true">'
        f'<LengthOfStay Time="{nights_min}" TimeUnit="Day" MinMaxMessageType="SetMinLOS"/>'
        f'<LengthOfStay Time="{nights_max}" TimeUnit="Day" MinMaxMessageType="SetMaxLOS"/></LengthsOfStay>'
        f'<RestrictionStatus Restriction="Master" Status="{status}"/></AvailStatusMessage>'
    )


def product_control(start: str, end: str, room_code: str, plan_code: str) -> str:
    """The attributes that address one product over a range of nights."""
    return f'Start="{start}" End="{end}" InvTypeCode="{attribute(room_code)}" RatePlanCode="{attribute(plan_code)}"'


def room_control(start: str, end: str, room_code: str) -> str:
    """The attributes that address one room type over a range of nights."""
    return f'Start="{start}" End="{end}" InvTypeCode="{attribute(room_code)}"'


def _lines(messages: Iterable[str]) -> str:
    return "\n".join(messages)


def avail_document(hotel_code: str, messages: Iterable[str]) -> bytes:
    """An OTA_HotelAvailNotifRQ around its messages."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<OTA_HotelAvailNotifRQ xmlns="{NAMESPACE}" EchoToken="bench" '
        f'TimeStamp="{TIME_STAMP}" Version="1.0"><AvailStatusMessages HotelCode="{attribute(hotel_code)}">\n'
        f"{_lines(messages)}\n</AvailStatusMessages></OTA_HotelAvailNotifRQ>"
    ).encode()


def rate_document(hotel_code: str, messages: Iterable[str]) -> bytes:
    """An OTA_HotelRateAmountNotifRQ around its messages."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<OTA_HotelRateAmountNotifRQ xmlns="{NAMESPACE}" EchoToken="bench" '
        f'TimeStamp="{TIME_STAMP}" Version="1.0" NotifType="Overlay" NotifScopeType="ProductRate">'
        f'<RateAmountMessages HotelCode="{attribute(hotel_code)}">\n'
        f"{_lines(messages)}\n</RateAmountMessages></OTA_HotelRateAmountNotifRQ>"
    ).encode()
