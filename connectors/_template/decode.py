"""Theirs to ours: requests become events, replies become outcomes. To copy it, fill in :func:`to_ours`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from connectors._template import messages as acme
from connectors._template.encode import FLAGS, PLAIN, STATUS
from gateway.contract import Arrived, Confirmed, Decoded, Document, Head, Outcome, Refused, Reply, Request, Site
from gateway.errors import Malformed, OutcomeUnknown, Reason, Refusal, Retryable, Unauthentic
from gateway.messages import (
    AriReceived,
    Command,
    Confirmation,
    ConfirmReservations,
    DeliveriesReported,
    DeliveryReport,
    Event,
    PingReceived,
    Query,
    ReservationReceived,
    ReservationsAsked,
)
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.dates import ALL_WEEK, Instant, parse_day
from gateway.model.money import parse_minor
from gateway.model.reservation import Content, Guest, Revision, RoomStay
from gateway.wire.body import collect
from gateway.wire.http_auth import parse_basic
from gateway.wire.redact import mask_number, mask_text
from gateway.wire.retry_after import retry_after

BODY_BYTES_MAX = 1024 * 1024
KINDS = {word: kind for kind, word in STATUS.items()}


class AcmeDocument(Document):
    """``message`` is what was sent; ``login`` the Authorization header, kept out of the archive."""

    message: acme.Message
    login: str


def to_ours(message: acme.Message) -> Event | Query:
    """Their words as our event. Their codes stay as they are."""
    match message:
        case acme.Ping():
            return PingReceived(message.id)
        case acme.Ari():
            return AriReceived(message.hotel, tuple(_update(r, message.currency) for r in message.ranges), message.id)
        case acme.Booking():
            return ReservationReceived(message.hotel, _revision(message))
        case acme.Fetch():
            return ReservationsAsked(message.hotel, message.since_ms)
        case acme.Report():
            reports = (DeliveryReport(one.booking, ref=one.number, error=one.error) for one in message.stored)
            return DeliveriesReported(message.hotel, tuple(reports))


def _update(found: acme.Range, currency: str) -> AriUpdate:
    first, last = parse_day(found.start), parse_day(found.end)
    if last < first:
        raise Malformed(f"the range ends on {found.end}, before it starts", Reason.DATE_COMBINATION)
    named = [(field, getattr(found, name)) for field, name in (PLAIN | FLAGS).items()]
    settings = [Setting(field, int(value)) for field, value in named if value is not None]
    settings += [Setting(Field.PRICE, parse_minor(text, currency), guests) for guests, text in found.price.items()]
    weekdays = sum(1 << (n - 1) for n in set(found.weekdays)) or ALL_WEEK
    return AriUpdate(found.room, found.plan, first, last, tuple(settings), weekdays, currency if found.price else "")


def _revision(found: acme.Booking) -> Revision:
    content = Content(
        currency=found.currency,
        total=_amount(found.total, found.currency),
        stays=tuple(_stay(room, found.currency) for room in found.rooms),
        booker=Guest(found.surname, found.given) if found.surname or found.given else None,
        comments=tuple(mask_text(remark) for remark in found.remarks),
        card_mask=mask_number(found.card) if found.card else "",
    )
    return Revision(found.id, KINDS[found.status], content, version=found.modified_ms)


def _stay(room: acme.Room, currency: str) -> RoomStay:
    arrival, departure = parse_day(room.arrival), parse_day(room.departure)
    if departure <= arrival:
        raise Malformed(f"departure {room.departure} is not after arrival", Reason.DATE_COMBINATION)
    total = _amount(room.total, currency)
    return RoomStay(room.room, room.plan, arrival, departure, room.units, room.adults, room.children, total=total)


def _amount(text: str | None, currency: str) -> int | None:
    return None if text is None else parse_minor(text, currency)


def open_document(head: Head, chunks: Iterable[bytes]) -> Document:
    body = collect(chunks, head.headers.get("content-encoding", ""), BODY_BYTES_MAX)
    try:
        message = msgspec.json.decode(body, type=acme.Message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"not one of Acme's messages: {error}") from None
    # Written anew rather than copied, so that no escape sequence hides a card number from the mask.
    archive = mask_text(msgspec.json.encode(message).decode()).encode()
    return AcmeDocument(type(message).__name__, archive, message, head.headers.get("authorization", ""))


def _read(document: Document) -> AcmeDocument:
    if not isinstance(document, AcmeDocument):
        raise TypeError("a document is handed back to the connector that opened it")
    return document


def locate(document: Document) -> str:
    return _read(document).message.hotel


def verify(document: Document, site: Site, now_ms: Instant) -> None:
    username, password = parse_basic(_read(document).login)
    check = site.check_inbound
    if check is None or not site.inbound_username or username != site.inbound_username or not check(password):
        raise Unauthentic("user or password is wrong")


def parse(document: Document, site: Site) -> Sequence[Event | Query]:
    return (to_ours(_read(document).message),)


def decode_reply(command: Command, request: Request, reply: Reply, site: Site) -> Decoded:
    """Only a readable answer of theirs confirms anything; whatever else comes back leaves the outcome open."""
    if reply.status == 429:
        raise Retryable("Acme asks us to slow down", after_s=retry_after(reply.headers))
    try:
        said = msgspec.json.decode(reply.body, type=acme.Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise OutcomeUnknown(f"status {reply.status} with an unreadable answer") from None
    if not (said.ok and reply.status == 200):
        return Decoded(Refused(said.code or str(reply.status), said.text))
    single: dict[int, Outcome] = {n: Refused("range", text) for n, text in said.refused.items() if n < request.parts}
    events = tuple(_arrived(booking, command) for booking in said.bookings)
    again = msgspec.structs.replace(command, id=f"{command.id}+") if said.more else None
    return Decoded(Confirmed(said.reference), single, events, again)


def _arrived(booking: acme.Booking, command: Command) -> Arrived:
    """With the report to send once it is taken; our number for it is known only then."""
    try:
        revision = _revision(booking)
    except Refusal as refusal:
        raise OutcomeUnknown(f"a booking that cannot be read: {refusal.text}") from None
    stored = Confirmation(revision.booking_id, revision.kind, "", revision.version)
    report = ConfirmReservations(id=f"{command.id}-{booking.id}", at_ms=command.at_ms, confirmations=(stored,))
    return Arrived(ReservationReceived(booking.hotel, revision), report)
