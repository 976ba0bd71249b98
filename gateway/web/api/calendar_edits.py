"""Edits of the calendar as they are asked for, and as updates of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.engine.spreading import spread
from gateway.errors import Malformed, Reason, Refusal
from gateway.model.access import Action
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.dates import ALL_WEEK
from gateway.web.api.endpoints import Call, Nothing
from gateway.web.api.values import Code, CodeOrNone, day

UPDATES_MAX = 500
TARGETS_MAX = 5_000  # as many as the desk takes in one change
_BULK = "b"
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

Nights = Annotated[int, Meta(ge=0, le=999, description="nights; 0 takes the limit away")]
Hours = Annotated[int, Meta(ge=0, le=20_000, description="hours between booking and arrival; 0 takes the limit away")]
Amount = Annotated[
    int, Meta(ge=0, le=10**12, description="minor units of the property's currency; a price of 0 takes it away")
]


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The price of a night for so many adults; 0 adults means the room at any occupancy."""

    guests: Annotated[int, Meta(ge=0, le=12)]
    amount: Amount


class Values(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be set; what is left out stays. ``figure`` is a number of rooms as the PMS would give it."""

    figure: Annotated[int, Meta(ge=0, le=9999)] | UnsetType = UNSET
    closed: bool | UnsetType = UNSET
    cta: bool | UnsetType = UNSET
    ctd: bool | UnsetType = UNSET
    min_arrival: Nights | UnsetType = UNSET
    min_through: Nights | UnsetType = UNSET
    max_arrival: Nights | UnsetType = UNSET
    max_through: Nights | UnsetType = UNSET
    min_offset_h: Hours | UnsetType = UNSET
    max_offset_h: Hours | UnsetType = UNSET
    extra_adult: Amount | UnsetType = UNSET
    extra_child: Amount | UnsetType = UNSET
    prices: Annotated[tuple[Price, ...], Meta(max_length=13)] = ()


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One range of nights, ``first`` to ``last`` including both, on the ``weekdays`` named (all, if none are).

    With a ``plan`` it is a product, without one the room type itself; without a ``room`` all room types on that plan,
    and without both the house.
    """

    first: date
    last: date
    set: Values
    room: CodeOrNone = ""
    plan: CodeOrNone = ""
    weekdays: Annotated[tuple[Weekday, ...], Meta(max_length=7)] = ()


class Nightly(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nights ``first`` to ``last``, both included."""

    first: date
    last: date


class Bulk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same for each of the ``rooms`` on each of the ``plans``, over each of the ``ranges``.

    Without ``plans`` it is set on the room types themselves, without ``rooms`` on all room types. A number of rooms is
    the room type's, whichever plans are named.
    """

    ranges: Annotated[tuple[Nightly, ...], Meta(min_length=1, max_length=100)]
    set: Values
    rooms: Annotated[tuple[Code, ...], Meta(max_length=500)] = ()
    plans: Annotated[tuple[Code, ...], Meta(max_length=500)] = ()
    weekdays: Annotated[tuple[Weekday, ...], Meta(max_length=7)] = ()


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ranges and ``bulk``, in order: where two meet, the later one counts, and ``bulk`` comes after ``updates``."""

    updates: Annotated[tuple[Range, ...], Meta(max_length=UPDATES_MAX)] = ()
    bulk: Annotated[tuple[Bulk, ...], Meta(max_length=50)] = ()
    over_pms: Annotated[bool, Meta(description="set numbers of rooms although a PMS sets them too")] = False
    force: Annotated[bool, Meta(description="set at once what the guard would have wait for confirmation")] = False


_AVAILABILITY = frozenset({Field.FIGURE, Field.CLOSED})
_PLAIN = tuple(Field(name) for name in Values.__struct_fields__ if name != "prices")


def allowed_updates(call: Call[Nothing, Edit]) -> list[AriUpdate]:
    """The ranges as updates, where the caller may set each of their values."""
    updates = [*to_updates(call.body.updates), *_spread(call.body.bulk)]
    if not updates:
        text = f"a change has 1 to {TARGETS_MAX} parts, not {len(updates)}"
        raise Malformed(text, Reason.INVALID_VALUE, path="/updates")
    if len(updates) > TARGETS_MAX:
        raise Malformed(f"{len(updates)} targets and ranges at once; at most {TARGETS_MAX}", Reason.TOO_LARGE)
    require_rates(call, updates)
    return updates


def require_rates(call: Call[Any, Any], updates: Sequence[AriUpdate]) -> None:
    if any(setting.field not in _AVAILABILITY for update in updates for setting in update.settings):
        call.require(Action.SET_RATES)


def to_updates(ranges: Sequence[Range]) -> list[AriUpdate]:
    """Each range with its place as its record, so that what is refused can be pointed at."""
    updates = []
    for place, each in enumerate(ranges):
        settings = _settings(each.set)
        if not settings:
            raise Malformed("nothing is set", Reason.REQUIRED_MISSING, path=f"/updates/{place}/set")
        updates.append(
            AriUpdate(
                each.room,
                each.plan,
                day(each.first),
                day(each.last),
                settings,
                weekdays=_mask(each.weekdays),
                record=str(place),
            )
        )
    return updates


def _spread(bulk: Sequence[Bulk]) -> Iterator[AriUpdate]:
    for place, each in enumerate(bulk):
        settings = _settings(each.set)
        if not settings:
            raise Malformed("nothing is set", Reason.REQUIRED_MISSING, path=f"/bulk/{place}/set")
        if len(each.ranges) * len(each.rooms or "*") * len(each.plans or "*") > TARGETS_MAX:
            text = f"more than {TARGETS_MAX} targets and ranges at once"
            raise Malformed(text, Reason.TOO_LARGE, path=f"/bulk/{place}")
        ranges = [(day(nights.first), day(nights.last)) for nights in each.ranges]
        record = f"{_BULK}{place}"
        yield from spread(each.rooms, each.plans, ranges, settings, _mask(each.weekdays), record=record)


def _settings(values: Values) -> tuple[Setting, ...]:
    given = ((field, getattr(values, field.value)) for field in _PLAIN)
    plain = [Setting(field, int(value)) for field, value in given if value is not UNSET]
    return (*plain, *(Setting(Field.PRICE, price.amount, price.guests) for price in values.prices))


def _mask(weekdays: Sequence[str]) -> int:
    return sum({1 << _WEEKDAYS.index(name) for name in weekdays}) or ALL_WEEK


def placed(refusal: Refusal) -> Refusal:
    if refusal.record and refusal.path is None:
        list_, place = ("bulk", refusal.record[1:]) if refusal.record[0] == _BULK else ("updates", refusal.record)
        refusal.path = f"/{list_}/{place}"
    return refusal
