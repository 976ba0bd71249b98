"""Reservations as OTA_HotelResNotifRQ and OTA_ResRetrieveRS have them (sheet, section 5.2), in the shape of the
receiver's release (5.3).

The reservation goes by the channel's own id with the channel as its context, because two channels may use one id;
our own id stands beside it as a reference.
"""

from __future__ import annotations

from connectors.opentravel._shared import names
from connectors.opentravel._shared.encode_stay import Writer
from connectors.opentravel._shared.envelope import booked_through, message
from connectors.opentravel._shared.message_id import ID_CHARS_MAX, MessageId, numbered
from connectors.opentravel._shared.names import RES
from connectors.opentravel._shared.profile import Profile
from connectors.opentravel._shared.times import format_instant_ms
from gateway.errors import Unsupported
from gateway.messages import DeliverReservation, Outgoing
from gateway.model.reservation import RevisionKind
from gateway.wire.xmlwrite import element

OUR_CONTEXT = "GATEWAY"
STATUS = {RevisionKind.NEW: "Commit", RevisionKind.MODIFY: "Modify", RevisionKind.CANCEL: "Cancel"}


def encode_delivery(command: DeliverReservation, hotel: str, profile: Profile, currency: str) -> bytes:
    """One reservation; raises :class:`Unsupported` for a revision without effect."""
    status = status_of(command)
    written = write_reservation(
        command, hotel, profile.release, currency, unique_ids=_unique_ids(command), ids=_ids(command), status=status
    )
    return message(
        RES,
        f"{booked_through(command.source)}<HotelReservations>{written}</HotelReservations>",
        token=command.id,
        at_ms=command.at_ms,
        version=profile.version_attr,
        ResStatus=status,
    )


def write_fetched(given: Outgoing, hotel: str, profile: Profile, currency: str) -> str:
    """One reservation of an OTA_ResRetrieveRS, with the number that its receiver confirms."""
    own = given.revision.booking_id
    unique_ids = _unique_id(names.RESERVATION_ID, own if len(own) <= ID_CHARS_MAX else given.reservation_id, "")
    return write_reservation(
        given,
        hotel,
        profile.release,
        currency,
        pos=booked_through(given.source),
        unique_ids=unique_ids + numbered(str(MessageId.of(given))),
        ids=_ids(given),
        status=status_of(given),
    )


def status_of(given: DeliverReservation | Outgoing) -> str:
    """ResStatus; raises :class:`Unsupported` for a revision without effect."""
    status = STATUS.get(given.revision.kind)
    if status is None:
        raise Unsupported(f"a revision of kind {given.revision.kind.value} is not delivered")
    return status


def write_reservation(
    given: DeliverReservation | Outgoing,
    hotel: str,
    release: str,
    currency: str,
    *,
    unique_ids: str,
    ids: str,
    status: str,
    pos: str = "",
) -> str:
    """A HotelReservation; ``pos``, ``unique_ids`` and ``ids`` are XML, ``status`` empty where the root says it."""
    revision = given.revision
    writer = Writer(revision.content, hotel, release, revision.content.currency or currency, given.cards)
    guests = writer.guest_list()
    return element(
        "HotelReservation",
        pos
        + unique_ids
        + writer.stays()
        + writer.services()
        + (f"<ResGuests>{guests}</ResGuests>" if guests else "")
        + writer.global_info(ids),
        CreateDateTime=format_instant_ms(revision.created_ms) if revision.created_ms is not None else None,
        LastModifyDateTime=format_instant_ms(given.modified_ms),
        ResStatus=status,
    )


def _unique_ids(command: DeliverReservation) -> str:
    booking_id = command.revision.booking_id
    if len(booking_id) <= ID_CHARS_MAX:
        own = _unique_id(names.RESERVATION_ID, booking_id, command.source[:ID_CHARS_MAX])
        return own + _unique_id(names.REFERENCE_ID, command.reservation_id, OUR_CONTEXT)
    # A longer id only fits below, in HotelReservationID; then the reservation goes by ours.
    return _unique_id(names.RESERVATION_ID, command.reservation_id, OUR_CONTEXT)


def _unique_id(kind: str, number: str, context: str) -> str:
    return element("UniqueID", "", Type=kind, ID=number, ID_Context=context)


def _ids(given: DeliverReservation | Outgoing) -> str:
    one = element(
        "HotelReservationID",
        "",
        ResID_Type=names.RESERVATION_ID,
        ResID_Value=given.revision.booking_id,
        ResID_Source=given.source[:64],
    )
    return f"<HotelReservationIDs>{one}</HotelReservationIDs>"
