"""Setting the configuration of a property, as a whole or a part of it.

It has a version, which callers use as an ETag; what takes something away is only done by force.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from gateway.flows.apply_hotel import apply_hotel
from gateway.flows.desk.properties import current
from gateway.flows.plan_hotel import plan_hotel
from gateway.flows.services import Services
from gateway.model.property import Property, RatePlan, RoomType
from gateway.store import reading_properties as reading
from gateway.store.tables import Scope


class Configured(msgspec.Struct, frozen=True):
    """``version`` is the configuration in force; ``changes`` are lines for people.

    ``destructive`` are those of them that take something away. Nothing was applied if ``applied`` is false: it was a
    dry run, or nothing differs.
    """

    version: int
    applied: bool
    changes: tuple[str, ...]
    destructive: tuple[str, ...] = ()


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
    scope, hotel = await current(services, property_id)
    rooms = _put(hotel.property.room_types, room)
    return await change_property(services, scope, hotel, replace(hotel.property, room_types=rooms), author, expected)


async def put_rate_plan(
    services: Services, property_id: str, plan: RatePlan, author: str, *, expected: int | None = None
) -> Configured:
    """Add a rate plan, or replace the one with its code. ``plan.adjust`` only for derived ones."""
    scope, hotel = await current(services, property_id)
    plans = _put(hotel.property.rate_plans, plan)
    return await change_property(services, scope, hotel, replace(hotel.property, rate_plans=plans), author, expected)


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
