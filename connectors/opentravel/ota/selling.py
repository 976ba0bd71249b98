"""What a seller asks: OTA_HotelAvailRQ, OTA_HotelResRQ, OTA_HotelResModifyRQ and OTA_CancelRQ (sheet, sections 5.5, 6).

The last two are also what a channel tells of its own sales with; which of both it is follows from the profile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from connectors.opentravel._shared import names
from connectors.opentravel._shared.decode_cards import read_cards
from connectors.opentravel._shared.decode_reservation import Reader, check_one_named
from connectors.opentravel._shared.names import every, first, value
from connectors.opentravel._shared.notif_report import line_of
from connectors.opentravel._shared.numbers import parse_count
from connectors.opentravel._shared.target import read_day
from connectors.opentravel._shared.times import parse_nights
from gateway.errors import Malformed, Reason, Unsupported
from gateway.messages import Event, OffersAsked, Query, SaleAsked
from gateway.messages_selling import SaleStep, StayAsked
from gateway.model.reservation import Content, Revision, RevisionKind
from gateway.wire.xml import Node, name_of
from mappings import Unmapped, look_up

_SEGMENT = f"/{names.OFFERS}/AvailRequestSegments/AvailRequestSegment"
_CANDIDATE = "RoomStayCandidates/RoomStayCandidate"
_UNITS_MAX = 50
_GUESTS_MAX = 99
_AGE_MAX = 120

_BOOK = {
    "": SaleStep.BOOK,
    "Book": SaleStep.BOOK,
    "Commit": SaleStep.BOOK,
    "Hold": SaleStep.HOLD,
    "Initiate": SaleStep.HOLD,
    "Ignore": SaleStep.RELEASE,
}
_MODIFY = {"": SaleStep.MODIFY, "Modify": SaleStep.MODIFY, "Commit": SaleStep.MODIFY}
_CANCEL = {
    "Cancel": SaleStep.CANCEL,
    "Commit": SaleStep.CANCEL,
    "Initiate": SaleStep.PRICE_CANCEL,
    "Quote": SaleStep.PRICE_CANCEL,
    "Ignore": SaleStep.RELEASE,
}
_KINDS = {
    SaleStep.HOLD: RevisionKind.NEW,
    SaleStep.BOOK: RevisionKind.NEW,
    SaleStep.MODIFY: RevisionKind.MODIFY,
    SaleStep.CANCEL: RevisionKind.CANCEL,
}


def read_selling(root: Node, hotel: str, currency: str, zone: str, *, cards: bool = False) -> Sequence[Event | Query]:
    """One question or step; raises :class:`gateway.errors.Refusal`."""
    name = name_of(root)
    if name == names.OFFERS:
        return [_offers(root, hotel)]
    if name == names.CANCEL:
        return [_cancel(root, hotel)]
    return [_booking(root, Reader(hotel, currency, zone, cards))]


# --- what there is ----------------------------------------------------------------------------------------------------


def _offers(root: Node, hotel: str) -> OffersAsked:
    stays: list[StayAsked] = []
    segments = every(root, "AvailRequestSegments", "AvailRequestSegment")
    if not segments:
        raise Malformed("nothing is asked for", Reason.REQUIRED_MISSING, path=_SEGMENT, line=line_of(root))
    for segment in segments:
        criteria = every(segment, "HotelSearchCriteria", "Criterion")
        for criterion in criteria:
            hotel = value(first(criterion, "HotelRef"), "HotelCode") or hotel
        stays += _stays(segment, criteria, len(stays))
    return OffersAsked(hotel, tuple(stays))


def _stays(segment: Node, criteria: Sequence[Node], before: int) -> Iterator[StayAsked]:
    """A stay for each candidate; without any, one room for one adult."""
    span = first(segment, "StayDateRange")
    for criterion in criteria:
        span = first(criterion, "StayDateRange") if span is None else span
    arrival, departure = _dates(span, segment)
    plans = every(segment, "RatePlanCandidates", "RatePlanCandidate")
    candidates: list[Node | None] = [*every(segment, "RoomStayCandidates", "RoomStayCandidate")]
    for number, candidate in enumerate(candidates or [None], start=before + 1):
        adults, ages = _party(candidate)
        yield StayAsked(
            arrival,
            departure,
            adults,
            ages,
            parse_count(value(candidate, "Quantity") or "1", f"{_SEGMENT}/{_CANDIDATE}/@Quantity", _UNITS_MAX),
            rooms=tuple(code for code in [value(candidate, "RoomTypeCode")] if code),
            plans=tuple(code for plan in plans if (code := value(plan, "RatePlanCode"))),
            codes=_codes([*plans, *([] if candidate is None else [candidate])]),
            ref=value(candidate, "RPH") or str(number),
        )


def _dates(span: Node | None, segment: Node) -> tuple[int, int]:
    path = f"{_SEGMENT}/StayDateRange"
    start, end, duration = value(span, "Start"), value(span, "End"), value(span, "Duration")
    if not start or not (end or duration):
        text = "arrival and departure are missing"
        raise Malformed(text, Reason.REQUIRED_MISSING, path=path, line=line_of(segment))
    arrival = read_day(start.partition("T")[0], f"{path}/@Start")
    departure = read_day(end.partition("T")[0], f"{path}/@End") if end else arrival + parse_nights(duration)
    return arrival, departure


def _party(candidate: Node | None) -> tuple[int, tuple[int, ...]]:
    """Adults and the ages of children in one room (GuestCounts are per room unless they say otherwise)."""
    counts = first(candidate, "GuestCounts")
    if counts is None:
        return 1, ()
    path = f"{_SEGMENT}/{_CANDIDATE}/GuestCounts"
    if value(counts, "IsPerRoom") in ("false", "0") and value(candidate, "Quantity") not in ("", "1"):
        text = "guests of several rooms have to be counted per room"
        raise Unsupported(text, path=f"{path}/@IsPerRoom", line=line_of(counts))
    adults, ages = 0, list[int]()
    for node in every(counts, "GuestCount"):
        count = parse_count(value(node, "Count") or "1", f"{path}/GuestCount/@Count", _GUESTS_MAX)
        who = _who(node, path)
        if who == "adult":
            adults += count
        else:
            ages += [_age(node, who, path)] * count
    return adults, tuple(ages)


def _who(node: Node, path: str) -> str:
    code = value(node, "AgeQualifyingCode") or "10"
    try:
        return look_up("aqc", code)
    except Unmapped:
        text, path = f"the age qualifying code {code!r} is unknown", f"{path}/GuestCount/@AgeQualifyingCode"
        raise Malformed(text, Reason.INVALID_VALUE, path=path, line=line_of(node)) from None


def _age(node: Node, who: str, path: str) -> int:
    age, path = value(node, "Age"), f"{path}/GuestCount/@Age"
    if not age and who == "infant":
        return 0
    if not age:
        raise Malformed("the age of a child is missing", Reason.REQUIRED_MISSING, path=path, line=line_of(node))
    return parse_count(age, path, _AGE_MAX)


def _codes(nodes: Sequence[Node]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(code for node in nodes if (code := value(node, "PromotionCode"))))


# --- booking it -------------------------------------------------------------------------------------------------------


def _booking(root: Node, reader: Reader) -> SaleAsked:
    name = name_of(root)
    container, item = names.RESERVATION_LISTS[name]
    listed = every(root, container, item)
    path = f"/{name}/{container}/{item}"
    if len(listed) > 1:
        raise Unsupported("one reservation at a time is booked", path=f"{path}[2]", line=line_of(listed[1]))
    status = (value(listed[0], "ResStatus") if listed else "") or value(root, "ResStatus")
    step = (_BOOK if name == names.BOOK else _MODIFY).get(status)
    if step is None:
        raise Unsupported(f"ResStatus {status!r} has no place here", path=f"/{name}/@ResStatus", line=line_of(root))
    if step is SaleStep.RELEASE:
        return _named(step, reader.hotel, [root, *listed], Content(), (), f"/{name}/UniqueID")
    if not listed:
        raise Malformed("there is no reservation", Reason.REQUIRED_MISSING, path=path, line=line_of(root))
    _, content, hotel = reader.read_booked(listed[0])
    stays = every(listed[0], "RoomStays", "RoomStay")
    said = [*stays, *(rate for stay in stays for rate in every(stay, "RoomRates", "RoomRate"))]
    asked = _named(step, hotel or reader.hotel, [listed[0], root], content, _codes(said), f"{path}/UniqueID")
    return msgspec.structs.replace(asked, cards=read_cards(listed[0])) if reader.cards else asked


def _cancel(root: Node, hotel: str) -> SaleAsked:
    kind, path = value(root, "CancelType"), f"/{names.CANCEL}/@CancelType"
    if kind not in _CANCEL:
        raise Unsupported(f"CancelType {kind!r} has no place here", path=path, line=line_of(root))
    check_one_named(root)
    return _named(_CANCEL[kind], hotel, [root], Content(), (), f"/{names.CANCEL}/UniqueID")


def _named(
    step: SaleStep, hotel: str, holders: Sequence[Node], content: Content, codes: tuple[str, ...], path: str
) -> SaleAsked:
    """The seller's number is the UniqueID of type 14 or 16, ours that of type 10. A new booking needs the seller's."""
    ids = [(value(node, "Type"), value(node, "ID")) for holder in holders for node in every(holder, "UniqueID")]
    for holder in holders:
        listed = every(holder, "ResGlobalInfo", "HotelReservationIDs", "HotelReservationID")
        ids += [(value(node, "ResID_Type"), value(node, "ResID_Value")) for node in listed]
    kinds = (names.RESERVATION_ID, names.REFERENCE_ID)
    theirs = next((number for kind in kinds for given, number in ids if given == kind and number), "")
    ours = next((number for given, number in ids if given == names.HOTEL_ID and number), "")
    if not (theirs or (ours and step not in (SaleStep.BOOK, SaleStep.HOLD))):
        text = "there is no id of the reservation"
        raise Malformed(text, Reason.BOOKING_REFERENCE, path=path, line=line_of(holders[0]))
    revision = Revision(theirs, _KINDS.get(step, RevisionKind.IGNORE), content, record=theirs or ours)
    return SaleAsked(hotel, step, revision, "" if theirs else ours, codes)
