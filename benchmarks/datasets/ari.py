"""Large inbound ARI documents: a realistic mix of availability messages, and rates for two occupancies and a child."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from lxml import etree

from benchmarks import conditions, templates

# Each product's ranges follow each other, so one document speaks about every night at most once per kind.
RANGE_DAYS = 20
WEEKEND = 'Mon="false" Tue="false" Weds="false" Thur="false" Fri="true" Sat="true" Sun="false"'
MIDWEEK = 'Mon="true" Tue="true" Weds="true" Thur="true" Fri="false" Sat="false" Sun="true"'
EVERY_DAY = 'Mon="true" Tue="true" Weds="true" Thur="true" Fri="true" Sat="true" Sun="true"'
# A careful peer always names all seven days (the schema has no default for missing ones).
WEEKDAYS = (EVERY_DAY, WEEKEND, EVERY_DAY, MIDWEEK)


def room_codes() -> tuple[str, ...]:
    """Codes of the default rooms, R01 to R20."""
    return tuple(f"R{number:02d}" for number in range(1, conditions.ROOM_COUNT + 1))


def plan_codes() -> tuple[str, ...]:
    """Codes of the default rate plans, PLAN01 to PLAN10."""
    return tuple(f"PLAN{number:02d}" for number in range(1, conditions.PLAN_COUNT + 1))


@dataclass(frozen=True, slots=True)
class AriSet:
    """What an ARI document speaks about; the defaults are the ones the floors are measured with."""

    hotel_code: str = conditions.HOTEL_CODE
    room_codes: tuple[str, ...] = room_codes()
    plan_codes: tuple[str, ...] = plan_codes()
    first_date: date = conditions.FIRST_DATE
    messages: int = conditions.ARI_MESSAGES


@dataclass(frozen=True, slots=True)
class Address:
    """One message's product and its nights, as ISO dates."""

    number: int
    room_code: str
    plan_code: str
    start: str
    end: str

    @property
    def product(self) -> str:
        return templates.product_control(self.start, self.end, self.room_code, self.plan_code)

    @property
    def room(self) -> str:
        return templates.room_control(self.start, self.end, self.room_code)


def addresses(wanted: AriSet) -> Iterator[Address]:
    """One for each message."""
    products = [(room, plan) for room in wanted.room_codes for plan in wanted.plan_codes]
    for number in range(wanted.messages):
        room_code, plan_code = products[number % len(products)]
        start = wanted.first_date + timedelta(days=number // len(products) * RANGE_DAYS)
        end = start + timedelta(days=RANGE_DAYS - 1 - number % 7)
        yield Address(number, room_code, plan_code, start.isoformat(), end.isoformat())


def avail_message(address: Address) -> str:
    """Of ten messages 2 are limits, 5 stay lengths with a status and 3 bare statuses; half of these 8 by weekday."""
    number, locator = address.number, address.number + 1
    shape = number * 7 // 3 % 10
    if shape < 2:
        return templates.limit_message(locator, address.room, number % 12)
    control = f"{address.product} {WEEKDAYS[number % len(WEEKDAYS)]}"
    if shape < 7:
        return templates.stay_message(locator, control, 1 + number % 4, 14 + number % 7, "Open")
    restriction = ("Master", "Arrival", "Departure")[number % 3]
    return templates.status_message(locator, control, restriction, "Close" if number % 4 == 0 else "Open")


def rate_message(address: Address) -> str:
    """Prices for one and two adults, and for a child."""
    single_minor = 8_000 + address.number * 37 % 9_000
    return templates.rate_message(address.number + 1, address.product, single_minor, single_minor + 3_050, 2_500)


def _indented(document: bytes) -> bytes:
    """Most peers send indented documents, and the parser pays for each stretch of white space."""
    root = etree.fromstring(document)
    etree.indent(root)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def avail_document(wanted: AriSet) -> bytes:
    """An OTA_HotelAvailNotifRQ with `wanted.messages` messages."""
    return _indented(templates.avail_document(wanted.hotel_code, map(avail_message, addresses(wanted))))


def rate_document(wanted: AriSet) -> bytes:
    """An OTA_HotelRateAmountNotifRQ with `wanted.messages` messages."""
    return _indented(templates.rate_document(wanted.hotel_code, map(rate_message, addresses(wanted))))
