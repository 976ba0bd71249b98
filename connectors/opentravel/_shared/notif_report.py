"""OTA_NotifReportRQ: which of the reservations that were fetched are held, or why not (sheet, section 5.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from connectors.opentravel._shared import names
from connectors.opentravel._shared.message_id import MESSAGE_CONTEXT, MessageId
from connectors.opentravel._shared.names import content, every, first, value
from gateway.errors import Malformed, Reason, Refusal
from gateway.messages import DeliveriesReported, DeliveryReport
from gateway.model.reservation import RevisionKind
from gateway.wire.redact import mask_text
from gateway.wire.xml import Node

REPORTED = ("NotifDetails", "HotelNotifReport", "HotelReservations", "HotelReservation")
_PATH = f"/{names.NOTIF_REPORT}/{'/'.join(REPORTED)}"

# Which reservation one entry speaks of, with its kind and state where these can be told.
Identify = Callable[[Node], DeliveryReport]


def read_report(root: Node, hotel: str, identify: Identify) -> DeliveriesReported:
    """Success, or Errors, stands for all reservations named."""
    error = _told(every(root, "Errors", "Error")) if first(root, "Errors") is not None else ""
    found = every(root, *REPORTED)
    if not found:
        raise Malformed("no reservation is reported on", Reason.REQUIRED_MISSING, path=_PATH, line=line_of(root))
    reports = (_report(node, error, f"{_PATH}[{number}]", identify) for number, node in enumerate(found, start=1))
    return DeliveriesReported(hotel, tuple(reports))


def by_message(node: Node) -> DeliveryReport:
    """The reservation of the message whose number is named, and nothing else will do."""
    numbers = list(_numbers(node))
    if len(numbers) != 1:
        raise Malformed("one UniqueID of type 16 is needed", Reason.REQUIRED_MISSING)
    return _of_message(numbers[0])


def by_any_id(node: Node) -> DeliveryReport:
    """By a message's number where there is one, else by the reservation's, or that of its cancellation."""
    for unique in every(node, "UniqueID"):
        if value(unique, "ID_Context") == MESSAGE_CONTEXT:
            return _of_message(value(unique, "ID"))
    kinds = (names.RESERVATION_ID, names.CANCELLATION_ID, names.REFERENCE_ID)
    for unique in every(node, "UniqueID"):
        if value(unique, "Type") in kinds and value(unique, "ID"):
            cancelled = value(unique, "Type") == names.CANCELLATION_ID
            return DeliveryReport(value(unique, "ID"), RevisionKind.CANCEL if cancelled else None)
    raise Malformed("there is no id of the reservation", Reason.BOOKING_REFERENCE)


def _numbers(node: Node) -> Iterable[str]:
    for unique in every(node, "UniqueID"):
        if value(unique, "Type") == names.REFERENCE_ID and value(unique, "ID_Context") in ("", MESSAGE_CONTEXT):
            yield value(unique, "ID")


def _of_message(number: str) -> DeliveryReport:
    said = MessageId.read(number)
    return DeliveryReport(said.reservation_id, said.kind, modified_ms=said.modified_ms)


def _report(node: Node, error: str, path: str, identify: Identify) -> DeliveryReport:
    try:
        about = identify(node)
    except Refusal as refusal:
        refusal.path, refusal.line = f"{path}/UniqueID", line_of(node)
        raise
    ids = every(first(node, "ResGlobalInfo"), "HotelReservationIDs", "HotelReservationID")
    kinds = (names.HOTEL_ID, names.RESERVATION_ID)
    by_kind = {kind: value(one, "ResID_Value") for kind in kinds for one in ids if value(one, "ResID_Type") == kind}
    ref = by_kind.get(names.RESERVATION_ID) or by_kind.get(names.HOTEL_ID, "")
    return DeliveryReport(about.reservation_id, about.kind, ref, error, about.modified_ms)


def _told(errors: Iterable[Node]) -> str:
    told = [content(one) or value(one, "ShortText") or f"error {value(one, 'Code')}" for one in errors]
    return mask_text("; ".join(told)) or "refused without a reason"


def line_of(node: Node) -> int | None:
    """Where an element stands, if that is known."""
    return int(node.sourceline or 0) or None
