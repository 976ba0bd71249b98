"""Mappings: our products and a counterpart's codes for them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.flows.desk import mappings
from gateway.flows.desk.configuring import Configured
from gateway.flows.desk.mappings import Mapping, Suggestion
from gateway.model.access import Action
from gateway.model.property import Product
from gateway.web.api.endpoints import Answer, Call, Endpoints, Match, Nothing
from gateway.web.api.shapes import shown_type
from gateway.web.api.values import Code, version

ENDPOINTS = Endpoints("Mappings", "Which code of a counterpart stands for which room type and rate plan.")

PRODUCTS_MAX = 2_000
_MAPPING = "/properties/{property}/connections/{connection}/mapping"


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of our products, and their codes for it."""

    room: Code
    plan: Code
    their_room: Code
    their_plan: Code


class Ours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of our products."""

    room: Code
    plan: Code


class MappingEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lines to put, in place of what the products were mapped to, and products to unmap."""

    put: Annotated[tuple[Line, ...], Meta(max_length=PRODUCTS_MAX)] = ()
    remove: Annotated[tuple[Ours, ...], Meta(max_length=PRODUCTS_MAX)] = ()


class Suggestions(msgspec.Struct, frozen=True):
    """Best first, each code at most once."""

    items: tuple[Suggestion, ...]


@ENDPOINTS.add("GET", _MAPPING, Action.LOOK, answer=shown_type(Mapping), shows_etag=True)
async def show_mapping(call: Call[Nothing, Nothing]) -> Answer:
    """Show a mapping.

    With our products that are not sold there, and all codes of theirs that were met, mapped or not.
    """
    return Answer(found := await mappings.read(call.services, call.property_id, call.connection), str(found.version))


@ENDPOINTS.add("PATCH", _MAPPING, Action.MAP, body=MappingEdit, answer=Configured, match=Match.REQUIRED)
async def change_mapping(call: Call[Nothing, MappingEdit]) -> Answer:
    """Change a mapping.

    What leaves it is closed at the channel; what comes in is sent to it.
    """
    done = await mappings.change(
        call.services,
        call.property_id,
        call.connection,
        call.principal.author,
        put=[Product(line.room, line.plan, line.their_room, line.their_plan) for line in call.body.put],
        remove=[(ours.room, ours.plan) for ours in call.body.remove],
        expected=version(call.if_match),
    )
    return Answer(done, etag=str(done.version))


@ENDPOINTS.add("GET", f"{_MAPPING}/suggestions", Action.MAP, answer=shown_type(Suggestions))
async def suggest_mapping(call: Call[Nothing, Nothing]) -> Answer:
    """Suggest what may belong together.

    From codes and names, for what is not mapped yet.
    """
    return Answer(Suggestions(await mappings.suggest(call.services, call.property_id, call.connection)))
