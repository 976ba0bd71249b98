"""A counterpart asks what rooms and rate plans there are, and what they cost: answered as a channel would be told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gateway.contract import Capabilities
from gateway.engine.hotel import Hotel
from gateway.engine.loaded import Calendar
from gateway.engine.plan import Shadow, difference
from gateway.engine.view import Channel
from gateway.errors import Reason, Rejected, Unmapped
from gateway.flows.record import Record
from gateway.flows.services import Services
from gateway.messages import Described, PlansAsked, PlansFound
from gateway.model.ari import AriUpdate, Aspect
from gateway.model.dates import LAST_DAY, Day, Instant, blocks_of, local_day
from gateway.model.property import Connection
from gateway.store import pushing
from gateway.store.database import Transaction
from gateway.store.tables import MessageRow

DAYS_MAX = 400

_TOLD = (Aspect.PRICES, Aspect.RULES)


async def plans_for(
    services: Services, hotel: Hotel, connection: Connection, asked: PlansAsked, message: MessageRow
) -> PlansFound:
    """Raises :class:`Refusal` for a plan that is not mapped, and for days that cannot be told."""
    products = [one for one in connection.products if one.plan and (not asked.plans or one.their_plan in asked.plans)]
    strange = set(asked.plans) - {one.their_plan for one in products}
    if strange:
        raise Unmapped(Reason.RATE_PLAN, min(strange))
    rooms = {one.their_room: Described(one.their_room, hotel.rooms[one.room].name) for one in connection.products}
    names = {plan.code: plan.name for plan in hotel.property.rate_plans}
    plans = {one.their_plan: Described(one.their_plan, names[one.plan]) for one in products}
    updates: tuple[AriUpdate, ...] = ()
    window = _window(hotel, asked, services.clock.now_ms())
    if window is not None:
        capabilities = services.connectors.capabilities(connection.connector, connection.profile)
        updates = await _updates(services, hotel, connection, capabilities, window, frozenset(plans))
    detail = f"{len(rooms)} rooms, {len(plans)} plans, {len(updates)} ranges"
    await services.batcher.submit(Record([message._replace(outcome="answered", detail=detail)]))
    return PlansFound(
        connection.hotel,
        connection.currency or hotel.property.currency,
        hotel.property.net,
        tuple(rooms.values()),
        tuple(plans.values()),
        updates,
    )


def _window(hotel: Hotel, asked: PlansAsked, now_ms: Instant) -> tuple[Day, Day] | None:
    """The days asked for, from today on; None where there are none. Without an end: as many as are told."""
    if asked.first is None or asked.last is None:
        return None
    if asked.last < asked.first:
        raise Rejected("the period ends before it begins", Reason.DATE_COMBINATION)
    first = max(asked.first, local_day(now_ms, hotel.property.timezone))
    last = first + DAYS_MAX - 1 if asked.last == LAST_DAY else asked.last
    if last - first >= DAYS_MAX:
        raise Rejected(f"at most {DAYS_MAX} days are told at once", Reason.DATE_COMBINATION)
    return (first, last) if first <= last else None


async def _updates(
    services: Services,
    hotel: Hotel,
    connection: Connection,
    capabilities: Capabilities,
    window: tuple[Day, Day],
    plans: frozenset[str],
) -> tuple[AriUpdate, ...]:
    channel = Channel(hotel, connection, capabilities)
    slots = sorted(slot for slot in channel.all_slots(Aspect.PRICES, blocks_of(*window)) if slot[1] in plans)
    keys = set[tuple[str, str, int]]()
    for aspect in _TOLD:
        keys |= channel.needs(aspect, slots)[0]

    async def read(tx: Transaction) -> Sequence[tuple[tuple[str, str, int], bytes]]:
        rows = await pushing.calendar_rows(tx, [(hotel.property.id, *key) for key in sorted(keys)])
        return [((row.room, row.plan, row.block), row.body) for row in rows]

    calendar = Calendar(hotel.guests, await services.database.read(read), [])
    told = (_told(channel, aspect, slots, calendar, window) for aspect in _TOLD if aspect in channel.aspects)
    return tuple(update for some in told for update in some)


def _told(
    channel: Channel, aspect: Aspect, slots: Sequence[tuple[str, str, int]], calendar: Calendar, window: tuple[Day, Day]
) -> Iterator[AriUpdate]:
    """All of an aspect, as to somebody who was never told anything."""
    shadow = Shadow.load(aspect, channel.guests, slots, [])
    found = difference(channel, shadow, channel.view(aspect, shadow.sheet.keys, calendar), window, 0)
    yield from found.updates(np.arange(len(found.starts)))
