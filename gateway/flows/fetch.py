"""Reservations of channels that wait to be asked: fetched, taken, and only then confirmed to them.

A crash at any point loses nothing: what was not confirmed is given again, and is then a repetition.
"""

from __future__ import annotations

import asyncio
from functools import partial

import msgspec
import structlog
from structlog.contextvars import bind_contextvars

from gateway.contract import Arrived
from gateway.errors import CallFailed, Refusal
from gateway.flows.exchange import Calling, Counterpart, Exchanged, exchange
from gateway.flows.record import Record
from gateway.flows.take_booking import TakeBooking
from gateway.flows.vault.take import take_with_cards
from gateway.io.retry import backoff_s
from gateway.messages import (
    Command,
    Confirmation,
    ConfirmReservations,
    ReservationReceived,
    RetrieveReservations,
)
from gateway.model.dates import Instant
from gateway.store import fetching
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import MessageRow
from gateway.store.tables_connections import RetrievalRow

log = structlog.get_logger(__name__)

# A counterpart that always has another page is asked again at its next turn.
PAGES_MAX = 50
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 15 * 60.0
# Nobody is left unasked for longer, so a turn that is further away was written down by a clock that was ahead.
WAIT_MAX_S = 60 * 60.0

RETRIEVAL = Lookup(RetrievalRow)

_json = msgspec.json.Encoder().encode


class Fetcher(Calling):
    """Asks the connections this process owns."""

    async def round(self) -> None:
        """Begin to ask whoever's turn it is."""
        services, now_ms = self._services, self._services.clock.now_ms()
        for item in await services.database.read(lambda tx: fetching.due(tx, services.hotels, now_ms)):
            row = item.row
            self._begin("fetch", item.hotel, row.connection, partial(self._fetch, row=row), partial(self._put_off, row))

    async def _put_off(self, row: RetrievalRow, problem: str) -> None:
        await self._services.batcher.submit(_NextTurn(row, self._next_turn(0.0, row, problem)))

    async def _fetch(self, source: Counterpart, *, row: RetrievalRow) -> None:
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
        wait_s = source.capabilities.retrieve_every_s
        await services.batcher.submit(_NextTurn(row, self._next_turn(wait_s, row, problem)))

    def _next_turn(self, wait_s: float, row: RetrievalRow, problem: str) -> RetrievalRow:
        failures = row.failures + 1 if problem else 0
        if problem:
            wait_s = max(wait_s, backoff_s(failures, RETRY_FIRST_S, RETRY_MAX_S, self._services.random))
            log.warning("fetch_failed", problem=problem)
        wait_s = min(wait_s, WAIT_MAX_S)
        now_ms = self._services.clock.now_ms()
        done_ms = row.done_ms if problem else now_ms
        return row._replace(due_ms=now_ms + int(wait_s * 1000), failures=failures, error=problem, done_ms=done_ms)

    # --- one page -----------------------------------------------------------------------------------------------------

    async def _take(self, source: Counterpart, page: Exchanged) -> str:
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

    async def _take_one(self, source: Counterpart, page: Exchanged, arrived: Arrived) -> Confirmation | None:
        """Committed when this returns; what to tell the counterpart, if its dialect confirms."""
        services, event = self._services, arrived.event
        if not isinstance(event, ReservationReceived):
            log.warning("fetched_without_a_place", event=type(event).__name__)
            return None
        scope_id, connection = source.hotel.property.id, source.connection.id
        kept = msgspec.structs.replace(event, cards=()) if event.cards else event
        message = _message(
            scope_id, connection, kept, services.ids.message(), services.clock.now_ms(), page.row.message_id
        )
        number, error = "", ""
        try:
            if event.cards:
                taken = await take_with_cards(services, source.hotel, connection, event, message)
            else:
                job = TakeBooking(scope_id, connection, event, message, services.ids.reservation())
                taken = await services.batcher.submit(job)
            number = taken.reservation_id
            services.metrics.booking(connection, event.revision.kind.value)
        except Refusal as refusal:
            error = refusal.text
            log.warning("fetched_and_refused", booking=event.revision.booking_id, why=error)
            await services.batcher.submit(Record([message._replace(outcome="refused", detail=error)]))
        except CallFailed as failure:
            # The vault is away. What is not confirmed to the counterpart is given again.
            log.warning("fetched_and_not_taken", booking=event.revision.booking_id, why=str(failure))
            return None
        asked = arrived.acknowledge
        if not isinstance(asked, ConfirmReservations):
            return None
        return msgspec.structs.replace(asked.confirmations[0], reservation_id=number, error=error)

    async def _call(self, source: Counterpart, command: Command) -> Exchanged:
        done = await exchange(self._services, source, command)
        if done.problem or done.decoded.events or not isinstance(command, RetrieveReservations):
            # Asking in vain every minute would bury the log.
            await self._services.batcher.submit(Record([done.row]))
        return done


class _NextTurn:
    """The job. A row that was taken away or made anew during the call stays as it is."""

    def __init__(self, asked: RetrievalRow, following: RetrievalRow) -> None:
        self.scope_id: str | None = asked.scope_id
        self._asked = asked
        self._following = following

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield RETRIEVAL, self._asked[:2]

    def decide(self, state: State, now_ms: Instant) -> Decision:
        is_as_it_was = state.get(RetrievalRow, self._asked[:2]) == self._asked
        return Decision(None, [self._following] if is_as_it_was else [])


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
