"""Reservations as SiteMinder's dialects write them (sheet, sections 2.3 and 3.4), and the ids that confirm them.

A message about a reservation has a number of its own, by which it is confirmed. Ours says all that a confirmation has
to tell: our reservation, what happened to it, and which of its states this was.
"""

from __future__ import annotations

from typing import NamedTuple

from connectors.opentravel._shared import names
from connectors.opentravel._shared.encode_stay import Writer
from connectors.opentravel._shared.times import format_instant_ms
from gateway.errors import Reason, Rejected, Unsupported
from gateway.messages import DeliverReservation, Outgoing
from gateway.model.dates import Instant
from gateway.model.reservation import RevisionKind
from gateway.wire.xmlwrite import attributes, element

MESSAGE_CONTEXT = "MESSAGE_UNIQUE_ID"
ID_CHARS_MAX = 32
BOOK_STATUS = {RevisionKind.NEW: "Book", RevisionKind.MODIFY: "Modify", RevisionKind.CANCEL: "Cancel"}
_LETTERS = {RevisionKind.NEW: "n", RevisionKind.MODIFY: "m", RevisionKind.CANCEL: "c"}
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}


class MessageId(NamedTuple):
    """What a message's number says."""

    reservation_id: str
    kind: RevisionKind
    modified_ms: Instant

    @classmethod
    def read(cls, text: str) -> MessageId:
        """Raises :class:`Rejected` for a number that is none of ours."""
        number, _, rest = text.partition(".")
        letter, _, modified = rest.partition(".")
        plain = modified.isascii() and modified.isdigit() and len(modified) <= 15
        if not number or letter not in _KINDS or not plain:
            raise Rejected(f"the message number {text[:ID_CHARS_MAX]!r} is unknown", Reason.BOOKING_REFERENCE)
        return cls(number, _KINDS[letter], int(modified))

    @classmethod
    def of(cls, given: DeliverReservation | Outgoing) -> MessageId:
        """The number a message about this state of a reservation has, however often it is sent."""
        if given.revision.kind not in _LETTERS:
            raise Unsupported(f"a revision of kind {given.revision.kind.value} is not delivered")
        return cls(given.reservation_id, given.revision.kind, given.modified_ms)

    def __str__(self) -> str:
        written = f"{self.reservation_id}.{_LETTERS[self.kind]}.{self.modified_ms}"
        if len(written) > ID_CHARS_MAX or "." in self.reservation_id:
            raise Unsupported(f"the reservation number {self.reservation_id!r} has no place in a message's number")
        return written


def write_reservation(given: DeliverReservation | Outgoing, hotel: str, currency: str, pos: str, status: str) -> str:
    """A HotelReservation; ``pos`` is XML, ``status`` empty where the root of the message says it."""
    revision = given.revision
    writer = Writer(revision.content, hotel, "2010A", revision.content.currency or currency)
    guests = writer.guest_list()
    return element(
        "HotelReservation",
        pos
        + _unique_ids(given, with_message=bool(status))
        + writer.stays()
        + writer.services()
        + (f"<ResGuests>{guests}</ResGuests>" if guests else "")
        + writer.global_info(_reservation_ids(given)),
        CreateDateTime=format_instant_ms(revision.created_ms) if revision.created_ms is not None else None,
        LastModifyDateTime=format_instant_ms(given.modified_ms),
        ResStatus=status,
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
    if with_message:
        number = attributes(ID=str(MessageId.of(given)), ID_Context=MESSAGE_CONTEXT)
        written += f'<UniqueID Type="{names.REFERENCE_ID}"{number}/>'
    return written


def _reservation_ids(given: DeliverReservation | Outgoing) -> str:
    number = {"ResID_Type": names.RESERVATION_ID, "ResID_Value": given.revision.booking_id}
    return element("HotelReservationIDs", element("HotelReservationID", "", **number))
