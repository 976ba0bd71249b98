"""A receiver fetches reservations, and says afterwards which of them it holds.

As when we deliver, a value is written down as sent before it leaves: from then on the receiver's figures may contain
it, whether or not it ever confirms.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import structlog

from gateway.contract import Confirmed, Refused
from gateway.engine.booking import Entry
from gateway.engine.hotel import Hotel
from gateway.engine.window import Claim, sent
from gateway.errors import Reason, Unauthentic, Unmapped
from gateway.flows.delivering.jobs import DELIVERY, concluded
from gateway.flows.delivering.outgoing import outgoing
from gateway.flows.delivering.pass_on import pass_on_needs, passed_on
from gateway.flows.services import Services
from gateway.flows.vault.send import with_cards
from gateway.messages import Applied, DeliveriesReported, DeliveryReport, Found, Outgoing, ReservationsAsked
from gateway.model.dates import Instant
from gateway.model.property import Connection, Role
from gateway.store import delivering
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import DeliveryRow, MessageRow, RevisionRow, Row

log = structlog.get_logger(__name__)

HANDED_OUT_MAX = 100
REVISIONS = Lookup(RevisionRow, ("scope_id", "reservation_id"))

_pack = msgspec.msgpack.Encoder().encode
_claim = msgspec.msgpack.Decoder(Claim).decode
_entry = msgspec.msgpack.Decoder(Entry).decode


class _Ready(NamedTuple):
    row: DeliveryRow
    said: Outgoing


async def hand_out(
    services: Services, hotel: Hotel, connection: Connection, asked: ReservationsAsked, message: MessageRow
) -> Found:
    """The reservations asked for, at most 100, which count as sent from now on. Raises :class:`Refusal`."""
    _check(connection, asked.hotel)
    scope_id, limit = hotel.property.id, HANDED_OUT_MAX + 1
    if asked == ReservationsAsked(asked.hotel):
        items = await services.database.read(
            lambda tx: delivering.to_fetch(tx, services.hotels, scope_id, connection.id, limit)
        )
    else:
        items = await services.database.read(
            lambda tx: delivering.asked_for(tx, services.hotels, scope_id, connection.id, asked, limit)
        )
    ready, idle = _sorted_out(items[:HANDED_OUT_MAX], asked.since_ms or 0)
    found: Found = await services.batcher.submit(HandOut(scope_id, ready, idle, message))
    if connection.cards:
        full = [await with_cards(services, scope_id, connection.id, each) for each in found.reservations]
        found = msgspec.structs.replace(found, reservations=tuple(full))
    return msgspec.structs.replace(found, more=len(items) == limit)


async def take_report(
    services: Services, hotel: Hotel, connection: Connection, event: DeliveriesReported, message: MessageRow
) -> Applied:
    """What the receiver says of reservations it has fetched. Raises :class:`Refusal`."""
    _check(connection, event.hotel)
    job = TakeReport(hotel.property.id, connection, event.reports, message)
    applied: Applied = await services.batcher.submit(job)
    return applied


def _check(connection: Connection, hotel: str) -> None:
    if hotel != connection.hotel:
        raise Unmapped(Reason.HOTEL, hotel)
    if connection.role not in (Role.PMS, Role.RECEIVER):
        raise Unauthentic("this connection may not fetch reservations", Reason.AUTHORIZATION)


def _sorted_out(items: Iterable[delivering.Due], since_ms: Instant) -> tuple[list[_Ready], list[DeliveryRow]]:
    """What there is to say, and the deliveries of which there is nothing to say.

    A reservation the receiver has no codes for stays behind, waiting and visible, and does not keep the others.
    """
    ready, idle = [], []
    for item in items:
        if item.row.state == "parked":
            continue
        try:
            said = outgoing(item, item.hotel.connections[item.row.connection])
        except Unmapped as problem:
            log.warning(
                "not_handed_out", reservation=item.row.reservation_id, connection=item.row.connection, why=problem
            )
            continue
        if said is None:
            idle.append(item.row)
        elif said.modified_ms >= since_ms:
            ready.append(_Ready(item.row, said))
    return ready, idle


class HandOut:
    """The job: what is handed out is sent. Answers :class:`Found` with what is still as it was read."""

    def __init__(
        self, scope_id: str, ready: Sequence[_Ready], idle: Sequence[DeliveryRow], message: MessageRow
    ) -> None:
        self.scope_id: str | None = scope_id
        self._ready = ready
        self._idle = idle
        self._message = message

    def needs(self, state: State, now_ms: Instant) -> Needs:
        for row in (*(ready.row for ready in self._ready), *self._idle):
            yield DELIVERY, row[:3]

    def decide(self, state: State, now_ms: Instant) -> Decision:
        writes: list[Row] = []
        said = []
        for ready in self._ready:
            row = state.get(DeliveryRow, ready.row[:3])
            if row is None or row.wanted_seq != ready.row.wanted_seq:
                continue  # it has changed since it was read, and is there to be fetched again
            said.append(ready.said)
            if row.state != "confirmed":
                claim = sent(_claim(row.claim), row.wanted_seq, now_ms)
                writes.append(row._replace(state="sent", claim=_pack(claim), settled=0))
        for idle in self._idle:
            row = state.get(DeliveryRow, idle[:3])
            if row is not None and row.wanted_seq == idle.wanted_seq and row.state == "pending":
                writes.append(row._replace(state="confirmed"))
        names = " ".join(each.reservation_id for each in said)
        writes.append(self._message._replace(outcome="answered", detail=names))
        return Decision(Found(tuple(said)), writes)


class TakeReport:
    """The job: each report ends a delivery as an answer to us would have. Reservations nobody knows are named back."""

    def __init__(
        self, scope_id: str, connection: Connection, reports: Sequence[DeliveryReport], message: MessageRow
    ) -> None:
        self.scope_id: str | None = scope_id
        self._connection = connection
        self._reports = reports
        self._message = message

    def needs(self, state: State, now_ms: Instant) -> Needs:
        for report in self._reports:
            yield DELIVERY, self._key(report)
            if report.modified_ms is not None:
                yield REVISIONS, (self.scope_id, report.reservation_id)
            yield from pass_on_needs(state, str(self.scope_id), report.reservation_id)

    def decide(self, state: State, now_ms: Instant) -> Decision:
        rows: dict[tuple[str, ...], DeliveryRow] = {}
        owed: dict[tuple[str, ...], DeliveryRow] = {}
        warnings = []
        for report in self._reports:
            key = self._key(report)
            row = rows.get(key) or state.get(DeliveryRow, key)
            if row is None:
                warnings.append(f"no reservation {report.reservation_id!r} was ever handed out")
                continue
            seq, outcome = self._fetched(state, row, report), _outcome(report)
            rows[key] = concluded(row, seq, outcome, self._connection, now_ms)
            if isinstance(outcome, Confirmed):
                owed |= {each[:3]: each for each in passed_on(state, rows[key], seq, now_ms)}
        message = self._message._replace(outcome="applied", detail="; ".join(warnings))
        return Decision(Applied(tuple(warnings)), [*rows.values(), *owed.values(), message])

    def _fetched(self, state: State, row: DeliveryRow, report: DeliveryReport) -> int:
        """The revision that is meant. A report may come late, or again, when a later one has been fetched already."""
        said = [] if report.modified_ms is None else state.find(REVISIONS, (self.scope_id, report.reservation_id))
        entries, last = [_entry(revision.body) for revision in said], _last_sent(row)
        meant = [entry.seq for entry in entries if entry.at_ms == report.modified_ms and entry.seq <= last]
        return max(meant, default=last)

    def _key(self, report: DeliveryReport) -> tuple[str, str, str]:
        return (str(self.scope_id), self._connection.id, report.reservation_id)


def _last_sent(row: DeliveryRow) -> int:
    """The revision the receiver can have fetched last."""
    claim = _claim(row.claim)
    return max((of.last for of in claim.sent), default=claim.acked_seq)


def _outcome(report: DeliveryReport) -> Confirmed | Refused:
    return Refused("refused", report.error) if report.error else Confirmed(report.ref)
