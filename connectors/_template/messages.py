"""Acme's documents, written once for both directions. What is left out says nothing; what is unknown is refused."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0, le=999)]
Weekday = Annotated[int, msgspec.Meta(ge=1, le=7)]
Status = Literal["new", "modified", "cancelled"]
Amount = str  # decimal with a point, "120.50"


class Strict(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Common to all: a field Acme does not have makes the document unreadable rather than half read."""


class Range(Strict, frozen=True):
    """Nights ``start`` to ``end``, inclusive, on ISO ``weekdays`` (1 Monday; none: all). ``price``: guests → amount."""

    room: str
    start: str
    end: str
    plan: str = ""
    weekdays: tuple[Weekday, ...] = ()
    rooms: Count | None = None
    closed: bool | None = None
    arrival_closed: bool | None = None
    departure_closed: bool | None = None
    min_stay: Count | None = None
    price: dict[Count, Amount] = {}


class Room(Strict, frozen=True):
    """Booked for the nights from ``arrival`` up to, not including, ``departure``; ``total`` is for the whole stay."""

    room: str
    plan: str
    arrival: str
    departure: str
    adults: Count
    children: Count = 0
    units: Count = 1
    total: Amount | None = None


class Ping(Strict, frozen=True, tag_field="message", tag="ping"):
    id: str
    hotel: str


class Ari(Strict, frozen=True, tag_field="message", tag="ari"):
    id: str
    hotel: str
    currency: str
    ranges: tuple[Range, ...]


class Booking(Strict, frozen=True, tag_field="message", tag="booking"):
    """One revision of a booking; a later ``modified_ms`` wins. ``card`` arrives in clear, and only its mask is kept."""

    id: str
    hotel: str
    status: Status
    modified_ms: int
    currency: str
    rooms: tuple[Room, ...] = ()
    total: Amount | None = None
    surname: str = ""
    given: str = ""
    remarks: tuple[str, ...] = ()
    card: str = ""


class Fetch(Strict, frozen=True, tag_field="message", tag="fetch"):
    """Asks for the bookings that changed since an instant, or for all that have not been reported on."""

    id: str
    hotel: str
    since_ms: int | None = None


class Stored(Strict, frozen=True):
    """A fetched booking is theirs under ``number``, or could not be taken for ``error``."""

    booking: str
    number: str = ""
    error: str = ""


class Report(Strict, frozen=True, tag_field="message", tag="report"):
    id: str
    hotel: str
    stored: tuple[Stored, ...]


Message = Ping | Ari | Booking | Fetch | Report


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """``ok`` and a ``reference``, or ``code`` and ``text``; ``refused`` names single ranges by their number, from 0.

    ``bookings`` are those that were fetched; ``more`` says that there are others to fetch once these are reported on.
    """

    ok: bool
    reference: str = ""
    code: str = ""
    text: str = ""
    refused: dict[int, str] = {}
    warnings: tuple[str, ...] = ()
    bookings: tuple[Booking, ...] = ()
    more: bool = False
