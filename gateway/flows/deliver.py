"""Reservations go out to the PMS until it confirms, at least once, in order per reservation.

The value is written down as sent before it leaves, because from then on the PMS's figures may contain it. An answer
that stays out changes nothing in that: the same number is sent again, and the PMS knows it by its number.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from time import perf_counter
from typing import NamedTuple

import msgspec
import structlog
from structlog.contextvars import bind_contextvars

from gateway.contract import Confirmed, Decoded, Refused, Reply, Request, Unknown
from gateway.engine.hotel import Hotel
from gateway.engine.window import Claim, acknowledged, is_settled, rejected, sent, settle, settles_at
from gateway.errors import OutcomeUnknown, Refusal, Retryable, Unmapped
from gateway.flows.errands import Errands
from gateway.flows.outgoing import cause_of, outgoing
from gateway.flows.relieve import relief_needs, relieved
from gateway.flows.services import Services
from gateway.flows.take_ari import unseen_added, unseen_change
from gateway.io.pacing import Pace
from gateway.io.retry import backoff_s, with_retries
from gateway.messages import DeliverReservation
from gateway.model.dates import BLOCK_DAYS, Instant
from gateway.model.property import Connection, FigureKind
from gateway.store import delivering
from gateway.store.sql import Lookup, Params
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import DeliveryRow, MessageRow, Row, StockRow
from gateway.wire.redact import redact

log = structlog.get_logger(__name__)

RETRY_FIRST_S = 1.0
RETRY_MAX_S = 15 * 60.0
# At once, for what certainly did not arrive; after that the delivery has to wait its turn.
CALL_ATTEMPTS = 3

DELIVERY = Lookup(DeliveryRow)
STOCK = Lookup(StockRow)

_pack = msgspec.msgpack.Encoder().encode
_claim = msgspec.msgpack.Decoder(Claim).decode


class _Parcel(NamedTuple):
    """A delivery ready to leave; without a command there is nothing to tell the PMS.

    ``cause`` is the message that the wanted revision came in.
    """

    hotel: Hotel
    connection: Connection
    row: DeliveryRow
    command: DeliverReservation | None
    problem: Refusal | None = None
    cause: int = 0


class Deliverer:
    """Hands reservations over for the connections this process owns."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._paces: dict[str, Pace] = {}
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
            if not self._services.leases.owns(connection.id, self._timeout_s(connection)):
                continue
            parcels.append(_parcel(item, connection))
        return parcels, found.next_ms

    async def _hand_over(self, parcel: _Parcel) -> None:
        services, row = self._services, parcel.row
        bind_contextvars(correlation=f"{parcel.cause:x}", property=row.scope_id, connection=row.connection)
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
        async with self._pace(parcel.connection).turn():
            began = perf_counter()
            exchange = await self._call(parcel, parcel.command, capabilities.timeout_s)
            services.metrics.call("deliver", perf_counter() - began)
        after_s = backoff_s(row.attempts + 1, RETRY_FIRST_S, RETRY_MAX_S, services.random) + (exchange.after_s or 0.0)
        message = _log_row(parcel, parcel.command, exchange, services.ids.message(), services.clock.now_ms())
        services.metrics.delivery(parcel.connection.id, message.outcome)
        if exchange.reply is not None:
            services.metrics.clock_of(parcel.connection.id, exchange.reply.headers.get("date"), message.at_ms)
        job = EndDelivery(parcel.connection, row, exchange.decoded.outcome, message, retry_after_s=after_s)
        await services.batcher.submit(job)

    async def _call(self, parcel: _Parcel, command: DeliverReservation, timeout_s: float) -> _Exchange:
        services = self._services
        connector = services.connectors.outbound(parcel.connection.connector)
        site = services.site(parcel.hotel, parcel.connection, outbound=True)
        request: Request | None = None
        reply: Reply | None = None
        try:
            request = connector.encode(command, site)
            reply = await with_retries(
                partial(services.caller.call, request, timeout_s=timeout_s),
                attempts=CALL_ATTEMPTS,
                first_s=RETRY_FIRST_S / 4,
                max_s=RETRY_FIRST_S,
                clock=services.clock,
                random=services.random,
            )
            return _Exchange(request, reply, connector.decode(command, request, reply, site))
        except (Retryable, OutcomeUnknown) as failure:
            after_s = failure.after_s if isinstance(failure, Retryable) else None
            return _Exchange(request, reply, Decoded(Unknown(str(failure))), after_s)
        except Refusal as refusal:
            return _Exchange(request, reply, Decoded(Refused(refusal.reason.value, refusal.text)))

    def _timeout_s(self, connection: Connection) -> float:
        return self._services.connectors.get(connection.connector).capabilities(connection.profile).timeout_s

    def _pace(self, connection: Connection) -> Pace:
        if connection.id not in self._paces:
            capabilities = self._services.connectors.outbound(connection.connector).capabilities(connection.profile)
            self._paces[connection.id] = Pace(
                in_flight_max=capabilities.in_flight_max,
                per_minute_max=capabilities.per_minute_max,
                clock=self._services.clock,
            )
        return self._paces[connection.id]


class _Exchange(NamedTuple):
    request: Request | None
    reply: Reply | None
    decoded: Decoded
    after_s: float | None = None


# --- what is said -----------------------------------------------------------------------------------------------------


