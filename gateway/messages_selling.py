"""What crosses the connector border when a seller asks what there is and books it from us.

Codes are the seller's own, verbatim; amounts are minor units of the property's currency, as the answer names it.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gateway.model.card import ClearCard
from gateway.model.dates import Day, Instant
from gateway.model.reservation import Revision, RoomStay


class StayAsked(msgspec.Struct, frozen=True):
    """``units`` rooms with the same party in each. Empty ``rooms`` and ``plans`` ask for all; ``codes`` are of
    promotions and members; ``ref`` is repeated in the answer.
    """

    arrival: Day
    departure: Day
    adults: int
    child_ages: tuple[int, ...] = ()
    units: int = 1
    rooms: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    ref: str = ""


class OffersAsked(msgspec.Struct, frozen=True, tag=True):
    """What can be booked for some stays, each by itself?"""

    hotel: str
    stays: tuple[StayAsked, ...]


class Extra(msgspec.Struct, frozen=True):
    """A tax or fee; ``included`` ones are in the nights' prices already."""

    code: str
    name: str
    amount: int
    included: bool


class Offered(msgspec.Struct, frozen=True):
    """Something that can be booked for the stay ``ref``; ``total`` is with everything the guest pays.

    ``free_until_ms`` is how long cancelling costs nothing, 0 where it never does. One ``on_request`` is a booking once
    the hotel has accepted it.
    """

    ref: str
    stay: RoomStay
    total: int
    extras: tuple[Extra, ...]
    left: int
    free_until_ms: Instant
    guarantee: str = ""
    on_request: bool = False


class OffersFound(msgspec.Struct, frozen=True, tag=True):
    """The answer, cheapest first for each stay; ``net`` says that nightly prices are before tax."""

    hotel: str
    currency: str
    net: bool
    offers: tuple[Offered, ...]


class SaleStep(StrEnum):
    """What a seller wants of a booking."""

    HOLD = "hold"
    BOOK = "book"
    RELEASE = "release"  # of a hold
    MODIFY = "modify"
    CANCEL = "cancel"
    PRICE_CANCEL = "price_cancel"  # what cancelling would cost


class SaleAsked(msgspec.Struct, frozen=True, tag=True):
    """A step of a booking at the seller's number, ``revision.booking_id``, or at ours, ``reservation_id``.

    A total in the revision is what the guest was told: at another price nothing is booked. ``cards`` are in clear, if
    the site asks for them, for the vault and nobody else.
    """

    hotel: str
    step: SaleStep
    revision: Revision
    reservation_id: str = ""
    codes: tuple[str, ...] = ()
    cards: tuple[ClearCard, ...] = ()


class Sold(msgspec.Struct, frozen=True, tag=True):
    """How it stands after the step. ``penalty`` is what ending it has cost, or would cost; ``expires_ms`` the end of a
    hold, 0 for none. ``requested`` says that the hotel has yet to accept it, until then.
    """

    hotel: str
    step: SaleStep
    booking_id: str
    reservation_id: str
    currency: str
    net: bool
    stays: tuple[RoomStay, ...]
    total: int
    penalty: int = 0
    expires_ms: Instant = 0
    requested: bool = False
