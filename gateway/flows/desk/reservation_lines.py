"""What reservations, their revisions and their deliveries look like to those who ask."""

from __future__ import annotations

import msgspec

from gateway.engine.booking import Entry, Folded, Status, first_guest, fold
from gateway.engine.hotel import Hotel
from gateway.model.dates import Day, Instant
from gateway.model.reservation import Content, Revision
from gateway.store.tables import ReservationRow, RevisionRow

_entry = msgspec.msgpack.Decoder(Entry).decode


class RoomLine(msgspec.Struct, frozen=True):
    """One room stay: our codes (``""`` where unmapped) and theirs. ``nightly`` and ``total`` in minor units."""

    room: str
    plan: str
    their_room: str
    their_plan: str
    arrival: Day
    departure: Day
    units: int
    adults: int
    children: int
    nightly: tuple[int, ...]
    total: int | None


class Reservation(msgspec.Struct, frozen=True):
    """A reservation as its revisions add up.

    ``oversold`` counts the room nights that are not there for it. It has no dates while nothing but a cancellation is
    known of it, which need not say what it cancels.
    """

    reservation_id: str
    connection: str
    channel: str
    booking_id: str
    status: Status
    guest: str
    arrival: Day | None
    departure: Day | None
    rooms: tuple[RoomLine, ...]
    currency: str
    total: int | None
    revisions: int
    parked: bool
    oversold: int
    created_ms: Instant
    rev: int


class ReservationPage(msgspec.Struct, frozen=True):
    """``partial``: a filter that is rare has looked at a part only; go on with ``next`` even if nothing was found.

    With a text it means that so many begin with it that not all were looked at: a longer one finds the others.
    """

    items: tuple[Reservation, ...]
    next: str = ""
    partial: bool = False


class RevisionLine(msgspec.Struct, frozen=True):
    """A revision as it came; ``rooms`` are our room types for its stays.

    ``rules`` says that it decides now, ``shown`` that its content is what is shown.
    """

    seq: int
    at_ms: Instant
    author: str
    message_id: int
    revision: Revision
    rooms: tuple[str, ...]
    rules: bool
    shown: bool


class DeliveryLine(msgspec.Struct, frozen=True):
    """Handing it to one counterpart.

    ``state`` is ``pending``, ``parked`` (with its booking), ``sent``, ``confirmed`` or ``refused``; ``seq`` the
    revision that is wanted there; ``ref`` their number.
    """

    connection: str
    state: str
    seq: int
    attempts: int
    due_ms: Instant | None
    ref: str
    error: str


class ReservationDetail(msgspec.Struct, frozen=True):
    """One reservation with everything about it. ``content`` is what is booked, in their codes."""

    reservation: Reservation
    content: Content
    revisions: tuple[RevisionLine, ...]
    deliveries: tuple[DeliveryLine, ...]


class TroubleLine(msgspec.Struct, frozen=True):
    """A reservation that needs somebody, with the time since it was taken.

    ``unmapped`` are their codes (of a room type, a plan, a currency) that are not mapped: mapping them takes it out of
    here. ``fits`` are, for one that is oversold, our room types with enough rooms free for all of it: it can be moved
    there. Otherwise rooms have to become free, and then it leaves by itself.
    """

    reservation: Reservation
    age_ms: int
    unmapped: tuple[str, ...]
    fits: tuple[str, ...] = ()


class TroublePage(msgspec.Struct, frozen=True):
    """Oldest first."""

    items: tuple[TroubleLine, ...]
    next: str = ""


def reservation_line(hotel: Hotel, row: ReservationRow, revisions: list[RevisionRow]) -> Reservation:
    entries = [_entry(revision.body) for revision in revisions]
    folded = fold(entries)
    content = folded.content
    guest = first_guest(content)
    rooms = entries[folded.current - 1].rooms if folded.current else ()
    return Reservation(
        row.reservation_id,
        row.connection,
        row.channel,
        row.booking_id,
        Status(row.status),
        f"{guest.given} {guest.surname}".strip() if guest else "",
        row.arrival or None,
        row.departure or None,
        _rooms(hotel, row.connection, content, rooms),
        content.currency,
        content.total,
        row.revisions,
        bool(row.parked),
        row.oversold,
        row.at_ms,
        row.rev,
    )


def _unmapped(hotel: Hotel, row: ReservationRow, revisions: list[RevisionRow]) -> list[str]:
    """By the mapping of today; of a connection that is gone, the rooms that were not mapped when it was."""
    entries = [_entry(revision.body) for revision in revisions]
    entry = entries[fold(entries).current - 1]
    if row.connection in hotel.connections:
        return [gap.code for gap in hotel.mapping(row.connection).gaps(entry.revision)]
    return [stay.room for room, stay in zip(entry.rooms, entry.revision.content.stays, strict=True) if not room]


def _rooms(hotel: Hotel, connection: str, content: Content, rooms: tuple[str, ...]) -> tuple[RoomLine, ...]:
    known = hotel.mapping(connection) if connection in hotel.connections else None
    lines = []
    for stay, room in zip(content.stays, rooms, strict=True):
        product = known.product(stay.room, stay.plan) if known else None
        lines.append(
            RoomLine(
                room,
                product.plan if product else "",
                stay.room,
                stay.plan,
                stay.arrival,
                stay.departure,
                stay.units,
                stay.adults,
                stay.children,
                stay.nightly,
                stay.total,
            )
        )
    return tuple(lines)


def revision_line(row: RevisionRow, folded: Folded, authors: dict[int, str]) -> RevisionLine:
    entry = _entry(row.body)
    return RevisionLine(
        entry.seq,
        entry.at_ms,
        authors.get(row.message_id, ""),
        row.message_id,
        entry.revision,
        entry.rooms,
        entry.seq == folded.ruling,
        entry.seq == folded.current,
    )
