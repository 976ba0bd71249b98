"""What each channel of a property has to be told, worked out over one snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

from gateway.engine.hotel import Hotel
from gateway.engine.loaded import Calendar, Slot
from gateway.engine.plan import DIRTY, NEVER, Difference, Shadow, difference, left_view
from gateway.engine.sending import Parcel, Touched, parcels
from gateway.engine.view import Channel
from gateway.errors import Refusal
from gateway.flows.push_work import Channels, Rows, Work, complete, find_changes, work_of
from gateway.model.ari import Aspect
from gateway.model.dates import BLOCK_DAYS, Instant, day_start_ms, local_day
from gateway.store import pushing, watching
from gateway.store.database import Transaction
from gateway.store.hotels import Hotels
from gateway.store.tables_connections import AgreedRow, ConnectionRow, OrderRow, ShadowRow, SyncErrorRow

log = structlog.get_logger(__name__)

# More messages than a log line can name; those that are left out are found by the range of revisions.
CAUSES_MAX = 20

Target = tuple[str, str, str]  # aspect, their room, their plan


@dataclass
class ChannelPlan:
    """What to send to one connection, and how far it will then have come.

    ``errors`` are the targets that it refuses so far. ``seen`` is for the pusher: how many changes of the property it
    had been told of before the plan was made. ``since`` is the revision it had come to before. ``agreed`` is what it
    said it can do, where it was asked.
    """

    channel: Channel
    row: ConnectionRow
    parcels: list[Parcel]
    forgotten: list[ShadowRow]
    touched: list[Touched]
    errors: set[Target]
    settled: list[SyncErrorRow] = field(default_factory=list)  # refusals of what it is not told any more
    agreed: AgreedRow | None = None
    reopened: bool = False  # `agreed` has changed and is to be written
    seen: int = 0
    since: int = 0


@dataclass
class Asking:
    """A channel that has to be asked what it can do first; ``number`` is the order that calls for it, 0 for none."""

    channel: Channel
    row: ConnectionRow
    agreed: AgreedRow | None
    number: int


class Broken(NamedTuple):
    """A channel that nothing can be planned for, as where its connector is not installed."""

    row: ConnectionRow
    problem: str


@dataclass
class PropertyPlan:
    """The plans of all channels of a property that were looked at, over one snapshot of it.

    ``causes`` are the messages that changed it since the channel that is furthest behind, as far as there are few.
    """

    hotel: Hotel
    channels: list[ChannelPlan]
    causes: list[watching.Cause] = field(default_factory=list)
    asking: list[Asking] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)

    def causes_of(self, channel: ChannelPlan) -> list[int]:
        """The messages that are new to a channel, oldest first; at least the newest there is."""
        new = [cause.message_id for cause in self.causes if cause.rev > channel.since]
        return new or [channel.row.synced_cause]


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
    agreed = await pushing.agreed(tx, scope_id) if compiled.negotiate(hotel) else {}
    looked_at = [
        _work_or_why_not(hotel, compiled, row, ordered.get(row.connection), agreed.get(row.connection), now_ms)
        for row in await pushing.connections(tx, scope_id)
        if (wanted is None or row.connection in wanted) and row.paused_until_ms <= now_ms
    ]
    found = [work for work in looked_at if isinstance(work, Work)]
    broken = [work for work in looked_at if isinstance(work, Broken)]
    works = [work for work in found if not work.ask]
    asking = [
        Asking(work.channel, work.row, work.agreed, work.order.number if work.order else 0)
        for work in found
        if work.ask
    ]
    rows = Rows()
    await find_changes(tx, scope_id, works, rows, now_ms)
    await complete(tx, scope_id, works, rows)
    calendar = Calendar(hotel.guests, rows.calendar.items(), rows.stock.items())
    until_ms = day_start_ms(local_day(now_ms, hotel.property.timezone) + 1, hotel.property.timezone)
    errors = await pushing.errors_of(tx, scope_id)
    ahead = [
        work.row._replace(
            synced_rev=scope.rev, synced_version=hotel.version, valid_until_ms=until_ms, synced_cause=scope.cause
        )
        for work in works
    ]
    planned = [_planned(work, calendar, row, errors, now_ms) for work, row in zip(works, ahead, strict=True)]
    causes = await _causes(tx, scope_id, works, scope.rev)
    return PropertyPlan(hotel, [plan for plan in planned if plan is not None], causes, asking, broken)


def _work_or_why_not(
    hotel: Hotel,
    compiled: Channels,
    row: ConnectionRow,
    order: OrderRow | None,
    agreed: AgreedRow | None,
    now_ms: Instant,
) -> Work | Broken | None:
    """What there is to do for a connection; whatever its connector raises, the other channels go on."""
    try:
        return work_of(hotel, compiled, row, order, agreed, now_ms)
    except Exception as error:
        log.exception("channel_not_usable", property=row.scope_id, connection=row.connection)
        return Broken(row, str(error) or type(error).__name__)


def _planned(
    work: Work, calendar: Calendar, row: ConnectionRow, errors: Sequence[SyncErrorRow], now_ms: Instant
) -> ChannelPlan | None:
    """The plan with which one channel comes to ``row``; None where there can be none, which is logged."""
    try:
        plan = _channel_plan(work, calendar, row, now_ms)
    except Refusal as refusal:  # a price that cannot be converted, say; the other channels go on
        log.error("not_planned", property=row.scope_id, connection=row.connection, problem=refusal.text)
        return None
    if work.order:
        plan.row = row._replace(synced_order=work.order.number)
    said = [error for error in errors if error.connection == row.connection]
    plan.errors = {error[2:5] for error in said}
    if work.full and said:
        plan.settled = _settled_errors(work, said)
    plan.since = work.row.synced_rev
    plan.agreed, plan.reopened = work.agreed, bool(work.agreed and work.agreed.opened and work.afresh)
    if plan.agreed is not None and plan.reopened:
        plan.agreed = plan.agreed._replace(opened=0)
    return plan


async def _causes(tx: Transaction, scope_id: str, works: Sequence[Work], rev: int) -> list[watching.Cause]:
    behind = [work.row for work in works if work.row.synced_rev < rev]
    if not behind:
        return []
    since, cause = min((row.synced_rev, row.synced_cause) for row in behind)
    return await watching.causes(tx, scope_id, since, cause, CAUSES_MAX)


def _channel_plan(work: Work, calendar: Calendar, row: ConnectionRow, now_ms: Instant) -> ChannelPlan:
    differences: list[Difference] = []
    # What the dialect says nothing of any more would be due for ever.
    used = {aspect.value for aspect in work.slots}
    forgotten = [stored for stored in work.stored if stored.aspect not in used]
    touched: list[Touched] = []
    complete = False
    for aspect, slots in work.slots.items():
        found = list(_compared(work, aspect, slots, calendar, now_ms, complete=False))
        if work.complete and aspect is Aspect.LIMIT and any(len(of.starts) for of, _ in found):
            complete = True
            found = list(_compared(work, aspect, slots, calendar, now_ms, complete=True))
        for of, leaving in found:
            differences.append(of)
            if leaving:
                forgotten += _forgettable(work, of)
            elif len(of.released):
                touched.append(Touched(of.shadow, of.released))
    sent = parcels(differences, work.channel.capabilities.parts_max, complete=complete)
    return ChannelPlan(work.channel, row, sent, forgotten, touched, set())


def _settled_errors(work: Work, errors: Sequence[SyncErrorRow]) -> list[SyncErrorRow]:
    """Errors of targets that are neither in the view nor anywhere in the shadow, as of aspects that are not taken."""
    told = {(aspect.value, room, plan) for aspect, slots in work.slots.items() for room, plan, _ in slots}
    return [error for error in errors if error[2:5] not in told]


def _compared(
    work: Work, aspect: Aspect, slots: set[Slot], calendar: Calendar, now_ms: Instant, *, complete: bool
) -> Iterator[tuple[Difference, bool]]:
    """The difference for the slots in the view, and, marked, the one for those that have left it."""
    # What follows from our own calendar is in the view; what is stored, or was sold, may have left it.
    may_have_left = work.stored or work.doubted
    gone = {slot for slot in slots if not work.channel.holds(aspect, slot)} if may_have_left else set[Slot]()
    late_ms = _late_ms(work) if aspect is Aspect.LIMIT else 0
    if held := slots - gone:
        shadow = _shadow(work, aspect, held)
        view = work.channel.view(aspect, shadow.sheet.keys, calendar)
        yield (
            difference(
                work.channel,
                shadow,
                view,
                work.window,
                now_ms,
                afresh=work.full,
                complete=complete,
                late_ms=late_ms,
            ),
            False,
        )
    if gone:
        shadow = _shadow(work, aspect, gone)
        view = left_view(aspect, shadow.sheet.keys, shadow.sheet.guests)
        yield difference(work.channel, shadow, view, work.window, now_ms, leaving=True, late_ms=late_ms), True


def _late_ms(work: Work) -> Instant:
    """Until when an older complete set may land on what is told meanwhile.

    What is told for the first time is told by plans for everything, and those have all rows; other plans need not look.
    Where only complete sets are taken, the next one for what is in doubt puts everything right.
    """
    capabilities = work.channel.capabilities
    if not (capabilities.complete_sets and capabilities.deltas and work.full):
        return 0
    return max((row.hold_ms for row in work.stored if row.aspect == Aspect.LIMIT.value), default=0)


def _shadow(work: Work, aspect: Aspect, slots: set[Slot]) -> Shadow:
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


def _forgettable(work: Work, found: Difference) -> list[ShadowRow]:
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
