"""What people do about a delivery: say that they have entered it by hand, or have it sent once more."""

from __future__ import annotations

from abc import ABC, abstractmethod

import msgspec

from gateway.engine.window import Claim, entered_by_hand, is_settled, rejected, sent, settles_at
from gateway.errors import NotFound, Reason, Rejected
from gateway.flows.delivering.jobs import DELIVERY
from gateway.flows.delivering.pass_on import pass_on_needs, passed_on
from gateway.model.dates import Instant
from gateway.model.property import Connection
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import DeliveryRow, MessageRow

_pack = msgspec.msgpack.Encoder().encode
_claim = msgspec.msgpack.Decoder(Claim).decode


class _ByPeople(ABC):
    """A job on one delivery. Answers the row as it is then; ``ref`` is the receiver's number for it, if it is known."""

    def __init__(self, scope_id: str, connection: str, reservation_id: str, message: MessageRow, ref: str = "") -> None:
        self.scope_id: str | None = scope_id
        self._key = (scope_id, connection, reservation_id)
        self._message = message
        self._ref = ref

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield DELIVERY, self._key
        yield from pass_on_needs(state, self._key[0], self._key[2])

    def decide(self, state: State, now_ms: Instant) -> Decision:
        scope_id, name, number = self._key
        row = state.get(DeliveryRow, self._key)
        connection = state.hotels[scope_id].connections.get(name)
        if row is None or connection is None:
            raise NotFound(f"{number!r} is not handed to {name!r}", Reason.BOOKING_REFERENCE)
        changed = self._changed(row, connection, now_ms)
        owed = passed_on(state, changed, row.wanted_seq, now_ms) if changed.state == "confirmed" else ()
        return Decision(changed, [changed, *owed, self._message._replace(outcome="applied", detail=number)])

    @abstractmethod
    def _changed(self, row: DeliveryRow, connection: Connection, now_ms: Instant) -> DeliveryRow:
        """Raises :class:`gateway.errors.Rejected` where there is no sense in it."""


class EnteredByHand(_ByPeople):
    """The receiver holds what it had refused: somebody has entered it there."""

    def _changed(self, row: DeliveryRow, connection: Connection, now_ms: Instant) -> DeliveryRow:
        if row.state != "refused":
            raise Rejected(f"{row.connection} has not refused {row.reservation_id}: it is {row.state} there")
        claim = _claim(row.claim)
        if claim.refusal is None:  # it never left, because something of it has no code there
            claim = rejected(sent(claim, row.wanted_seq, now_ms), row.wanted_seq, now_ms)
        claim = entered_by_hand(claim, now_ms)
        return row._replace(
            state="confirmed",
            due_ms=settles_at(claim, connection.figure_delay_s, connection.echoes),
            attempts=0,
            ref=self._ref or row.ref,
            error="",
            settled=int(is_settled(claim)),
            claim=_pack(claim),
        )


class Resend(_ByPeople):
    """It is due again, whatever became of it: the receiver has lost it, say, or would take it by now."""

    def _changed(self, row: DeliveryRow, connection: Connection, now_ms: Instant) -> DeliveryRow:
        if row.state == "parked":
            raise Rejected(f"{row.reservation_id} waits for something of it to be mapped")
        if not connection.enabled:
            raise Rejected(f"{row.connection} is not enabled")
        return row._replace(state="pending", due_ms=now_ms if connection.is_called else None, attempts=0)
