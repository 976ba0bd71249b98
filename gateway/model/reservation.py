"""Reservations: what a counterpart says about a booking, one revision at a time.

Codes inside a :class:`Revision` are verbatim those of whoever wrote it; which of our room types they meant is
decided once, when the revision is taken, and kept beside it (:class:`gateway.engine.booking`).
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gateway.model.dates import Day, Instant


class RevisionKind(StrEnum):
    """What a revision does to its booking."""

    NEW = "new"
    MODIFY = "modify"
    CANCEL = "cancel"
    IGNORE = "ignore"  # quotes and the like: kept, without effect


class Guest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person. All fields are as sent; none is required by any channel in every case."""

    surname: str = ""
    given: str = ""
    email: str = ""
    phone: str = ""
    address: tuple[str, ...] = ()
    city: str = ""
    postal_code: str = ""
    country: str = ""  # ISO 3166-1 alpha-2 where the sender uses it
    company: str = ""
    language: str = ""


class RoomStay(msgspec.Struct, frozen=True, omit_defaults=True):
    """``units`` rooms of one type on one plan for the nights from ``arrival`` up to, not including, ``departure``.

    ``nightly`` are minor units per night and unit, empty when the sender gave none; ``total`` is for the whole stay.
    """

    room: str
    plan: str
    arrival: Day
    departure: Day
    units: int = 1
    adults: int = 0
    children: int = 0
    infants: int = 0
    child_ages: tuple[int, ...] = ()
    nightly: tuple[int, ...] = ()
    total: int | None = None
    guests: tuple[Guest, ...] = ()
    comments: tuple[str, ...] = ()
    ref: str = ""

    @property
    def nights(self) -> range:
        return range(self.arrival, self.departure)


class Service(msgspec.Struct, frozen=True, omit_defaults=True):
    """An extra booked along: breakfast, parking. ``total`` in minor units."""

    code: str
    quantity: int = 1
    total: int | None = None
    text: str = ""


class Content(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is booked, without who says so and when: two equal contents are the same booking."""

    currency: str = ""
    total: int | None = None
    net: bool = False
    stays: tuple[RoomStay, ...] = ()
    booker: Guest | None = None
    services: tuple[Service, ...] = ()
    comments: tuple[str, ...] = ()
    guarantee: str = ""
    card_mask: str = ""  # never more than the first six and last four digits


class Revision(msgspec.Struct, frozen=True, omit_defaults=True):
    """One statement about a booking.

    ``channel`` tells apart channels that share a connection. ``version`` orders revisions of a booking: the sender's
    own counter or modification time as an integer, None where it gives none.
    """

    booking_id: str
    kind: RevisionKind
    content: Content
    channel: str = ""
    version: int | None = None
    created_ms: Instant | None = None
    record: str = ""
