"""Forgetting what is old, by itself and in small steps: texts of messages first, then their lines, then the journal.

Reservations with all their revisions, configurations, payments and deliveries are never deleted, so whatever a state
follows from stays. A message that somebody has still to decide about or to be told of is spared
(:mod:`gateway.store.retaining`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from gateway.flows.once import KEPT_MS
from gateway.flows.services import Services
from gateway.model.dates import Instant, local_day
from gateway.settings import Settings
from gateway.store import access, retaining
from gateway.store.database import Transaction
from gateway.store.retaining import Stride

log = structlog.get_logger(__name__)

FIRST_S = 300.0  # a start has enough to do
ROUND_S = 3_600.0
# Between two steps, so that nobody waits for their turn to write.
PAUSE_S = 0.5
STEP_S = 10.0
SUBJECT_RETENTION = "retention"
DAY_MS = 86_400_000
Step = Callable[[Transaction, str, int, Instant], Awaitable[Stride]]


class Retention:
    """The loop of one process; where several share a database, that of the one which holds the right to."""

    def __init__(self, services: Services, settings: Settings, *, pause_s: float = PAUSE_S) -> None:
        self._services = services
        self._settings = settings
        self._pause_s = pause_s
        # How far the messages of a property have been gone through; begun anew by every process.
        self._reached: dict[tuple[str, str], int] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._go_on(), name="retention")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _go_on(self) -> None:
        wait_s = FIRST_S
        while True:
            await self._services.clock.sleep(wait_s)
            wait_s = ROUND_S
            try:
                await self.round()
            except Exception:
                # The database is away, say. What is old by now is as old in an hour.
                log.exception("round_failed", work="retention")

    async def round(self) -> None:
        """Everything that has become too old since the last one."""
        if not self._services.leases.owns(SUBJECT_RETENTION, STEP_S):
            return
        now_ms, database = self._services.clock.now_ms(), self._services.database
        await database.write(lambda tx: retaining.delete_sessions(tx, now_ms))
        await database.write(lambda tx: access.forget_answers(tx, now_ms - KEPT_MS))
        for scope_id in await database.read(retaining.properties):
            await self._property(scope_id, now_ms)

    async def _property(self, scope_id: str, now_ms: Instant) -> None:
        kept = self._settings
        emptied = await self._walk("bodies", retaining.empty_bodies, scope_id, kept.keep_bodies_days, now_ms)
        deleted = await self._walk("messages", retaining.delete_messages, scope_id, kept.keep_messages_days, now_ms)
        journal = await self._journal(scope_id, now_ms) if kept.keep_journal_days else 0
        if kept.keep_codes_days:
            before_ms = now_ms - kept.keep_codes_days * DAY_MS
            await self._services.database.write(lambda tx: retaining.delete_codes(tx, scope_id, before_ms))
        if emptied or deleted or journal:
            log.info("forgotten", property=scope_id, bodies=emptied, messages=deleted, journal=journal)

    async def _walk(self, name: str, step: Step, scope_id: str, days: int, now_ms: Instant) -> int:
        """From where the last round has ended to what is not old enough; 0 days is for good."""
        place, rows = (name, scope_id), 0
        while days:
            after, before_ms = self._reached.get(place, 0), now_ms - days * DAY_MS
            stride: Stride = await self._services.database.write(
                lambda tx, after=after, before_ms=before_ms: step(tx, scope_id, after, before_ms)  # type: ignore[misc]
            )
            rows += stride.rows
            if stride.reached is None:
                break
            self._reached[place] = stride.reached
            await self._services.clock.sleep(self._pause_s)
        return rows

    async def _journal(self, scope_id: str, now_ms: Instant) -> int:
        before = local_day(now_ms, "UTC") - self._settings.keep_journal_days
        names = await self._services.database.read(lambda tx: retaining.ledgers(tx, scope_id))
        rows = 0
        while count := await self._services.database.write(
            lambda tx: retaining.delete_journal(tx, scope_id, names, before)
        ):
            rows += count
            await self._services.clock.sleep(self._pause_s)
        return rows
