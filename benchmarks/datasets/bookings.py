"""Distinct OTA_HotelResNotifRQ Commit documents of about 4.5 KB, valid against 2015A: one room, three nights."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from benchmarks import conditions
from benchmarks.templates import NAMESPACE, TIME_STAMP, amount, attribute

# The lists' lengths share no factor, so names, streets and towns combine freely; all hold characters beyond ASCII.
GIVEN_NAMES = ("Ada", "José", "Søren", "Zoë", "Mehmet", "Łukasz", "Chiara", "Yuki", "Amélie")
SURNAMES = ("Muster", "García López", "Sørensen", "O'Neill", "Yılmaz", "Kowalczyk", "Rossi", "Müller", "Ng", "Li", "Dû")
STREETS = ("12 Example Lane", "Musterstraße 7", "Calle de Ejemplo 41, 3º B", "88 Sample & Sons Road", "Via Esempio 19")
CITIES = (
    ("London", "N1 9AA", "GB"),
    ("Berlin", "10115", "DE"),
    ("Málaga", "29001", "ES"),
    ("Leeds", "LS1 4AB", "GB"),
    ("Roma", "00184", "IT"),
    ("Łódź", "90-001", "PL"),
    ("Kyoto", "600-8216", "JP"),
)
ARRIVAL_TIMES = ("15:00:00", "17:30:00", "21:45:00")
# No common factor with 400: successive bookings land far apart, and all dates are used equally. Each further tour of
# the dates starts a day later, or the parity of the date would decide the room.
DAY_STRIDE = 37
CHARGED_TAX_PERCENT = 7


@dataclass(frozen=True, slots=True)
class BookingSet:
    """Whose bookings to make; with several hotels they take turns, and each combination of room and plan occurs."""

    hotel_codes: tuple[str, ...] = (conditions.HOTEL_CODE,)
    room_codes: tuple[str, ...] = ("DBL", "SGL")
    plan_codes: tuple[str, ...] = ("FLEX", "NRF")
    first_date: date = conditions.FIRST_DATE
    span_days: int = conditions.BOOKING_SPAN_DAYS


@dataclass(frozen=True, slots=True)
class _Booking:
    """The choices behind one document. Amounts are minor units."""

    booking_id: str
    hotel: str
    room: str
    plan: str
    nights: tuple[tuple[str, str, int], ...]
    given: str
    surname: str
    street: str
    city: tuple[str, str, str]
    number: int

    @property
    def arrival(self) -> str:
        return self.nights[0][0]

    @property
    def departure(self) -> str:
        return self.nights[-1][1]

    @property
    def total_minor(self) -> int:
        return sum(price for _, _, price in self.nights)


def _booking(wanted: BookingSet, number: int) -> _Booking:
    turn = number // len(wanted.hotel_codes)
    room, plan = turn % len(wanted.room_codes), turn // len(wanted.room_codes) % len(wanted.plan_codes)
    day = (turn * DAY_STRIDE + turn // wanted.span_days) % wanted.span_days
    arrival = wanted.first_date + timedelta(days=day)
    dates = [(arrival + timedelta(days=night)).isoformat() for night in range(conditions.BOOKING_NIGHTS + 1)]
    base_minor = 9_000 + room * 1_500 - plan * 900 + turn % 40 * 75
    return _Booking(
        booking_id=f"WEB-{number:08d}",
        hotel=attribute(wanted.hotel_codes[number % len(wanted.hotel_codes)]),
        room=attribute(wanted.room_codes[room]),
        plan=attribute(wanted.plan_codes[plan]),
        nights=tuple((start, end, base_minor + 500 * night) for night, (start, end) in enumerate(pairwise(dates))),
        given=GIVEN_NAMES[number % len(GIVEN_NAMES)],
        surname=attribute(SURNAMES[number % len(SURNAMES)]),
        street=attribute(STREETS[number % len(STREETS)]),
        city=CITIES[number % len(CITIES)],
        number=number,
    )


def _taxes(gross_minor: int) -> str:
    tax_minor = gross_minor * CHARGED_TAX_PERCENT // (100 + CHARGED_TAX_PERCENT)
    return (
        f'<Taxes><Tax Type="Inclusive" Code="36" Percent="{CHARGED_TAX_PERCENT}" '
        f'Amount="{amount(tax_minor)}" CurrencyCode="EUR"/></Taxes>'
    )


def _rate(start: str, end: str, price_minor: int) -> str:
    return (
        f'\n          <Rate EffectiveDate="{start}" ExpireDate="{end}" RateTimeUnit="Day" UnitMultiplier="1">'
        f'<Base AmountAfterTax="{amount(price_minor)}" CurrencyCode="EUR">{_taxes(price_minor)}</Base></Rate>'
    )


def _guarantee(booking: _Booking) -> str:
    """A card as a token: what a peer sends that keeps card numbers to itself."""
    return (
        '<Guarantee GuaranteeType="CC/DC/Voucher"><GuaranteesAccepted><GuaranteeAccepted>'
        f'<PaymentCard CardCode="VI" ExpireDate="1233">'
        f"<CardHolderName>{booking.given} {booking.surname}</CardHolderName>"
        f'<CardNumber Mask="411111XXXXXX1111" Token="tok{booking.number:012d}"/></PaymentCard>'
        "</GuaranteeAccepted></GuaranteesAccepted></Guarantee>"
    )


def _room_stay(booking: _Booking) -> str:
    rates = "".join(_rate(*night) for night in booking.nights)
    room, plan, total_minor = booking.room, booking.plan, booking.total_minor
    return f"""
      <RoomStays><RoomStay MarketCode="LEIS" SourceOfBusiness="WEB" IndexNumber="1">
        <RoomTypes><RoomType RoomTypeCode="{room}" NumberOfUnits="1"><RoomDescription Name="Comfort room {room}">
          <Text>Quiet room to the courtyard with desk, rain shower and tea set</Text></RoomDescription></RoomType>
          </RoomTypes>
        <RatePlans><RatePlan RatePlanCode="{plan}" RatePlanName="Plan {plan} with breakfast">
          <MealsIncluded Breakfast="true" MealPlanCodes="3"/></RatePlan></RatePlans>
        <RoomRates><RoomRate RoomTypeCode="{room}" RatePlanCode="{plan}" NumberOfUnits="1"><Rates>{rates}
        </Rates></RoomRate></RoomRates>
        <GuestCounts IsPerRoom="true"><GuestCount AgeQualifyingCode="10" Count="2"/>
          <GuestCount AgeQualifyingCode="8" Age="6" Count="1"/></GuestCounts>
        <TimeSpan Start="{booking.arrival}" End="{booking.departure}"/>
        {_guarantee(booking)}
        <CancelPenalties><CancelPenalty>
          <Deadline OffsetTimeUnit="Day" OffsetUnitMultiplier="2" OffsetDropTime="BeforeArrival"/>
          <AmountPercent NmbrOfNights="1"/></CancelPenalty></CancelPenalties>
        <Total AmountAfterTax="{amount(total_minor)}" CurrencyCode="EUR">{_taxes(total_minor)}</Total>
        <BasicPropertyInfo HotelCode="{booking.hotel}"/>
        <ResGuestRPHs>1</ResGuestRPHs>
        <Comments><Comment GuestViewable="true">
          <Text>Late arrival, about 22:30. Please keep a cot &amp; a quiet room on a high floor if at all possible;
          we travel with a child of six.</Text></Comment></Comments>
        <SpecialRequests><SpecialRequest RequestCode="COT"><Text>Baby cot in the room, non-smoking floor</Text>
          </SpecialRequest></SpecialRequests>
      </RoomStay></RoomStays>"""


def _guest(booking: _Booking) -> str:
    city, postal_code, country = booking.city
    return f"""
      <ResGuests>
        <ResGuest ResGuestRPH="1" PrimaryIndicator="true" ArrivalTime="{ARRIVAL_TIMES[booking.number % 3]}">
        <Profiles><ProfileInfo><Profile ProfileType="1"><Customer>
        <PersonName><NamePrefix>Mx</NamePrefix><GivenName>{booking.given}</GivenName>
          <Surname>{booking.surname}</Surname></PersonName>
        <Telephone PhoneLocationType="6" PhoneTechType="5" PhoneNumber="+44 7700 {900_000 + booking.number % 1_000}"/>
        <Email EmailType="1">guest.{booking.number:08d}@example.org</Email>
        <Address Type="1"><AddressLine>{booking.street}</AddressLine><CityName>{city}</CityName>
          <PostalCode>{postal_code}</PostalCode><CountryName Code="{country}"/></Address>
      </Customer></Profile></ProfileInfo></Profiles></ResGuest></ResGuests>"""


def _global_info(booking: _Booking) -> str:
    return f"""
      <ResGlobalInfo>
        <Total AmountAfterTax="{amount(booking.total_minor)}" CurrencyCode="EUR"/>
        <HotelReservationIDs>
          <HotelReservationID ResID_Type="14" ResID_Value="{booking.booking_id}" ResID_Source="WEB"/>
          </HotelReservationIDs>
        <BasicPropertyInfo HotelCode="{booking.hotel}"/>
      </ResGlobalInfo>"""


def booking_document(wanted: BookingSet, number: int) -> bytes:
    """Booking `number` of the set, with an id and a guest of its own; the same number always gives the same bytes."""
    booking = _booking(wanted, number)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<OTA_HotelResNotifRQ xmlns="{NAMESPACE}" EchoToken="e-{booking.number:08d}" TimeStamp="{TIME_STAMP}"
 Target="Production" Version="1.0" ResStatus="Commit">
  <POS><Source><RequestorID Type="22" ID="WEB"/><BookingChannel Type="7" Primary="true">
    <CompanyName Code="WEB">Example Travel</CompanyName></BookingChannel></Source></POS>
  <HotelReservations>
    <HotelReservation CreateDateTime="{TIME_STAMP}" LastModifyDateTime="{TIME_STAMP}" ResStatus="Commit">
      <UniqueID Type="14" ID="{booking.booking_id}"/>{_room_stay(booking)}{_guest(booking)}{_global_info(booking)}
    </HotelReservation>
  </HotelReservations>
</OTA_HotelResNotifRQ>""".encode()
