"""What has to be looked at for each channel, and the rows that are read for it: one statement per table for all.

Work is: rows newer than the connection's revision and whatever depends on them, cells in doubt or postponed that have
come due, the nights of bookings that a self-counting channel made, and everything when the configuration changed or the
view has run out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import msgspec
import structlog

from gateway.contract import Agreed, Negotiates, Outbound
from gateway.engine import orders
from gateway.engine.booking import Entry
from gateway.engine.calendar import Key
from gateway.engine.hotel import Hotel
from gateway.engine.loaded import Slot
from gateway.engine.orders import EVERYTHING
from gateway.engine.view import Channel
from gateway.flows.services import Connectors
from gateway.model.ari import Aspect
from gateway.model.dates import BLOCK_DAYS, Day, Instant, blocks_of, local_day
from gateway.model.property import Connection
from gateway.model.reservation import RoomStay
from gateway.store import pushing
from gateway.store.database import Transaction
from gateway.store.tables import CalendarRow, StockRow
from gateway.store.tables_connections import UNKNOWN, AgreedRow, ConnectionRow, OrderRow, ShadowRow

log = structlog.get_logger(__name__)

AGREED_FOR_MS = 24 * 3_600_000

_entry = msgspec.msgpack.Decoder(Entry).decode


@dataclass
class Channels:
    """Compiled channels by connection, kept while their configuration lasts."""

    connectors: Connectors
    kept: dict[tuple[str, str], tuple[int, Agreed | None, Channel]] = field(default_factory=dict)
    talkative: dict[str, tuple[int, bool]] = field(default_factory=dict)

    def get(self, hotel: Hotel, connection: Connection, agreed: Agreed | None = None) -> Channel:
        """With what its counterpart has agreed to, where the dialect negotiates and it was asked."""
        name = (hotel.property.id, connection.id)
        kept = self.kept.get(name)
        if kept is None or kept[0] != hotel.version or kept[1] != agreed:
            connector: Outbound = self.connectors.outbound(connection.connector)
            capabilities = connector.capabilities(connection.profile)
            if agreed is not None and isinstance(connector, Negotiates):
                capabilities = connector.negotiated(connection.profile, agreed)
            kept = self.kept[name] = (hotel.version, agreed, Channel(hotel, connection, capabilities))
        return kept[2]

    def negotiate(self, hotel: Hotel) -> bool:
        """Whether any channel of the property is asked what it can do."""
        known = self.talkative.get(hotel.property.id)
        if known is None or known[0] != hotel.version:
            profiles = {(channel.connector, channel.profile) for channel in hotel.channels}
            asked = any(self._negotiates(*profile) for profile in profiles)
            known = self.talkative[hotel.property.id] = (hotel.version, asked)
        return known[1]

    def _negotiates(self, connector: str, profile: str) -> bool:
        """Not, where it is not installed: its channels are not called at all, and the others are."""
        try:
            return self.connectors.capabilities(connector, profile).negotiates
        except Exception:
            log.exception("connector_not_usable", connector=connector, profile=profile)
            return False


@dataclass
class Work:
    """One connection while its plan is made."""

    channel: Channel
    row: ConnectionRow
    window: tuple[Day, Day]
    full: bool
    afresh: bool  # nobody knows what it holds
    order: OrderRow | None = None  # what people have asked for and was not done yet
    agreed: AgreedRow | None = None
    ask: bool = False  # what it can do, before anything else
    slots: dict[Aspect, set[Slot]] = field(default_factory=dict)
    doubted: dict[Aspect, list[tuple[Slot, range]]] = field(default_factory=dict)
    stored: list[ShadowRow] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether limits are told as a complete set: where nothing else is taken, and until one was confirmed."""
        capabilities, agreed = self.channel.capabilities, self.agreed
        if not capabilities.complete_sets or not capabilities.deltas:
            return capabilities.complete_sets
        return agreed is not None and (self.afresh or not agreed.opened)


@dataclass
class Rows:
    calendar: dict[Key, bytes] = field(default_factory=dict)
    stock: dict[Key, bytes] = field(default_factory=dict)

    def add_calendar(self, rows: Iterable[CalendarRow]) -> None:
        self.calendar.update({(row.room, row.plan, row.block): row.body for row in rows})

    def add_stock(self, rows: Iterable[StockRow]) -> None:
        self.stock.update({(row.room, row.block): row.body for row in rows})


