"""The calendar: reading it, setting ranges of it, and who set what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.engine.spreading import spread
from gateway.errors import Malformed, Reason, Refusal
from gateway.flows.desk import calendar, history
from gateway.flows.desk.calendar import Grid, Preview, Saved
from gateway.flows.desk.history import ChangePage
from gateway.model.access import Action
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.dates import ALL_WEEK
from gateway.web.api.endpoints import Answer, Call, Endpoints, Match, Nothing
from gateway.web.api.shapes import shown_type
from gateway.web.api.values import COUNT, Code, CodeOrNone, Count, Cursor, day, version

ENDPOINTS = Endpoints("Calendar", "Availability, prices and restrictions by night.")

DAYS = 31
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


class GridQuery(msgspec.Struct, frozen=True):
    first: Annotated[date, Meta(description="the first night, YYYY-MM-DD")]
    last: Annotated[date | None, Meta(description=f"the last night; absent for {DAYS} nights")] = None
    rooms: Annotated[tuple[Code, ...], Meta(max_length=100, description="room types; absent for all")] = ()
    plans: Annotated[tuple[Code, ...], Meta(max_length=100, description="rate plans; absent for all")] = ()


class ChangesQuery(msgspec.Struct, frozen=True):
    day: Annotated[date, Meta(description="the night, YYYY-MM-DD")]
    room: Annotated[CodeOrNone | None, Meta(description="a room type; absent for any")] = None
    plan: Annotated[CodeOrNone | None, Meta(description="a rate plan; absent for any")] = None
    cursor: Cursor = ""
    limit: Count = COUNT


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


class Undo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The edit to be taken back, by the `message_id` it was answered with."""

    message_id: Annotated[str, Meta(pattern=r"\A[0-9]{1,19}\Z")]


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


@ENDPOINTS.add(
    "GET",
    "/properties/{property}/calendar",
    Action.LOOK,
    query=GridQuery,
    answer=shown_type(Grid),
    shows_etag=True,
)
async def read_calendar(call: Call[GridQuery, Nothing]) -> Answer:
    """Read the calendar.

    Nights `first` to `last`, at most 400, with what is free, the prices by adults, and both the restrictions that were
    set and those in effect. Rules that do not restrict are left out. The ETag is for `If-None-Match`: it changes with
    every change of the property.
    """
    query, first = call.query, day(call.query.first)
    last = first + DAYS - 1 if query.last is None else day(query.last)
    grid = await calendar.read(call.services, call.property_id, first, last, rooms=query.rooms, plans=query.plans)
    return Answer(grid, etag=str(grid.rev))


@ENDPOINTS.add(
    "PATCH",
    "/properties/{property}/calendar",
    Action.SET_AVAILABILITY,
    body=Edit,
    answer=shown_type(Saved),
    match=Match.OPTIONAL,
)
async def set_calendar(call: Call[Nothing, Edit]) -> Answer:
    """Set ranges of the calendar.

    All of them or none, in one transaction however many there are; `bulk` sets the same on many room types, rate plans
    and ranges at once. Values are absolute, so sending a request again changes nothing. With `If-Match` it is refused
    if anything of the property has changed since; without it, the later request counts. Numbers of rooms and closing
    take the right to set availability; prices and other restrictions take the right to set rates.
    """
    updates = _allowed(call)
    try:
        saved = await calendar.change(
            call.services,
            call.property_id,
            updates,
            call.principal.author,
            over_pms=call.body.over_pms,
            expected=version(call.if_match),
            force=call.body.force,
        )
    except Refusal as refusal:
        raise _placed(refusal) from None
    return Answer(saved, etag=str(saved.rev))


@ENDPOINTS.add(
    "POST",
    "/properties/{property}/calendar/preview",
    Action.SET_AVAILABILITY,
    body=Edit,
    answer=shown_type(Preview),
)
async def preview_calendar(call: Call[Nothing, Edit]) -> Answer:
    """Preview an edit.

    What setting these ranges would change here, and what each channel would be told, in its own codes and currency.
    Nothing is changed.
    """
    updates = _allowed(call)
    try:
        found = await calendar.preview(call.services, call.property_id, updates, over_pms=call.body.over_pms)
    except Refusal as refusal:
        raise _placed(refusal) from None
    return Answer(found)


@ENDPOINTS.add(
    "POST",
    "/properties/{property}/calendar/undo",
    Action.SET_AVAILABILITY,
    body=Undo,
    answer=shown_type(Saved),
)
async def undo_change(call: Call[Nothing, Undo]) -> Answer:
    """Take an edit back.

    What a request has set becomes what it was before, all of it or none. It is refused (412) where any of it has been
    changed since, by whomever. Taking back can be taken back.
    """
    number = int(call.body.message_id)
    found = await calendar.undoing(call.services, call.property_id, number)
    _require_rates(call, found.updates)
    saved = await calendar.undo(call.services, call.property_id, number, call.principal.author)
    return Answer(saved, etag=str(saved.rev))


@ENDPOINTS.add(
    "GET",
    "/properties/{property}/calendar/changes",
    Action.LOOK,
    query=ChangesQuery,
    answer=shown_type(ChangePage),
)
async def list_changes(call: Call[ChangesQuery, Nothing]) -> Answer:
    """List what was set for a night.

    Who set what and when, newest first.
    """
    query = call.query
    found = await history.changes(
        call.services,
        call.property_id,
        day(query.day),
        room=query.room,
        plan=query.plan,
        cursor=query.cursor,
        limit=query.limit,
    )
    return Answer(found)


# --- edits ------------------------------------------------------------------------------------------------------------

_AVAILABILITY = frozenset({Field.FIGURE, Field.CLOSED})
_PLAIN = tuple(Field(name) for name in Values.__struct_fields__ if name != "prices")


def _allowed(call: Call[Nothing, Edit]) -> list[AriUpdate]:
    """The ranges as updates, where the caller may set each of their values."""
    updates = [*to_updates(call.body.updates), *_spread(call.body.bulk)]
    if len(updates) > TARGETS_MAX:
        raise Malformed(f"{len(updates)} targets and ranges at once; at most {TARGETS_MAX}", Reason.TOO_LARGE)
    _require_rates(call, updates)
    return updates


def _require_rates(call: Call[Any, Any], updates: Sequence[AriUpdate]) -> None:
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


def _placed(refusal: Refusal) -> Refusal:
    if refusal.record and refusal.path is None:
        list_, place = ("bulk", refusal.record[1:]) if refusal.record[0] == _BULK else ("updates", refusal.record)
        refusal.path = f"/{list_}/{place}"
    return refusal
