"""What the guard holds back: shown, then let through or thrown away by a person."""

from __future__ import annotations

import msgspec

from gateway.engine.guard import Held
from gateway.errors import NotFound, Stale
from gateway.flows.desk.changing import ChangeCalendar, Saved, message_of
from gateway.flows.desk.finding import property_of
from gateway.flows.services import Services
from gateway.flows.take_ari import HELD
from gateway.model.ari import AriUpdate, Setting
from gateway.model.dates import Instant
from gateway.store.database import Transaction
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import HeldRow, MessageRow

_decode = msgspec.msgpack.Decoder(tuple[Held, ...]).decode


class HeldChange(msgspec.Struct, frozen=True):
    """What waits of one message; ``nights`` counts product nights."""

    message_id: int
    connection: str
    author: str
    at_ms: Instant
    nights: int
    cells: tuple[Held, ...]


async def find(services: Services, property_id: str) -> tuple[HeldChange, ...]:
    """Everything that waits, the oldest first."""
    rows = await services.database.read(lambda tx: _rows(services, tx, property_id))
    return tuple(
        HeldChange(row.message_id, row.connection, row.author, row.at_ms, row.nights, _decode(row.body)) for row in rows
    )


async def confirm(services: Services, property_id: str, message_id: int, author: str) -> Saved:
    """Let it through: the values that were held back are set, by ``author``."""
    row = await _one(services, property_id, message_id)
    updates = tuple(_update(held) for held in _decode(row.body))
    message = message_of(property_id, services.ids.message(), updates, author, services.clock.now_ms())
    saved: Saved = await services.batcher.submit(_Confirm(row, updates, message._replace(cause=message_id)))
    return saved


async def discard(services: Services, property_id: str, message_id: int, author: str) -> None:
    """Throw it away: everything stays as it is."""
    row = await _one(services, property_id, message_id)
    message = message_of(property_id, services.ids.message(), (), author, services.clock.now_ms())
    await services.batcher.submit(_Discard(row, message._replace(cause=message_id, outcome="discarded")))


class _Confirm(ChangeCalendar):
    """The job. Being newer, what it sets takes the place of what waits."""

    def __init__(self, row: HeldRow, updates: tuple[AriUpdate, ...], message: MessageRow) -> None:
        super().__init__(row.scope_id, updates, message, over_pms=False, force=True)
        self._row = row

    def decide(self, state: State, now_ms: Instant) -> Decision:
        _check(state, self._row)
        return super().decide(state, now_ms)


class _Discard:
    """The job."""

    def __init__(self, row: HeldRow, message: MessageRow) -> None:
        self.scope_id: str | None = row.scope_id
        self._row = row
        self._message = message

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield HELD, (self._row.scope_id,)

    def decide(self, state: State, now_ms: Instant) -> Decision:
        _check(state, self._row)
        return Decision(None, [self._message], [self._row])


def _check(state: State, row: HeldRow) -> None:
    if row not in state.find(HELD, (row.scope_id,)):
        raise Stale(f"what waited of message {row.message_id} has changed since you looked at it")


def _update(held: Held) -> AriUpdate:
    setting = Setting(held.field, held.after, held.guests)
    return AriUpdate(held.room, held.plan, held.first, held.last, (setting,))


async def _one(services: Services, property_id: str, message_id: int) -> HeldRow:
    rows = await services.database.read(lambda tx: _rows(services, tx, property_id))
    for row in rows:
        if row.message_id == message_id:
            return row
    raise NotFound(f"nothing of message {message_id} waits for confirmation")


async def _rows(services: Services, tx: Transaction, property_id: str) -> list[HeldRow]:
    await property_of(services, tx, property_id)
    return await tx.rows(HeldRow, "scope_id = ? ORDER BY message_id", property_id)
