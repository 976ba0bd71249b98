"""Reservations go out to the PMS until it confirms, at least once, in order per reservation.

The value is written down as sent before it leaves, because from then on the PMS's figures may contain it. An answer
that stays out changes nothing in that: the same number is sent again, and the PMS knows it by its number.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from random import Random
from time import perf_counter
from typing import NamedTuple

import msgspec
import structlog
from structlog.contextvars import bind_contextvars

from gateway.contract import Capabilities, Confirmed, Outcome, Refused, Reply, Request, Unknown
from gateway.engine.hotel import Hotel
from gateway.errors import Gone, OutcomeUnknown, Refusal, Retryable, Unmapped
from gateway.flows import translating
from gateway.flows.agreed import heed, site_called
from gateway.flows.delivering.jobs import RETRY_FIRST_S, BeginDelivery, EndDelivery, SettleClaim
from gateway.flows.delivering.outgoing import cause_of, outgoing
from gateway.flows.delivering.pass_on import number_of
from gateway.flows.errands import Errands
from gateway.flows.leases import insist
from gateway.flows.services import Services
from gateway.flows.vault.send import with_cards
from gateway.io.retry import backoff_s, with_retries
from gateway.messages import ConfirmReservations, DeliverReservation
from gateway.model.dates import Instant
from gateway.model.property import Connection, Role
from gateway.store import delivering
from gateway.store.sql import Params
from gateway.store.tables import DeliveryRow, MessageRow
from gateway.wire.redact import redact

log = structlog.get_logger(__name__)

RETRY_MAX_S = 15 * 60.0
# At once, for what certainly did not arrive; after that the delivery has to wait its turn.
CALL_ATTEMPTS = 3

# A PMS or another receiver is handed the reservation, a channel is told its number there.
Told = DeliverReservation | ConfirmReservations


class _Parcel(NamedTuple):
    """A delivery ready to leave; without a command there is nothing to tell the PMS.

    ``cause`` is the message that the wanted revision came in. ``defect`` is what keeps it here for now, as where its
    connector is not installed.
    """

    hotel: Hotel
    connection: Connection
    row: DeliveryRow
    command: Told | None
    problem: Refusal | None = None
    cause: int = 0
    defect: str = ""


class Deliverer:
    """Hands reservations over for the connections this process owns."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._busy: set[Params] = set()
        self._taken = 0  # the last rights whose deliveries were looked through
        self.errands = Errands()

    async def round(self) -> Instant | None:
        """Begin whatever is due; returns when the next delivery will be."""
        now_ms = self._services.clock.now_ms()
        parcels, next_ms = await self._due(now_ms)
        for parcel in parcels:
            key = parcel.row[:3]
            if key in self._busy:
                continue
            self._busy.add(key)
            name = f"deliver {parcel.row.reservation_id}"
            self.errands.begin(name, self._hand_over(parcel), after=partial(self._busy.discard, key))
        return next_ms

    def in_use(self) -> set[str]:
        """The connections that are being called."""
        return {str(key[1]) for key in self._busy}

    async def _due(self, now_ms: Instant) -> tuple[list[_Parcel], Instant | None]:
        leases = self._services.leases
        # What is under way for a connection that was somebody else's, or before this process began, nobody waits for.
        taken, left_behind = leases.taken, leases.taken != self._taken
        queued = Counter(str(key[1]) for key in self._busy)

        def wanted(connection: str) -> bool:
            return queued[connection] < delivering.DUE_EACH_MAX and leases.owns(connection, 0)

        found = await self._services.database.read(
            lambda tx: delivering.due(
                tx, self._services.hotels, now_ms, delivering.DUE_MAX, wanted=wanted, left_behind=left_behind
            )
        )
        self._taken = taken
        parcels = []
        for item in found.items:
            connection = item.hotel.connections.get(item.row.connection)
            if connection is None or (item.row.state != "confirmed" and not connection.is_called):
                continue
            parcel = self._packed(item, connection, now_ms)
            if parcel is not None:
                parcels.append(parcel)
        return parcels, found.next_ms

    def _packed(self, item: delivering.Due, connection: Connection, now_ms: Instant) -> _Parcel | None:
        """The delivery ready to leave, or with what keeps it here; None where it is not ours to make.

        Whatever one delivery raises is that delivery's alone.
        """
        try:
            calls = item.row.state != "confirmed"
            if not self._services.leases.owns(connection.id, self._timeout_s(connection) if calls else 0):
                return None
            return _parcel(item, connection, now_ms)
        except Exception as error:
            row, name = item.row, item.row.reservation_id
            log.exception("not_deliverable", property=row.scope_id, connection=connection.id, reservation=name)
            return _Parcel(item.hotel, connection, row, None, cause=cause_of(item), defect=str(error) or repr(error))

    async def _hand_over(self, parcel: _Parcel) -> None:
        services, row = self._services, parcel.row
        bind_contextvars(correlation=f"{parcel.cause:x}", property=row.scope_id, connection=row.connection)
        if parcel.defect:
            wait_s = backoff_s(row.attempts + 1, RETRY_FIRST_S, RETRY_MAX_S, services.random)
            job = EndDelivery(parcel.connection, row, Unknown(parcel.defect), None, retry_after_s=wait_s)
            await services.batcher.submit(job)
            return
        if row.state == "confirmed":
            await services.batcher.submit(SettleClaim(parcel.connection, row))
            return
        if parcel.command is None:
            outcome = Refused(parcel.problem.reason.value, parcel.problem.text) if parcel.problem else Confirmed()
            await services.batcher.submit(EndDelivery(parcel.connection, row, outcome, None))
            return
        capabilities = services.connectors.outbound(parcel.connection.connector).capabilities(parcel.connection.profile)
        if not await services.batcher.submit(BeginDelivery(row, capabilities.timeout_s)):
            return
        async with services.pace(parcel.connection.id, capabilities).turn():
            began = perf_counter()
            exchange = await self._call(parcel, parcel.command, capabilities)
            services.metrics.call("deliver", perf_counter() - began)
        after_s = _wait_s(row.attempts + 1, capabilities, exchange.after_s or 0.0, services.random)
        message = _log_row(parcel, parcel.command, exchange, services.ids.message(), services.clock.now_ms())
        services.metrics.delivery(parcel.connection.id, message.outcome)
        if exchange.reply is not None:
            services.metrics.clock_of(parcel.connection.id, exchange.reply.headers.get("date"), message.at_ms)
        job = EndDelivery(
            parcel.connection, row, exchange.outcome, message, retry_after_s=after_s, is_gone=exchange.is_gone
        )
        await services.batcher.submit(job)

    async def _call(self, parcel: _Parcel, command: Told, capabilities: Capabilities) -> _Exchange:
        services = self._services
        connector = services.connectors.outbound(parcel.connection.connector)
        site = await site_called(services, parcel.hotel, parcel.connection, capabilities)
        site = msgspec.structs.replace(site, now_ms=services.clock.now_ms())
        request: Request | None = None
        reply: Reply | None = None
        try:
            if parcel.connection.cards and isinstance(command, DeliverReservation):
                command = await with_cards(services, parcel.row.scope_id, parcel.connection.id, command)
            request = translating.encode(connector, command, site)
            reply = await with_retries(
                partial(self._send, parcel.connection, request, capabilities.timeout_s),
                attempts=CALL_ATTEMPTS,
                first_s=RETRY_FIRST_S / 4,
                max_s=RETRY_FIRST_S,
                clock=services.clock,
                random=services.random,
            )
            decoded = translating.decode(connector, command, request, reply, site)
            await heed(services, parcel.hotel, parcel.connection, decoded)
            return _Exchange(request, reply, decoded.parts.get(0, decoded.outcome))
        except Retryable as failure:
            return _Exchange(request, reply, Unknown(str(failure)), failure.after_s, has_failed=True)
        except OutcomeUnknown as failure:
            return _Exchange(request, reply, Unknown(str(failure)))
        except Gone as failure:
            return _Exchange(request, reply, Unknown(str(failure)), is_gone=True)
        except Refusal as refusal:
            return _Exchange(request, reply, Refused(refusal.reason.value, refusal.text))

    async def _send(self, connection: Connection, request: Request, timeout_s: float) -> Reply:
        insist(self._services.leases, connection.id, timeout_s)
        return await self._services.caller.call(request, timeout_s=timeout_s)

    def _timeout_s(self, connection: Connection) -> float:
        return self._services.connectors.outbound(connection.connector).capabilities(connection.profile).timeout_s


