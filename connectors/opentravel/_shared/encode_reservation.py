"""DeliverReservation to OTA_HotelResNotifRQ (sheet, section 5.2), in the shape of the receiver's release (5.3).

The reservation goes by the channel's own id with the channel as its context, because two channels may use one id;
our own id stands beside it as a reference.
"""

from __future__ import annotations

from connectors.opentravel._shared import names
from connectors.opentravel._shared.encode_stay import Writer
from connectors.opentravel._shared.envelope import booked_through, message
from connectors.opentravel._shared.names import RES
from connectors.opentravel._shared.profile import Profile
from connectors.opentravel._shared.times import format_instant_ms
from gateway.errors import Unsupported
from gateway.messages import DeliverReservation
from gateway.model.reservation import RevisionKind
from gateway.wire.xmlwrite import attributes, element

OUR_CONTEXT = "GATEWAY"
ID_CHARS_MAX = 32
_STATUS = {RevisionKind.NEW: "Commit", RevisionKind.MODIFY: "Modify", RevisionKind.CANCEL: "Cancel"}


def encode_delivery(command: DeliverReservation, hotel: str, profile: Profile, currency: str) -> bytes:
    """One reservation; raises :class:`Unsupported` for a revision without effect."""
    revision = command.revision
    status = _STATUS.get(revision.kind)
    if status is None:
        raise Unsupported(f"a revision of kind {revision.kind.value} is not delivered")
    writer = Writer(revision.content, hotel, profile.release, revision.content.currency or currency)
    guests = writer.guest_list()
    content = (
        _unique_ids(command)
        + writer.stays()
        + writer.services()
        + (f"<ResGuests>{guests}</ResGuests>" if guests else "")
        + writer.global_info(_reservation_ids(command))
    )
    given = attributes(
        CreateDateTime=format_instant_ms(revision.created_ms) if revision.created_ms is not None else None,
        LastModifyDateTime=format_instant_ms(command.modified_ms),
        ResStatus=status,
    )
    listed = f"<HotelReservations><HotelReservation{given}>{content}</HotelReservation></HotelReservations>"
    return message(
        RES,
        booked_through(command.source) + listed,
        token=command.id,
        at_ms=command.at_ms,
        version=profile.version_attr,
        ResStatus=status,
    )


def _unique_ids(command: DeliverReservation) -> str:
    booking_id = command.revision.booking_id
    if len(booking_id) <= ID_CHARS_MAX:
        own = element(
            "UniqueID", "", Type=names.RESERVATION_ID, ID=booking_id, ID_Context=command.source[:ID_CHARS_MAX]
        )
        return own + element("UniqueID", "", Type=names.REFERENCE_ID, ID=command.reservation_id, ID_Context=OUR_CONTEXT)
    # A longer id only fits below, in HotelReservationID; then the reservation goes by ours.
    return element("UniqueID", "", Type=names.RESERVATION_ID, ID=command.reservation_id, ID_Context=OUR_CONTEXT)


def _reservation_ids(command: DeliverReservation) -> str:
    one = element(
        "HotelReservationID",
        "",
        ResID_Type=names.RESERVATION_ID,
        ResID_Value=command.revision.booking_id,
        ResID_Source=command.source[:64],
    )
    return f"<HotelReservationIDs>{one}</HotelReservationIDs>"
