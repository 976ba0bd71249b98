"""How a PMS fetches reservations: OTA_ReadRQ and OTA_ResRetrieveRS (sheet, section 2.3)."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.opentravel._shared import names
from connectors.opentravel._shared.answers import OUR_SOURCE
from connectors.opentravel._shared.names import every, first, value
from connectors.opentravel._shared.notif_report import line_of
from connectors.opentravel._shared.siteminder_reservation import BOOK_STATUS, booked_through, write_reservation
from gateway.contract import Site
from gateway.errors import Malformed, Reason, Unsupported
from gateway.messages import Found, ReservationsAsked, Result
from gateway.wire.xml import Node

_REQUESTS = ("ReadRequests", "HotelReadRequest")
_REQUEST_PATH = f"/{names.READ}/ReadRequests/HotelReadRequest"
_KINDS = {status: kind for kind, status in BOOK_STATUS.items()}


def read_questions(root: Node, hotel: str) -> list[ReservationsAsked]:
    """One question for each HotelReadRequest; without a HotelCode it is for the connection's own hotel."""
    requests = every(root, *_REQUESTS)
    if not requests:
        raise Malformed("there is no HotelReadRequest", Reason.REQUIRED_MISSING, path=_REQUEST_PATH, line=line_of(root))
    for number, request in enumerate(requests, start=1):
        criteria = first(request, "SelectionCriteria")
        path = f"{_REQUEST_PATH}[{number}]/SelectionCriteria"
        if criteria is None:
            raise Malformed("there are no SelectionCriteria", Reason.REQUIRED_MISSING, path=path, line=line_of(request))
        if value(criteria, "SelectionType") != "Undelivered":
            told = "only what is undelivered can be read"
            raise Unsupported(told, path=f"{path}/@SelectionType", line=line_of(criteria))
        if (status := value(criteria, "ResStatus")) and status not in _KINDS:
            told = f"{status!r} is not Book, Modify or Cancel"
            raise Malformed(told, Reason.INVALID_VALUE, path=f"{path}/@ResStatus", line=line_of(criteria))
    return [ReservationsAsked(value(request, "HotelCode") or hotel) for request in requests]


def write_found(root: Node, results: Sequence[Result], site: Site) -> str:
    """ReservationsList with what was found for each question, in order; nothing where nothing was."""
    written = ""
    for request, result in zip(every(root, *_REQUESTS), results, strict=False):
        wanted = _KINDS.get(value(first(request, "SelectionCriteria"), "ResStatus"))
        for one in result.reservations if isinstance(result, Found) else ():
            if wanted in (None, one.revision.kind) and one.revision.kind in BOOK_STATUS:
                pos = booked_through(OUR_SOURCE, one.source)
                status = BOOK_STATUS[one.revision.kind]
                written += write_reservation(one, site.hotel, site.currency, pos, status)
    return f"<ReservationsList>{written}</ReservationsList>" if written else ""
