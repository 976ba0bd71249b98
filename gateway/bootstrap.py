"""Wires everything once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from gateway.flows.alerts.watch import Alerts
from gateway.flows.delivering.mail_bookings import BookingMails
from gateway.flows.delivering.set_back import SetBack
from gateway.flows.keeping.retain import Retention
from gateway.flows.keeping.upgrade import upgrade
from gateway.flows.leases import SharedLeases, WholeHouse
from gateway.flows.rounds import Rounds
from gateway.flows.selling.letters import Letters
from gateway.flows.services import Ids, Services
from gateway.flows.vault.vaults import CardVaults
from gateway.flows.work import TOPIC, Workers
from gateway.io.clock import SystemClock
from gateway.io.http import HttpCaller
from gateway.io.metrics import Metrics
from gateway.io.network import NetworkPolicy
from gateway.io.wakes import LocalWakes, Wakes
from gateway.model.card import CardVault
from gateway.registry import discover
from gateway.settings import Settings
from gateway.store.alone import working_on
from gateway.store.batcher import Batcher
from gateway.store.card_sealing import SealedCards
from gateway.store.database import Database
from gateway.store.directory import Directory
from gateway.store.hotels import Hotels
from gateway.store.opening import open_database
from gateway.store.secrets import Vault

CARD_VAULTS = "gateway.card_vaults"
_KEY_FILE = "gateway.key"


@dataclass(frozen=True)
class Gateway:
    """A wired process: flows use ``services``; ``workers`` push and deliver."""

    services: Services
    workers: Workers


@asynccontextmanager
async def gateway(settings: Settings, *, workers: bool, serving: bool = False) -> AsyncIterator[Gateway]:
    """Everything open and migrated; with ``workers`` the work that goes on by itself has begun.

    Who is ``serving``, and not only here for one command, also looks out for what needs a person.
    """
    data = _private_folder(settings.data_dir)
    await upgrade(settings)
    async with AsyncExitStack() as opened:
        if workers:
            opened.enter_context(working_on(settings.database))
        database = open_database(settings.database)
        await database.open()
        opened.push_async_callback(database.close)
        wakes = _wakes(settings)
        opened.push_async_callback(wakes.close)
        caller = HttpCaller(NetworkPolicy(allow_private=settings.allow_private))
        opened.push_async_callback(caller.close)
        vault = Vault.from_file(data / _KEY_FILE)
        wired = _wire(settings, database, wakes, caller, vault, workers=workers)
        wired.services.batcher.start()
        opened.push_async_callback(wired.services.batcher.stop)
        leases = wired.services.leases
        if workers:
            if isinstance(leases, SharedLeases):
                await leases.start()
                opened.push_async_callback(leases.stop)
            wired.workers.start()
            opened.push_async_callback(wired.workers.stop)
        for each in _watching(wired, settings, workers=workers) if serving else ():
            each.start()
            opened.push_async_callback(each.stop)
        yield wired


def _watching(wired: Gateway, settings: Settings, *, workers: bool) -> list[Rounds]:
    """What a process that stays looks after by itself."""
    services = wired.services
    found: list[Rounds] = [Alerts(services, settings, wired.workers if workers else None)]
    if workers:
        found += [Retention(services, settings), SetBack(services)]
    if workers and settings.smtp_url:
        found += [Letters(services, settings), BookingMails(services, settings)]
    return found


def _wire(
    settings: Settings, database: Database, wakes: Wakes, caller: HttpCaller, vault: Vault, *, workers: bool
) -> Gateway:
    hotels = Hotels()
    clock = SystemClock()
    publishing = _Publishing(wakes)
    metrics = Metrics()
    batcher = Batcher(database, hotels, clock, publishing.changed, metrics.batch)
    metrics.watch_queue(lambda: batcher.waiting)
    metrics.watch_statements(lambda: (database.counter.statements, database.counter.transactions))
    shared = workers and database.dialect == "postgresql"
    services = Services(
        database=database,
        batcher=batcher,
        hotels=hotels,
        directory=Directory(database, hotels, clock.now_ms),
        connectors=discover(),
        vault=vault,
        card_vaults=_card_vaults(settings, vault, caller),
        caller=caller,
        clock=clock,
        ids=Ids(clock.now_ms),
        leases=SharedLeases(database, clock, publishing.in_use) if shared else WholeHouse(),
        metrics=metrics,
        metrics_token=settings.metrics_token,
    )
    running = Workers(services, wakes)
    publishing.workers = running if workers else None
    return Gateway(services, running)


def _card_vaults(settings: Settings, vault: Vault, caller: HttpCaller) -> CardVaults:
    """The built-in vault, and those of other makers: an entry point is a function of what they may call out with.

    All of them are opened, since a card stays in the vault it was put into.
    """
    others: dict[str, CardVault] = {}
    for found in entry_points(group=CARD_VAULTS):
        made: CardVault = found.load()(caller)
        others[made.name] = made
    return CardVaults(SealedCards(vault), others, settings.card_vault)


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