def _parcel(item: delivering.Due, connection: Connection) -> _Parcel:
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
    parcel: _Parcel, command: DeliverReservation, exchange: _Exchange, number: int, now_ms: Instant
) -> MessageRow:
    outcome = exchange.decoded.outcome
    name = {Confirmed: "confirmed", Refused: "refused"}.get(type(outcome), "unknown")
    detail = outcome.text if isinstance(outcome, Refused | Unknown) else command.reservation_id
    return MessageRow(
        parcel.row.scope_id,
        number,
        connection=parcel.connection.id,
        direction="out",
        kind="DeliverReservation",
        at_ms=now_ms,
        outcome=name,
        detail=detail,
        rev=0,
        token=None,
        raw=redact(exchange.request.body) if exchange.request else b"",
        answer=redact(exchange.reply.body) if exchange.reply else b"",
        cause=parcel.cause,
    )


# --- what is written down ---------------------------------------------------------------------------------------------


class _OnDelivery:
    """A job on one delivery row, read again under the property's lock."""

    def __init__(self, row: DeliveryRow) -> None:
        self.scope_id: str | None = row.scope_id
        self._scope = row.scope_id
        self._row = row

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield DELIVERY, self._row[:3]

    def _current(self, state: State) -> DeliveryRow:
        row = state.get(DeliveryRow, self._row[:3])
        return row if row is not None else self._row


class BeginDelivery(_OnDelivery):
    """The value is about to leave: true, or false if it is not what is wanted any more.

    Due again should this process not live to see the answer.
    """

    def __init__(self, row: DeliveryRow, timeout_s: float) -> None:
        super().__init__(row)
        self._timeout_s = timeout_s

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row = self._current(state)
        if row.wanted_seq != self._row.wanted_seq or row.state not in ("pending", "sent"):
            return Decision(False)
        claim = sent(_claim(row.claim), self._row.wanted_seq, now_ms)
        due_ms = now_ms + int(self._timeout_s * 1000) + int(RETRY_FIRST_S * 1000)
        return Decision(True, [row._replace(state="sent", due_ms=due_ms, claim=_pack(claim), settled=0)])


class EndDelivery(_OnDelivery):
    """The answer, or that there was none."""

    def __init__(
        self,
        connection: Connection,
        row: DeliveryRow,
        outcome: object,
        message: MessageRow | None,
        *,
        retry_after_s: float = RETRY_FIRST_S,
    ) -> None:
        super().__init__(row)
        self._connection = connection
        self._outcome = outcome
        self._message = message
        self._retry_after_s = retry_after_s

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row = self._current(state)
        if isinstance(self._outcome, Confirmed | Refused):
            row = concluded(row, self._row.wanted_seq, self._outcome, self._connection, now_ms)
        elif row.wanted_seq == self._row.wanted_seq:
            due_ms = now_ms + int(self._retry_after_s * 1000)
            text = self._outcome.text if isinstance(self._outcome, Unknown) else ""
            row = row._replace(state="pending", due_ms=due_ms, attempts=row.attempts + 1, error=text)
        writes: list[Row] = [row]
        if self._message is not None:
            writes.append(self._message)
        return Decision(None, writes)


def concluded(
    row: DeliveryRow, seq: int, outcome: Confirmed | Refused, connection: Connection, now_ms: Instant
) -> DeliveryRow:
    """The delivery once the receiver has said that it holds, or will not hold, revision ``seq``."""
    claim = _claim(row.claim)
    newer = row.wanted_seq != seq
    if isinstance(outcome, Confirmed):
        claim = acknowledged(claim, seq, now_ms)
        row = row._replace(ref=outcome.ref or row.ref, error="", attempts=0)
        if not newer:
            due_ms = settles_at(claim, connection.figure_delay_s, connection.echoes)
            row = row._replace(state="confirmed", due_ms=due_ms)
    else:
        claim = rejected(claim, seq, now_ms)
        error = f"{outcome.code}: {outcome.text}"
        row = row._replace(error=error) if newer else row._replace(state="refused", due_ms=None, error=error)
        log.warning("delivery_refused", reservation=row.reservation_id, connection=row.connection, error=error)
    return row._replace(claim=_pack(claim), settled=int(is_settled(claim)))


class SettleClaim(_OnDelivery):
    """The PMS promised an echo and its time is over: the figures certainly contain what was acknowledged."""

    def __init__(self, connection: Connection, row: DeliveryRow) -> None:
        super().__init__(row)
        self._connection = connection

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield from super().needs(state, now_ms)
        for room, day in self._change(state, now_ms)[1]:
            yield STOCK, (self._scope, room, day // BLOCK_DAYS)
        yield from relief_needs(state, self._scope)

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row = self._current(state)
        if row.state != "confirmed":
            return Decision(None)
        claim, change = self._change(state, now_ms)
        due_ms = settles_at(claim, self._connection.figure_delay_s, self._connection.echoes)
        writes: list[Row] = [row._replace(claim=_pack(claim), settled=int(is_settled(claim)), due_ms=due_ms)]
        rooms_left = state.hotels[self._scope].figure_kind is FigureKind.ROOMS_LEFT
        if change and rooms_left:
            stock = unseen_added(state, self._scope, change, state.next_rev(self._scope))
            writes += [*stock, *relieved(state, state.hotels[self._scope], stock, now_ms)]
        return Decision(None, writes, advances=len(writes) > 1)

    def _change(self, state: State, now_ms: Instant) -> tuple[Claim, dict[tuple[str, int], int]]:
        old = _claim(self._current(state).claim)
        new = settle(old, now_ms, self._connection.figure_delay_s, self._connection.echoes)
        return new, unseen_change(old, new)
