"""Reservations as SiteMinder's dialects write them (sheet, sections 2.3 and 3.4)."""

from __future__ import annotations

from connectors.opentravel._shared import encode_reservation as ota
from connectors.opentravel._shared import names
from connectors.opentravel._shared.message_id import ID_CHARS_MAX, MessageId, numbered
from gateway.messages import DeliverReservation, Outgoing
from gateway.model.reservation import RevisionKind
from gateway.wire.xmlwrite import attributes, element

BOOK_STATUS = {RevisionKind.NEW: "Book", RevisionKind.MODIFY: "Modify", RevisionKind.CANCEL: "Cancel"}


def write_reservation(given: DeliverReservation | Outgoing, hotel: str, currency: str, pos: str, status: str) -> str:
    """A HotelReservation; ``pos`` is XML, ``status`` empty where the root of the message says it."""
    unique_ids = _unique_ids(given, with_message=bool(status))
    ids = _reservation_ids(given)
    return ota.write_reservation(
        given, hotel, "2010A", currency, unique_ids=unique_ids, ids=ids, status=status, pos=pos
    )


def booked_through(requestor: str, channel: str) -> str:
    """POS: who sends, and the channel a reservation came through."""
    sender = element("RequestorID", "", Type=names.SYSTEM_ID, ID=requestor[:ID_CHARS_MAX])
    through = element("CompanyName", "", Code=channel[:16])
    booking_channel = element("BookingChannel", through, Type="7", Primary="true") if channel else ""
    return f"<POS><Source>{sender}{booking_channel}</Source></POS>"


def _unique_ids(given: DeliverReservation | Outgoing, with_message: bool) -> str:
    booking_id = given.revision.booking_id
    # A longer id only fits below, in HotelReservationID; then the reservation goes by ours.
    own = booking_id if len(booking_id) <= ID_CHARS_MAX else given.reservation_id
    written = f'<UniqueID Type="{names.RESERVATION_ID}"{attributes(ID=own)}/>'
    return written + numbered(str(MessageId.of(given))) if with_message else written


def _reservation_ids(given: DeliverReservation | Outgoing) -> str:
    number = {"ResID_Type": names.RESERVATION_ID, "ResID_Value": given.revision.booking_id}
    return element("HotelReservationIDs", element("HotelReservationID", "", **number))