class _Exchange(NamedTuple):
    request: Request | None
    reply: Reply | None
    outcome: Outcome
    after_s: float | None = None
    is_gone: bool = False
    has_failed: bool = False  # it certainly did not arrive


def _wait_s(tries: int, capabilities: Capabilities, asked_s: float, random: Random) -> float | None:
    """How long to wait after so many tries, and at least what was asked for; None after the last of a schedule."""
    if not capabilities.delivery_waits_s:
        return backoff_s(tries, RETRY_FIRST_S, RETRY_MAX_S, random) + asked_s
    if tries > len(capabilities.delivery_waits_s):
        return None
    # A tenth more or less, so that what failed together does not come back together.
    return max(asked_s, capabilities.delivery_waits_s[tries - 1] * random.uniform(0.9, 1.1))


# --- what is said -----------------------------------------------------------------------------------------------------


def _parcel(item: delivering.Due, connection: Connection, now_ms: Instant) -> _Parcel:
    if connection.role is Role.CHANNEL:
        return _Parcel(item.hotel, connection, item.row, number_of(item, now_ms), cause=cause_of(item))
    try:
        said = outgoing(item, connection)
    except Unmapped as problem:
        return _Parcel(item.hotel, connection, item.row, None, problem, cause_of(item))
    if said is None:
        return _Parcel(item.hotel, connection, item.row, None, cause=cause_of(item))
    command = DeliverReservation(
        id=f"{said.reservation_id}-{item.row.wanted_seq}",
        at_ms=said.modified_ms,
        reservation_id=said.reservation_id,
        revision=said.revision,
        source=said.source,
        modified_ms=said.modified_ms,
    )
    return _Parcel(item.hotel, connection, item.row, command, cause=cause_of(item))


def _log_row(
    parcel: _Parcel,
    command: Told,
    exchange: _Exchange,
    number: int,
    now_ms: Instant,
) -> MessageRow:
    outcome = exchange.outcome
    untold = "failed" if exchange.has_failed else "unknown"
    name = {Confirmed: "confirmed", Refused: "refused"}.get(type(outcome), untold)
    detail = outcome.text if isinstance(outcome, Refused | Unknown) else parcel.row.reservation_id
    return MessageRow(
        parcel.row.scope_id,
        number,
        connection=parcel.connection.id,
        direction="out",
        kind=type(command).__name__,
        at_ms=now_ms,
        outcome=name,
        detail=detail,
        rev=0,
        token=None,
        raw=redact(exchange.request.body) if exchange.request else b"",
        answer=redact(exchange.reply.body) if exchange.reply else b"",
        cause=parcel.cause,
    )
