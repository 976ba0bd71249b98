"""The drift audit: what a channel was told against what it should hold now, and having only that sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from typing import NamedTuple

import msgspec

from gateway.engine.drift import Drift as CellDrift
from gateway.engine.drift import Found, compare
from gateway.engine.hotel import Hotel
from gateway.engine.loaded import Calendar, Slot, Target
from gateway.engine.orders import Cells, pack
from gateway.engine.plan import left_view
from gateway.engine.view import Channel
from gateway.errors import Rejected
from gateway.flows.desk.finding import connection_of, property_of
from gateway.flows.desk.ordering import Ordered, give
from gateway.flows.push_work import Channels, terms_of
from gateway.flows.services import Services
from gateway.model.ari import Aspect
from gateway.model.dates import Day, blocks_of, local_day
from gateway.store import pushing, reading_calendar, reading_connections
from gateway.store.database import Transaction
from gateway.store.reading_connections import Told
from gateway.store.tables import Scope
from gateway.store.tables_connections import ConnectionRow, SyncErrorRow

ORDERED_MAX = 20_000  # more ranges than that are better sent as everything


class Drift(msgspec.Struct, frozen=True):
    """Days ``first`` to ``last`` on which a channel does not surely hold what it should, in its codes and currency.

    ``held`` is what it was last told (None: nothing, or that it refused). ``reason``: ``never_sent``, ``waiting``,
    ``in_doubt``, ``refused`` (``detail`` is its answer), or ``differs`` for what it confirmed and is not wanted any
    more.
    """

    aspect: str
    room: str
    plan: str
    first: Day
    last: Day
    field: str
    guests: int
    wanted: int | None
    held: int | None
    reason: str
    detail: str = ""


class Audit(msgspec.Struct, frozen=True):
    """``cells`` (targets and days) were compared, ``drifted`` of them may differ; ``drifts`` are the first ranges.

    While ``rev`` is ahead of ``synced_rev`` some of it is a change on its way.
    """

    connection: str
    rev: int
    synced_rev: int
    first: Day
    last: Day
    cells: int
    drifted: int
    by_reason: dict[str, int]
    drifts: tuple[Drift, ...]


class _Compared(NamedTuple):
    """``drifts`` and ``ordered`` are worked out as they are read, once."""

    window: tuple[Day, Day]
    cells: int
    by_reason: Counter[str]
    drifts: Iterator[CellDrift]
    ordered: Iterator[Cells]


async def audit(services: Services, property_id: str, connection: str, *, ranges_max: int = 1_000) -> Audit:
    """Our shadow of what it holds against what it should hold now, cell by cell. Six statements."""

    async def work(tx: Transaction) -> Audit:
        scope, row, compared = await _compare(services, tx, property_id, connection)
        answers = {
            (error.aspect, error.room, error.plan): error
            for error in await reading_connections.errors(tx, property_id, connection)
        }
        return Audit(
            connection,
            scope.rev,
            row.synced_rev if row else 0,
            *compared.window,
            compared.cells,
            sum(compared.by_reason.values()),
            dict(compared.by_reason),
            tuple(_shown(drift, answers) for drift in islice(compared.drifts, ranges_max)),
        )

    return await services.database.read(work)


async def repair(services: Services, property_id: str, connection: str, author: str) -> Ordered | None:
    """Have what :func:`audit` finds sent, and only that; None where nothing differs."""

    async def work(tx: Transaction) -> list[Cells]:
        _, _, compared = await _compare(services, tx, property_id, connection)
        return list(islice(compared.ordered, ORDERED_MAX + 1))

    cells = await services.database.read(work)
    if not cells:
        return None
    body = pack(cells) if len(cells) <= ORDERED_MAX else b""
    what = f"repair of {len(cells)} ranges" if body else "full synchronisation: too much differs for a repair"
    return await give(services, property_id, connection, author, what, body=body)


async def _compare(
    services: Services, tx: Transaction, property_id: str, connection: str
) -> tuple[Scope, ConnectionRow | None, _Compared]:
    scope, hotel = await property_of(services, tx, property_id)
    if connection_of(hotel, connection) not in hotel.channels:
        raise Rejected(f"{connection!r} is not sent rates and availability")
    compiled = Channels(services.connectors)
    agreed = await pushing.agreed(tx, property_id) if compiled.negotiate(hotel) else {}
    channel = compiled.get(hotel, hotel.connections[connection], terms_of(agreed.get(connection)))
    today = local_day(services.clock.now_ms(), hotel.property.timezone)
    days = min(channel.connection.days_ahead, channel.capabilities.days_ahead_max)
    window = (today, today + days - 1)
    blocks = blocks_of(*window)
    rows = await tx.rows(ConnectionRow, "scope_id = ? AND connection = ?", property_id, connection)
    told = await reading_connections.told(tx, property_id, connection, blocks)
    calendar = await _calendar(tx, property_id, hotel, channel, blocks)
    return scope, rows[0] if rows else None, _compared(channel, calendar, told, window)


async def _calendar(tx: Transaction, scope_id: str, hotel: Hotel, channel: Channel, blocks: range) -> Calendar:
    """What the channel's view reads in all of the blocks, which is the same in each."""
    calendar: set[Target] = set()
    stock: set[str] = set()
    for aspect in channel.aspects:
        products, rooms = channel.needs(aspect, channel.all_slots(aspect, blocks[:1]))
        calendar.update((room, plan) for room, plan, _ in products)
        stock.update(room for room, _ in rooms)
    return Calendar(
        hotel.guests,
        await reading_calendar.calendar(tx, scope_id, sorted(calendar), blocks),
        await reading_calendar.stock(tx, scope_id, sorted(stock), blocks),
    )


def _compared(channel: Channel, calendar: Calendar, told: list[Told], window: tuple[Day, Day]) -> _Compared:
    stored: dict[str, dict[Slot, bytes]] = {aspect.value: {} for aspect in Aspect}
    for aspect, room, plan, block, body in told:
        stored[aspect][room, plan, block] = body
    found = [part for each in channel.aspects for part in _parts(channel, each, stored[each.value], calendar, window)]
    by_reason: Counter[str] = Counter()
    for part in found:
        by_reason.update({why.value: count for why, count in part.by_why.items()})
    return _Compared(
        window,
        sum(part.cells for part in found),
        by_reason,
        chain.from_iterable(part.drifts for part in found),
        chain.from_iterable(part.ordered for part in found),
    )


def _parts(
    channel: Channel, aspect: Aspect, stored: dict[Slot, bytes], calendar: Calendar, window: tuple[Day, Day]
) -> Iterator[Found]:
    blocks = blocks_of(*window)
    targets = sorted(channel.all_slots(aspect, blocks[:1]))
    wanted = [(room, plan, block) for room, plan, _ in targets for block in blocks]
    if wanted:
        yield compare(channel, aspect, channel.view(aspect, wanted, calendar), stored, window)
    # What has left the view is still wanted closed, until that was confirmed and it is forgotten.
    leaving = sorted(stored.keys() - set(wanted))
    if leaving and aspect is not Aspect.PRICES:  # what is closed needs no price
        yield compare(channel, aspect, left_view(aspect, leaving, channel.guests), stored, window)


def _shown(drift: CellDrift, answers: dict[tuple[str, str, str], SyncErrorRow]) -> Drift:
    error = answers.get((drift.aspect.value, drift.room, drift.plan)) if drift.why.value == "refused" else None
    return Drift(drift.aspect.value, *drift[1:9], drift.why.value, error.text if error else "")
