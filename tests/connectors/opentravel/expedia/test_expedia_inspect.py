"""``gateway inspect`` on QuickConnect messages: the right ones pass, each wrong one is placed by path and line."""

from __future__ import annotations

import pytest

from connectors.opentravel.expedia import CONNECTOR
from gateway.contract_inspecting import Inspection, Inspector
from gateway.errors import Malformed, Refusal, Unsupported

SPACE = "http://www.expediaconnect.com/EQC/"
HEAD = '<Authentication username="gateway01" password="s3cretpw"/>\n<Hotel id="770011"/>'

UPDATE = f"""<AvailRateUpdateRQ xmlns="{SPACE}AR/2011/06">
{HEAD}
<AvailRateUpdate>
<DateRange from="2031-03-01" to="2031-03-31" fri="true" sat="true"/>
<RoomType id="201" closed="false">
<Inventory totalInventoryAvailable="4"/>
<RatePlan id="208" closed="false">
<Rate currency="EUR"><PerOccupancy rate="110.00" occupancy="1"/><PerOccupancy rate="140.00" occupancy="2"/></Rate>
<Restrictions minLOS="2" maxLOS="14" closedToArrival="false" closedToDeparture="false"/>
</RatePlan>
</RoomType>
</AvailRateUpdate>
</AvailRateUpdateRQ>"""
SHORT = f"""<AvailRateUpdateRQ xmlns="{SPACE}AR/2007/02">
{HEAD}
<DateRange from="2031-03-01" to="2031-03-31"/>
<RoomType id="201"><RatePlan id="208"><Rate currency="USD" lengthOfStay="1"><PerDay rate="10"/></Rate>
<Rate currency="USD" lengthOfStay="2"><PerDay rate="9.5"/></Rate></RatePlan></RoomType>
</AvailRateUpdateRQ>"""
INDICATOR = f"""<AvailRateUpdateRQ xmlns="{SPACE}AR/2011/06">
{HEAD}
<AvailRateUpdate><DateRange from="2031-03-01" to="2031-03-31"/><DateRange from="2031-05-01" to="2031-05-02"/>
<RoomType id="201"><RatePlan id="208"><Rate rateChangeIndicator="true"/></RatePlan></RoomType>
<RoomType id="202" closed="true"/></AvailRateUpdate>
</AvailRateUpdateRQ>"""
UPDATED = (
    f'<AvailRateUpdateRS xmlns="{SPACE}AR/2007/02"><Success>'
    '<Warning code="7022">inactive</Warning></Success></AvailRateUpdateRS>'
)
FAILED = f'<AvailRateUpdateRS xmlns="{SPACE}AR/2007/02"><Error code="3015">no</Error></AvailRateUpdateRS>'
ASKED = f"""<BookingRetrievalRQ xmlns="{SPACE}BR/2014/01">
{HEAD}
<ParamSet><Status value="pending"/><Status value="retrieved"/><NbDaysInPast>30</NbDaysInPast></ParamSet>
</BookingRetrievalRQ>"""
ASKED_ONE = ASKED[: ASKED.index("<ParamSet>")] + '<ParamSet><Booking id="9"/></ParamSet></BookingRetrievalRQ>'
ASKED_ALL = f'<BookingRetrievalRQ xmlns="{SPACE}BR/2014/01">{HEAD.splitlines()[0]}</BookingRetrievalRQ>'
FOUND = f"""<BookingRetrievalRS xmlns="{SPACE}BR/2014/01"><Bookings>
<Booking id="900100200" type="Book" createDateTime="2031-02-10T08:01:02Z" source="A-Hotels.com" status="pending">
<Hotel id="770011"/>
<RoomStay roomTypeID="201" ratePlanID="208A">
<StayDate arrival="2031-03-01" departure="2031-03-02"/>
<GuestCount adult="2" child="1"><Child age="4"/></GuestCount>
<PerDayRates currency="EUR"><PerDayRate stayDate="2031-03-01" baseRate="100.00" promoName="Spring"/></PerDayRates>
<Total amountAfterTaxes="110.00" amountOfTaxes="10.00" currency="EUR"/>
<PaymentCard cardCode="VI" cardNumber="4111111111111111" expireDate="1233" seriesCode="1"><CardHolder name="A"/>
</PaymentCard>
</RoomStay>
<PrimaryGuest><Name givenName="A" surname="O"/><Phone number="5550123"/><Email>a@example.org</Email></PrimaryGuest>
<RewardProgram code="BA" number="77"/>
<SpecialRequest code="1.4">1 king bed</SpecialRequest>
</Booking>
</Bookings></BookingRetrievalRS>"""
CONFIRM = f"""<BookingConfirmRQ xmlns="{SPACE}BC/2007/09">
{HEAD}
<BookingConfirmNumbers>
<BookingConfirmNumber bookingType="Book" bookingID="9" confirmNumber="CM-1" confirmTime="2031-02-10T09:15:00-05:00"/>
</BookingConfirmNumbers></BookingConfirmRQ>"""
CONFIRMED = (
    f'<BookingConfirmRS xmlns="{SPACE}BC/2007/08"><Success>'
    '<Warning code="10102" bookingID="9" bookingType="Book" confirmNumber="CM-1">newer</Warning>'
    "</Success></BookingConfirmRS>"
)


