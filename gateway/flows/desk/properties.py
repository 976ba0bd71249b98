"""Properties and their configuration. A configuration has a version, which callers use as an ETag."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from gateway.engine import hotel_changes
from gateway.engine.hotel import Hotel
from gateway.engine.hotel_tables import tables_of
from gateway.flows.desk.finding import cursor as made_cursor
from gateway.flows.desk.finding import page_size, position, property_of
from gateway.flows.services import Services
from gateway.model.dates import Instant
from gateway.model.property import Connection, RatePlan, Role, RoomType
from gateway.store import reading_properties as reading
from gateway.store.database import Transaction
from gateway.store.hotels import unpack_property
from gateway.store.tables import Scope


class PropertyLine(msgspec.Struct, frozen=True):
    """A property in a list."""

    id: str
    name: str
    currency: str
    timezone: str
    version: int
    rev: int


class PropertyPage(msgspec.Struct, frozen=True):
    """By id."""

    items: tuple[PropertyLine, ...]
    next: str = ""


class ConnectionHead(msgspec.Struct, frozen=True):
    """A connection without its secrets; ``has_inbound`` and ``has_outbound`` say whether a password is kept."""

    id: str
    connector: str
    profile: str
    role: Role
    hotel: str
    url: str
    enabled: bool
    products: int
    inbound_username: str
    outbound_username: str
    has_inbound: bool
    has_outbound: bool


class PropertyDetail(msgspec.Struct, frozen=True):
    """A property with everything configured but mappings."""

    id: str
    name: str
    currency: str
    timezone: str
    net: bool
    version: int
    rev: int
    room_types: tuple[RoomType, ...]
    rate_plans: tuple[RatePlan, ...]
    connections: tuple[ConnectionHead, ...]


class VersionLine(msgspec.Struct, frozen=True):
    """One version of the configuration, and what it changed in the one before."""

    version: int
    author: str
    at_ms: Instant
    changes: tuple[str, ...]


class VersionPage(msgspec.Struct, frozen=True):
    """Newest first."""

    items: tuple[VersionLine, ...]
    next: str = ""


async def find(
    services: Services, *, only: Collection[str] | None = None, cursor: str = "", limit: int = 50
) -> PropertyPage:
    """The properties, or those of ``only`` that exist (at most 5,000)."""
    page_size(limit)
    after = position(cursor, str)
    found = await services.database.read(
        lambda tx: reading.page(tx, services.hotels, only, after[0] if after else None, limit + 1)
    )
    lines = tuple(
        PropertyLine(
            hotel.property.id,
            hotel.property.name,
            hotel.property.currency,
            hotel.property.timezone,
            scope.config_version,
            scope.rev,
        )
        for scope, hotel in found[:limit]
    )
    return PropertyPage(lines, made_cursor((lines[-1].id,)) if len(found) > limit else "")


async def show(services: Services, property_id: str) -> PropertyDetail:
    """One property."""
    scope, hotel = await current(services, property_id)
    prop = hotel.property
    return PropertyDetail(
        prop.id,
        prop.name,
        prop.currency,
        prop.timezone,
        prop.net,
        hotel.version,
        scope.rev,
        prop.room_types,
        prop.rate_plans,
        tuple(map(_head, prop.connections)),
    )


async def configuration(services: Services, property_id: str) -> tuple[dict[str, Any], int]:
    """The hotel file as tables, as ``docs/hotel-file.md`` describes it, without passwords; and its version."""
    _, hotel = await current(services, property_id)
    return tables_of(hotel.property), hotel.version


async def versions(services: Services, property_id: str, *, cursor: str = "", limit: int = 20) -> VersionPage:
    """Who configured what and when."""
    page_size(limit)
    before = position(cursor, int)
    await current(services, property_id)
    rows = await services.database.read(
        lambda tx: reading.versions(tx, property_id, before[0] if before else None, limit + 1)
    )
    lines = []
    for place, row in enumerate(rows[:limit]):
        older = unpack_property(rows[place + 1].body) if place + 1 < len(rows) else None
        changes = hotel_changes.plan(older, unpack_property(row.body))
        lines.append(VersionLine(row.version, row.author, row.at_ms, tuple(change.line for change in changes)))
    return VersionPage(tuple(lines), made_cursor((rows[limit - 1].version,)) if len(rows) > limit else "")


async def current(services: Services, property_id: str) -> tuple[Scope, Hotel]:
    async def work(tx: Transaction) -> tuple[Scope, Hotel]:
        return await property_of(services, tx, property_id)

    return await services.database.read(work)


def _head(known: Connection) -> ConnectionHead:
    return ConnectionHead(
        known.id,
        known.connector,
        known.profile,
        known.role,
        known.hotel,
        known.url,
        known.enabled,
        len(known.products),
        known.inbound.username,
        known.outbound.username,
        bool(known.inbound.secret),
        bool(known.outbound.secret),
    )
