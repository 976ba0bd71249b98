"""What a receiver gets; its JSON schema is made from these classes.

Dates are the hotel's own, ``YYYY-MM-DD``; instants are UTC, ``2031-01-05T08:00:00Z``; amounts are decimal text in
``currency`` (``"120.50"``), so that no reader rounds them.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Type(StrEnum):
    """What happened; the state in ``data`` is always the present one."""

    CREATED = "reservation.created"
    MODIFIED = "reservation.modified"
    CANCELLED = "reservation.cancelled"
    PING = "ping"


class Person(msgspec.Struct, frozen=True, omit_defaults=True):
    """A guest or who booked. Whatever is not known is left out."""

    surname: str = ""
    given: str = ""
    email: str = ""
    phone: str = ""
    address: tuple[str, ...] = ()
    city: str = ""
    postal_code: str = ""
    country: str = ""
    company: str = ""
    language: str = ""


class Room(msgspec.Struct, frozen=True, omit_defaults=True):
    """``units`` rooms of one type for the nights from ``arrival`` up to, not including, ``departure``.

    ``nightly`` are prices per night and room, ``total`` is for all of it.
    """

    room: str
    plan: str
    arrival: str
    departure: str
    units: int
    adults: int
    children: int = 0
    infants: int = 0
    child_ages: tuple[int, ...] = ()
    nightly: tuple[str, ...] = ()
    total: str | None = None
    guests: tuple[Person, ...] = ()
    comments: tuple[str, ...] = ()
    ref: str = ""


class Extra(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something booked along."""

    code: str
    quantity: int = 1
    total: str | None = None
    text: str = ""


class Reservation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One reservation as it is now. ``revision`` grows with every change of it: a lower one is older.

    ``source`` is the connection that the booking came through. ``net`` says that prices are without tax.
    ``card`` is never more than the first six and last four digits.
    """

    property: str
    reservation_id: str
    revision: int
    source: str
    modified_at: str
    currency: str
    created_at: str = ""
    total: str | None = None
    net: bool = False
    rooms: tuple[Room, ...] = ()
    booker: Person | None = None
    services: tuple[Extra, ...] = ()
    comments: tuple[str, ...] = ()
    guarantee: str = ""
    card: str = ""


class Payload(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of a POST. ``data`` is missing in a ping. ``timestamp`` is when what is told has happened."""

    type: Type
    timestamp: str
    data: Reservation | None = None