def inspect(profile: str, text: str) -> str:
    return CONNECTOR.inspect(text.encode(), Inspection(profile)).root


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        *(("expedia-ar", text) for text in (UPDATE, SHORT, INDICATOR, UPDATED, FAILED)),
        *(("expedia-br", text) for text in (ASKED, ASKED_ONE, ASKED_ALL, FOUND)),
        ("expedia-br", FOUND.replace(FOUND[FOUND.index("<Booking ") : FOUND.rindex("</Bookings>")], "")),
        ("expedia-br", FOUND.replace("BR/2014/01", "BR/2007/02")),
        ("expedia-bc", CONFIRM),
        ("expedia-bc", CONFIRMED),
        *(("expedia", text) for text in (UPDATE, FOUND, CONFIRM)),
    ],
)
def test_a_right_message_passes(profile: str, text: str) -> None:
    assert inspect(profile, text) == text[1 : text.index(" ")]


def test_it_is_an_inspector() -> None:
    assert isinstance(CONNECTOR, Inspector)


RATE_PLAN = "/AvailRateUpdateRQ/AvailRateUpdate/RoomType/RatePlan"
STAY = "/BookingRetrievalRS/Bookings/Booking/RoomStay"
NUMBERS = "/BookingConfirmRQ/BookingConfirmNumbers"