def work_of(
    hotel: Hotel,
    compiled: Channels,
    row: ConnectionRow,
    order: OrderRow | None,
    agreed: AgreedRow | None,
    now_ms: Instant,
) -> Work | None:
    """What a connection may need; None where it is sent nothing, or people have paused it."""
    connection = next((known for known in hotel.channels if known.id == row.connection), None)
    if connection is None or (order is not None and order.paused):
        return None
    if order is not None and order.number <= row.synced_order:
        order = None
    channel = compiled.get(hotel, connection, terms_of(agreed))
    today = local_day(now_ms, hotel.property.timezone)
    days = min(connection.days_ahead, channel.capabilities.days_ahead_max)
    afresh = row.synced_version == UNKNOWN or (order is not None and order.body == EVERYTHING)
    full = afresh or row.synced_version != hotel.version or row.valid_until_ms <= now_ms
    ask = channel.capabilities.negotiates and must_ask(agreed, connection, order, now_ms)
    return Work(channel, row, (today, today + days - 1), full, afresh, order, agreed, ask)


def terms_of(agreed: AgreedRow | None) -> Agreed | None:
    """As connectors see it."""
    return Agreed(agreed.version, tuple(agreed.capabilities.split())) if agreed and agreed.version else None


def account_of(connection: Connection) -> str:
    """A name for what is asked: another account may be able to do other things."""
    login = connection.outbound.username
    account = (connection.connector, connection.profile, connection.hotel, connection.url, login)
    return blake2b("\x1f".join(account).encode(), digest_size=16).hexdigest()


def must_ask(agreed: AgreedRow | None, connection: Connection, order: OrderRow | None, now_ms: Instant) -> bool:
    """Before the first push, once a day, for another account, and where everything is to be sent again."""
    if agreed is None or agreed.at_ms + AGREED_FOR_MS <= now_ms or agreed.account != account_of(connection):
        return True
    return order is not None and order.body == EVERYTHING and order.number > agreed.number


async def find_changes(tx: Transaction, scope_id: str, works: Sequence[Work], rows: Rows, now_ms: Instant) -> None:
    """Fills in the slots to compare, and reads the rows that have changed."""
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
        if work.full:
            work.slots = {aspect: work.channel.all_slots(aspect, blocks) for aspect in work.channel.aspects}
        else:
            changed = [(row.room, row.plan, row.block) for row in calendar if row.rev > rev]
            restocked = [(row.room, row.block) for row in stock if row.rev > rev]
            work.slots = {aspect: work.channel.slots_of(aspect, changed, restocked) for aspect in work.channel.aspects}
        _find_ordered(work)
    await _find_due(tx, scope_id, whole, parts, now_ms)
    await _find_own_sales(tx, scope_id, works)
    for work in works:
        if work.complete and work.slots.get(Aspect.LIMIT):
            work.slots[Aspect.LIMIT] |= work.channel.all_slots(Aspect.LIMIT, blocks_of(*work.window))


async def _find_due(
    tx: Transaction, scope_id: str, whole: Sequence[Work], parts: Sequence[Work], now_ms: Instant
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


async def _find_own_sales(tx: Transaction, scope_id: str, works: Sequence[Work]) -> None:
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


def _find_ordered(work: Work) -> None:
    for cells in orders.unpack(work.order.body) if work.order else ():
        if cells.aspect in work.slots:
            _doubt(work, cells.aspect, cells.room, cells.plan, cells.first, cells.last)


def _doubt(work: Work, aspect: Aspect, room: str, plan: str, first: Day, last: Day) -> None:
    for block in blocks_of(first, last):
        start = max(first, block * BLOCK_DAYS) - block * BLOCK_DAYS
        stop = min(last + 1, (block + 1) * BLOCK_DAYS) - block * BLOCK_DAYS
        slot = (room, plan, block)
        work.slots[aspect].add(slot)
        work.doubted.setdefault(aspect, []).append((slot, range(start, stop)))


async def complete(tx: Transaction, scope_id: str, works: Sequence[Work], rows: Rows) -> None:
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


async def _read_calendar(tx: Transaction, scope_id: str, works: Sequence[Work], rows: Rows) -> None:
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
