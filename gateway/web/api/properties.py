"""Properties, their room types and rate plans, and the whole configuration."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.errors import Malformed, NotFound, Reason
from gateway.flows.access.rights import require
from gateway.flows.desk import configuring, properties
from gateway.flows.desk.configuring import Configured
from gateway.flows.desk.properties import PropertyDetail, PropertyPage, VersionPage
from gateway.model.access import EVERY_PROPERTY, Action
from gateway.model.dates import FIRST_DAY, LAST_DAY
from gateway.model.property import Adjustment, LengthRate, Part, RatePlan, RoomType
from gateway.web.api.endpoints import Answer, Call, Endpoints, Match, Nothing, Repeat
from gateway.web.api.shapes import shown_type
from gateway.web.api.values import COUNT, Count, Cursor, Text, day, version

ENDPOINTS = Endpoints("Properties", "Hotels with their room types, rate plans and configuration.")

Tables = dict[str, Any]


class PageQuery(msgspec.Struct, frozen=True):
    cursor: Cursor = ""
    limit: Count = COUNT


class ConfigureQuery(msgspec.Struct, frozen=True):
    dry_run: Annotated[bool, Meta(description="only say what would change")] = False
    force: Annotated[bool, Meta(description="also apply what takes something away")] = False


class Configuration(msgspec.Struct, frozen=True):
    """The hotel file as tables. Passwords are never shown; one that is left out beside its username stays."""

    version: int
    tables: Tables


class RoomTypeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many rooms of the type the house has, and the most adults a price is kept for.

    A linked type is ``made_of`` rooms of others; its ``units`` are the most that are sold at once.
    """

    name: Text
    units: Annotated[int, Meta(ge=1, le=9999)]
    adults_max: Annotated[int, Meta(ge=1, le=12)] = 2
    made_of: Annotated[tuple[Part, ...], Meta(max_length=20)] = ()


class LengthBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another price for stays of at least so many ``nights`` that arrive from ``first`` to ``last``."""

    nights: Annotated[int, Meta(ge=2, le=999)]
    adjust: Adjustment
    first: date | None = None
    last: date | None = None


class RatePlanBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plan with prices of its own, or one derived from ``parent`` by ``adjust``.

    A derived one has the parent's restrictions too, unless ``own_rules``. ``lengths`` are for what is sold directly.
    """

    name: Text
    parent: Annotated[str, Meta(max_length=64)] = ""
    adjust: Adjustment = Adjustment()
    lengths: Annotated[tuple[LengthBody, ...], Meta(max_length=100)] = ()
    own_rules: bool = False


class RoomTypes(msgspec.Struct, frozen=True):
    items: tuple[RoomType, ...]


class RatePlans(msgspec.Struct, frozen=True):
    items: tuple[RatePlan, ...]


@ENDPOINTS.add("GET", "/properties", Action.LOOK, query=PageQuery, answer=shown_type(PropertyPage))
async def list_properties(call: Call[PageQuery, Nothing]) -> Answer:
    """List properties.

    Those at which the caller may look, by id.
    """
    only = call.principal.where(Action.LOOK)
    query = call.query
    return Answer(await properties.find(call.services, only=only, cursor=query.cursor, limit=query.limit))


@ENDPOINTS.add(
    "POST",
    "/properties",
    Action.CONFIGURE,
    query=ConfigureQuery,
    body=Tables,
    answer=Configured,
    status=HTTPStatus.CREATED,
    repeat=Repeat.CLAIMED,
)
async def create_property(call: Call[ConfigureQuery, Tables]) -> Answer:
    """Create a property.

    The body is a hotel file as JSON: the tables `property`, `room_types`, `rate_plans` and `connections`. It takes the
    right to configure every property, since nobody has rights at one that does not exist yet.
    """
    require(call.principal, Action.CONFIGURE, EVERY_PROPERTY)
    done = await configuring.configure(
        call.services, call.body, call.principal.author, expected=0, force=call.query.force, dry_run=call.query.dry_run
    )
    return Answer(done, etag=str(done.version), location=f"/properties/{_id(call.body)}")


@ENDPOINTS.add("GET", "/properties/{property}", Action.LOOK, answer=shown_type(PropertyDetail), shows_etag=True)
async def show_property(call: Call[Nothing, Nothing]) -> Answer:
    """Show a property."""
    shown = await properties.show(call.services, call.property_id)
    return Answer(shown, etag=f"{shown.version}.{shown.rev}")


@ENDPOINTS.add("GET", "/properties/{property}/configuration", Action.CONFIGURE, answer=Configuration, shows_etag=True)
async def show_configuration(call: Call[Nothing, Nothing]) -> Answer:
    """Show the configuration.

    The hotel file as tables, without passwords. Its ETag is the version to edit.
    """
    tables, number = await properties.configuration(call.services, call.property_id)
    return Answer(Configuration(number, tables), etag=str(number))


