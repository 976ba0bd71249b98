"""Connections: how far each has come, what it refuses, and what can be asked of it."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.errors import NotFound
from gateway.flows.desk import connections, history
from gateway.flows.desk.connections import Audit, ConnectionLine, Ordered, SyncError, SyncState
from gateway.flows.desk.history import Held
from gateway.model.access import Action
from gateway.web.api.endpoints import Answer, Call, Endpoints, Nothing, Repeat
from gateway.web.api.shapes import shown_type
from gateway.web.api.values import Code, Time, day, instant

ENDPOINTS = Endpoints("Connections", "Accounts at counterparts: state, errors, synchronisation and audit.")

_CONNECTION = "/properties/{property}/connections/{connection}"


class ErrorsQuery(msgspec.Struct, frozen=True):
    connection: Annotated[Code | None, Meta(description="of this connection only")] = None


class HeldQuery(msgspec.Struct, frozen=True):
    day: Annotated[date, Meta(description="the night, YYYY-MM-DD")]
    at: Annotated[Time, Meta(description="the instant, RFC 3339 with its offset")]


class AuditQuery(msgspec.Struct, frozen=True):
    ranges: Annotated[int, Meta(ge=1, le=10_000, description="how many ranges at most are shown")] = 1_000


class SyncErrors(msgspec.Struct, frozen=True):
    """Newest first."""

    items: tuple[SyncError, ...]


@ENDPOINTS.add("GET", "/properties/{property}/connections", Action.LOOK, answer=shown_type(SyncState))
async def list_connections(call: Call[Nothing, Nothing]) -> Answer:
    """List connections with their state.

    How far each is behind, when it last confirmed something, its pace, its errors and what is waiting for it.
    """
    return Answer(await connections.state(call.services, call.property_id))


@ENDPOINTS.add("GET", _CONNECTION, Action.LOOK, answer=shown_type(ConnectionLine))
async def show_connection(call: Call[Nothing, Nothing]) -> Answer:
    """Show the state of a connection."""
    state = await connections.state(call.services, call.property_id)
    found = next((line for line in state.connections if line.id == call.connection), None)
    if found is None:
        raise NotFound(f"there is no connection {call.connection!r}")
    return Answer(found)


@ENDPOINTS.add(
    "GET", "/properties/{property}/sync-errors", Action.LOOK, query=ErrorsQuery, answer=shown_type(SyncErrors)
)
async def list_sync_errors(call: Call[ErrorsQuery, Nothing]) -> Answer:
    """List what counterparts refuse.

    Each target they do not take, with the message they refused and their raw answer, until they accept it.
    """
    found = await connections.errors(call.services, call.property_id, call.query.connection)
    return Answer(SyncErrors(found))


@ENDPOINTS.add(
    "POST",
    f"{_CONNECTION}/full-sync",
    Action.SYNC,
    answer=shown_type(Ordered),
    status=HTTPStatus.ACCEPTED,
    repeat=Repeat.CLAIMED,
)
async def full_sync(call: Call[Nothing, Nothing]) -> Answer:
    """Send everything again.

    Nothing that was confirmed counts any more; closings go first as always.
    """
    author = call.principal.author
    return Answer(await connections.full_sync(call.services, call.property_id, call.connection, author))


@ENDPOINTS.add(
    "POST",
    f"{_CONNECTION}/repair",
    Action.SYNC,
    answer=shown_type(Ordered),
    status=HTTPStatus.ACCEPTED,
    repeat=Repeat.CLAIMED,
)
async def repair(call: Call[Nothing, Nothing]) -> Answer:
    """Send what the audit finds.

    Only the cells that differ.
    """
    author = call.principal.author
    return Answer(await connections.repair(call.services, call.property_id, call.connection, author))


@ENDPOINTS.add(
    "POST",
    f"{_CONNECTION}/pause",
    Action.SYNC,
    answer=shown_type(Ordered),
    status=HTTPStatus.ACCEPTED,
    repeat=Repeat.CLAIMED,
)
async def pause(call: Call[Nothing, Nothing]) -> Answer:
    """Pause sending.

    Nothing is sent until it is resumed; what changes meanwhile is sent then.
    """
    author = call.principal.author
    return Answer(await connections.pause(call.services, call.property_id, call.connection, author, paused=True))


@ENDPOINTS.add(
    "POST",
    f"{_CONNECTION}/resume",
    Action.SYNC,
    answer=shown_type(Ordered),
    status=HTTPStatus.ACCEPTED,
    repeat=Repeat.CLAIMED,
)
async def resume(call: Call[Nothing, Nothing]) -> Answer:
    """Resume sending."""
    author = call.principal.author
    return Answer(await connections.pause(call.services, call.property_id, call.connection, author, paused=False))


@ENDPOINTS.add("GET", f"{_CONNECTION}/audit", Action.LOOK, query=AuditQuery, answer=shown_type(Audit))
async def audit(call: Call[AuditQuery, Nothing]) -> Answer:
    """Audit what a channel holds.

    What it was last told against what it should hold now, cell by cell, with the reason for each difference.
    """
    ranges = call.query.ranges
    return Answer(await connections.audit(call.services, call.property_id, call.connection, ranges_max=ranges))


@ENDPOINTS.add("GET", f"{_CONNECTION}/held", Action.LOOK, query=HeldQuery, answer=shown_type(Held))
async def held(call: Call[HeldQuery, Nothing]) -> Answer:
    """Show what a channel held at an instant.

    For one night, from the messages it was sent until then and what became of them.
    """
    query = call.query
    night, at_ms = day(query.day), instant(query.at)
    return Answer(await history.held(call.services, call.property_id, call.connection, night, at_ms))
