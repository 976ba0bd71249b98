"""Reading OTA_HotelResNotifRQ as a PMS receives it, and the answers to it (sheet, section 5)."""

from collections.abc import Iterator

import msgspec

from simulators.opentravel import answers
from simulators.opentravel.days import nights_of_duration, parse_stamp, to_day
from simulators.opentravel.items import Refused
from simulators.opentravel.money import minor_units
from simulators.opentravel.stays import Guest, Revision, Stay
from simulators.opentravel.target import invalid, missing, read_count
from simulators.opentravel.vocabulary import Vocabulary
from simulators.opentravel.xml import Node, attr, child, children, text

_KINDS = {
    "Commit": "new", "Book": "new", "Reserved": "new", "Committed": "new",
    "Modify": "modify", "Cancel": "cancel", "Cancelled": "cancel",
}  # fmt: skip
HOTEL_CONFIRMATION, RESERVATION, ADULT, CHILD = "10", "14", "10", "8"


class Received(msgspec.Struct):
    """A revision and the identity it goes by here: its UniqueID with the context, if any."""

    key: str
    revision: Revision


def read_reservations(root: Node, names: Vocabulary, now: str) -> Iterator[Received | answers.Problem]:
    """Each HotelReservation of the message, or the reason it cannot be taken. `now` is the time of arrival."""
    for node in children(child(root, "HotelReservations"), "HotelReservation"):
        unique = next((one for one in children(node, "UniqueID") if attr(one, "Type") == RESERVATION), None)
        identity = unique if unique is not None else child(node, "UniqueID")
        booking_id = attr(identity, "ID")
        try:
            if booking_id is None:
                raise missing("UniqueID")
            context = attr(identity, "ID_Context")
            key = f"{context}/{booking_id}" if context else booking_id
            yield Received(key, _revision(root, node, booking_id, names, now))
        except Refused as refused:
            yield refused.problem(booking_id or "")


def _revision(root: Node, node: Node, booking_id: str, names: Vocabulary, now: str) -> Revision:
    # The element's status beats the root's where they differ.
    status = attr(node, "ResStatus") or attr(root, "ResStatus") or ""
    if status not in _KINDS:
        raise invalid(f"ResStatus {status!r} is not supported")
    kind = _KINDS[status]
    created = attr(node, "CreateDateTime") or attr(root, "TimeStamp") or ""
    version = attr(node, "LastModifyDateTime") or created
    try:
        parse_stamp(version or now)
    except ValueError as error:
        raise invalid(f"LastModifyDateTime: {error}") from error
    stays = [_stay(stay, names) for stay in children(child(node, "RoomStays"), "RoomStay")]
    if not stays and kind != "cancel":
        raise missing("RoomStay")
    source = attr(child(node, "ResGlobalInfo", "HotelReservationIDs", "HotelReservationID"), "ResID_Source")
    # A message without any time counts as made when it arrives.
    return Revision(booking_id, kind, version or now, created or now, stays, _guest(node), source=source or "")


def _stay(node: Node, names: Vocabulary) -> Stay:
    hotel = attr(child(node, "BasicPropertyInfo"), "HotelCode")
    if hotel is not None and hotel != names.hotel:
        raise Refused(answers.PROCESSING, answers.HOTEL_CODE, f"Hotel {hotel} is unknown")
    rate = child(node, "RoomRates", "RoomRate")
    room_type = child(node, "RoomTypes", "RoomType")
    room = attr(room_type, "RoomTypeCode") or attr(rate, "RoomTypeCode")
    plan = attr(child(node, "RatePlans", "RatePlan"), "RatePlanCode") or attr(rate, "RatePlanCode")
    if room is None or plan is None:
        raise missing("RoomTypeCode and RatePlanCode")
    problem = names.product_problem(room, plan)
    if problem is not None:
        raise Refused(problem.type, problem.code, problem.text)
    arrival, departure = _dates(child(node, "TimeSpan"))
    units = attr(room_type, "NumberOfUnits") or attr(rate, "NumberOfUnits") or "1"
    adults, kids = _guests(child(node, "GuestCounts"))
    return Stay(
        room=room, plan=plan, arrival=arrival, departure=departure, units=read_count(units, "NumberOfUnits"),
        adults=adults, children=kids, nightly=_nightly(rate, arrival, departure, names),
    )  # fmt: skip


def _dates(span: Node | None) -> tuple[int, int]:
    start, end, duration = attr(span, "Start"), attr(span, "End"), attr(span, "Duration")
    if start is None or (end is None and duration is None):
        raise missing("TimeSpan Start and End")
    try:
        arrival = to_day(start)
        departure = to_day(end) if end is not None else arrival + nights_of_duration(duration or "")
    except ValueError as error:
        raise Refused(answers.BUSINESS_RULE, answers.INVALID_DATE, str(error)) from error
    if departure <= arrival:
        raise Refused(answers.BUSINESS_RULE, answers.DATE_COMBINATION, "End is not after Start")
    return arrival, departure


def _guests(counts: Node | None) -> tuple[int, int]:
    found = {ADULT: 0, CHILD: 0}
    for node in children(counts, "GuestCount"):
        code = attr(node, "AgeQualifyingCode")
        if code in found:
            found[code] += read_count(attr(node, "Count") or "1", "Count")
    return found[ADULT], found[CHILD]


def _nightly(room_rate: Node | None, arrival: int, departure: int, names: Vocabulary) -> list[int]:
    """One unit's price per night; empty unless every night has one."""
    prices: dict[int, int] = {}
    for rate in children(child(room_rate, "Rates"), "Rate"):
        amount = attr(child(rate, "Base"), "AmountAfterTax")
        start, multiplier = attr(rate, "EffectiveDate"), attr(rate, "UnitMultiplier")
        if amount is None:
            continue
        try:
            first, price = to_day(start) if start else arrival, minor_units(amount, names.decimals)
            end = attr(rate, "ExpireDate")
            last = max(to_day(end), first + 1) if end else first + read_count(multiplier or "1", "UnitMultiplier")
        except (ValueError, ArithmeticError) as error:
            raise invalid(f"Rate: {error}") from error
        prices.update(dict.fromkeys(range(first, last), price))
    nights = range(arrival, departure)
    return [prices[day] for day in nights] if all(day in prices for day in nights) else []


def _guest(node: Node) -> Guest:
    guests = list(children(child(node, "ResGuests"), "ResGuest"))
    primary = next((one for one in guests if attr(one, "PrimaryIndicator") in ("true", "1")), None)
    chosen = primary if primary is not None else (guests[0] if guests else None)
    customer = child(chosen, "Profiles", "ProfileInfo", "Profile", "Customer")
    person = child(customer, "PersonName")
    return Guest(
        given=text(child(person, "GivenName")) or "",
        surname=text(child(person, "Surname")) or "",
        email=text(child(customer, "Email")) or "",
    )
