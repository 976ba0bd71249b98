"""A revision of a booking as it travels in OTA_HotelResNotifRQ."""

import msgspec


class Stay(msgspec.Struct):
    """Rooms of one kind over the nights [arrival, departure).

    `nightly` holds one unit's price per night in minor units (empty when the message names none). Adults and children
    are per unit.
    """

    room: str
    plan: str
    arrival: int
    departure: int
    units: int = 1
    adults: int = 2
    children: int = 0
    nightly: list[int] = []

    def total(self) -> int:
        """Minor units for all units and nights."""
        return self.units * sum(self.nightly)


class Guest(msgspec.Struct):
    given: str = "Ada"
    surname: str = "Muster"
    email: str = "ada.muster@example.org"


class Card(msgspec.Struct):
    """A payment card, always a test number. `shape`: 2015A (child elements) or 2011B (attributes)."""

    number: str = "4111111111111111"
    code: str = "VI"
    expires: str = "1231"
    holder: str = "ADA MUSTER"
    series: str | None = None
    shape: str = "2015A"


class Revision(msgspec.Struct):
    """One state of a booking. `kind` is new, modify or cancel; `version` is the LastModifyDateTime sent with it."""

    booking_id: str
    kind: str
    version: str
    created: str
    stays: list[Stay]
    guest: Guest = msgspec.field(default_factory=Guest)
    card: Card | None = None
    comment: str | None = None
    source: str = ""