@ENDPOINTS.add(
    "PUT",
    "/properties/{property}/configuration",
    Action.CONFIGURE,
    query=ConfigureQuery,
    body=Tables,
    answer=Configured,
    match=Match.REQUIRED,
)
async def replace_configuration(call: Call[ConfigureQuery, Tables]) -> Answer:
    """Replace the configuration.

    All of it becomes what the tables say. What takes something away needs `force`.
    """
    if _id(call.body) != call.property_id:
        raise Malformed("the tables speak of another property", Reason.HOTEL, path="/property/id")
    done = await configuring.configure(
        call.services,
        call.body,
        call.principal.author,
        expected=version(call.if_match),
        force=call.query.force,
        dry_run=call.query.dry_run,
    )
    return _configured(done)


@ENDPOINTS.add(
    "GET",
    "/properties/{property}/configuration/versions",
    Action.LOOK,
    query=PageQuery,
    answer=shown_type(VersionPage),
)
async def list_versions(call: Call[PageQuery, Nothing]) -> Answer:
    """List versions of the configuration.

    Who configured what and when, newest first.
    """
    query = call.query
    return Answer(await properties.versions(call.services, call.property_id, cursor=query.cursor, limit=query.limit))


@ENDPOINTS.add("GET", "/properties/{property}/room-types", Action.LOOK, answer=RoomTypes, shows_etag=True)
async def list_room_types(call: Call[Nothing, Nothing]) -> Answer:
    """List room types."""
    shown = await properties.show(call.services, call.property_id)
    return Answer(RoomTypes(shown.room_types), etag=str(shown.version))


@ENDPOINTS.add("GET", "/properties/{property}/room-types/{room}", Action.LOOK, answer=RoomType, shows_etag=True)
async def show_room_type(call: Call[Nothing, Nothing]) -> Answer:
    """Show a room type."""
    shown, code = await properties.show(call.services, call.property_id), call.path["room"]
    found = next((room for room in shown.room_types if room.code == code), None)
    if found is None:
        raise NotFound(f"there is no room type {code!r}", Reason.ROOM_TYPE)
    return Answer(found, etag=str(shown.version))


@ENDPOINTS.add(
    "PUT",
    "/properties/{property}/room-types/{room}",
    Action.CONFIGURE,
    body=RoomTypeBody,
    answer=Configured,
    match=Match.REQUIRED,
)
async def put_room_type(call: Call[Nothing, RoomTypeBody]) -> Answer:
    """Add or replace a room type."""
    body = call.body
    room = RoomType(call.path["room"], body.name, body.units, body.adults_max, body.made_of)
    author, expected = call.principal.author, version(call.if_match)
    return _configured(
        await configuring.put_room_type(call.services, call.property_id, room, author, expected=expected)
    )


@ENDPOINTS.add("GET", "/properties/{property}/rate-plans", Action.LOOK, answer=shown_type(RatePlans), shows_etag=True)
async def list_rate_plans(call: Call[Nothing, Nothing]) -> Answer:
    """List rate plans."""
    shown = await properties.show(call.services, call.property_id)
    return Answer(RatePlans(shown.rate_plans), etag=str(shown.version))


@ENDPOINTS.add(
    "GET", "/properties/{property}/rate-plans/{plan}", Action.LOOK, answer=shown_type(RatePlan), shows_etag=True
)
async def show_rate_plan(call: Call[Nothing, Nothing]) -> Answer:
    """Show a rate plan."""
    shown, code = await properties.show(call.services, call.property_id), call.path["plan"]
    found = next((plan for plan in shown.rate_plans if plan.code == code), None)
    if found is None:
        raise NotFound(f"there is no rate plan {code!r}", Reason.RATE_PLAN)
    return Answer(found, etag=str(shown.version))


@ENDPOINTS.add(
    "PUT",
    "/properties/{property}/rate-plans/{plan}",
    Action.CONFIGURE,
    body=RatePlanBody,
    answer=Configured,
    match=Match.REQUIRED,
)
async def put_rate_plan(call: Call[Nothing, RatePlanBody]) -> Answer:
    """Add or replace a rate plan."""
    body = call.body
    lengths = tuple(_length(each) for each in body.lengths)
    plan = RatePlan(call.path["plan"], body.name, body.parent, body.adjust, lengths, body.own_rules)
    author, expected = call.principal.author, version(call.if_match)
    return _configured(
        await configuring.put_rate_plan(call.services, call.property_id, plan, author, expected=expected)
    )


def _length(body: LengthBody) -> LengthRate:
    first = FIRST_DAY if body.first is None else day(body.first)
    return LengthRate(body.nights, body.adjust, first, LAST_DAY if body.last is None else day(body.last))


def _configured(done: Configured) -> Answer:
    return Answer(done, etag=str(done.version))


def _id(tables: Tables) -> str:
    named = tables.get("property")
    return str(named.get("id", "")) if isinstance(named, dict) else ""
