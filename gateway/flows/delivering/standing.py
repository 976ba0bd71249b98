"""A PMS that is added to a hotel which sells already is handed the bookings that stand.

Standing are those whose guests have not left before today. Each gets a delivery like any other, begun in the
transaction that adds the connection, with a remark among its revisions that says since when it waits. A figure that
comes before such a delivery is confirmed does not contain the booking. Where the hotel file says ``standing = "skip"``
nothing is handed over: the PMS holds them already, under whatever number, and its first figure contains them.

The figures that are held when another PMS takes over are still those of the one before. So its reading of each booking
is taken over with them, until the new one speaks; where there was none, nothing is known to be in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from gateway.engine.booking import Status, remark
from gateway.engine.hotel import Hotel
from gateway.engine.nights import HOUSE, Cell, Nights
from gateway.engine.window import Claim, Seen, is_settled, unseen, want
from gateway.flows.take_booking import claimed
from gateway.model.dates import Day, Instant, local_day
from gateway.model.property import Connection, Role, StandingBookings
from gateway.store.sql import Lookup
from gateway.store.state import Needs, State
from gateway.store.tables import DeliveryRow, ReservationRow, RevisionRow

DELIVERY = Lookup(DeliveryRow)

_pack = msgspec.msgpack.Encoder().encode
_nights = msgspec.msgpack.Decoder(Nights).decode
_claim = msgspec.msgpack.Decoder(Claim).decode


class Begun(NamedTuple):
    """What changes. ``unseen`` is what no figure contains of all bookings together, None where that stays as it is."""

    deliveries: Mapping[tuple[str, str, str], DeliveryRow]
    reservations: Mapping[str, ReservationRow] = {}
    revisions: Sequence[RevisionRow] = ()
    unseen: Mapping[Cell, int] | None = None


def added_to(known: Iterable[Connection], wanted: Iterable[Connection]) -> list[Connection]:
    """The PMS connections that are new among those wanted."""
    names = {connection.id for connection in known if connection.role is Role.PMS}
    return [connection for connection in wanted if connection.role is Role.PMS and connection.id not in names]


def takes_over(before: Hotel | None, after: Hotel) -> bool:
    """Whether another PMS than before sets the figures."""
    if before is None or after.pms is None:
        return False
    return before.pms is None or before.pms.id != after.pms.id


class Standing:
    """Part of the job that changes a hotel ``before`` into ``after``; claims speak of rooms as they were linked."""

    def __init__(self, before: Hotel | None, after: Hotel) -> None:
        self._after = after
        self._scope = after.property.id
        self._was = before.pms if before else None
        self._added = added_to(before.property.connections, after.property.connections) if before else []
        self._takes_over = takes_over(before, after)
        # Whoever sets the figures from now on has a claim on each booking.
        taking_over = [after.pms] if after.pms is not None and self._takes_over else []
        self._concerned = {connection.id: connection for connection in (*self._added, *taking_over)}

    def needs(self, state: State, now_ms: Instant) -> Needs:
        """Every booking that stands, with its deliveries."""
        if not self._concerned:
            return
        yield self._lookup(now_ms), (self._scope,)
        names = {*self._concerned, *([self._was.id] if self._was else ())}
        for row in state.find(self._lookup(now_ms), (self._scope,)):
            for name in names:
                yield DELIVERY, (self._scope, name, row.reservation_id)

    def begun(
        self, state: State, now_ms: Instant, rev: int, message_id: int, deliveries: Iterable[DeliveryRow]
    ) -> Begun:
        """``deliveries`` are those that change anyway, ``message_id`` is the message that adds the connection."""
        changed = {row[:3]: row for row in deliveries}
        if not self._concerned:
            return Begun(changed)
        reservations: dict[str, ReservationRow] = {}
        revisions: list[RevisionRow] = []
        left: dict[Cell, int] = {}
        for place, row in enumerate(self._rows(state, now_ms)):
            for connection in self._concerned.values():
                key = (self._scope, connection.id, row.reservation_id)
                known = changed.get(key) or state.get(DeliveryRow, key)
                now = self._delivery(state, connection, row, known, now_ms + place)
                if now is None:
                    continue
                changed[key] = now
                if now.wanted_seq > row.revisions:
                    reservations[row.reservation_id] = row._replace(revisions=now.wanted_seq, rev=rev)
            if self._takes_over and self._after.pms is not None:
                own = changed.get((self._scope, self._after.pms.id, row.reservation_id))
                for cell, units in unseen(_claim(own.claim)).items() if own else ():
                    left[cell] = left.get(cell, 0) + units
        for row in reservations.values():
            entry = remark(row.revisions, row.booking_id, now_ms)
            revisions.append(RevisionRow(self._scope, row.reservation_id, entry.seq, message_id, _pack(entry)))
        return Begun(changed, reservations, revisions, left if self._takes_over else None)

    def _delivery(
        self, state: State, connection: Connection, row: ReservationRow, known: DeliveryRow | None, due_ms: Instant
    ) -> DeliveryRow | None:
        """The row from now on, None where it has none; one that is to be handed over wants the remark to come."""
        is_booked = row.status == Status.BOOKED.value
        if known is None and not is_booked:
            return None
        claim = _claim(known.claim) if known else Claim()
        claim = replace(claim, seen=self._seen(state, connection, row, claim))
        claim = want(claim, claimed(self._after, connection, _nights(row.nights)))
        is_told = known is not None and known.state == "confirmed" and known.wanted_seq == row.revisions
        if known is not None and (is_told or connection not in self._added):
            return known._replace(claim=_pack(claim), settled=int(is_settled(claim)))
        if connection.standing is StandingBookings.SKIP:
            claim = replace(claim, acked=claim.want, acked_seq=row.revisions, acked_ms=due_ms, sent=(), older=())
            return self._row(connection, row, known, claim, "confirmed", None, row.revisions)
        waits = bool(row.parked) and not self._has_fallback(row) and not (claim.sent or claim.acked_ms)
        if waits:
            return self._row(connection, row, known, claim, "parked", None, row.revisions)
        due = due_ms if connection.is_called else None
        return self._row(connection, row, known, claim, "pending", due, row.revisions + 1)

    def _row(
        self,
        connection: Connection,
        row: ReservationRow,
        known: DeliveryRow | None,
        claim: Claim,
        state: str,
        due_ms: Instant | None,
        seq: int,
    ) -> DeliveryRow:
        return DeliveryRow(
            self._scope,
            connection.id,
            row.reservation_id,
            wanted_seq=seq,
            state=state,
            due_ms=due_ms,
            attempts=0,
            ref=known.ref if known else "",
            error="",
            settled=int(is_settled(claim)),
            claim=_pack(claim),
        )

    def _seen(self, state: State, connection: Connection, row: ReservationRow, claim: Claim) -> tuple[Seen, ...]:
        """What the figures that are held contain of the booking, as far as it is certain."""
        if self._after.pms is None or connection.id != self._after.pms.id:
            return ()
        if self._was is None:
            # Figures of its own from before it was switched off, unless somebody else's came in between.
            return () if connection in self._added else claim.seen
        before = state.get(DeliveryRow, (self._scope, self._was.id, row.reservation_id))
        runs = _claim(before.claim).seen if before else ()
        return tuple(
            replace(run, units=run.units[:1], after=0)
            for run in runs
            if run.units[0] and (run.room != HOUSE or connection.house_figures)
        )

    def _has_fallback(self, row: ReservationRow) -> bool:
        source = self._after.connections.get(row.connection)
        return source is not None and bool(source.fallback_room)

    def _rows(self, state: State, now_ms: Instant) -> list[ReservationRow]:
        """In the order of arrival, in which they are handed over."""
        rows: list[ReservationRow] = state.find(self._lookup(now_ms), (self._scope,))
        return sorted(rows, key=lambda row: (row.arrival, row.reservation_id))

    def _lookup(self, now_ms: Instant) -> Lookup:
        return Lookup(ReservationRow, ("scope_id",), f"t.departure > {_yesterday(self._after, now_ms)}")


def _yesterday(hotel: Hotel, now_ms: Instant) -> Day:
    return local_day(now_ms, hotel.property.timezone) - 1
