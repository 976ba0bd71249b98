"""Taking a stored message again: after a mapping was made, say, or for one that was refused.

An event that was refused then is taken now, or refused again. A booking that is parked is not a new revision: its
entries are given the room types that their codes lead to now (:mod:`gateway.flows.refold`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from gateway.contract import Document, Head, Reopening
from gateway.engine.hotel import Hotel
from gateway.errors import NotFound, Reason, Unauthentic, Unmapped, Unsupported
from gateway.flows.desk.changes import CellChange, changes_of
from gateway.flows.desk.finding import connection_of, property_of
from gateway.flows.receive import token_of
from gateway.flows.refold import Refold
from gateway.flows.services import Services
from gateway.flows.take_ari import TakeAri
from gateway.flows.take_booking import TakeBooking
from gateway.messages import AriReceived, ReservationReceived, Taken
from gateway.model.property import Connection, Role
from gateway.store import reading_messages as reading
from gateway.store.batch import Job
from gateway.store.database import Transaction
from gateway.store.rehearsal import Tried, rehearse
from gateway.store.tables import MessageRow

Replayable = ReservationReceived | AriReceived
_HEADERS = {"content-type": "text/xml; charset=utf-8"}


class ReplayedPart(msgspec.Struct, frozen=True):
    """What one event of the message did, or would do.

    ``outcome`` is that of its log entry, or ``duplicate`` where everything was so already; for ``refused`` ``detail``
    says why.
    """

    kind: str
    outcome: str
    detail: str
    reservation_id: str
    changes: tuple[CellChange, ...]


class Replay(msgspec.Struct, frozen=True):
    """``committed`` is false where nothing was written: in a dry run, or if nothing differs. ``message_ids`` are the
    log entries it made."""

    committed: bool
    parts: tuple[ReplayedPart, ...]
    message_ids: tuple[int, ...] = ()


class _Step(NamedTuple):
    """A job, and its log entry if it does anything."""

    job: Job
    message_id: int


def can_replay(row: MessageRow) -> bool:
    """Whether a counterpart has sent it, and its text is there."""
    return row.direction == "in" and bool(row.connection) and bool(row.raw)


async def replay(services: Services, property_id: str, message_id: int, author: str, *, dry_run: bool) -> Replay:
    """Take a stored inbound message again, with the mapping of today; with ``dry_run`` only say what would change.

    What is there already has no second effect; a part that is refused still keeps the others from nothing.
    """
    row, hotel = await _stored(services, property_id, message_id)
    connection = connection_of(hotel, row.connection)
    events = events_of(services, hotel, connection, row.kind, row.raw)
    now_ms = services.clock.now_ms()
    steps = [_steps(services, connection, row, event, author) for event in events]

    async def work(tx: Transaction) -> list[Tried]:
        return await rehearse(tx, services.hotels, property_id, [step.job for part in steps for step in part], now_ms)

    tried = iter(await services.database.read(work))
    tries = [[next(tried) for _ in part] for part in steps]
    parts = tuple(_part(hotel, event, of_event) for event, of_event in zip(events, tries, strict=True))
    if dry_run:
        return Replay(False, parts)
    made: list[int] = []
    done: list[ReplayedPart] = []
    for event, of_event, part in zip(events, tries, parts, strict=True):
        # Made again, since a job remembers what it has loaded.
        for step, one in zip(_steps(services, connection, row, event, author), of_event, strict=True):
            if one.writes:
                answer = await services.batcher.submit(step.job)
                made.append(step.message_id)
                if isinstance(answer, Taken):
                    part = msgspec.structs.replace(part, reservation_id=answer.reservation_id)
        done.append(part)
    return Replay(bool(made), tuple(done), tuple(made))


async def _stored(services: Services, property_id: str, message_id: int) -> tuple[MessageRow, Hotel]:
    async def work(tx: Transaction) -> tuple[MessageRow | None, Hotel]:
        _, hotel = await property_of(services, tx, property_id)
        known = await reading.one(tx, property_id, message_id) if 0 <= message_id < 2**63 else None
        return known, hotel

    row, hotel = await services.database.read(work)
    if row is None:
        raise NotFound(f"there is no message {message_id}")
    if not can_replay(row):
        raise Unsupported("only what a counterpart has sent can be taken again")
    return row, hotel


# --- what is in it ----------------------------------------------------------------------------------------------------


def events_of(services: Services, hotel: Hotel, connection: Connection, root: str, raw: bytes) -> list[Replayable]:
    """The bookings, rates and availability in a message of the connection's dialect, whoever wrote it."""
    connector = services.connectors.inbound(connection.connector)
    document: Document
    if isinstance(connector, Reopening):
        document = connector.reopen(root, raw)
    else:
        document = connector.open(Head("POST", "", _HEADERS), [raw])
    # The archive has masks only, and cards come from their channel, not with a file.
    site = msgspec.structs.replace(services.site(hotel, connection, outbound=False), cards=False)
    found = connector.parse(document, site)
    events = [item for item in found if isinstance(item, ReservationReceived | AriReceived)]
    if not events:
        raise Unsupported(f"there is nothing in {document.root} that could be taken")
    for event in events:
        if event.hotel != connection.hotel:
            raise Unmapped(Reason.HOTEL, event.hotel)
    return events


def _steps(services: Services, connection: Connection, row: MessageRow, event: Replayable, author: str) -> list[_Step]:
    """What takes the event, in order."""
    if isinstance(event, ReservationReceived):
        taken, resolved = (_again(services, row, author) for _ in range(2))
        number = services.ids.reservation()
        return [
            _Step(TakeBooking(row.scope_id, connection.id, event, taken, number, remembered=False), taken.message_id),
            _Step(Refold(row.scope_id, connection.id, event, resolved), resolved.message_id),
        ]
    if connection.role is not Role.PMS:
        raise Unauthentic("this connection may not set rates and availability", Reason.AUTHORIZATION)
    said = _again(services, row, author)._replace(token=token_of(connection.id, event))
    return [_Step(TakeAri(row.scope_id, connection.id, event, said), said.message_id)]


def _again(services: Services, row: MessageRow, author: str) -> MessageRow:
    return row._replace(
        message_id=services.ids.message(),
        at_ms=services.clock.now_ms(),
        outcome="",
        detail=f"message {row.message_id} again",
        rev=0,
        token=None,
        answer=b"",
        cause=row.message_id,
        since=0,
        author=author,
    )


def _part(hotel: Hotel, event: Replayable, tries: Sequence[Tried]) -> ReplayedPart:
    """The last step that does anything tells the outcome; a refusal is told by whichever step refuses."""
    kind = "reservation" if isinstance(event, ReservationReceived) else "ari"
    refusal = next((tried.refusal for tried in tries if tried.refusal), None)
    if refusal is not None:
        return ReplayedPart(kind, "refused", refusal.text, "", ())
    outcome, number = "duplicate", ""
    changes: list[CellChange] = []
    for tried in tries:
        changes += changes_of(hotel, tried)
        outcome = next((row.outcome for row in tried.writes if isinstance(row, MessageRow)), outcome)
        if isinstance(tried.answer, Taken):
            number = tried.answer.reservation_id
    # A booking that is new has no number yet before it is taken.
    is_new = any(isinstance(row, MessageRow) for row in tries[0].writes)
    return ReplayedPart(kind, outcome, "", "" if is_new and kind == "reservation" else number, tuple(changes))
