"""All pages, what they are made of, and where they are mounted."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from gateway.errors import Unauthentic
from gateway.flows.access.identity import Identity
from gateway.flows.access.rights import require
from gateway.flows.services import Services
from gateway.model.access import Action
from gateway.web.callers import address_of, session_of
from gateway.web.console import (
    attention,
    bookings,
    calendar,
    channels,
    entrance,
    held,
    mappings,
    messages,
    payments,
    requests,
)
from gateway.web.console.live import Live
from gateway.web.console.serving import HEADERS, routes_of
from gateway.web.console.visits import View

SUBJECTS = (entrance, calendar, held, channels, bookings, requests, payments, messages, mappings, attention)
_ASSETS = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_PULSE_LENGTH_MAX = 40


def all_views() -> list[View]:
    return [view for subject in SUBJECTS for view in subject.VIEWS.all]


def console_routes(services: Services, identity: Identity, live: Live) -> list[HTTPRouteHandler]:
    """The pages, their assets, and the stream that keeps them up to date."""
    return [*routes_of(all_views(), services, identity, live), _stream(identity, live), _asset]


def _stream(identity: Identity, live: Live) -> HTTPRouteHandler:
    @get("/hotels/{property:str}/live", include_in_schema=False)
    async def stream(request: Request[Any, Any, Any]) -> Stream:
        session = await session_of(identity, request)
        if session is None:
            raise Unauthentic("the session has ended; sign in again")
        property_id = request.path_params["property"]
        require(session.principal, Action.LOOK, property_id)
        live.check(session)
        # What the page has shown, or what the stream said last before the connection was lost.
        seen = request.headers.get("last-event-id") or request.query_params.get("seen") or ""
        events = live.stream(session, property_id, seen[:_PULSE_LENGTH_MAX], address_of(request))
        # A proxy that gathers before it hands on would make news old.
        headers = {**HEADERS, "x-accel-buffering": "no"}
        return Stream(events, media_type="text/event-stream; charset=utf-8", headers=headers)

    return stream


@get("/console/{name:str}", include_in_schema=False, sync_to_thread=False)
def _asset(request: Request[Any, Any, Any]) -> Response[bytes]:
    name = request.path_params["name"]
    if name not in _ASSETS:
        return Response(b"", status_code=404, media_type="text/plain")
    headers = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}
    return Response(_read(name), media_type=_ASSETS[name], headers=headers)


@cache
def _read(name: str) -> bytes:
    return (resources.files("gateway.web.console") / "static" / name).read_bytes()
