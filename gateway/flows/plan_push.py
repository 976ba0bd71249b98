"""What each channel of a property has to be told, worked out over one snapshot.

Work is: rows newer than the connection's revision and whatever depends on them, cells in doubt or postponed that have
come due, the nights of bookings that a self-counting channel made, and everything when the configuration changed or the
view has run out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
import structlog

from gateway.contract import Outbound
from gateway.engine import orders
from gateway.engine.booking import Entry
from gateway.engine.calendar import Key
from gateway.engine.hotel import Hotel
from gateway.engine.orders import EVERYTHING
from gateway.engine.plan import DIRTY, NEVER, Difference, Shadow, difference, left_view
from gateway.engine.sending import Parcel, Touched, parcels
from gateway.engine.view import Calendar, Channel, Slot
from gateway.errors import Refusal
from gateway.flows.services import Connectors
from gateway.model.ari import Aspect
from gateway.model.dates import BLOCK_DAYS, Day, Instant, blocks_of, day_start_ms, local_day
from gateway.model.property import Connection
from gateway.model.reservation import RoomStay
from gateway.store import pushing, watching
from gateway.store.database import Transaction
from gateway.store.hotels import Hotels
from gateway.store.tables import UNKNOWN, CalendarRow, ConnectionRow, OrderRow, ShadowRow, StockRow

log = structlog.get_logger(__name__)

_entry = msgspec.msgpack.Decoder(Entry).decode


@dataclass
class Channels:
    """Compiled channels by connection, kept while their configuration lasts."""

    connectors: Connectors
    kept: dict[tuple[str, str], tuple[int, Channel]] = field(default_factory=dict)

    def get(self, hotel: Hotel, connection: Connection) -> Channel:
        name = (hotel.property.id, connection.id)
        kept = self.kept.get(name)
        if kept is None or kept[0] != hotel.version:
            connector: Outbound = self.connectors.outbound(connection.connector)
            channel = Channel(hotel, connection, connector.capabilities(connection.profile))
            kept = self.kept[name] = (hotel.version, channel)
        return kept[1]


# More messages than a log line can name; those that are left out are found by the range of revisions.
CAUSES_MAX = 20

Target = tuple[str, str, str]  # aspect, their room, their plan


@dataclass
class ChannelPlan:
    """What to send to one connection, and how far it will then have come.

    ``errors`` are the targets that it refuses so far. ``seen`` is for the pusher: how many changes of the property it
    had been told of before the plan was made. ``since`` is the revision it had come to before.
    """

    channel: Channel
    row: ConnectionRow
    parcels: list[Parcel]
    forgotten: list[ShadowRow]
    touched: list[Touched]
    errors: set[Target]
    seen: int = 0
    since: int = 0


@dataclass
class PropertyPlan:
    """The plans of all channels of a property that were looked at, over one snapshot of it.

    ``causes`` are the messages that changed it since the channel that is furthest behind, as far as there are few.
    """

    hotel: Hotel
    channels: list[ChannelPlan]
    causes: list[watching.Cause] = field(default_factory=list)

    def causes_of(self, channel: ChannelPlan) -> list[int]:
        """The messages that are new to a channel, oldest first; at least the newest there is."""
        new = [cause.message_id for cause in self.causes if cause.rev > channel.since]
        return new or [channel.row.synced_cause]


@dataclass
class _Work:
    """One connection while its plan is made."""

    channel: Channel
    row: ConnectionRow
    window: tuple[Day, Day]
    full: bool
    afresh: bool  # nobody knows what it holds
    order: OrderRow | None = None  # what people have asked for and was not done yet
    slots: dict[Aspect, set[Slot]] = field(default_factory=dict)
    doubted: dict[Aspect, list[tuple[Slot, range]]] = field(default_factory=dict)
    stored: list[ShadowRow] = field(default_factory=list)


@dataclass
class _Rows:
    calendar: dict[Key, bytes] = field(default_factory=dict)
    stock: dict[Key, bytes] = field(default_factory=dict)

    def add_calendar(self, rows: Iterable[CalendarRow]) -> None:
        self.calendar.update({(row.room, row.plan, row.block): row.body for row in rows})

    def add_stock(self, rows: Iterable[StockRow]) -> None:
        self.stock.update({(row.room, row.block): row.body for row in rows})


async def plan_push(
    tx: Transaction, hotels: Hotels, compiled: Channels, scope_id: str, wanted: frozenset[str] | None, now_ms: Instant
) -> PropertyPlan | None:
    """Plans for the channels of a property, or those named in ``wanted``; None if the property is not configured."""
    scope = await pushing.scope(tx, scope_id)
    if scope is None:
        return None
    hotel = (await hotels.current(tx, [scope])).get(scope_id)
    if hotel is None:
        return None
    ordered = await pushing.orders(tx, scope_id)
    works = [
        work
        for row in await pushing.connections(tx, scope_id)
        if (wanted is None or row.connection in wanted) and row.paused_until_ms <= now_ms
        if (work := _work(hotel, compiled, row, ordered.get(row.connection), now_ms)) is not None
    ]
    rows = _Rows()
    await _find_changes(tx, scope_id, works, rows, now_ms)
    await _complete(tx, scope_id, works, rows)
    calendar = Calendar(hotel.guests, rows.calendar.items(), rows.stock.items())
    until_ms = day_start_ms(local_day(now_ms, hotel.property.timezone) + 1, hotel.property.timezone)
    errors = await pushing.errors_of(tx, scope_id)
    plans = []
    for work in works:
        row = work.row._replace(
            synced_rev=scope.rev,
            synced_version=hotel.version,
            valid_until_ms=until_ms,
            synced_cause=scope.cause,
            synced_order=work.order.number if work.order else work.row.synced_order,
        )
        try:
            plan = _channel_plan(work, calendar, row, now_ms)
        except Refusal as refusal:  # a price that cannot be converted, say; the other channels go on
            log.error("not_planned", property=scope_id, connection=row.connection, problem=refusal.text)
            continue
        plan.errors = {error[2:5] for error in errors if error.connection == row.connection}
        plan.since = work.row.synced_rev
        plans.append(plan)
    return PropertyPlan(hotel, plans, await _causes(tx, scope_id, works, scope.rev))


async def _causes(tx: Transaction, scope_id: str, works: Sequence[_Work], rev: int) -> list[watching.Cause]:
    behind = [work.row for work in works if work.row.synced_rev < rev]
    if not behind:
        return []
    since, cause = min((row.synced_rev, row.synced_cause) for row in behind)
    return await watching.causes(tx, scope_id, since, cause, CAUSES_MAX)


def _work(
    hotel: Hotel, compiled: Channels, row: ConnectionRow, order: OrderRow | None, now_ms: Instant
) -> _Work | None:
    connection = next((known for known in hotel.channels if known.id == row.connection), None)
    if connection is None or (order is not None and order.paused):
        return None
    if order is not None and order.number <= row.synced_order:
        order = None
    channel = compiled.get(hotel, connection)
    today = local_day(now_ms, hotel.property.timezone)
    days = min(connection.days_ahead, channel.capabilities.days_ahead_max)
    afresh = row.synced_version == UNKNOWN or (order is not None and order.body == EVERYTHING)
    full = afresh or row.synced_version != hotel.version or row.valid_until_ms <= now_ms
    return _Work(channel, row, (today, today + days - 1), full, afresh, order)


# --- which slots ------------------------------------------------------------------------------------------------------


async def _find_changes(tx: Transaction, scope_id: str, works: Sequence[_Work], rows: _Rows, now_ms: Instant) -> None:
    whole = [work for work in works if work.full]
    parts = [work for work in works if not work.full]
    since = 0 if whole else min((work.row.synced_rev for work in parts), default=0)
    calendar = await pushing.calendar_since(tx, scope_id, since) if works else []
    stock = await pushing.stock_since(tx, scope_id, since) if works else []
    rows.add_calendar(calendar)
    rows.add_stock(stock)
    for work in works:
        blocks = blocks_of(*work.window)
        rev = work.row.synced_rev
        changed = [(row.room, row.plan, row.block) for row in calendar if row.rev > rev]
        restocked = [(row.room, row.block) for row in stock if row.rev > rev]
        for aspect in work.channel.aspects:
            if work.full:
                work.slots[aspect] = work.channel.all_slots(aspect, blocks)
            else:
                work.slots[aspect] = work.channel.slots_of(aspect, changed, restocked)
        _find_ordered(work)
    await _find_due(tx, scope_id, whole, parts, now_ms)
    await _find_own_sales(tx, scope_id, works)


async def _find_due(
    tx: Transaction, scope_id: str, whole: Sequence[_Work], parts: Sequence[_Work], now_ms: Instant
) -> None:
    found: list[ShadowRow] = []
    if whole:
        first_block = min(work.window[0] for work in whole) // BLOCK_DAYS
        found += await pushing.shadow_all(tx, scope_id, [work.row.connection for work in whole], first_block)
    if parts:
        found += await pushing.shadow_due(tx, scope_id, [work.row.connection for work in parts], now_ms)
    by_connection = {work.row.connection: work for work in (*whole, *parts)}
    for row in found:
        work = by_connection[row.connection]
        work.stored.append(row)
        aspect = Aspect(row.aspect)
        if aspect in work.slots:
            work.slots[aspect].add((row.room, row.plan, row.block))


async def _find_own_sales(tx: Transaction, scope_id: str, works: Sequence[_Work]) -> None:
    """A channel that counts down by itself has moved its own count for its bookings: those cells are in doubt."""
    counting = [work for work in works if work.channel.capabilities.counts_down and Aspect.LIMIT in work.slots]
    if not counting:
        return
    since = min(work.row.synced_rev for work in counting)
    changed = await pushing.reservations_since(tx, scope_id, since)
    own = [known for known in changed if any(known.connection == work.row.connection for work in counting)]
    if not own:
        return
    sold: dict[str, list[RoomStay]] = {}
    for row in await pushing.revisions_of(tx, own):
        sold.setdefault(row.reservation_id, []).extend(_entry(row.body).revision.content.stays)
    for work in counting:
        for known in own:
            if known.connection == work.row.connection and known.rev > work.row.synced_rev:
                for stay in sold.get(known.reservation_id, ()):
                    # Under the code it was sold by, which may have lost its mapping since.
                    plan = stay.plan if work.channel.capabilities.limit_per_product else ""
                    _doubt(work, Aspect.LIMIT, stay.room, plan, stay.arrival, stay.departure - 1)


def _find_ordered(work: _Work) -> None:
    for cells in orders.unpack(work.order.body) if work.order else ():
        if cells.aspect in work.slots:
            _doubt(work, cells.aspect, cells.room, cells.plan, cells.first, cells.last)


def _doubt(work: _Work, aspect: Aspect, room: str, plan: str, first: Day, last: Day) -> None:
    for block in blocks_of(first, last):
        start = max(first, block * BLOCK_DAYS) - block * BLOCK_DAYS
        stop = min(last + 1, (block + 1) * BLOCK_DAYS) - block * BLOCK_DAYS
        slot = (room, plan, block)
        work.slots[aspect].add(slot)
        work.doubted.setdefault(aspect, []).append((slot, range(start, stop)))


# --- what they need ---------------------------------------------------------------------------------------------------


async def _complete(tx: Transaction, scope_id: str, works: Sequence[_Work], rows: _Rows) -> None:
    """Reads what the views need beside what has changed. For a full plan every row there is has been read already."""
    if not any(work.full for work in works):
        await _read_calendar(tx, scope_id, works, rows)
    shadows: list[Key] = []
    for work in works:
        if not work.full:
            known = {(row.aspect, row.room, row.plan, row.block) for row in work.stored}
            shadows += [
                (scope_id, work.row.connection, aspect.value, *slot)
                for aspect, slots in work.slots.items()
                for slot in slots
                if (aspect.value, *slot) not in known
            ]
    by_connection = {work.row.connection: work for work in works}
    for row in await pushing.shadow_rows(tx, shadows):
        by_connection[row.connection].stored.append(row)


async def _read_calendar(tx: Transaction, scope_id: str, works: Sequence[_Work], rows: _Rows) -> None:
    calendar: set[Key] = set()
    stock: set[Key] = set()
    for work in works:
        for aspect, slots in work.slots.items():
            more_calendar, more_stock = work.channel.needs(aspect, [s for s in slots if work.channel.holds(aspect, s)])
            calendar |= more_calendar
            stock |= more_stock
    calendar -= rows.calendar.keys()
    stock -= rows.stock.keys()
    rows.add_calendar(await pushing.calendar_rows(tx, [(scope_id, *key) for key in sorted(calendar)]))
    rows.add_stock(await pushing.stock_rows(tx, [(scope_id, *key) for key in sorted(stock)]))


# --- the differences --------------------------------------------------------------------------------------------------


def _channel_plan(work: _Work, calendar: Calendar, row: ConnectionRow, now_ms: Instant) -> ChannelPlan:
    differences: list[Difference] = []
    forgotten: list[ShadowRow] = []
    touched: list[Touched] = []
    for aspect, slots in work.slots.items():
        # What follows from our own calendar is in the view; what is stored, or was sold, may have left it.
        may_have_left = work.stored or work.doubted
        gone = {slot for slot in slots if not work.channel.holds(aspect, slot)} if may_have_left else set[Slot]()
        held = slots - gone
        if held:
            shadow = _shadow(work, aspect, held)
            view = work.channel.view(aspect, shadow.sheet.keys, calendar)
            found = difference(work.channel, shadow, view, work.window, now_ms, afresh=work.full)
            differences.append(found)
            if len(found.released):
                touched.append(Touched(shadow, found.released))
        if gone:
            shadow = _shadow(work, aspect, gone)
            view = left_view(aspect, shadow.sheet.keys, shadow.sheet.guests)
            found = difference(work.channel, shadow, view, work.window, now_ms, leaving=True)
            differences.append(found)
            forgotten += _forgettable(work, found)
    return ChannelPlan(
        work.channel, row, parcels(differences, work.channel.capabilities.parts_max), forgotten, touched, set()
    )


def _shadow(work: _Work, aspect: Aspect, slots: set[Slot]) -> Shadow:
    stored = [
        ((row.room, row.plan, row.block), row.body, row.hold_ms)
        for row in work.stored
        if row.aspect == aspect.value and (row.room, row.plan, row.block) in slots
    ]
    shadow = Shadow.load(aspect, work.channel.guests, slots, stored)
    sync = shadow.sheet.columns["sync"]
    if work.afresh:
        sync[sync != NEVER] = DIRTY
    for slot, days in work.doubted.get(aspect, ()):
        if slot in shadow.sheet.row:
            cells = sync[shadow.sheet.row[slot], days.start : days.stop]
            cells[cells != NEVER] = DIRTY
    return shadow


def _forgettable(work: _Work, found: Difference) -> list[ShadowRow]:
    """Rows of targets that left the view, once nothing in them is left to close."""
    rows = found.shadow.sheet.row
    still_open: set[int] = set()
    for start, stop in zip(found.starts.tolist(), found.stops.tolist(), strict=True):
        still_open.update(range(start // BLOCK_DAYS, (stop - 1) // BLOCK_DAYS + 1))
    return [
        stored
        for stored in work.stored
        if stored.aspect == found.aspect.value
        and (row := rows.get((stored.room, stored.plan, stored.block))) is not None
        and row not in still_open
        and found.shadow.due_ms(row) is None
    ]
