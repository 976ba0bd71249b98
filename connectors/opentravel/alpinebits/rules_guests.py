"""GuestRequests: the rules of a HotelReservation beyond the schema.

Sources: AlpineBits HotelData, chapter GuestRequests; protocol sheet, section 4.4 (rules 1 to 10). Of what is received
each broken rule is a warning, since a booking that somebody has made is taken as it is; what we send keeps them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from connectors.opentravel._shared.names import content, every, first
from connectors.opentravel.alpinebits.faults import broken, day, missing, truth
from connectors.opentravel.alpinebits.terms import V2022, Terms
from gateway.errors import Reason, Refusal
from gateway.wire.xml import Node, name_of

REQUESTED, RESERVED, MODIFY, CANCELLED = "Requested", "Reserved", "Modify", "Cancelled"
_BOOKINGS = (RESERVED, MODIFY)
_ACTIVE_ID, _CANCEL_ID = "14", "15"
_DURATION = re.compile(r"P([0-9]{1,4})N")
_PERCENT_MAX = 100
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)*")
_TEXTS = frozenset(
    (
        "NamePrefix",
        "GivenName",
        "Surname",
        "NameTitle",
        "AddressLine",
        "CityName",
        "PostalCode",
        "CompanyName",
        "ListItem",
    )
)


def faults(reservation: Node, terms: Terms, *, whole: bool = True) -> Iterator[Refusal]:
    """Every broken rule. ``whole`` is false for an update of the state, which has little but its number."""
    status = reservation.get("ResStatus", "")
    yield from _number(reservation, status)
    if not whole:
        return
    stays = every(reservation, "RoomStays", "RoomStay")
    if not stays and status != CANCELLED and not _without_stay(reservation, terms):
        yield missing(reservation, "RoomStays")
    yield from _stays(stays, status, terms)
    yield from _guests(reservation, status)
    yield from _globals(reservation, status)
    yield from _texts(reservation)


def is_alternative(stay: Node) -> bool:
    """Whether a RoomStay only names other days, as requests could until 2020-10."""
    return [name_of(child) for child in stay] == ["TimeSpan"]


def _number(reservation: Node, status: str) -> Iterator[Refusal]:
    """Rule 1."""
    unique = first(reservation, "UniqueID")
    if unique is None:
        yield missing(reservation, "UniqueID")
        return
    expected = _CANCEL_ID if status == CANCELLED else _ACTIVE_ID
    if unique.get("Type") != expected:
        yield broken(unique, f"the Type of a {status} request is {expected}", Reason.INVALID_VALUE, "Type")
    if not (unique.get("ID") or "").strip():
        yield broken(unique, "the ID is blank", Reason.REQUIRED_MISSING, "ID")


def _without_stay(reservation: Node, terms: Terms) -> bool:
    """Rule 2: a newsletter or a catalogue."""
    told = reservation.get("RoomStayReservation") is not None
    return terms.version >= V2022 and told and not truth(reservation, "RoomStayReservation")


def _stays(stays: list[Node], status: str, terms: Terms) -> Iterator[Refusal]:
    """Rules 3 to 7."""
    alternatives = 0
    for number, stay in enumerate(stays):
        if number and status == REQUESTED and terms.version < V2022 and is_alternative(stay):
            alternatives += 1
            if alternatives > 1:
                yield broken(stay, "there is at most one alternative period")
        elif status != CANCELLED or first(stay, "RoomTypes") is not None:
            yield from _product(stay, booking=status in _BOOKINGS)
            yield from _counts(stay)
        if status in _BOOKINGS:
            yield from _dates_of_booking(stay)
        elif status == REQUESTED:
            yield from _dates_of_request(stay)
        yield from _money(stay)


def _product(stay: Node, *, booking: bool) -> Iterator[Refusal]:
    """Rule 3."""
    for path, attribute in ((("RoomTypes", "RoomType"), "RoomTypeCode"), (("RatePlans", "RatePlan"), "RatePlanCode")):
        found = first(stay, *path)
        if found is None:
            if booking:
                yield missing(stay, path[0])
        elif not (found.get(attribute) or "").strip():
            yield missing(found, f"@{attribute}")
        elif booking and path[1] == "RatePlan" and first(found, "MealsIncluded") is None:
            yield missing(found, "MealsIncluded")
    if booking and first(stay, "Total") is None:
        yield missing(stay, "Total")


def _counts(stay: Node) -> Iterator[Refusal]:
    """Rule 4."""
    counts = every(stay, "GuestCounts", "GuestCount")
    if not counts:
        yield missing(stay, "GuestCounts")
    if len([one for one in counts if one.get("Age") is None]) > 1:
        yield broken(counts[0], "the adults are counted twice")


def _dates_of_booking(stay: Node) -> Iterator[Refusal]:
    """Rule 5 for bookings."""
    span = first(stay, "TimeSpan")
    if span is None or span.get("Start") is None or span.get("End") is None:
        yield missing(stay if span is None else span, "TimeSpan" if span is None else "@Start")
        return
    if span.get("Duration") is not None or first(span, "StartDateWindow") is not None:
        yield broken(span, "a booking has neither a Duration nor a StartDateWindow")
    if day(span, "Start") > day(span, "End"):
        yield broken(span, "the departure is before the arrival", Reason.DATE_COMBINATION, "Start")


def _dates_of_request(stay: Node) -> Iterator[Refusal]:
    """Rule 5 for requests: fixed days, or a number of nights within a window."""
    span = first(stay, "TimeSpan")
    if span is None:
        yield missing(stay, "TimeSpan")
        return
    window = first(span, "StartDateWindow")
    fixed = [span.get("Start"), span.get("End")]
    open_ = [span.get("Duration"), window]
    if all(one is not None for one in fixed) and all(one is None for one in open_):
        if day(span, "Start") > day(span, "End"):
            yield broken(span, "the departure is before the arrival", Reason.DATE_COMBINATION, "Start")
    elif window is None or any(one is not None for one in fixed) or span.get("Duration") is None:
        yield broken(span, "either Start and End, or a Duration within a StartDateWindow")
    else:
        yield from _window(span, window)


def _window(span: Node, window: Node) -> Iterator[Refusal]:
    earliest, latest = day(window, "EarliestDate"), day(window, "LatestDate")
    nights = _DURATION.fullmatch(span.get("Duration", ""))
    if earliest > latest:
        yield broken(window, "LatestDate is before EarliestDate", Reason.DATE_COMBINATION, "EarliestDate")
    elif nights is None or int(nights[1]) >= latest - earliest:
        text = f"the window of {latest - earliest} days is too short for the stay"
        yield broken(span, text, Reason.DATE_COMBINATION, "Duration")


def _money(stay: Node) -> Iterator[Refusal]:
    """Rule 7, and rule 10 for a card."""
    commission = first(stay, "RatePlans", "RatePlan", "Commission")
    percent = commission.get("Percent") if commission is not None else None
    if commission is not None and percent and int(percent) > _PERCENT_MAX:
        yield broken(commission, "the commission is above 100 percent", Reason.INVALID_VALUE, "Percent")
    card = first(stay, "Guarantee", "GuaranteesAccepted", "GuaranteeAccepted", "PaymentCard", "CardNumber")
    if card is not None:
        plain = first(card, "PlainText") is not None
        sealed = [card.get(name) is not None for name in ("EncryptedValue", "EncryptionMethod")]
        if any(sealed) != all(sealed) or plain == all(sealed):
            yield broken(card, "a card number is either plain, or encrypted with the method named")


def _guests(reservation: Node, status: str) -> Iterator[Refusal]:
    """Rule 8."""
    customer = first(reservation, "ResGuests", "ResGuest", "Profiles", "ProfileInfo", "Profile", "Customer")
    if customer is None:
        if status != CANCELLED:
            yield missing(reservation, "ResGuests")
        return
    email = first(customer, "Email")
    if email is not None and not _EMAIL.fullmatch(content(email)):
        yield broken(email, "this is no e-mail address", Reason.INVALID_VALUE)


def _globals(reservation: Node, status: str) -> Iterator[Refusal]:
    """Rule 9."""
    if status == CANCELLED:
        return
    shared = first(reservation, "ResGlobalInfo")
    if shared is None:
        yield missing(reservation, "ResGlobalInfo")
        return
    hotel = first(shared, "BasicPropertyInfo")
    if hotel is None or not (hotel.get("HotelCode") or "").strip():
        yield missing(shared if hotel is None else hotel, "BasicPropertyInfo" if hotel is None else "@HotelCode")
    penalty = first(shared, "CancelPenalties", "CancelPenalty", "PenaltyDescription", "Text")
    if penalty is not None and status in _BOOKINGS and not content(penalty):
        yield broken(penalty, "the text is blank")


def _texts(reservation: Node) -> Iterator[Refusal]:
    """The texts of rule 8."""
    for node in reservation.iter():
        if name_of(node) in _TEXTS and not content(node):
            yield broken(node, f"{name_of(node)} is blank", Reason.REQUIRED_MISSING)
