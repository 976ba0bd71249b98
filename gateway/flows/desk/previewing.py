"""What a change would mean for each channel: its view before and after, and what lies between."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from gateway.engine.calendar import Key
from gateway.engine.hotel import Hotel
from gateway.engine.loaded import Calendar, Slot
from gateway.engine.plan import CONFIRMED, Shadow, difference
from gateway.engine.view import Channel, inside
from gateway.errors import GatewayError, Refusal
from gateway.flows.push_work import Channels, terms_of
from gateway.flows.services import Services
from gateway.model.ari import AriUpdate, Aspect
from gateway.model.dates import BLOCK_DAYS, Day, Instant, local_day
from gateway.model.property import Connection
from gateway.store import pushing
from gateway.store.database import Transaction
from gateway.store.rehearsal import Tried
from gateway.store.tables import CalendarRow, StockRow


class ChannelPreview(msgspec.Struct, frozen=True):
    """What one channel would be told, in its codes, currency and occupancies; ``problem`` says why it cannot be."""

    connection: str
    updates: tuple[AriUpdate, ...]
    problem: str = ""


async def channel_previews(
    services: Services, tx: Transaction, scope_id: str, hotel: Hotel, tried: Tried, now_ms: Instant
) -> tuple[ChannelPreview, ...]:
    """One for each channel of the property, in its order, also where it would be told nothing."""
    compiled = Channels(services.connectors)
    agreed = await pushing.agreed(tx, scope_id) if compiled.negotiate(hotel) else {}
    channels: list[tuple[Connection, Channel | None, str]] = []
    for connection in hotel.channels:
        try:
            channels.append((connection, compiled.get(hotel, connection, terms_of(agreed.get(connection.id))), ""))
        except GatewayError as error:
            channels.append((connection, None, str(error)))
    touched = _Touched(tried)
    calendar, stock = await touched.load(tx, scope_id, [channel for _, channel, _ in channels if channel])
    before = Calendar(hotel.guests, calendar.items(), stock.items())
    after = Calendar(hotel.guests, (calendar | touched.calendar).items(), (stock | touched.stock).items())
    today = local_day(now_ms, hotel.property.timezone)
    found = []
    for connection, channel, problem in channels:
        updates: tuple[AriUpdate, ...] = ()
        try:
            updates = tuple(_updates(channel, touched, before, after, today, now_ms)) if channel else ()
        except Refusal as refusal:  # a price that cannot be converted, say
            problem = refusal.text
        found.append(ChannelPreview(connection.id, updates, problem))
    return tuple(found)


class _Touched:
    """The rows a change writes."""

    def __init__(self, tried: Tried) -> None:
        self.calendar: dict[Key, bytes] = {row[1:4]: row.body for row in tried.writes if isinstance(row, CalendarRow)}
        self.stock: dict[Key, bytes] = {row[1:3]: row.body for row in tried.writes if isinstance(row, StockRow)}

    def slots(self, channel: Channel, aspect: Aspect) -> list[Slot]:
        """The slots whose view may change, sorted."""
        return sorted(channel.slots_of(aspect, self.calendar, self.stock))

    async def load(
        self, tx: Transaction, scope_id: str, channels: Sequence[Channel]
    ) -> tuple[dict[Key, bytes], dict[Key, bytes]]:
        """Calendar and stock rows as they stand, as far as the views read them."""
        calendar: set[Key] = set(self.calendar)
        stock: set[Key] = set(self.stock)
        for channel in channels:
            for aspect in channel.aspects:
                more_calendar, more_stock = channel.needs(aspect, self.slots(channel, aspect))
                calendar |= more_calendar
                stock |= more_stock
        rows = await pushing.calendar_rows(tx, [(scope_id, *key) for key in sorted(calendar)])
        stocked = await pushing.stock_rows(tx, [(scope_id, *key) for key in sorted(stock)])
        return {row[1:4]: row.body for row in rows}, {row[1:3]: row.body for row in stocked}


def _updates(
    channel: Channel, touched: _Touched, before: Calendar, after: Calendar, today: Day, now_ms: Instant
) -> list[AriUpdate]:
    days = min(channel.connection.days_ahead, channel.capabilities.days_ahead_max)
    window = (today, today + days - 1)
    found: list[AriUpdate] = []
    for aspect in channel.aspects:
        slots = [slot for slot in touched.slots(channel, aspect) if _reaches(slot, window)]
        if not slots:
            continue
        held = channel.view(aspect, slots, before)
        # What lies beyond the horizon is not the channel's, and would be wanted closed if it were.
        held.columns["sync"][inside(held, *window)] = CONFIRMED
        shadow = Shadow(aspect, held, np.zeros(len(slots), np.int64))
        wanted = difference(channel, shadow, channel.view(aspect, slots, after), window, now_ms)
        found += wanted.updates(np.arange(len(wanted.starts)))
    return found


def _reaches(slot: Slot, window: tuple[Day, Day]) -> bool:
    return window[0] // BLOCK_DAYS <= slot[2] <= window[1] // BLOCK_DAYS
