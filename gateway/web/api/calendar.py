"""The calendar: reading it, setting ranges of it, and who set what."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.errors import Refusal
from gateway.flows.desk import calendar, history
from gateway.flows.desk.calendar import Grid, Preview, Saved
from gateway.flows.desk.history import ChangePage
from gateway.model.access import Action
from gateway.web.api.calendar_edits import Edit, allowed_updates, placed, require_rates
from gateway.web.api.endpoints import Answer, Call, Endpoints, Match, Nothing
from gateway.web.api.shapes import shown_type
from gateway.web.api.values import COUNT, Code, CodeOrNone, Count, Cursor, day, version

ENDPOINTS = Endpoints("Calendar", "Availability, prices and restrictions by night.")

DAYS = 31


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


class Undo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The edit to be taken back, by the `message_id` it was answered with."""

    message_id: Annotated[str, Meta(pattern=r"\A[0-9]{1,19}\Z")]


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
    updates = allowed_updates(call)
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
        raise placed(refusal) from None
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
    updates = allowed_updates(call)
    try:
        found = await calendar.preview(call.services, call.property_id, updates, over_pms=call.body.over_pms)
    except Refusal as refusal:
        raise placed(refusal) from None
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
    require_rates(call, found.updates)
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
