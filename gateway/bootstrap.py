"""Wires everything once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from gateway.flows.services import Ids, Services
from gateway.flows.work import TOPIC, Workers
from gateway.io.clock import SystemClock
from gateway.io.http import HttpCaller
from gateway.io.network import NetworkPolicy
from gateway.io.wakes import LocalWakes, Wakes
from gateway.model.dates import now_ms
from gateway.registry import discover
from gateway.settings import Settings
from gateway.store.batcher import Batcher
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
    data = Path(settings.data_dir)
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    await migrate(settings.database)
    database = open_database(settings.database)
    await database.open()
    hotels = Hotels()
    clock = SystemClock()
    wakes = _wakes(settings)
    publishing = _Publishing(wakes)
    batcher = Batcher(database, hotels, clock.now_ms, publishing.changed)
    caller = HttpCaller(NetworkPolicy(allow_private=settings.allow_private))
    services = Services(
        database=database,
        batcher=batcher,
        hotels=hotels,
        directory=Directory(database, hotels),
        connectors=discover(),
        vault=Vault.from_file(data / _KEY_FILE),
        caller=caller,
        clock=clock,
        ids=Ids(now_ms),
    )
    running = Workers(services, wakes)
    publishing.workers = running if workers else None
    batcher.start()
    if workers:
        running.start()
    try:
        yield Gateway(services, running)
    finally:
        await running.stop()
        await batcher.stop()
        await wakes.close()
        await caller.close()
        await database.close()


class _Publishing:
    """Tells this process's workers and everybody else's what a batch has changed."""

    def __init__(self, wakes: Wakes) -> None:
        self._wakes = wakes
        self.workers: Workers | None = None
        self._tasks: set[asyncio.Task[None]] = set()

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
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=True,
    )
