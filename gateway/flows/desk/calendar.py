"""The calendar: what is sold at which price under which rules, and changing it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.errors import Malformed, Reason
from gateway.flows.desk.changes import CellChange as CellChange
from gateway.flows.desk.changes import changes_of
from gateway.flows.desk.changing import ChangeCalendar, UndoChange, check_size, message_of, weight_of
from gateway.flows.desk.changing import Saved as Saved
from gateway.flows.desk.finding import property_of
from gateway.flows.desk.grid import Grid as Grid
from gateway.flows.desk.grid import ProductDay as ProductDay
from gateway.flows.desk.grid import ProductGrid as ProductGrid
from gateway.flows.desk.grid import RoomDay as RoomDay
from gateway.flows.desk.grid import RoomGrid as RoomGrid
from gateway.flows.desk.grid import Rules as Rules
from gateway.flows.desk.gridding import Gridder
from gateway.flows.desk.previewing import ChannelPreview as ChannelPreview
from gateway.flows.desk.previewing import channel_previews
from gateway.flows.desk.undoing import Undoing as Undoing
from gateway.flows.services import Services
from gateway.model.ari import AriUpdate
from gateway.model.dates import FIRST_DAY, LAST_DAY, Day
from gateway.store import reading_calendar, reading_messages
from gateway.store.database import Transaction
from gateway.store.rehearsal import rehearse

DAYS_MAX = 400
CELLS_MAX = 200_000  # products × days


class Preview(msgspec.Struct, frozen=True):
    """What a change would do here, and what each channel would get beside what it should hold already."""

    changes: tuple[CellChange, ...]
    channels: tuple[ChannelPreview, ...]


async def read(
    services: Services, property_id: str, first: Day, last: Day, *, rooms: Sequence[str] = (), plans: Sequence[str] = ()
) -> Grid:
    """The grid of at most 400 days, of all room types and plans or those named. Four statements."""
    if not FIRST_DAY <= first <= last <= LAST_DAY or last - first >= DAYS_MAX:
        raise Malformed(f"the days of a calendar are 1 to {DAYS_MAX} in order", Reason.DATE_COMBINATION)

    async def work(tx: Transaction) -> Grid:
        scope, hotel = await property_of(services, tx, property_id)
        gridder = Gridder(hotel, scope.rev, first, last, rooms, plans)
        if gridder.cells > CELLS_MAX:
            raise Malformed(f"{gridder.cells} cells at once; ask for fewer days or rooms", Reason.TOO_LARGE)
        calendar = await reading_calendar.calendar(tx, property_id, gridder.targets(), gridder.blocks)
        stock = await reading_calendar.stock(tx, property_id, gridder.stocked(), gridder.blocks)
        return gridder.grid(calendar, stock)

    return await services.database.read(work)


async def change(
    services: Services,
    property_id: str,
    updates: Sequence[AriUpdate],
    author: str,
    *,
    over_pms: bool = False,
    expected: int | None = None,
    force: bool = False,
) -> Saved:
    """Set prices, rules and figures, all of them or none. Codes are ours; an empty ``currency`` is the property's.

    An empty plan addresses the room type, an empty room every one (with a plan) or the house. Refuses what
    :mod:`gateway.flows.take_ari` refuses, relative figures, and figures where a PMS sets them, unless ``over_pms``;
    raises :class:`gateway.errors.Stale` where ``expected`` is given and no longer the property's ``rev``. What
    the property's guard would hold back waits for confirmation, unless ``force`` is given.
    """
    check_size(updates)
    await services.database.read(lambda tx: property_of(services, tx, property_id))
    message = message_of(property_id, services.ids.message(), updates, author, services.clock.now_ms())
    job = ChangeCalendar(
        property_id, updates, message, over_pms=over_pms, expected=expected, force=force, undoable=True
    )
    saved: Saved = await services.batcher.submit(job, weight=weight_of(updates))
    return saved


async def undoing(services: Services, property_id: str, message_id: int) -> Undoing:
    """What taking a change back would set, for who has to decide whether they may."""

    async def work(tx: Transaction) -> Undoing:
        await property_of(services, tx, property_id)
        row = await reading_messages.one(tx, property_id, message_id) if 0 <= message_id < 2**63 else None
        return Undoing(row, message_id)

    return await services.database.read(work)


async def undo(services: Services, property_id: str, message_id: int, author: str) -> Saved:
    """Takes a change back that :func:`change` or this has made, wholly or not at all.

    Raises :class:`gateway.errors.Stale` where any of it has been changed since, also by the PMS.
    """
    found = await undoing(services, property_id, message_id)
    number = services.ids.message()
    message = message_of(property_id, number, found.updates, author, services.clock.now_ms())
    job = UndoChange(property_id, found, message._replace(cause=message_id))
    saved: Saved = await services.batcher.submit(job, weight=weight_of(found.updates))
    return saved


async def preview(
    services: Services, property_id: str, updates: Sequence[AriUpdate], *, over_pms: bool = False
) -> Preview:
    """What :func:`change` would do, without doing it; raises what it would raise."""
    check_size(updates)
    now_ms = services.clock.now_ms()
    job = ChangeCalendar(property_id, updates, message_of(property_id, 0, updates, "", now_ms), over_pms=over_pms)

    async def work(tx: Transaction) -> Preview:
        _, hotel = await property_of(services, tx, property_id)
        (tried,) = await rehearse(tx, services.hotels, property_id, [job], now_ms)
        if tried.refusal is not None:
            raise tried.refusal
        channels = await channel_previews(services, tx, property_id, hotel, tried, now_ms)
        return Preview(changes_of(hotel, tried), channels)

    return await services.database.read(work)
