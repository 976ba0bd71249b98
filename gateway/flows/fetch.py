"""Reservations of channels that wait to be asked: fetched, taken, and only then confirmed to them.

A crash at any point loses nothing: what was not confirmed is given again, and is then a repetition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import msgspec
import structlog
from structlog.contextvars import bind_contextvars

from gateway.contract import Arrived, Capabilities, Decoded, Refused, Reply, Request, Unknown
from gateway.engine.hotel import Hotel
from gateway.errors import OutcomeUnknown, Refusal, Retryable
from gateway.flows.errands import Errands
from gateway.flows.record import Record
from gateway.flows.services import Services
from gateway.flows.take_booking import TakeBooking
from gateway.io.pacing import Pace
from gateway.io.retry import backoff_s, with_retries
from gateway.messages import (
    Command,
    Confirmation,
    ConfirmReservations,
    ReservationReceived,
    RetrieveReservations,
    Taken,
)
from gateway.model.property import Connection
from gateway.store import fetching
from gateway.store.tables import MessageRow, RetrievalRow
from gateway.wire.redact import redact

log = structlog.get_logger(__name__)

# A counterpart that always has another page is asked again at its next turn.
PAGES_MAX = 50
CALL_ATTEMPTS = 3
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 15 * 60.0

_json = msgspec.json.Encoder().encode


class _Source(NamedTuple):
    """A connection to ask, with what its dialect allows."""

    hotel: Hotel
    connection: Connection
    capabilities: Capabilities
    pace: Pace


class _Page(NamedTuple):
    """What one call brought; ``number`` is the logged message's, ``parts`` how much of the command it carried.

    ``problem`` says what went wrong.
    """

    number: int
    decoded: Decoded
    parts: int
    problem: str = ""


class Fetcher:
    """Asks the connections this process owns."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._paces: dict[str, Pace] = {}
        self._busy: set[str] = set()
        self.errands = Errands()

    async def round(self) -> None:
        """Begin to ask whoever's turn it is."""
        services, now_ms = self._services, self._services.clock.now_ms()
        for item in await services.database.read(lambda tx: fetching.due(tx, services.hotels, now_ms)):
            source = self._source(item)
            if source is None or source.connection.id in self._busy:
                continue
            self._busy.add(source.connection.id)
            after = partial(self._busy.discard, source.connection.id)
            self.errands.begin(f"fetch {source.connection.id}", self._fetch(source, item.row), after=after)

    def in_use(self) -> set[str]:
        """The connections that are being called."""
        return set(self._busy)

    def _source(self, item: fetching.Due) -> _Source | None:
        connection = item.hotel.connections.get(item.row.connection)
        if connection is None or not connection.enabled:
            return None
        connector = self._services.connectors.outbound(connection.connector)
        capabilities = connector.capabilities(connection.profile)
        if not self._services.leases.owns(connection.id, capabilities.timeout_s):
            return None
        return _Source(item.hotel, connection, capabilities, self._pace(connection.id, capabilities))

    def _pace(self, connection: str, capabilities: Capabilities) -> Pace:
        if connection not in self._paces:
            clock = self._services.clock
            self._paces[connection] = Pace(in_flight_max=1, per_minute_max=capabilities.per_minute_max, clock=clock)
        return self._paces[connection]

    async def _fetch(self, source: _Source, row: RetrievalRow) -> None:
        services = self._services
        bind_contextvars(property=row.scope_id, connection=row.connection)
        command: Command | None = RetrieveReservations(
            id=f"{services.ids.message():x}", at_ms=services.clock.now_ms(), since_ms=None
        )
        problem = ""
        for _ in range(PAGES_MAX):
            if command is None or problem:
                break
            page = await self._call(source, command)
            # One booking that cannot be read does not hold up the others of its page.
            problem = await self._take(source, page) or page.problem
            command = page.decoded.next
        await services.batcher.submit(Record([self._next_turn(source, row, problem)]))

    def _next_turn(self, source: _Source, row: RetrievalRow, problem: str) -> RetrievalRow:
        failures = row.failures + 1 if problem else 0
        wait_s = source.capabilities.retrieve_every_s
        if problem:
            wait_s = max(wait_s, backoff_s(failures, RETRY_FIRST_S, RETRY_MAX_S, self._services.random))
            log.warning("fetch_failed", problem=problem)
        now_ms = self._services.clock.now_ms()
        done_ms = row.done_ms if problem else now_ms
        return row._replace(due_ms=now_ms + int(wait_s * 1000), failures=failures, error=problem, done_ms=done_ms)

    # --- one page -----------------------------------------------------------------------------------------------------

    async def _take(self, source: _Source, page: _Page) -> str:
        """Takes what arrived, then confirms it; the problem with confirming, if there is one."""
        confirmations = await asyncio.gather(*(self._take_one(source, page, each) for each in page.decoded.events))
        given = tuple(each for each in confirmations if each is not None)
        while given:
            number, now_ms = self._services.ids.message(), self._services.clock.now_ms()
            confirmed = await self._call(
                source, ConfirmReservations(id=f"{number:x}", at_ms=now_ms, confirmations=given)
            )
            if confirmed.problem:
                return confirmed.problem
            given = given[max(1, confirmed.parts) :]
        return ""

    async def _take_one(self, source: _Source, page: _Page, arrived: Arrived) -> Confirmation | None:
        """Committed when this returns; what to tell the counterpart, if its dialect confirms."""
        services, event = self._services, arrived.event
        if not isinstance(event, ReservationReceived):
            log.warning("fetched_without_a_place", event=type(event).__name__)
            return None
        scope_id, connection = source.hotel.property.id, source.connection.id
        message = _message(scope_id, connection, event, services.ids.message(), services.clock.now_ms(), page.number)
        job = TakeBooking(scope_id, connection, event, message, services.ids.reservation())
        number, error = "", ""
        try:
            taken: Taken = await services.batcher.submit(job)
            number = taken.reservation_id
            services.metrics.booking(connection, event.revision.kind.value)
        except Refusal as refusal:
            error = refusal.text
            log.warning("fetched_and_refused", booking=event.revision.booking_id, why=error)
            await services.batcher.submit(Record([message._replace(outcome="refused", detail=error)]))
        asked = arrived.acknowledge
        if not isinstance(asked, ConfirmReservations):
            return None
        return msgspec.structs.replace(asked.confirmations[0], reservation_id=number, error=error)

    async def _call(self, source: _Source, command: Command) -> _Page:
        services = self._services
        connector = services.connectors.outbound(source.connection.connector)
        site = services.site(source.hotel, source.connection, outbound=True)
        request: Request | None = None
        reply: Reply | None = None
        problem, decoded = "", Decoded(Unknown())
        try:
            request = connector.encode(command, site)
            async with source.pace.turn():
                reply = await with_retries(
                    partial(services.caller.call, request, timeout_s=source.capabilities.timeout_s),
                    attempts=CALL_ATTEMPTS,
                    first_s=RETRY_FIRST_S / 4,
                    max_s=RETRY_FIRST_S,
                    clock=services.clock,
                    random=services.random,
                )
            decoded = connector.decode(command, request, reply, site)
            problem = _problem([decoded.outcome, *decoded.parts.values()])
        except (Retryable, OutcomeUnknown) as failure:
            problem = str(failure)
        except Refusal as refusal:
            problem = refusal.text
        number = services.ids.message()
        row = _call_row(source, command, number, services.clock.now_ms(), problem, request, reply)
        if problem or decoded.events or not isinstance(command, RetrieveReservations):
            # Asking in vain every minute would bury the log.
            await services.batcher.submit(Record([row]))
        return _Page(number, decoded, request.parts if request else 0, problem)


