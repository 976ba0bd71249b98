"""AlpineBits documents of 5,000 entries each: a complete set of FreeRooms, and overlays of ten rate plans."""

from collections.abc import Iterator
from datetime import timedelta

from benchmarks import conditions, templates
from benchmarks.datasets.ari import plan_codes, room_codes

RANGE_DAYS = 3


def free_rooms_document() -> bytes:
    """OTA_HotelInvCountNotifRQ: every room type in turn, one range of nights after the other."""
    entries = (
        f'<Inventory><StatusApplicationControl Start="{start}" End="{end}" InvTypeCode="{room}"/>'
        f'<InvCounts><InvCount CountType="2" Count="{number % 9 + 1}"/></InvCounts></Inventory>'
        for number, room, start, end in _ranges(conditions.ARI_MESSAGES)
    )
    opening = '<UniqueID Type="16" ID="1" Instance="CompleteSet"/>'
    listed = f'<Inventories HotelCode="{conditions.HOTEL_CODE}">{"".join(entries)}</Inventories>'
    return _message("OTA_HotelInvCountNotifRQ", opening + listed)


def rate_plans_document() -> bytes:
    """OTA_HotelRatePlanNotifRQ: prices for one and two adults, and for a further one."""
    plans = (_overlay(code, conditions.ARI_MESSAGES // conditions.PLAN_COUNT) for code in plan_codes())
    listed = f'<RatePlans HotelCode="{conditions.HOTEL_CODE}">{"".join(plans)}</RatePlans>'
    return _message("OTA_HotelRatePlanNotifRQ", listed)


def _overlay(code: str, rates: int) -> str:
    written = "".join(
        f'<Rate InvTypeCode="{room}" Start="{start}" End="{end}"><BaseByGuestAmts>{_amount(1, 9_000 + number)}'
        f"{_amount(2, 12_000 + number)}</BaseByGuestAmts><AdditionalGuestAmounts>"
        '<AdditionalGuestAmount AgeQualifyingCode="10" Amount="25.00"/></AdditionalGuestAmounts></Rate>'
        for number, room, start, end in _ranges(rates)
    )
    given = f'RatePlanNotifType="Overlay" CurrencyCode="EUR" RatePlanCode="{code}"'
    return f"<RatePlan {given}><Rates>{written}</Rates></RatePlan>"


def _amount(guests: int, minor: int) -> str:
    given = f'NumberOfGuests="{guests}" AgeQualifyingCode="10"'
    return f'<BaseByGuestAmt {given} AmountAfterTax="{templates.amount(minor)}"/>'


def _ranges(count: int) -> Iterator[tuple[int, str, str, str]]:
    rooms = room_codes()
    for number in range(count):
        start = conditions.FIRST_DATE + timedelta(days=number // len(rooms) * RANGE_DAYS)
        yield (
            number,
            rooms[number % len(rooms)],
            start.isoformat(),
            (start + timedelta(days=RANGE_DAYS - 1)).isoformat(),
        )


def _message(root: str, content: str) -> bytes:
    declaration = '<?xml version="1.0" encoding="UTF-8"?>'
    return f'{declaration}<{root} xmlns="{templates.NAMESPACE}" Version="1.0">{content}</{root}>'.encode()
