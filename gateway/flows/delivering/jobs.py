"""What is written down of a delivery: that it is about to leave, what was answered, and what time makes certain."""

from __future__ import annotations

import msgspec
import structlog

from gateway.contract import Confirmed, Refused, Unknown
from gateway.engine.window import Claim, acknowledged, is_settled, rejected, sent, settle, settles_at
from gateway.flows.claims import unseen_added, unseen_change
from gateway.flows.delivering.pass_on import pass_on_needs, passed_on
from gateway.flows.delivering.receiver_health import CONNECTION, ORDER, after_try
from gateway.flows.relieve import relief_needs, relieved
from gateway.model.dates import BLOCK_DAYS, Instant
from gateway.model.property import Connection, FigureKind, Role
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import DeliveryRow, MessageRow, Row, StockRow

log = structlog.get_logger(__name__)

RETRY_FIRST_S = 1.0

DELIVERY = Lookup(DeliveryRow)
STOCK = Lookup(StockRow)

_pack = msgspec.msgpack.Encoder().encode
_claim = msgspec.msgpack.Decoder(Claim).decode


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


class BringForward(_OnDelivery):
    """It is due now, if it still waits for a later time."""

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row = self._current(state)
        if row.state != "pending" or row.due_ms is None or row.due_ms <= now_ms:
            return Decision(None)
        return Decision(None, [row._replace(due_ms=now_ms)])


class EndDelivery(_OnDelivery):
    """The answer, or that there was none. ``retry_after_s`` None gives up; ``is_gone`` stops calling that receiver."""

    def __init__(
        self,
        connection: Connection,
        row: DeliveryRow,
        outcome: object,
        message: MessageRow | None,
        *,
        retry_after_s: float | None = RETRY_FIRST_S,
        is_gone: bool = False,
    ) -> None:
        super().__init__(row)
        self._connection = connection
        self._outcome = outcome
        self._message = message
        self._retry_after_s = retry_after_s
        self._is_gone = is_gone
        # How a PMS is can be seen from its deliveries; what nobody watches otherwise has a row of its own.
        self._watched = connection.role is Role.RECEIVER and message is not None

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield from super().needs(state, now_ms)
        yield from pass_on_needs(state, self._scope, self._row.reservation_id)
        if self._watched:
            yield CONNECTION, (self._scope, self._connection.id)
            yield ORDER, (self._scope, self._connection.id)

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row = self._current(state)
        if isinstance(self._outcome, Confirmed | Refused):
            row = concluded(row, self._row.wanted_seq, self._outcome, self._connection, now_ms)
        elif row.wanted_seq == self._row.wanted_seq:
            row = self._again(row, now_ms)
        writes: list[Row] = [row]
        if isinstance(self._outcome, Confirmed):
            writes += passed_on(state, row, self._row.wanted_seq, now_ms)
        if self._message is not None:
            writes.append(self._message)
        if self._watched:
            problem = self._outcome.text if isinstance(self._outcome, Unknown) else ""
            key = (self._scope, self._connection.id)
            writes += after_try(state, key, problem, now_ms, is_gone=self._is_gone)
        return Decision(None, writes)

    def _again(self, row: DeliveryRow, now_ms: Instant) -> DeliveryRow:
        text = self._outcome.text if isinstance(self._outcome, Unknown) else ""
        row = row._replace(attempts=row.attempts + 1, error=text)
        if self._retry_after_s is None:
            log.error("delivery_given_up", reservation=row.reservation_id, connection=row.connection, error=text)
            error = f"given up after {row.attempts} attempts: {text}"
            return row._replace(state="refused", due_ms=None, error=error)
        return row._replace(state="pending", due_ms=now_ms + int(self._retry_after_s * 1000))


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
