"""The work that goes on by itself: pushing, delivering, fetching, describing, and what nobody woke us for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Iterable

import structlog

from gateway.flows.delivering.deliver import Deliverer
from gateway.flows.describe import Describer
from gateway.flows.fetch import Fetcher
from gateway.flows.payments.reconcile import Reconciler
from gateway.flows.payments.work import Payer
from gateway.flows.push_ari import Pusher
from gateway.flows.refold import Resolver
from gateway.flows.selling.release import Releaser
from gateway.flows.services import Services
from gateway.flows.vault.charger import CardCharger
from gateway.flows.vault.purge import Purger
from gateway.io.wakes import Wakes
from gateway.model.dates import Instant
from gateway.store import pushing
from gateway.store.database import Unavailable

log = structlog.get_logger(__name__)

TOPIC = "changed"
# Wake-ups make things quick; this makes them certain.
POLL_S = 1.0
GRACE_S = 3.0


class Workers:
    """Runs while the process does. A failure in one round is logged and met again by the next poll."""

    def __init__(self, services: Services, wakes: Wakes, *, poll_s: float = POLL_S) -> None:
        self._services = services
        self._wakes = wakes
        self._poll_s = poll_s
        self.pusher = Pusher(services)
        self.deliverer = Deliverer(services)
        self.fetcher = Fetcher(services)
        self.describer = Describer(services)
        self.payer = Payer(services)
        self.reconciler = Reconciler(services)
        self.resolver = Resolver(services)
        self.releaser = Releaser(services)
        self.purger = Purger(services)
        self.card_charger = CardCharger(services)
        self._callers = (
            self.pusher,
            self.deliverer,
            self.fetcher,
            self.describer,
            self.payer,
            self.reconciler,
            self.card_charger,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._deliver_now = asyncio.Event()
        self._pay_now = asyncio.Event()
        self.looked_ms: Instant = 0  # when the last look into the database came to its end

    def start(self) -> None:
        loops = {"push": self._push(), "poll": self._poll(), "deliver": self._deliver(), "pay": self._pay()}
        self._tasks = [asyncio.create_task(loop, name=name) for name, loop in loops.items()]

    async def stop(self) -> None:
        """Stops beginning new work, and lets what is under way come to its end, for a while.

        A call cut off then is one without an answer: its cells are in doubt and its delivery is due again, as after a
        crash.
        """
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                for caller in self._callers:
                    await caller.errands.idle()
        for caller in self._callers:
            await caller.errands.cut_off()

    def changed(self, scope_ids: Iterable[str]) -> None:
        """Called by the batcher after a commit in this process."""
        self.pusher.changed(scope_ids)
        self._deliver_now.set()
        self._pay_now.set()

    def in_use(self) -> set[str]:
        """The connections that are being called right now."""
        return set().union(*(caller.in_use() for caller in self._callers))

    async def _push(self) -> None:
        async for scope_id in self._wakes.subscribe(TOPIC):
            self._deliver_now.set()
            self._pay_now.set()
            await self._guarded("push", self._push_scope(scope_id))

    async def _poll(self) -> None:
        while True:
            await self._guarded("poll", self._look())
            await self._guarded("fetch", self.fetcher.round())
            await self._guarded("describe", self.describer.round())
            await self._guarded("resolve", self.resolver.round())
            await self._guarded("release", self.releaser.round())
            await self._guarded("reconcile", self.reconciler.round())
            await self._guarded("purge", self.purger.round())
            await self._guarded("charge", self.card_charger.round())
            await self._services.clock.sleep(self._poll_s)

    async def _look(self) -> None:
        now_ms = self._services.clock.now_ms()
        found = await self._services.database.read(lambda tx: pushing.due(tx, now_ms))
        by_scope: dict[str, set[str]] = {}
        for due in found:
            by_scope.setdefault(due.scope_id, set()).add(due.connection)
        for scope_id, connections in by_scope.items():
            await self._push_scope(scope_id, frozenset(connections))
        self.looked_ms = self._services.clock.now_ms()

    async def _push_scope(self, scope_id: str, connections: frozenset[str] | None = None) -> None:
        """What a property raises is that property's alone; raises where there is no database for any of them."""
        try:
            await self.pusher.round(scope_id, connections)
        except Unavailable:
            raise
        except Exception:
            log.exception("push_round_failed", property=scope_id)

    async def _deliver(self) -> None:
        while True:
            self._deliver_now.clear()
            await self._guarded("deliver", self._deliver_round())

    async def _deliver_round(self) -> None:
        next_ms = await self.deliverer.round()
        now_ms = self._services.clock.now_ms()
        wait_s = self._poll_s if next_ms is None else min(self._poll_s, max(0.0, (next_ms - now_ms) / 1000))
        await self._services.clock.wait(self._deliver_now, max(wait_s, 0.01))

    async def _pay(self) -> None:
        while True:
            self._pay_now.clear()
            await self._guarded("pay", self._pay_round())

    async def _pay_round(self) -> None:
        next_ms = await self.payer.round()
        now_ms = self._services.clock.now_ms()
        wait_s = self._poll_s if next_ms is None else min(self._poll_s, max(0.0, (next_ms - now_ms) / 1000))
        await self._services.clock.wait(self._pay_now, max(wait_s, 0.01))

    async def _guarded(self, name: str, work: Awaitable[object]) -> None:
        try:
            await work
        except Exception:
            log.exception("round_failed", work=name)
            await self._services.clock.sleep(self._poll_s)
