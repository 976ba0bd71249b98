"""How a hotel sells by itself: taxes and fees, policies, promotions, and who fits into a room.

Part of a property's configuration. Amounts are minor units of the property's currency, percentages hundredths of a
percent, so that every share of a price is worked out in integers.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gateway.model.dates import FIRST_DAY, LAST_DAY, Day

CHECK_IN_MIN = 15 * 60
ADULT_AGE = 99


class Per(StrEnum):
    """What a fixed tax or fee is paid for."""

    STAY = "stay"  # once for a room
    NIGHT = "night"  # a room and night
    PERSON = "person"  # once for each guest
    PERSON_NIGHT = "person_night"


class Tax(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A tax or, with ``fee``, something the house charges.

    ``percent_bp`` is of the night's price, ``amount`` is fixed. ``included`` ones are inside the price and only shown.
    Guests younger than ``age_from`` and nights after the first ``nights_max`` (0: all count) are free of fixed amounts.
    """

    code: str
    name: str
    percent_bp: int = 0
    amount: int = 0
    per: Per = Per.NIGHT
    included: bool = False
    fee: bool = False
    age_from: int = 0
    nights_max: int = 0


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of what a stay costs: its first ``nights``, a percentage, and a fixed amount for each room, added up."""

    nights: int = 0
    percent_bp: int = 0
    amount: int = 0


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What cancelling costs once less than ``within_h`` hours are left to arrival; None: from the booking on."""

    penalty: Share
    within_h: int | None = None


class Guarantee(StrEnum):
    """What a guest has to give for the booking to be kept."""

    NONE = "none"
    CARD = "card"
    DEPOSIT = "deposit"
    PREPAID = "prepaid"


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Terms of a rate. Of the ``steps`` the latest one that has begun counts; before the first, cancelling is free.

    ``deposit`` is due when it is booked (everything, where ``guarantee`` is prepaid).
    """

    code: str
    name: str
    guarantee: Guarantee = Guarantee.NONE
    deposit: Share = Share()
    steps: tuple[Step, ...] = ()
    no_show: Share = Share(percent_bp=10_000)
    changeable: bool = True


class Pays(StrEnum):
    """How a stay is paid."""

    AT_HOTEL = "at-hotel"
    DEPOSIT = "deposit"  # a part first, the rest later
    FULL = "full"
    VIRTUAL_CARD = "virtual-card"  # charged by the hotel once it is active


class Method(StrEnum):
    """What a guest who is asked for money is given, unless who asks says otherwise."""

    PAGE = "page"
    MOBILE = "mobile"
    QR = "qr"
    APP = "app"
    CLIENT = "client"  # the gateway's own fields in the seller's page


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """When a rate is paid, where and how. ``account`` is a payment account of the property, "" where none is used.

    ``deposit`` is the first part: its percentage is of the total with taxes. ``days`` before arrival the first part (or
    all of it, or a virtual card's activation) is due, None: when it is booked. ``balance_days`` before arrival the rest
    is due at the gateway, None: at the hotel. With ``hold`` the amount is held as a guarantee instead of taken.
    ``tries`` payments may fail before the rooms are given back. With ``charge_card`` the terms let the house charge the
    card that a booking came with for what comes due.
    """

    code: str
    pays: Pays = Pays.AT_HOTEL
    deposit: Share = Share()
    days: int | None = None
    balance_days: int | None = None
    account: str = ""
    method: Method = Method.PAGE
    hold: bool = False
    tries: int = 1
    charge_card: bool = False


class Promotion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A reduction. All conditions must hold; an empty list of rooms or plans means every one.

    ``codes`` are what a guest may say to get it, none for everybody. ``advance_min_h`` and ``advance_max_h`` are hours
    between booking and arrival, which makes early birds and last minutes. ``first`` and ``last`` bound the arrival.
    Of every ``free_night`` nights the last costs nothing; the other nights become ``percent_bp`` and ``amount`` less.
    """

    code: str
    name: str
    codes: tuple[str, ...] = ()
    percent_bp: int = 0
    amount: int = 0
    free_night: int = 0
    rooms: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    nights_min: int = 0
    nights_max: int = 0
    advance_min_h: int = 0
    advance_max_h: int = 0
    first: Day = FIRST_DAY
    last: Day = LAST_DAY


class PlanTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A rate plan's ``policy`` and ``schedule`` of payments; with ``codes`` it is shown only to who says one of them
    (members, companies). ``on_request`` ones become bookings once the hotel has accepted them."""

    plan: str
    policy: str = ""
    codes: tuple[str, ...] = ()
    schedule: str = ""
    on_request: bool = False


class RoomTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who fits into a room type: at most ``guests_max`` adults and children, of them ``children_max`` children.

    None stands for the room type's ``adults_max``, and for any number.
    """

    room: str
    guests_max: int | None = None
    children_max: int | None = None


class ChildRate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a child of at most ``age_max`` pays a night: a fixed ``amount``, or a share of an extra child's price.

    The share is of an extra adult's price where the calendar has none for children. Of several lines that fit the age,
    room and plan the first counts; empty lists mean every one. A child that none fits pays the extra child's price.
    """

    age_max: int
    percent_bp: int | None = None
    amount: int = 0
    rooms: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()


class Selling(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """``check_in_min`` is minutes after midnight. Children up to ``infant_age_max`` (-1: none) need no place and pay
    nothing, up to ``child_age_max`` they pay as ``children``; who is older is an adult.

    ``policy`` is that of plans without terms of their own, "" for none: free to cancel, nothing to guarantee;
    ``schedule`` likewise, "" for none: payments are nobody's business here.
    ``mail_from`` is the sender of confirmations, "" for none. What the hotel has not answered after ``request_s`` is
    declined.
    """

    check_in_min: int = CHECK_IN_MIN
    quote_s: int = 1_800
    hold_s: int = 900
    request_s: int = 86_400
    infant_age_max: int = -1
    child_age_max: int = 11
    policy: str = ""
    schedule: str = ""
    mail_from: str = ""
    taxes: tuple[Tax, ...] = ()
    policies: tuple[Policy, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    promotions: tuple[Promotion, ...] = ()
    plans: tuple[PlanTerms, ...] = ()
    rooms: tuple[RoomTerms, ...] = ()
    children: tuple[ChildRate, ...] = ()
