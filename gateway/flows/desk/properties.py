"""Properties and their configuration. A configuration has a version, which callers use as an ETag."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from gateway.engine import hotel_changes
from gateway.engine.hotel import Hotel
from gateway.engine.hotel_changes import Severity
from gateway.engine.hotel_file import HotelFileError, read_tables
from gateway.engine.hotel_tables import tables_of
from gateway.engine.payment_file import payment_secrets
from gateway.errors import Rejected, Stale
from gateway.flows.apply_hotel import apply_hotel, plan_hotel
from gateway.flows.desk.finding import cursor as made_cursor
from gateway.flows.desk.finding import page_size, position, property_of
from gateway.flows.services import Services
from gateway.model.dates import Instant
from gateway.model.property import Connection, Property, RatePlan, Role, RoomType
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


class Configured(msgspec.Struct, frozen=True):
    """``version`` is the configuration in force; ``changes`` are lines for people.

    ``destructive`` are those of them that take something away. Nothing was applied if ``applied`` is false: it was a
    dry run, or nothing differs.
    """

    version: int
    applied: bool
    changes: tuple[str, ...]
    destructive: tuple[str, ...] = ()


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
    scope, hotel = await _current(services, property_id)
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
    _, hotel = await _current(services, property_id)
    return tables_of(hotel.property), hotel.version


async def configure(
    services: Services,
    tables: Mapping[str, Any],
    author: str,
    *,
    expected: int | None = None,
    force: bool = False,
    dry_run: bool = False,
) -> Configured:
    """Make hotel-file tables the configuration of the property they name, which may be new.

    A password that is left out of an account that has one stays as it is. ``expected`` is the version the caller has
    seen: 0 for a new property, None for any; raises :class:`gateway.errors.Stale` if it is another by now. What takes
    something away needs ``force``. Numbers with decimals are texts or :class:`decimal.Decimal`, never floats. Raises
    :class:`gateway.engine.hotel_file.HotelFileError` with every fault.
    """
    head = tables.get("property")
    scope_id = head.get("id") if isinstance(head, Mapping) else None
    found = None
    if isinstance(scope_id, str):
        name = scope_id.replace("\0", "")
        found = await services.database.read(lambda tx: reading.one(tx, services.hotels, name))
    wanted = read_tables(tables, {}, _secrets(found[1].property) if found else ())
    version = found[0].config_version if found else 0
    check_version(wanted.property.id, version, expected)
    sealed, changes = await plan_hotel(services, wanted)
    return await _applied(services, sealed, changes, author, version, force=force, dry_run=dry_run)


async def put_room_type(
    services: Services, property_id: str, room: RoomType, author: str, *, expected: int | None = None
) -> Configured:
    """Add a room type, or replace the one with its code."""
    scope, hotel = await _current(services, property_id)
    rooms = _put(hotel.property.room_types, room)
    return await change_property(services, scope, hotel, replace(hotel.property, room_types=rooms), author, expected)


async def put_rate_plan(
    services: Services, property_id: str, plan: RatePlan, author: str, *, expected: int | None = None
) -> Configured:
    """Add a rate plan, or replace the one with its code. ``plan.adjust`` only for derived ones."""
    scope, hotel = await _current(services, property_id)
    plans = _put(hotel.property.rate_plans, plan)
    return await change_property(services, scope, hotel, replace(hotel.property, rate_plans=plans), author, expected)


async def versions(services: Services, property_id: str, *, cursor: str = "", limit: int = 20) -> VersionPage:
    """Who configured what and when."""
    page_size(limit)
    before = position(cursor, int)
    await _current(services, property_id)
    rows = await services.database.read(
        lambda tx: reading.versions(tx, property_id, before[0] if before else None, limit + 1)
    )
    lines = []
    for place, row in enumerate(rows[:limit]):
        older = unpack_property(rows[place + 1].body) if place + 1 < len(rows) else None
        changes = hotel_changes.plan(older, unpack_property(row.body))
        lines.append(VersionLine(row.version, row.author, row.at_ms, tuple(change.line for change in changes)))
    return VersionPage(tuple(lines), made_cursor((rows[limit - 1].version,)) if len(rows) > limit else "")


# --- for the other files of the desk ----------------------------------------------------------------------------------


async def change_property(
    services: Services, scope: Scope, hotel: Hotel, wanted: Property, author: str, expected: int | None
) -> Configured:
    """Apply an edited configuration. Only faults that the one before does not have are raised."""
    check_version(hotel.property.id, scope.config_version, expected)
    before = set(_problems(hotel.property))
    if problems := [problem for problem in _problems(wanted) if problem not in before]:
        raise HotelFileError(problems)
    changes = hotel_changes.plan(hotel.property, wanted)
    return await _applied(services, wanted, changes, author, scope.config_version, force=True, dry_run=False)


def check_version(property_id: str, version: int, expected: int | None) -> None:
    """Raises Stale where somebody has been faster."""
    if expected not in (None, version):
        raise Stale(f"the configuration of {property_id!r} is at version {version}, not {expected}")


async def _current(services: Services, property_id: str) -> tuple[Scope, Hotel]:
    async def work(tx: Transaction) -> tuple[Scope, Hotel]:
        return await property_of(services, tx, property_id)

    return await services.database.read(work)


async def _applied(
    services: Services,
    wanted: Property,
    changes: list[hotel_changes.Change],
    author: str,
    version: int,
    *,
    force: bool,
    dry_run: bool,
) -> Configured:
    lines = tuple(change.line for change in changes)
    destructive = tuple(change.line for change in changes if change.severity is Severity.DESTRUCTIVE)
    if not changes or dry_run:
        return Configured(version, False, lines, destructive)
    if destructive and not force:
        raise Rejected(f"this takes something away, and is only done by force: {'; '.join(destructive)}")
    # Whatever was planned on is what must still be there.
    version = await apply_hotel(services, wanted, author, expected=version)
    return Configured(version, True, lines, destructive)


def _problems(prop: Property) -> tuple[str, ...]:
    try:
        read_tables(tables_of(prop), {}, _secrets(prop))
    except HotelFileError as error:
        return error.problems
    return ()


def _secrets(prop: Property) -> set[tuple[str, str]]:
    """The passwords there are."""
    found: set[tuple[str, str]] = set(payment_secrets(prop.payments))
    for known in prop.connections:
        if known.inbound.secret:
            found.add((known.id, "inbound"))
        if known.outbound.secret:
            found.add((known.id, "outbound"))
    return found


def _put(known: tuple[Any, ...], new: Any) -> tuple[Any, ...]:
    """In the place of the one with its code, or at the end."""
    if all(each.code != new.code for each in known):
        return (*known, new)
    return tuple(new if each.code == new.code else each for each in known)


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
