"""Forgetting what is old, by itself and in small steps: texts of messages first, then their lines, then the journal.

Reservations with all their revisions, configurations, payments and deliveries are never deleted, so whatever a state
follows from stays. A message that somebody has still to decide about or to be told of is spared
(:mod:`gateway.store.retaining`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from gateway.flows.once import KEPT_MS
from gateway.flows.rounds import Rounds
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
# Reconciliation looks for movements in the statements of five weeks.
STATEMENTS_DAYS_MIN = 60
Step = Callable[[Transaction, str, int, Instant], Awaitable[Stride]]


class Retention(Rounds):
    """The loop of one process; where several share a database, that of the one which holds the right to."""

    def __init__(self, services: Services, settings: Settings, *, pause_s: float = PAUSE_S) -> None:
        super().__init__(services, "retention", every_s=ROUND_S, first_s=FIRST_S)
        self._settings = settings
        self._pause_s = pause_s
        # How far the messages of a property have been gone through; begun anew by every process.
        self._reached: dict[tuple[str, str], int] = {}
        # What gateways have said is found by reading all of it, so that is done once a day.
        self._accounts_ms: Instant = 0

    async def round(self) -> None:
        """Everything that has become too old since the last one."""
        if not self._services.leases.owns(SUBJECT_RETENTION, STEP_S):
            return
        now_ms, database = self._services.clock.now_ms(), self._services.database
        await database.write(lambda tx: retaining.delete_sessions(tx, now_ms))
        await database.write(lambda tx: access.forget_answers(tx, now_ms - KEPT_MS))
        for scope_id in await database.read(retaining.properties):
            await self._property(scope_id, now_ms)
        if now_ms - self._accounts_ms >= DAY_MS:
            self._accounts_ms = now_ms
            for scope_id in await database.read(retaining.accounts):
                await self._account(scope_id, now_ms)

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

    async def _account(self, scope_id: str, now_ms: Instant) -> None:
        """Payments stay for good; what gateways have said about them is kept as long as messages are."""
        kept, rows = self._settings, 0
        if kept.keep_bodies_days:
            before_ms = now_ms - kept.keep_bodies_days * DAY_MS
            rows += await self._repeat(lambda tx: retaining.empty_callbacks(tx, scope_id, before_ms))
        if kept.keep_messages_days:
            before = local_day(now_ms, "UTC") - max(kept.keep_messages_days, STATEMENTS_DAYS_MIN)
            rows += await self._repeat(lambda tx: retaining.delete_statement(tx, scope_id, before))
        if rows:
            log.info("forgotten", account=scope_id, rows=rows)

    async def _repeat(self, step: Callable[[Transaction], Awaitable[int]]) -> int:
        """Until there is nothing left to do."""
        rows = 0
        while count := await self._services.database.write(step):
            rows += count
            await self._services.clock.sleep(self._pause_s)
        return rows

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
        return await self._repeat(lambda tx: retaining.delete_journal(tx, scope_id, names, before))
