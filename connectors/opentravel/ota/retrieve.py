"""Reservations that are asked for: OTA_ReadRQ and OTA_ResRetrieveRS (sheet, section 5.4).

A question without any criteria is for what was not confirmed yet. Dates of arrival and departure, and what has been
confirmed, are for the store to select; of instants it knows when a reservation last changed, and since being made is
a change too, the rest is left out here, from a list that can only be too long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from connectors.opentravel._shared import names
from connectors.opentravel._shared.encode_reservation import write_fetched
from connectors.opentravel._shared.names import described, every, first, value
from connectors.opentravel._shared.notif_report import line_of
from connectors.opentravel._shared.profile import Profile
from connectors.opentravel._shared.target import read_day
from connectors.opentravel._shared.times import parse_instant, parse_nights
from gateway.contract import Site
from gateway.errors import Malformed, NotFound, Reason, Refusal, Unsupported
from gateway.messages import Found, Outgoing, ReservationsAsked, Result
from gateway.model.dates import Instant, format_day
from gateway.model.reservation import RevisionKind
from gateway.wire.xml import Node
from mappings import Unmapped, look_up

_REQUESTS = f"/{names.READ}/ReadRequests"
_HOTEL_REQUEST = f"{_REQUESTS}/HotelReadRequest"
# What narrows a question down further than is looked for here.
_NARROWER = ("CityName", "Airport", "Verification")
_IDS = (names.RESERVATION_ID, names.HOTEL_ID, names.REFERENCE_ID, "40")
QUESTIONS_MAX = 50  # in one message, since each is a look into the database
_EVER = 1  # the first day there is
_DAY_CHARS = 10


class Question(NamedTuple):
    """One of the questions of a message, with what is to be left out of its answer.

    ``kind`` is what was asked for, None for all kinds; ``created`` and ``until_ms`` bound an instant.
    """

    asked: ReservationsAsked
    kind: RevisionKind | None = None
    created: tuple[Instant, Instant] | None = None
    until_ms: Instant | None = None

    def fits(self, one: Outgoing) -> bool:
        made_ms = one.revision.created_ms
        if self.created is not None and (made_ms is None or not self.created[0] <= made_ms <= self.created[1]):
            return False
        if self.until_ms is not None and one.modified_ms > self.until_ms:
            return False
        return self.kind in (None, one.revision.kind)


def read_questions(root: Node, hotel: str, zone: str) -> list[Question]:
    """At least one; raises :class:`Refusal` for what is asked in a way that is not looked for here."""
    criteria = [node for name in ("ReadRequest", "SelectionCriteria") for node in root.iter(f"{{*}}{name}")]
    names.at_most(QUESTIONS_MAX, [*every(root, "UniqueID"), *criteria], _REQUESTS)
    names.at_most(QUESTIONS_MAX, list(root.iter("{*}HotelReadRequest")), _HOTEL_REQUEST)
    questions = [_by_id(node, hotel, f"/{names.READ}/UniqueID") for node in every(root, "UniqueID")]
    requests = names.kids(first(root, "ReadRequests"))
    for node in requests.pop("ReadRequest", []):
        questions.append(_read_request(node, hotel))
    for number, node in enumerate(requests.pop("HotelReadRequest", []), start=1):
        questions += _hotel_request(node, hotel, zone, f"{_HOTEL_REQUEST}[{number}]")
    for name, nodes in requests.items():
        raise Unsupported(f"{name} is not answered here", path=f"{_REQUESTS}/{name}", line=line_of(nodes[0]))
    if not questions:
        raise Malformed("nothing is asked for", Reason.REQUIRED_MISSING, path=_HOTEL_REQUEST, line=line_of(root))
    return questions


def write_found(root: Node, results: Sequence[Result], site: Site, profile: Profile, zone: str) -> tuple[str, bool]:
    """ReservationsList with each reservation once, and whether there are more to ask for.

    Raises :class:`NotFound` where one is asked for by its number and is not here.
    """
    found: dict[str, Outgoing] = {}
    more = False
    for question, result in zip(read_questions(root, site.hotel, zone), results, strict=True):
        listed = result.reservations if isinstance(result, Found) else ()
        more = more or (isinstance(result, Found) and result.more)
        found |= {one.reservation_id: one for one in listed if question.fits(one)}
        if question.asked.booking_id and not listed:
            number = question.asked.booking_id
            raise NotFound(f"there is no reservation {number!r}", Reason.BOOKING_REFERENCE, record=number)
    written = "".join(write_fetched(one, site.hotel, profile, site.currency) for one in found.values())
    return (f"<ReservationsList>{written}</ReservationsList>" if written else ""), more


def _by_id(node: Node, hotel: str, path: str) -> Question:
    if value(node, "Type") not in _IDS:
        told = f"a UniqueID of type {described('uit', value(node, 'Type'))} is no reservation's"
        raise Unsupported(told, path=f"{path}/@Type", line=line_of(node))
    if not value(node, "ID"):
        raise Malformed("ID is missing", Reason.REQUIRED_MISSING, path=f"{path}/@ID", line=line_of(node))
    return Question(ReservationsAsked(hotel, booking_id=value(node, "ID")))


def _read_request(node: Node, hotel: str) -> Question:
    path = f"{_REQUESTS}/ReadRequest"
    unique = first(node, "UniqueID")
    if unique is None:
        raise Malformed("UniqueID is missing", Reason.REQUIRED_MISSING, path=f"{path}/UniqueID", line=line_of(node))
    _refuse_narrower(node, path)
    return _by_id(unique, hotel, f"{path}/UniqueID")


def _hotel_request(node: Node, hotel: str, zone: str, path: str) -> Iterator[Question]:
    _refuse_narrower(node, path)
    hotel = value(node, "HotelCode") or hotel
    criteria = every(node, "SelectionCriteria")
    if not criteria:
        yield Question(ReservationsAsked(hotel))
    for number, one in enumerate(criteria, start=1):
        try:
            yield _selected(one, hotel, zone)
        except Refusal as refusal:
            refusal.path = f"{path}/SelectionCriteria[{number}]/{refusal.path}"
            refusal.line = line_of(one)
            raise


def _refuse_narrower(node: Node, path: str) -> None:
    for name in _NARROWER:
        found = first(node, name)
        if found is not None:
            raise Unsupported(f"{name} is not looked at here", path=f"{path}/{name}", line=line_of(found))


def _selected(criteria: Node, hotel: str, zone: str) -> Question:
    """Of one SelectionCriteria; refusals name the attribute."""
    confirmed = _confirmed(value(criteria, "SelectionType"), dated=bool(value(criteria, "Start")))
    question = Question(ReservationsAsked(hotel, confirmed=confirmed), _kind(value(criteria, "ResStatus")))
    start, end = value(criteria, "Start"), _end(criteria)
    if not (start or end):
        return _undated(question)
    by = value(criteria, "DateType")
    if by in ("ArrivalDate", "DepartureDate"):
        first_day = read_day(start, "@Start") if start else None
        last_day = read_day(end, "@End") if end else None
        departure = by == "DepartureDate"
        return question._replace(asked=_with(question, first=first_day, last=last_day, by_departure=departure))
    if by in ("CreateDate", "LastUpdateDate"):
        return _by_instant(question, by, _instant(start, zone, "@Start") if start else 0, _until(end, zone))
    if by:
        raise Malformed(f"{by!r} is unknown", Reason.INVALID_VALUE, path="@DateType")
    raise Malformed("DateType does not say what the dates are of", Reason.REQUIRED_MISSING, path="@DateType")


def _undated(question: Question) -> Question:
    """What is not confirmed is what a question asks for that says nothing else."""
    if question.asked.confirmed is False:
        return question._replace(asked=ReservationsAsked(question.asked.hotel))
    return question._replace(asked=_with(question, first=_EVER))


def _by_instant(question: Question, by: str, since_ms: Instant, until_ms: Instant | None) -> Question:
    question = question._replace(asked=_with(question, since_ms=since_ms))
    if by == "LastUpdateDate":
        return question._replace(until_ms=until_ms)
    return question._replace(created=(since_ms, 2**62 if until_ms is None else until_ms))


def _with(question: Question, **changed: object) -> ReservationsAsked:
    return replace(question.asked, **changed)


def _confirmed(selection: str, *, dated: bool) -> bool | None:
    """Without a SelectionType dates select among all, and nothing at all asks for what is new."""
    if selection == "All" or (not selection and dated):
        return None
    if selection in ("Undelivered", "PreviouslyDelivered", ""):
        return selection == "PreviouslyDelivered"
    raise Malformed(f"{selection!r} is unknown", Reason.INVALID_VALUE, path="@SelectionType")


def _kind(status: str) -> RevisionKind | None:
    if not status:
        return None
    try:
        return RevisionKind(look_up("res_status", status))
    except Unmapped:
        raise Unsupported(f"ResStatus {status!r} has no place here", path="@ResStatus") from None


def _end(criteria: Node) -> str:
    """The last day; a Duration counts nights, which begin with the first."""
    end, duration, start = value(criteria, "End"), value(criteria, "Duration"), value(criteria, "Start")
    if end or not duration or not start:
        return end
    return format_day(read_day(start, "@Start") + max(parse_nights(duration) - 1, 0))


def _instant(text: str, zone: str, path: str) -> Instant:
    try:
        return parse_instant(text if len(text) > _DAY_CHARS else f"{text}T00:00:00", zone)
    except Malformed as error:
        error.path = path
        raise


def _until(text: str, zone: str) -> Instant | None:
    """The end of a day, where it is a day that is named."""
    if not text:
        return None
    if len(text) > _DAY_CHARS:
        return _instant(text, zone, "@End")
    return _instant(format_day(read_day(text, "@End") + 1), zone, "@End") - 1
