"""ARI: availability, rates and inventory (restrictions), as changes over ranges of stay dates.

The same struct travels both ways: a PMS's document decodes to updates in its codes, and a plan for a channel is
updates in the channel's codes. Field meanings follow section 3.2 of the OpenTravel sheet in the protocol notes:
*arrival* limits look at the arrival date only, *through* limits at every night of the stay.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gateway.model.dates import ALL_WEEK, Day, Weekdays

STAY_MAX = 999
PATTERN_NIGHTS = 32
OCCUPANCY_MAX = 12


class Field(StrEnum):
    """What a setting sets. Booleans are 0 or 1, lengths are nights, offsets are hours, amounts are minor units."""

    FIGURE = "figure"  # rooms, absolute (BookingLimit, InvCount); what it means is the sender's kind of figure
    FIGURE_BY = "figure_by"  # rooms, relative
    CLOSED = "closed"
    CTA = "cta"
    CTD = "ctd"
    MIN_ARRIVAL = "min_arrival"  # 0 clears, likewise for the next three
    MIN_THROUGH = "min_through"
    MAX_ARRIVAL = "max_arrival"
    MAX_THROUGH = "max_through"
    LOS_CLOSED = "los_closed"  # bit n-1 set: a stay of n nights from this arrival is closed (full pattern LOS)
    MIN_OFFSET_H = "min_offset_h"  # 0 clears; hours between booking and arrival
    MAX_OFFSET_H = "max_offset_h"
    PRICE = "price"  # a night for ``guests`` adults; guests 0 means the room at any occupancy
    EXTRA_ADULT = "extra_adult"  # -1 takes it away, likewise for the next
    EXTRA_CHILD = "extra_child"


class Aspect(StrEnum):
    """Parts of a calendar that counterparts take in messages of their own, and that are confirmed separately."""

    LIMIT = "limit"
    RULES = "rules"
    PRICES = "prices"


ASPECT_OF: dict[Field, Aspect] = {
    Field.FIGURE: Aspect.LIMIT,
    Field.FIGURE_BY: Aspect.LIMIT,
    Field.PRICE: Aspect.PRICES,
    Field.EXTRA_ADULT: Aspect.PRICES,
    Field.EXTRA_CHILD: Aspect.PRICES,
} | dict.fromkeys(
    (
        Field.CLOSED,
        Field.CTA,
        Field.CTD,
        Field.MIN_ARRIVAL,
        Field.MIN_THROUGH,
        Field.MAX_ARRIVAL,
        Field.MAX_THROUGH,
        Field.LOS_CLOSED,
        Field.MIN_OFFSET_H,
        Field.MAX_OFFSET_H,
    ),
    Aspect.RULES,
)


class Setting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One field and its new value; ``guests`` only for prices."""

    field: Field
    value: int
    guests: int = 0


class AriUpdate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Settings for one target on the inclusive days ``first`` to ``last`` that fall on ``weekdays``.

    ``room`` and ``plan`` are codes; an empty plan addresses the room type itself, an empty room all room types.
    ``currency`` and ``net`` (before tax) speak of the amounts in ``settings``. ``record`` is the sender's own number
    for this part of its document.
    """

    room: str
    plan: str
    first: Day
    last: Day
    settings: tuple[Setting, ...]
    weekdays: Weekdays = ALL_WEEK
    currency: str = ""
    net: bool = False
    record: str = ""