@pytest.mark.parametrize(
    ("text", "old", "new", "path", "line"),
    [
        # shape of AR
        (UPDATE, ' username="gateway01"', "", "/AvailRateUpdateRQ/Authentication/@username", 2),
        (UPDATE, "gateway01", "gat", "/AvailRateUpdateRQ/Authentication/@username", 2),
        (UPDATE, "s3cretpw", "s3cre", "/AvailRateUpdateRQ/Authentication/@password", 2),
        (UPDATE, '"770011"', '"H770011"', "/AvailRateUpdateRQ/Hotel/@id", 3),
        (UPDATE, '"770011"', '"0"', "/AvailRateUpdateRQ/Hotel/@id", 3),
        (UPDATE, ' to="2031-03-31"', "", "/AvailRateUpdateRQ/AvailRateUpdate/DateRange/@to", 5),
        (UPDATE, "2031-03-31", "31.03.2031", "/AvailRateUpdateRQ/AvailRateUpdate/DateRange/@to", 5),
        (UPDATE, 'fri="true"', 'friday="true"', "/AvailRateUpdateRQ/AvailRateUpdate/DateRange/@friday", 5),
        (UPDATE, 'fri="true"', 'fri="yes"', "/AvailRateUpdateRQ/AvailRateUpdate/DateRange/@fri", 5),
        (UPDATE, 'RoomType id="201"', "RoomType", "/AvailRateUpdateRQ/AvailRateUpdate/RoomType/@id", 6),
        (UPDATE, '"4"', '"5000"', "/AvailRateUpdateRQ/AvailRateUpdate/RoomType/Inventory/@totalInventoryAvailable", 7),
        (UPDATE, 'id="208"', f'id="{"2" * 51}"', f"{RATE_PLAN}/@id", 8),
        (UPDATE, "110.00", "-110.00", f"{RATE_PLAN}/Rate/PerOccupancy/@rate", 9),
        (UPDATE, "110.00", "110.0001", f"{RATE_PLAN}/Rate/PerOccupancy/@rate", 9),
        (UPDATE, "110.00", "110,00", f"{RATE_PLAN}/Rate/PerOccupancy/@rate", 9),
        (UPDATE, 'occupancy="2"', 'occupancy="0"', f"{RATE_PLAN}/Rate/PerOccupancy[2]/@occupancy", 9),
        (UPDATE, ' occupancy="2"', "", f"{RATE_PLAN}/Rate/PerOccupancy[2]/@occupancy", 9),
        (UPDATE, '"EUR"', '"EURO"', f"{RATE_PLAN}/Rate/@currency", 9),
        (UPDATE, 'maxLOS="14"', 'maxLOS="29"', f"{RATE_PLAN}/Restrictions/@maxLOS", 10),
        (UPDATE, "closedToArrival", "ClosedToArrival", f"{RATE_PLAN}/Restrictions/@ClosedToArrival", 10),
        (SHORT, "<RoomType", '<DateRange from="2031-03-01" to="2031-03-31"/><RoomType', "/DateRange[2]", 5),
        (UPDATED, '"7022"', '"x"', "/AvailRateUpdateRS/Success/Warning/@code", 1),
        (FAILED, ' code="3015"', "", "/AvailRateUpdateRS/Error/@code", 1),
        # rules of AR
        (UPDATE, '"2031-03-31"', '"2031-02-28"', "/AvailRateUpdateRQ/AvailRateUpdate/DateRange/@to", 5),
        (UPDATE, 'fri="true" sat="true"', 'fri="false"', "/AvailRateUpdateRQ/AvailRateUpdate/DateRange", 5),
        (
            UPDATE,
            "<Inventory ",
            '<Inventory flexibleAllocation="1" ',
            "/AvailRateUpdateRQ/AvailRateUpdate/RoomType/Inventory/@flexibleAllocation",
            7,
        ),
        (UPDATE, ' currency="EUR"', "", f"{RATE_PLAN}/Rate/@currency", 9),
        (UPDATE, 'minLOS="2"', 'minLOS="15"', f"{RATE_PLAN}/Restrictions/@minLOS", 10),
        (UPDATE, 'occupancy="2"', 'occupancy="1"', f"{RATE_PLAN}/Rate/PerOccupancy[2]/@rate", 9),
        (UPDATE, "2031-03-31", "2061-03-31", "/AvailRateUpdateRQ/AvailRateUpdate/DateRange/@to", 5),
        (SHORT, ' lengthOfStay="2"', "", "/AvailRateUpdateRQ/RoomType/RatePlan/Rate[2]/@lengthOfStay", 6),
        (SHORT, 'lengthOfStay="2"', 'lengthOfStay="1"', "/AvailRateUpdateRQ/RoomType/RatePlan/Rate[2]/PerDay/@rate", 6),
        # BR
        (ASKED, '"pending"', '"new"', "/BookingRetrievalRQ/ParamSet/Status/@value", 4),
        (ASKED, ">30<", ">31<", "/BookingRetrievalRQ/ParamSet/NbDaysInPast", 4),
        (ASKED, "<ParamSet>", '<ParamSet><Booking id="1"/>', "/BookingRetrievalRQ/ParamSet/Status", 4),
        (FOUND, 'type="Book"', 'type="New"', "/BookingRetrievalRS/Bookings/Booking/@type", 2),
        (FOUND, ' status="pending"', "", "/BookingRetrievalRS/Bookings/Booking/@status", 2),
        (
            FOUND,
            "2031-02-10T08:01:02Z",
            "2031-02-30T08:01:02Z",
            "/BookingRetrievalRS/Bookings/Booking/@createDateTime",
            2,
        ),
        (FOUND, 'adult="2"', 'adult="29"', f"{STAY}/GuestCount/@adult", 6),
        (FOUND, ' baseRate="100.00"', "", f"{STAY}/PerDayRates/PerDayRate/@baseRate", 7),
        (FOUND, '"1233"', '"1333"', f"{STAY}/PaymentCard/@expireDate", 9),
        (FOUND, 'departure="2031-03-02"', 'departure="2031-02-02"', f"{STAY}/StayDate/@departure", 5),
        # BC
        (CONFIRM, 'bookingType="Book"', 'bookingType="book"', f"{NUMBERS}/BookingConfirmNumber/@bookingType", 5),
        (CONFIRM, "-05:00", "", f"{NUMBERS}/BookingConfirmNumber/@confirmTime", 5),
        (CONFIRM, '"CM-1"', '""', f"{NUMBERS}/BookingConfirmNumber/@confirmNumber", 5),
        (CONFIRM, '<Hotel id="770011"/>', "", "/BookingConfirmNumbers", 4),
        (CONFIRM, "2007/09", "2014/01", "/BookingConfirmRQ", 1),
    ],
)
def test_a_wrong_message_is_placed(text: str, old: str, new: str, path: str, line: int) -> None:
    assert text.count(old) >= 1
    with pytest.raises(Malformed) as refused:
        inspect("expedia", text.replace(old, new, 1))
    assert (refused.value.path or "").endswith(path)
    assert (refused.value.path or "").startswith("/" + text[1 : text.index(" ")])
    assert refused.value.line == line


