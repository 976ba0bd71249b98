"""Who changed what and when, and what a channel held at some instant."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gateway.engine import journal
from gateway.flows.desk.finding import connection_of, page_size, position, property_of
from gateway.flows.desk.finding import cursor as made_cursor
from gateway.flows.services import Services
from gateway.model.dates import Day, Instant
from gateway.store import reading_journal
from gateway.store.database import Transaction
from gateway.store.tables import ID_SHIFT, JournalRow

SCAN_MAX = 2_000
_PORTION = 100


class Change(msgspec.Struct, frozen=True):
    """One field of a product, room type (``plan`` empty) or house as somebody set it for the asked day.

    ``first`` to ``last`` is the whole range that was set with it. ``connection`` is set for what a counterpart sent.
    ``held`` says that it was not set: the guard has it wait for confirmation, or it was thrown away since.
    """

    at_ms: Instant
    author: str
    connection: str
    message_id: int
    rev: int
    room: str
    plan: str
    first: Day
    last: Day
    field: str
    guests: int
    value: int
    held: bool = False


class ChangePage(msgspec.Struct, frozen=True):
    """Newest first. ``partial``: a part of the journal was looked at; go on with ``next``."""

    items: tuple[Change, ...]
    next: str = ""
    partial: bool = False


class HeldValue(msgspec.Struct, frozen=True):
    """A value a channel had been told, in its codes.

    ``certain`` is false where its answer never came; ``before`` is then what it had confirmed last, if known.
    """

    room: str
    plan: str
    field: str
    guests: int
    value: int
    since_ms: Instant
    message_id: int
    certain: bool
    before: int | None = None


class Held(msgspec.Struct, frozen=True):
    """What a channel held for ``day`` at ``at_ms``; amounts in ``currency``.

    ``complete`` is false if only a part of its journal was looked at, back to ``looked_back_ms``.
    """

    connection: str
    day: Day
    at_ms: Instant
    currency: str
    values: tuple[HeldValue, ...]
    complete: bool
    looked_back_ms: Instant


async def changes(
    services: Services,
    property_id: str,
    day: Day,
    *,
    room: str | None = None,
    plan: str | None = None,
    cursor: str = "",
    limit: int = 50,
) -> ChangePage:
    """What was set for a stay date, by whom; ``room`` and ``plan`` are our codes, None for any.

    A page ends with a whole message, so it may have some more entries than ``limit``.
    """
    page_size(limit)
    after = position(cursor, int)

    async def work(tx: Transaction) -> ChangePage:
        await property_of(services, tx, property_id)
        found: list[Change] = []
        before = after[0] if after else None
        for _ in range(SCAN_MAX // _PORTION):
            rows = await reading_journal.back(tx, property_id, "", day, before, _PORTION)
            for row in rows:
                before = row.message_id
                found += _changes(row, day, room, plan)
                if len(found) >= limit:
                    return ChangePage(tuple(found), made_cursor((before,)))
            if len(rows) < _PORTION:
                return ChangePage(tuple(found))
        return ChangePage(tuple(found), made_cursor((before,)), partial=True)

    return await services.database.read(work)


async def held(services: Services, property_id: str, connection: str, day: Day, at_ms: Instant) -> Held:
    """What the channel held for the day at that instant, by what it was told and confirmed until then."""

    async def work(tx: Transaction) -> Held:
        _, hotel = await property_of(services, tx, property_id)
        known = connection_of(hotel, connection)
        values = _Values(day)
        before = reading_journal.first_after(at_ms)
        rows: list[JournalRow] = []
        for _ in range(SCAN_MAX // _PORTION):
            rows = await reading_journal.back(tx, property_id, connection, day, before, _PORTION)
            for row in rows:
                before = row.message_id
                # The number is given before the call; what came of it was only known at the row's own instant.
                values.take(row, answered=row.at_ms <= at_ms)
            if len(rows) < _PORTION:
                break
        complete = len(rows) < _PORTION
        currency = known.currency or hotel.property.currency
        back_ms = before >> ID_SHIFT if not complete else 0
        return Held(connection, day, at_ms, currency, values.found(), complete, back_ms)

    return await services.database.read(work)


def _changes(row: JournalRow, day: Day, room: str | None, plan: str | None) -> Iterator[Change]:
    kind, _, name = row.author.partition(":")
    connection = name if kind == "connection" else ""
    seen: set[journal.Target] = set()
    for said, setting in journal.about(day, journal.was_set(row.body)):
        update, target = said.update, journal.target(said.update, setting)
        # Within one message only the last word on a field counts.
        if target in seen or room not in (None, update.room) or plan not in (None, update.plan):
            continue
        seen.add(target)
        yield Change(
            row.at_ms,
            row.author,
            connection,
            row.message_id,
            row.rev,
            *(update.room, update.plan, update.first, update.last),
            setting.field.value,
            setting.guests,
            setting.value,
            said.outcome == journal.HELD,
        )


class _Values:
    """What is known of each target, while going back in time."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self._known: dict[journal.Target, HeldValue] = {}
        self._settled: set[journal.Target] = set()  # what is older says nothing more about them

    def take(self, row: JournalRow, *, answered: bool) -> None:
        """An older row than those before."""
        for said, setting in journal.about(self._day, journal.was_told(row.body)):
            if said.outcome == journal.REFUSED and answered:
                continue
            target = journal.target(said.update, setting)
            certain = answered and said.outcome == journal.CONFIRMED
            known = self._known.get(target)
            if known is None:
                self._known[target] = HeldValue(*target, setting.value, row.at_ms, row.message_id, certain)
            elif target not in self._settled and certain:
                if known.certain and known.value == setting.value:  # said again: it held since the earlier time
                    known = msgspec.structs.replace(known, since_ms=row.at_ms, message_id=row.message_id)
                else:
                    self._settled.add(target)
                    known = known if known.certain else msgspec.structs.replace(known, before=setting.value)
                self._known[target] = known

    def found(self) -> tuple[HeldValue, ...]:
        """By target."""
        return tuple(self._known[target] for target in sorted(self._known))