def _problem(outcomes: Sequence[object]) -> str:
    for outcome in outcomes:
        if isinstance(outcome, Refused):
            return f"{outcome.code}: {outcome.text}"
        if isinstance(outcome, Unknown):
            return outcome.text or "nobody can tell from the answer"
    return ""


def _message(
    scope_id: str, connection: str, event: ReservationReceived, number: int, now_ms: int, cause: int
) -> MessageRow:
    """A fetched revision in the log: parsed, since the page it came in stands there already."""
    return MessageRow(
        scope_id,
        number,
        connection=connection,
        direction="in",
        kind="ReservationReceived",
        at_ms=now_ms,
        outcome="",
        detail="",
        rev=0,
        token=None,
        raw=_json(event),
        answer=b"",
        cause=cause,
    )


def _call_row(
    source: _Source,
    command: Command,
    number: int,
    now_ms: int,
    problem: str,
    request: Request | None,
    reply: Reply | None,
) -> MessageRow:
    return MessageRow(
        source.hotel.property.id,
        number,
        connection=source.connection.id,
        direction="out",
        kind=type(command).__name__,
        at_ms=now_ms,
        outcome="refused" if problem else "confirmed",
        detail=problem,
        rev=0,
        token=None,
        raw=redact(request.body) if request else b"",
        answer=redact(reply.body) if reply else b"",
    )
