"""A whole world in one thread: the gateway's flows, simulated counterparts, a network with faults, and a fake clock.

Everything random comes from one seed, so a history that goes wrong can be replayed by its number.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from gateway.contract import Head, Reply, Request
from gateway.engine.hotel_file import HotelFile
from gateway.errors import OutcomeUnknown, Retryable
from gateway.flows.apply_hotel import apply_hotel
from gateway.flows.plan_hotel import plan_hotel
from gateway.flows.receive import receive
from gateway.flows.services import Ids, Services
from gateway.flows.work import Workers
from gateway.io.clock import FakeClock
from gateway.io.wakes import LocalWakes
from gateway.messages import AriReceived, Event, PushAvailability, PushRates, ReservationReceived
from gateway.model.property import Property
from gateway.store.batcher import Batcher
from gateway.store.database import Transaction
from gateway.store.directory import Directory
from gateway.store.hotels import Hotels
from gateway.store.schema import metadata
from gateway.store.secrets import Vault
from gateway.store.sqlite import SqliteDatabase
from tests.simulation.plain import SETTLE_S, Only, PlainConnector, PlainReply, decode_command

T = TypeVar("T")


class InlineSqlite(SqliteDatabase):
    """SQLite without threads, because a fake clock cannot see work that happens on one."""

    async def open(self) -> None:
        self._writing = self._reading = self._connect()
        self._writing.execute("PRAGMA synchronous=OFF")

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        assert self._writing is not None
        return self._run(self._writing, "BEGIN IMMEDIATE", work)

    async def read(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        assert self._reading is not None
        return self._run(self._reading, "BEGIN", work)

    async def close(self) -> None:
        if self._writing is not None:
            self._writing.close()


@dataclass
class Network:
    """Carries requests to counterparts by URL, and loses, delays, doubles or cuts them as ``fault`` says."""

    clock: FakeClock
    random: Random
    fault_rate: float = 0.0
    serve: dict[str, Callable[[bytes], Awaitable[Reply]]] = field(default_factory=dict)
    late: list[tuple[str, bytes, int]] = field(default_factory=list)  # with the instant after which it is lost
    down: set[str] = field(default_factory=set)
    calls: int = 0

    async def call(self, request: Request, *, timeout_s: float) -> Reply:
        self.calls += 1
        await self.clock.sleep(self.random.uniform(0.001, 0.2))
        if request.url in self.down:
            raise Retryable("connection refused")
        if self.random.random() < self.fault_rate:
            return await self._faulty(request, timeout_s)
        return await self.serve[request.url](request.body)

    async def _faulty(self, request: Request, timeout_s: float) -> Reply:
        kind = self.random.choice(("refused", "lost", "applied", "late", "busy", "broken"))
        if kind == "refused":
            raise Retryable("connection refused")
        if kind == "busy":
            return Reply(429, {"retry-after": "2"}, b"")
        if kind == "broken":
            return Reply(503, {}, b"") if self.random.random() < 0.5 else Reply(429, {}, b"")
        if kind == "applied":
            await self.serve[request.url](request.body)
        if kind == "late":
            # The dialect's promise: after a time-out and the settle time nothing lands any more.
            self.late.append((request.url, request.body, self.clock.now_ms() + int((timeout_s + SETTLE_S) * 1000)))
        await self.clock.sleep(timeout_s)
        raise OutcomeUnknown("no answer")

    async def arrive_late(self) -> None:
        """One of the requests that seemed lost comes in after all."""
        if self.late:
            url, body, until_ms = self.late.pop(self.random.randrange(len(self.late)))
            if self.clock.now_ms() < until_ms:
                await self.serve[url](body)


class Gateway:
    """The gateway's process: it can be killed at any await and started again over what it had committed."""

    def __init__(
        self, database: InlineSqlite, clock: FakeClock, network: Network, random: Random, vault: Vault
    ) -> None:
        self.clock = clock
        self.database = database
        hotels = Hotels()
        self.wakes = LocalWakes()
        self._publishing: set[asyncio.Task[None]] = set()
        batcher = Batcher(database, hotels, clock, self._changed)
        self.services = Services(
            database=database,
            batcher=batcher,
            hotels=hotels,
            directory=Directory(database, hotels, clock.now_ms),
            connectors=Only(PlainConnector()),
            vault=vault,
            caller=network,
            clock=clock,
            ids=Ids(clock.now_ms, random),
            random=random,
        )
        self.workers = Workers(self.services, self.wakes, poll_s=5.0)
        batcher.start()
        self.workers.start()

    def _changed(self, scope_ids: set[str]) -> None:
        self.workers.changed(scope_ids)
        task = asyncio.create_task(self.wakes.publish("changed", list(scope_ids)))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def post(self, connection: str, event: Event, password: str = "in") -> Reply:
        """A counterpart posts one event."""
        head = Head("POST", f"/plain/{connection}", {"password": password})
        return await receive(self.services, "plain", connection, head, [msgspec.json.encode([event])])

    async def apply(self, hotel: Property) -> None:
        """Configure the property; every connection's passwords are "in" and "out"."""
        secrets = {(c.id, side): side[:-5] for c in hotel.connections for side in ("inbound", "outbound")}
        sealed, changes = await plan_hotel(self.services, HotelFile(hotel, secrets))  # type: ignore[arg-type]
        if changes:
            await apply_hotel(self.services, sealed, "test")
            self._changed({hotel.id})

    async def kill(self) -> None:
        """Ends at once, in the middle of whatever it is doing."""
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and _is_ours(task)]
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)


def _is_ours(task: asyncio.Task[Any]) -> bool:
    return task.get_name().split()[0] in {"push", "poll", "deliver", "batcher"}


async def open_database(path: Path) -> InlineSqlite:
    """An empty database with all tables."""
    engine = sa.create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    database = InlineSqlite(path)
    await database.open()
    return database


__all__ = [
    "AriReceived",
    "Gateway",
    "InlineSqlite",
    "Network",
    "PlainReply",
    "PushAvailability",
    "PushRates",
    "ReservationReceived",
    "decode_command",
    "itertools",
    "open_database",
]
