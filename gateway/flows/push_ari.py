"""Rates and availability go out, until every channel holds what it should.

A round plans all due channels of a property over one snapshot and commits their intents together; then each channel
is called by itself, so a slow one never holds up the others. Between two messages to a channel its values are planned
anew if the property has changed: nothing stale is ever sent last. What an answer leaves in doubt comes back by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter

import structlog
from structlog.contextvars import bind_contextvars

from gateway.contract import Refused
from gateway.engine.sending import Held, Parcel, Settled, held_before, intend, postpone, settle, take_back, undo
from gateway.engine.view import Channel
from gateway.errors import OutcomeUnknown, Retryable
from gateway.flows.agreed import heed
from gateway.flows.errands import Errands
from gateway.flows.exchange import Counterpart
from gateway.flows.plan_push import Asking, ChannelPlan, PropertyPlan, plan_push
from gateway.flows.push_agree import ask
from gateway.flows.push_exchange import TURN_MAX_S, Exchange, command_of, exchange_once
from gateway.flows.push_record import (
    agreement_rows,
    error_rows,
    journal_rows,
    log_row,
    outcome,
    part_outcomes,
    problem,
    refused,
    shadow_rows,
    sync_errors,
    targets,
)
from gateway.flows.push_work import Channels
from gateway.flows.record import Record
from gateway.flows.services import Services
from gateway.io.retry import backoff_s
from gateway.model.dates import Instant
from gateway.store import pushing
from gateway.store.database import Transaction
from gateway.store.tables import ID_SHIFT, Row
from gateway.store.tables_connections import ConnectionRow

log = structlog.get_logger(__name__)

PAUSE_FIRST_S = 0.5
PAUSE_MAX_S = 60.0
REFUSED_RETRY_S = 15 * 60.0
CAUSES_LOGGED_MAX = 5


class Pusher:
    """Sends for the connections this process owns. One message at a time is under way per connection."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._channels = Channels(services.connectors)
        self._busy: set[str] = set()
        self._changes: dict[str, int] = {}  # per scope, how often it was said to have changed
        self._turns: dict[str, int] = {}  # per connection, how often its rows were written here
        self._doubt_until_ms: dict[str, Instant] = {}
        self.errands = Errands()

    def changed(self, scope_ids: Iterable[str]) -> None:
        """Messages not yet sent for these properties must be planned anew."""
        for scope_id in scope_ids:
            self._changes[scope_id] = self._changes.get(scope_id, 0) + 1

    async def round(self, scope_id: str, wanted: frozenset[str] | None = None) -> None:
        """Plan and begin to send whatever the property's idle channels need; returns when the intents are committed."""
        seen, turns = self._changes.get(scope_id, 0), dict(self._turns)
        now_ms = self._services.clock.now_ms()
        plan = await self._plan(scope_id, wanted, now_ms)
        if plan is None:
            return
        ready = [channel for channel in plan.channels if self._may_send(channel)]
        asking = [channel for channel in plan.asking if self._may_send(channel)]
        names = [channel.row.connection for channel in ready] + [channel.row.connection for channel in asking]
        overtaken = {name for name in names if self._turns.get(name, 0) != turns.get(name, 0)}
        ready = [channel for channel in ready if channel.row.connection not in overtaken]
        for asked in asking:
            if asked.row.connection not in overtaken:
                self._busy.add(asked.row.connection)
                self.errands.begin(f"ask {asked.row.connection}", self._ask(plan, asked))
        for channel in ready:
            channel.seen = seen
            self._took_turn(channel)
        writes: list[Row] = []
        deletes: list[Row] = []
        sending = []
        # Put off like one that does not answer, so that it is neither looked at nor logged all the time.
        writes += [
            self._failed(row, problem, None)
            for row, problem in plan.broken
            if row.connection not in self._busy and self._services.leases.owns(row.connection, 0)
        ]
        for channel in ready:
            if channel.parcels and not channel.row.unconfirmed_ms:
                changed_ms = plan.causes_of(channel)[0] >> ID_SHIFT
                channel.row = channel.row._replace(unconfirmed_ms=changed_ms or now_ms)
            held = self._prepare(channel, writes, deletes, now_ms)
            if channel.parcels:
                self._busy.add(channel.row.connection)
                sending.append((channel, held))
        try:
            if writes or deletes:
                await self._services.batcher.submit(Record(writes, deletes))
        except BaseException:  # not written, so nothing is under way
            self._busy.difference_update(channel.row.connection for channel, _ in sending)
            raise
        for channel, held in sending:
            self.errands.begin(f"push {channel.row.connection}", self._send_all(plan, channel, held))
        if overtaken:  # another round has planned and written since this one read
            await self.round(scope_id, frozenset(overtaken))

    def _took_turn(self, channel: ChannelPlan | Asking) -> None:
        self._turns[channel.row.connection] = self._turns.get(channel.row.connection, 0) + 1

    async def _written(self, channel: ChannelPlan | Asking, job: Record) -> None:
        """The turn is over when the rows are there: a plan read while they are being written has not seen them."""
        try:
            await self._services.batcher.submit(job)
        finally:
            self._took_turn(channel)

    def in_use(self) -> set[str]:
        """The connections that are being called."""
        return set(self._busy)

    async def _plan(self, scope_id: str, wanted: frozenset[str] | None, now_ms: Instant) -> PropertyPlan | None:
        async def read(tx: Transaction) -> PropertyPlan | None:
            return await plan_push(tx, self._services.hotels, self._channels, scope_id, wanted, now_ms)

        return await self._services.database.read(read)

    def _prepare(self, channel: ChannelPlan, writes: list[Row], deletes: list[Row], now_ms: Instant) -> list[Held]:
        """The first message's intent, and a mark on everything that waits behind it."""
        held: list[Held] = []
        touched = list(channel.touched)
        if channel.parcels:
            touched += postpone(channel.parcels[1:])
            held = held_before(channel.parcels[0])
            touched += intend(channel.parcels[0], self._hold_ms(channel, now_ms))
        writes += shadow_rows(channel, touched)
        writes.append(channel.row)
        if channel.agreed is not None and channel.reopened:
            writes.append(channel.agreed)
        deletes += [*channel.forgotten, *channel.settled]
        return held

    def _may_send(self, channel: ChannelPlan | Asking) -> bool:
        connection, timeout_s = channel.row.connection, channel.channel.capabilities.timeout_s
        return connection not in self._busy and self._services.leases.owns(connection, timeout_s)

    def _hold_ms(self, channel: ChannelPlan, now_ms: Instant) -> Instant:
        capabilities = channel.channel.capabilities
        return now_ms + int((TURN_MAX_S + capabilities.timeout_s + capabilities.settle_s) * 1000)

    async def _ask(self, plan: PropertyPlan, asking: Asking) -> None:
        """Learns what a channel can do, and goes on with what it needs."""
        before = asking.row
        try:
            answered = await ask(self._services, self._called(plan, asking.channel), asking)
            writes = answered.writes
            if not answered.agreed:
                log.warning("not_agreed", connection=before.connection, problem=answered.problem)
                writes = [*writes, self._failed(before, answered.problem, None)]
            await self._written(asking, Record(writes, []))
        finally:
            self._busy.discard(before.connection)
        if answered.agreed:
            await self.round(before.scope_id, frozenset({before.connection}))

    # --- one channel ------------------------------------------------------------------------------------------------

    async def _send_all(self, plan: PropertyPlan, channel: ChannelPlan, held: list[Held]) -> None:
        scope_id = channel.row.scope_id
        # The errand is a task of its own, so whatever it logs names what caused it, and nothing else does.
        bind_contextvars(
            correlation=f"{channel.row.synced_cause:x}",
            causes=[f"{cause:x}" for cause in plan.causes_of(channel)[-CAUSES_LOGGED_MAX:]],
            property=scope_id,
            connection=channel.row.connection,
            revisions=f"{channel.since}-{channel.row.synced_rev}",
        )
        try:
            for index, _ in enumerate(channel.parcels):  # which grows by what a message did not carry
                next_held = await self._send(plan, channel, index, held)
                if next_held is None:
                    break
                held = next_held
        finally:
            self._busy.discard(channel.row.connection)
        if self._changes.get(scope_id, 0) != channel.seen:
            await self.round(scope_id, frozenset({channel.row.connection}))

    async def _send(self, plan: PropertyPlan, channel: ChannelPlan, index: int, held: list[Held]) -> list[Held] | None:
        """Send one message and record what came of it, with the next one's intent; None ends the sequence."""
        whole = channel.parcels[index]
        command = command_of(whole, f"{self._services.ids.message():x}", self._services.clock.now_ms())
        began = perf_counter()
        called = self._called(plan, channel.channel)
        exchange = await exchange_once(self._services, called, channel.agreed, command, urgent=whole.urgent)
        self._services.metrics.call("push", perf_counter() - began)
        now_ms = self._services.clock.now_ms()
        parcel, left = whole.divided(exchange.carried(len(whole)))
        if left is not None:
            channel.parcels[index : index + 1] = [parcel, left]
        following = channel.parcels[index + 1] if index + 1 < len(channel.parcels) else None
        self._count(channel, parcel, exchange, now_ms)
        settled = self._settle(channel, parcel, held, exchange, now_ms)
        if left is not None:
            take_back(left, held)
        errors = sync_errors(channel, settled, now_ms)
        message = log_row(channel, command, exchange, settled, now_ms)
        writes: list[Row] = [*errors, message, *journal_rows(parcel, exchange, message)]
        writes += self._progress(channel, exchange, now_ms, last=following is None)
        writes += agreement_rows(channel, parcel, exchange)
        touched = settled.touched
        next_held: list[Held] | None = None
        capabilities = channel.channel.capabilities
        paused = channel.row.paused_until_ms > now_ms
        stopped = paused or not self._services.leases.owns(channel.row.connection, capabilities.timeout_s)
        if following is not None and not stopped and not await self._overtaken(channel):
            next_held = held_before(following)
            touched = [*touched, *intend(following, self._hold_ms(channel, now_ms))]
        writes += shadow_rows(channel, touched)
        healed = channel.errors & (targets(parcel) - refused(settled)) if exchange.failure is None else set()
        channel.errors = (channel.errors - healed) | refused(settled)
        await self._written(channel, Record(writes, error_rows(channel, healed)))
        await heed(self._services, plan.hotel, channel.channel.connection, exchange.decoded)
        return next_held

    async def _overtaken(self, channel: ChannelPlan) -> bool:
        """Whether the property has changed since this was planned.

        What this process has committed it knows. What another one has, or a command beside it, only the database says.
        """
        scope_id, row = channel.row.scope_id, channel.row
        if self._changes.get(scope_id, 0) == channel.seen:
            scope = await self._services.database.read(lambda tx: pushing.scope(tx, scope_id))
            if scope is None or (scope.rev, scope.config_version) != (row.synced_rev, row.synced_version):
                self.changed([scope_id])
        return self._changes.get(scope_id, 0) != channel.seen

    def _count(self, channel: ChannelPlan, parcel: Parcel, exchange: Exchange, now_ms: Instant) -> None:
        metrics, connection = self._services.metrics, channel.row.connection
        outcomes = part_outcomes(parcel, exchange)
        metrics.push(connection, outcome(exchange, refused=outcomes["refused"] > 0), outcomes.items())
        if outcomes["unknown"] or outcomes["accepted"]:
            self._doubt_until_ms[connection] = now_ms + int(channel.channel.capabilities.settle_s * 1000)
        if exchange.reply is not None:
            metrics.clock_of(connection, exchange.reply.headers.get("date"), now_ms)

    def _settle(
        self, channel: ChannelPlan, parcel: Parcel, held: list[Held], exchange: Exchange, now_ms: Instant
    ) -> Settled:
        if isinstance(exchange.failure, Retryable):
            return Settled(undo(held), [])
        return settle(
            parcel,
            exchange.decoded.outcome,
            exchange.decoded.parts,
            held,
            doubt_until_ms=now_ms + int(channel.channel.capabilities.settle_s * 1000),
            retry_at_ms=now_ms + int(REFUSED_RETRY_S * 1000),
        )

    def _progress(self, channel: ChannelPlan, exchange: Exchange, now_ms: Instant, *, last: bool) -> list[Row]:
        """The connection's own row, where its health has changed or the sequence is done."""
        before = channel.row
        if exchange.failure is not None or isinstance(exchange.decoded.outcome, Refused):
            log.warning("push_failed", problem=problem(exchange))
            channel.row = self._failed(before, problem(exchange), exchange.failure)
        elif before.failures or last:
            channel.row = before._replace(failures=0, error="", paused_until_ms=0, confirmed_ms=now_ms)
            # What is in doubt from an earlier message comes due by itself, and ends with a sequence of its own.
            if last and self._doubt_until_ms.get(before.connection, 0) <= now_ms:
                channel.row = channel.row._replace(unconfirmed_ms=0)
        return [channel.row] if channel.row is not before else []

    def _failed(self, before: ConnectionRow, problem: str, failure: Retryable | OutcomeUnknown | None) -> ConnectionRow:
        pause_ms = int(self._pause_s(failure, before.failures + 1) * 1000)
        until_ms = self._services.clock.now_ms() + max(pause_ms, 1)
        return before._replace(failures=before.failures + 1, error=problem, paused_until_ms=until_ms)

    def _pause_s(self, failure: Retryable | OutcomeUnknown | None, failures: int) -> float:
        asked_s = (failure.after_s or 0.0) if isinstance(failure, Retryable) else 0.0
        return asked_s + backoff_s(failures, PAUSE_FIRST_S, PAUSE_MAX_S, self._services.random)

    def _called(self, plan: PropertyPlan, channel: Channel) -> Counterpart:
        pace = self._services.pace(channel.connection.id, channel.capabilities)
        return Counterpart(plan.hotel, channel.connection, channel.capabilities, pace)
