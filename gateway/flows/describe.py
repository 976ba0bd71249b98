"""Counterparts that have to be told what rooms and plans are called: once for each change, until they confirm it."""

from __future__ import annotations

from functools import partial

import structlog
from structlog.contextvars import bind_contextvars

from gateway.engine.describe import content_of
from gateway.flows.exchange import Calling, Counterpart, exchange
from gateway.io.retry import backoff_s
from gateway.messages import PushContent
from gateway.model.dates import Instant
from gateway.store import describing
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import MessageRow, Row
from gateway.store.tables_connections import ContentRow

log = structlog.get_logger(__name__)

RETRY_FIRST_S = 30.0
RETRY_MAX_S = 60 * 60.0

CONTENT = Lookup(ContentRow)


class Describer(Calling):
    """Tells the connections this process owns."""

    async def round(self) -> None:
        """Begin to tell whoever's turn it is."""
        services, now_ms = self._services, self._services.clock.now_ms()
        for item in await services.database.read(lambda tx: describing.due(tx, services.hotels, now_ms)):
            row = item.row
            self._begin(
                "describe", item.hotel, row.connection, partial(self._describe, row=row), partial(self._put_off, row)
            )

    async def _put_off(self, row: ContentRow, problem: str) -> None:
        again_s = backoff_s(row.failures + 1, RETRY_FIRST_S, RETRY_MAX_S, self._services.random)
        await self._services.batcher.submit(_Settle(row, None, problem, again_s))

    async def _describe(self, called: Counterpart, *, row: ContentRow) -> None:
        services = self._services
        bind_contextvars(property=row.scope_id, connection=row.connection)
        rooms, plans = content_of(called.hotel.property, called.connection)
        number, now_ms = services.ids.message(), services.clock.now_ms()
        done = await exchange(services, called, PushContent(id=f"{number:x}", at_ms=now_ms, rooms=rooms, plans=plans))
        again_s = 0.0
        if done.problem:
            log.warning("describing_failed", problem=done.problem)
            again_s = backoff_s(row.failures + 1, RETRY_FIRST_S, RETRY_MAX_S, services.random)
        await services.batcher.submit(_Settle(row, done.row, done.problem, again_s))


class _Settle:
    """The job. What was changed during the call is still to be told after it; what is told no longer has no row."""

    def __init__(self, told: ContentRow, message: MessageRow | None, problem: str, again_s: float) -> None:
        self.scope_id: str | None = told.scope_id
        self._told = told
        self._said: list[Row] = [message] if message is not None else []
        self._problem = problem
        self._again_s = again_s

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield CONTENT, self._told[:2]

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row = state.get(ContentRow, self._told[:2])
        if row is None:
            return Decision(None, self._said)
        if self._problem:
            settled = row._replace(failures=row.failures + 1, error=self._problem)
            if row.wanted == self._told.wanted:
                settled = settled._replace(due_ms=now_ms + int(self._again_s * 1000))
        else:
            settled = row._replace(confirmed=self._told.wanted, done_ms=now_ms, failures=0, error="")
            if row.wanted == self._told.wanted:
                settled = settled._replace(due_ms=None)
        return Decision(None, [*self._said, settled])
