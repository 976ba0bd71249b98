"""A property and everything configured about it, as one value.

It is what ``gateway apply hotel.toml`` reads, what the store keeps per version, and what the engine is given.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from gateway.model.dates import FIRST_DAY, LAST_DAY, Day
from gateway.model.payment_account import PaymentAccount
from gateway.model.selling import Selling


class FigureKind(StrEnum):
    """What a PMS means by the number of rooms it sends (see :mod:`gateway.engine.window`)."""

    ROOMS_LEFT = "rooms_left"
    ALLOCATION = "allocation"


class Rounding(StrEnum):
    """How a derived or marked-up amount is brought to a whole multiple of its step."""

    NEAREST = "nearest"  # half up
    UP = "up"
    DOWN = "down"


class Adjustment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """``price × (1 + percent/100) + amount``, rounded to ``step``.

    ``percent_bp`` in hundredths of a percent; ``amount`` and ``step`` in minor units.
    """

    percent_bp: int = 0
    amount: int = 0
    step: int = 1
    rounding: Rounding = Rounding.NEAREST


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """``units`` rooms of type ``room`` that one room of a linked type takes."""

    room: str
    units: int = 1


class RoomType(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A sellable kind of room: how many the house has, and the most adults a price is kept for.

    One that is ``made_of`` others is a linked type (:mod:`gateway.engine.linked`); its ``units`` are the most that are
    sold at once.
    """

    code: str
    name: str
    units: int
    adults_max: int = 2
    made_of: tuple[Part, ...] = ()


class LengthRate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Another price of every night where a stay has at least so many ``nights`` and arrives from ``first`` to ``last``.

    Of those that apply the one with the most nights counts, of several with as many the last.
    """

    nights: int
    adjust: Adjustment = Adjustment()
    first: Day = FIRST_DAY
    last: Day = LAST_DAY


class RatePlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A plan with own prices, or one derived from ``parent``.

    A derived plan inherits the parent's restrictions, unless it has its ``own_rules`` alone. ``lengths`` are prices by
    length of stay, which only what is sold directly knows.
    """

    code: str
    name: str
    parent: str = ""
    adjust: Adjustment = Adjustment()
    lengths: tuple[LengthRate, ...] = ()
    own_rules: bool = False


class Product(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of a mapping: our room type (and plan) and the counterpart's codes for them."""

    room: str
    plan: str
    their_room: str
    their_plan: str


class Allotment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a channel sees of the free rooms: at most ``cap``, ``keep_back`` fewer, none at ``close_at`` or below."""

    cap: int | None = None
    keep_back: int = 0
    close_at: int = 0


class Role(StrEnum):
    """What a connection is to the property."""

    PMS = "pms"  # sets rates and figures, gets every reservation
    CHANNEL = "channel"  # is sent ARI, sends reservations
    RECEIVER = "receiver"  # gets every reservation and sets nothing: a webhook, a CRM; our own codes unless it has some
    DIRECT = "direct"  # the house sells by itself: its site, a call centre; no counterpart, and our own codes
    SELLER = "seller"  # asks for offers and books what is free, from the same rooms as a direct source


class StandingBookings(StrEnum):
    """What becomes of the bookings that stand when a PMS is added."""

    DELIVER = "deliver"
    SKIP = "skip"  # the PMS holds them already


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """``username`` in clear; ``secret`` sealed by :mod:`gateway.store.secrets` (or empty)."""

    username: str = ""
    secret: str = ""


class Connection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One property's account at one counterpart.

    ``connector`` names the code that speaks to it and ``profile`` the dialect. ``hotel`` is their code for the
    property. ``url`` empty means that we never call them. ``currency`` other than the property's needs ``rate_ppm``:
    units of their currency per unit of ours, in millionths. ``options`` belong to the connector.

    What it books of a room that is not mapped takes ``fallback_room`` of ours meanwhile, if there is one.
    ``booking_currencies`` are what its bookings may be in besides ours and its own. With ``pms_number`` a channel is
    told the number under which the PMS holds a booking of its. ``standing`` concerns a PMS, when it is added.

    ``cards`` says that numbers of cards pass in full: those a channel or seller sends are kept in the vault, and a PMS
    is sent those of its bookings. Otherwise only masks are kept and sent.
    """

    id: str
    connector: str
    profile: str
    role: Role
    hotel: str
    url: str = ""
    inbound: Credentials = Credentials()
    outbound: Credentials = Credentials()
    products: tuple[Product, ...] = ()
    currency: str = ""
    rate_ppm: int = 1_000_000
    markup: Adjustment = Adjustment()
    allotment: Allotment = Allotment()
    days_ahead: int = 400
    figures: FigureKind = FigureKind.ROOMS_LEFT
    figure_delay_s: int = 30
    echoes: bool = False
    house_figures: bool = False
    enabled: bool = True
    options: dict[str, Any] = {}
    fallback_room: str = ""
    booking_currencies: tuple[str, ...] = ()
    pms_number: bool = False
    cards: bool = False
    standing: StandingBookings = StandingBookings.DELIVER

    @property
    def is_called(self) -> bool:
        """Whether we call it; the others fetch, or are told by people."""
        return bool(self.url) and self.enabled


class Property(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A hotel. ``net`` says that its ledger keeps prices before tax.

    Thresholds of alerts that are None are those of the settings; 0 is no such alert. ``guard_price_factor`` and
    ``guard_reopenings`` are what :mod:`gateway.engine.guard` holds back, 0 for nothing. ``card_days`` is how long after
    departure or cancellation the number of a card is kept. ``mail_bookings_to`` get a reservation that the PMS has not
    confirmed after ``mail_bookings_after_s``.
    """

    id: str
    name: str
    currency: str
    timezone: str
    room_types: tuple[RoomType, ...]
    rate_plans: tuple[RatePlan, ...]
    connections: tuple[Connection, ...] = ()
    net: bool = False
    alert_lag_s: int | None = None
    alert_failures: int | None = None
    alert_unacknowledged_s: int | None = None
    guard_price_factor: int = 10
    guard_reopenings: int = 5_000
    selling: Selling = Selling()
    payments: tuple[PaymentAccount, ...] = ()
    card_days: int = 7
    mail_bookings_to: tuple[str, ...] = ()
    mail_bookings_after_s: int = 1_800
