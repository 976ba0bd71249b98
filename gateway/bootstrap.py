"""Wires everything once."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from gateway.flows.leases import SharedLeases, WholeHouse
from gateway.flows.services import Ids, Services
from gateway.flows.work import TOPIC, Workers
from gateway.io.clock import SystemClock
from gateway.io.http import HttpCaller
from gateway.io.network import NetworkPolicy
from gateway.io.wakes import LocalWakes, Wakes
from gateway.registry import discover
from gateway.settings import Settings
from gateway.store.batcher import Batcher
from gateway.store.database import Database
from gateway.store.directory import Directory
from gateway.store.hotels import Hotels
from gateway.store.migrating import migrate
from gateway.store.opening import open_database
from gateway.store.secrets import Vault

_KEY_FILE = "gateway.key"


@dataclass(frozen=True)
class Gateway:
    """A wired process: flows use ``services``; ``workers`` push and deliver."""

    services: Services
    workers: Workers


@asynccontextmanager
async def gateway(settings: Settings, *, workers: bool) -> AsyncIterator[Gateway]:
    """Everything open and migrated; with ``workers`` the work that goes on by itself has begun."""
    data = _private_folder(settings.data_dir)
    await migrate(settings.database)
    async with AsyncExitStack() as opened:
        database = open_database(settings.database)
        await database.open()
        opened.push_async_callback(database.close)
        wakes = _wakes(settings)
        opened.push_async_callback(wakes.close)
        caller = HttpCaller(NetworkPolicy(allow_private=settings.allow_private))
        opened.push_async_callback(caller.close)
        wired = _wire(database, wakes, caller, Vault.from_file(data / _KEY_FILE), workers=workers)
        wired.services.batcher.start()
        opened.push_async_callback(wired.services.batcher.stop)
        leases = wired.services.leases
        if workers:
            if isinstance(leases, SharedLeases):
                await leases.start()
                opened.push_async_callback(leases.stop)
            wired.workers.start()
            opened.push_async_callback(wired.workers.stop)
        yield wired


def _wire(database: Database, wakes: Wakes, caller: HttpCaller, vault: Vault, *, workers: bool) -> Gateway:
    hotels = Hotels()
    clock = SystemClock()
    publishing = _Publishing(wakes)
    shared = workers and database.dialect == "postgresql"
    services = Services(
        database=database,
        batcher=Batcher(database, hotels, clock.now_ms, publishing.changed),
        hotels=hotels,
        directory=Directory(database, hotels, clock.now_ms),
        connectors=discover(),
        vault=vault,
        caller=caller,
        clock=clock,
        ids=Ids(clock.now_ms),
        leases=SharedLeases(database, clock, publishing.in_use) if shared else WholeHouse(),
    )
    running = Workers(services, wakes)
    publishing.workers = running if workers else None
    return Gateway(services, running)


def _private_folder(name: str) -> Path:
    folder = Path(name)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


class _Publishing:
    """Tells this process's workers and everybody else's what a batch has changed.

    It stands between the batcher and the workers, which need each other.
    """

    def __init__(self, wakes: Wakes) -> None:
        self._wakes = wakes
        self.workers: Workers | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def in_use(self) -> set[str]:
        """The connections this process is calling."""
        return self.workers.in_use() if self.workers is not None else set()

    def changed(self, scope_ids: Iterable[str]) -> None:
        if self.workers is not None:
            self.workers.changed(scope_ids)
        task = asyncio.create_task(self._wakes.publish(TOPIC, list(scope_ids)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _wakes(settings: Settings) -> Wakes:
    if not settings.redis_url:
        return LocalWakes()
    from gateway.io.redis_wakes import RedisWakes

    return RedisWakes(settings.redis_url)


def configure_logging(settings: Settings) -> None:
    """Lines for people on a terminal, JSON where ``log_json`` asks for it. Nothing logged ever holds a secret."""
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if settings.log_json else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
