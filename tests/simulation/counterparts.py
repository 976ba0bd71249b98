"""Counterparts of the simulated world: channels that store what they are told, and a PMS that owns the figures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

import msgspec

from gateway.contract import Reply
from gateway.io.clock import FakeClock
from gateway.messages import AriReceived, DeliverReservation, Event, PushAvailability, PushRates, ReservationReceived
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.dates import Day, days_in
from gateway.model.reservation import Content, Revision, RevisionKind, RoomStay
from tests.simulation.plain import PlainReply, decode_command

Post = Callable[[Event], Awaitable[bool]]


@dataclass
class SimChannel:
    """Stores what it is told; sells by what it stores; posts each revision until it is acknowledged.

    A guest may change from a room type to the one that ``swaps`` names for it.
    """

    hotel: str
    clock: FakeClock
    random: Random
    counts_down: bool = False
    refuses: set[tuple[str, str]] = field(default_factory=set)
    swaps: dict[str, str] = field(default_factory=dict)
    limits: dict[tuple[str, Day], int] = field(default_factory=dict)
    cells: dict[tuple[str, str, Day], dict[str, int]] = field(default_factory=dict)
    bookings: dict[str, list[Revision]] = field(default_factory=dict)
    acknowledged: set[tuple[str, int]] = field(default_factory=set)
    outbox: list[Revision] = field(default_factory=list)

    async def serve(self, body: bytes) -> Reply:
        command = decode_command(body)
        assert isinstance(command, PushAvailability | PushRates)
        refused = {}
        for part, update in enumerate(command.updates):
            if (update.room, update.plan) in self.refuses:
                refused[part] = "not today"
            else:
                self._store(update)
        return Reply(200, {}, msgspec.json.encode(PlainReply(refused=refused)))

    def _store(self, update: AriUpdate) -> None:
        for day in days_in(update.first, update.last, update.weekdays):
            for setting in update.settings:
                if setting.field is Field.FIGURE:
                    self.limits[update.room, day] = setting.value
                else:
                    name = f"price{setting.guests}" if setting.field is Field.PRICE else setting.field.value
                    self.cells.setdefault((update.room, update.plan, day), {})[name] = setting.value

    def sell(self, room: str, plan: str, arrival: Day, nights: int) -> None:
        """A guest books here, if this channel's own state lets it."""
        days = range(arrival, arrival + nights)
        if any(self.limits.get((room, day), 0) < 1 or self._closed(room, plan, day) for day in days):
            return
        name = f"{self.hotel}-{len(self.bookings)}"
        self._say(name, RevisionKind.NEW, (RoomStay(room, plan, arrival, arrival + nights, adults=2),))
        self._count(room, days, -1)

    def _closed(self, room: str, plan: str, day: Day) -> bool:
        return self.cells.get((room, plan, day), {}).get("closed", 1) == 1

    def change(self) -> None:
        """Cancels or moves one of its bookings."""
        live = [name for name, said in self.bookings.items() if said[-1].kind is not RevisionKind.CANCEL]
        if not live:
            return
        name = self.random.choice(live)
        stay = self.bookings[name][-1].content.stays[0]
        self._count(stay.room, stay.nights, 1)
        if self.random.random() < 0.5:
            self._say(name, RevisionKind.CANCEL, ())
        else:
            moved = msgspec.structs.replace(stay, arrival=stay.arrival + 1, departure=stay.departure + 1)
            if stay.room in self.swaps and self.random.random() < 0.5:
                moved = msgspec.structs.replace(moved, room=self.swaps[stay.room])
            self._say(name, RevisionKind.MODIFY, (moved,))
            self._count(moved.room, moved.nights, -1)

    def _count(self, room: str, days: range, by: int) -> None:
        if self.counts_down:
            for day in days:
                self.limits[room, day] = max(0, self.limits.get((room, day), 0) + by)

    def _say(self, name: str, kind: RevisionKind, stays: tuple[RoomStay, ...]) -> None:
        said = self.bookings.setdefault(name, [])
        revision = Revision(name, kind, Content(stays=stays), version=len(said) + 1)
        said.append(revision)
        self.outbox.append(revision)

    async def deliver(self, post: Post) -> None:
        """Posts one revision, in any order, sometimes twice or once more after it was acknowledged."""
        if not self.outbox:
            return
        revision = self.random.choice(self.outbox)
        event = ReservationReceived(self.hotel, revision)
        copies = self.random.choice((1, 1, 1, 2))
        taken = await asyncio.gather(*(post(event) for _ in range(copies)))
        if any(taken):
            self.acknowledged.add((revision.booking_id, revision.version or 0))
            if revision in self.outbox and self.random.random() < 0.8:
                self.outbox.remove(revision)

    def nights(self, without: set[str]) -> dict[tuple[str, Day], int]:
        """What the bookings, as last said, take: their room codes, by night."""
        taken: dict[tuple[str, Day], int] = {}
        for name, said in self.bookings.items():
            if name in without:
                continue
            for stay in said[-1].content.stays if said[-1].kind is not RevisionKind.CANCEL else ():
                for day in stay.nights:
                    taken[stay.room, day] = taken.get((stay.room, day), 0) + stay.units
        return taken


@dataclass
class SimPms:
    """Keeps the house: so many of each of its room codes, less what it has applied. Repetitions change nothing.

    ``parts`` are the rooms that one room of a code takes instead of its own, where it is made of others.
    """

    hotel: str
    clock: FakeClock
    random: Random
    units: dict[str, int]
    applied: dict[str, tuple[int, tuple[RoomStay, ...]]] = field(default_factory=dict)
    walk_ins: dict[tuple[str, Day], int] = field(default_factory=dict)
    parts: dict[str, dict[str, int]] = field(default_factory=dict)

    async def serve(self, body: bytes) -> Reply:
        command = decode_command(body)
        assert isinstance(command, DeliverReservation)
        revision = command.revision
        version, _ = self.applied.get(command.reservation_id, (0, ()))
        if (revision.version or 0) > version:
            stays = () if revision.kind is RevisionKind.CANCEL else revision.content.stays
            self.applied[command.reservation_id] = (revision.version or 0, stays)
        return Reply(200, {}, msgspec.json.encode(PlainReply(ref=f"P{len(self.applied)}")))

    def left(self, room: str, day: Day) -> int:
        """Rooms left on a night, by what it has applied."""
        taken = sum(
            stay.units * (self.parts.get(stay.room) or {stay.room: 1}).get(room, 0)
            for _, stays in self.applied.values()
            for stay in stays
            if day in stay.nights
        )
        return max(0, self.units[room] - taken - self.walk_ins.get((room, day), 0))

    def figures(self, room: str, first: Day, last: Day) -> AriReceived:
        """The figures as they are now, one update per run of equal ones."""
        updates: list[AriUpdate] = []
        for day in range(first, last + 1):
            figure = (Setting(Field.FIGURE, self.left(room, day)),)
            if updates and updates[-1].settings == figure:
                updates[-1] = msgspec.structs.replace(updates[-1], last=day)
            else:
                updates.append(AriUpdate(room, "", day, day, figure))
        return AriReceived(self.hotel, tuple(updates))
