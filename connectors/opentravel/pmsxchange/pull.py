"""How a PMS fetches reservations: OTA_ReadRQ, OTA_ResRetrieveRS, OTA_NotifReportRQ (sheet, section 2.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from connectors.opentravel._shared import names
from connectors.opentravel._shared.answers import OUR_SOURCE
from connectors.opentravel._shared.names import content, every, first, value
from connectors.opentravel._shared.siteminder_reservation import (
    BOOK_STATUS,
    MESSAGE_CONTEXT,
    MessageId,
    booked_through,
    write_reservation,
)
from gateway.contract import Site
from gateway.errors import Malformed, Reason, Refusal, Unsupported
from gateway.messages import DeliveriesReported, DeliveryReport, Found, ReservationsAsked, Result
from gateway.wire.xml import Node

_REQUESTS = ("ReadRequests", "HotelReadRequest")
_REQUEST_PATH = f"/{names.READ}/ReadRequests/HotelReadRequest"
_KINDS = {status: kind for kind, status in BOOK_STATUS.items()}
_REPORTED = ("NotifDetails", "HotelNotifReport", "HotelReservations", "HotelReservation")


def read_questions(root: Node, hotel: str) -> list[ReservationsAsked]:
    """One question for each HotelReadRequest; without a HotelCode it is for the connection's own hotel."""
    requests = every(root, *_REQUESTS)
    if not requests:
        raise Malformed("there is no HotelReadRequest", Reason.REQUIRED_MISSING, path=_REQUEST_PATH, line=_line(root))
    for number, request in enumerate(requests, start=1):
        criteria = first(request, "SelectionCriteria")
        path = f"{_REQUEST_PATH}[{number}]/SelectionCriteria"
        if criteria is None:
            raise Malformed("there are no SelectionCriteria", Reason.REQUIRED_MISSING, path=path, line=_line(request))
        if value(criteria, "SelectionType") != "Undelivered":
            told = "only what is undelivered can be read"
            raise Unsupported(told, path=f"{path}/@SelectionType", line=_line(criteria))
        if (status := value(criteria, "ResStatus")) and status not in _KINDS:
            told = f"{status!r} is not Book, Modify or Cancel"
            raise Malformed(told, Reason.INVALID_VALUE, path=f"{path}/@ResStatus", line=_line(criteria))
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


def read_report(root: Node, hotel: str) -> DeliveriesReported:
    """Success, or Errors, stands for all reservations named; each is known by the number of its message."""
    errors = every(root, "Errors", "Error")
    error = _told(errors) if first(root, "Errors") is not None else ""
    found = every(root, *_REPORTED)
    path = f"/{names.NOTIF_REPORT}/{'/'.join(_REPORTED)}"
    if not found:
        raise Malformed("no reservation is reported on", Reason.REQUIRED_MISSING, path=path, line=_line(root))
    reports = (_report(node, error, f"{path}[{number}]") for number, node in enumerate(found, start=1))
    return DeliveriesReported(hotel, tuple(reports))


def _report(node: Node, error: str, path: str) -> DeliveryReport:
    numbers = [
        value(one, "ID")
        for one in every(node, "UniqueID")
        if value(one, "Type") == names.REFERENCE_ID and value(one, "ID_Context") in ("", MESSAGE_CONTEXT)
    ]
    try:
        if len(numbers) != 1:
            raise Malformed("one UniqueID of type 16 is needed", Reason.REQUIRED_MISSING)
        number = MessageId.read(numbers[0])
    except Refusal as refusal:
        refusal.path, refusal.line = f"{path}/UniqueID", _line(node)
        raise
    ids = every(first(node, "ResGlobalInfo"), "HotelReservationIDs", "HotelReservationID")
    ref = next((value(one, "ResID_Value") for one in ids if value(one, "ResID_Type") == names.RESERVATION_ID), "")
    return DeliveryReport(number.reservation_id, number.kind, ref, error, number.modified_ms)


def _told(errors: Iterable[Node]) -> str:
    told = [content(one) or value(one, "ShortText") or f"error {value(one, 'Code')}" for one in errors]
    return "; ".join(told) or "refused without a reason"


def _line(node: Node) -> int | None:
    return int(node.sourceline or 0) or None