def test_eleven_confirmations_are_too_many() -> None:
    line = CONFIRM.splitlines()[4]
    assert inspect("expedia-bc", CONFIRM.replace(line, "\n".join([line] * 10)))
    with pytest.raises(Malformed) as refused:
        inspect("expedia-bc", CONFIRM.replace(line, "\n".join([line] * 11)))
    assert refused.value.path == f"{NUMBERS}/BookingConfirmNumber[11]"


def test_a_booked_stay_has_prices_and_a_cancelled_one_need_not() -> None:
    start, end = FOUND.index("<PerDayRates"), FOUND.index("<Total")
    without = FOUND[:start] + FOUND[end:]
    with pytest.raises(Malformed) as refused:
        inspect("expedia-br", without)
    assert refused.value.path == f"{STAY}/PerDayRates"
    assert inspect("expedia-br", without.replace('"Book"', '"Cancel"'))


def test_a_message_of_another_service_is_none_of_this_profile() -> None:
    for profile, text in (("expedia-ar", ASKED), ("expedia-br", CONFIRM), ("expedia-bc", UPDATE)):
        with pytest.raises(Unsupported):
            inspect(profile, text)
    with pytest.raises(Unsupported):
        CONNECTOR.inspect(UPDATE.encode(), Inspection("expedia-ar", action="BookingRetrieval"))
    named = Inspection("expedia-ar", action="AvailRateUpdateRQ")
    assert CONNECTOR.inspect(UPDATE.encode(), named).root == "AvailRateUpdateRQ"


def test_an_unusual_version_is_taken_with_a_warning() -> None:
    found = CONNECTOR.inspect(UPDATED.replace("2007/02", "2011/06").encode(), Inspection("expedia-ar"))
    assert len(found.warnings) == 1


@pytest.mark.parametrize("size", [1, 3])
def test_too_many_values_and_bytes_are_refused(size: int) -> None:
    many = UPDATE.replace("2031-03-31", "2032-12-31").replace(' fri="true" sat="true"', "")
    if size > 1:
        start, end = UPDATE.index("<AvailRateUpdate>"), UPDATE.index("</AvailRateUpdateRQ>")
        many = UPDATE[:end] + UPDATE[start:end] * 300 + UPDATE[end:]
    with pytest.raises(Refusal) as refused:
        inspect("expedia-ar", many)
    assert refused.value.reason == "too_large"


@pytest.mark.parametrize("data", [b"", b"<a/>", b"<!DOCTYPE a><a/>", b"\xff\xfe\x00", b"<AvailRateUpdateRQ/>", b"<a>"])
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(Refusal):
        CONNECTOR.inspect(data, Inspection("expedia"))
