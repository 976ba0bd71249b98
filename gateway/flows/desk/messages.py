"""The message log: what came in and went out."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gateway.engine.hotel import Hotel
from gateway.errors import NotFound
from gateway.flows.desk.deviating import deviations, meanings
from gateway.flows.desk.finding import cursor as made_cursor
from gateway.flows.desk.finding import page_size, position, property_of, text_of
from gateway.flows.desk.replaying import Replay as Replay
from gateway.flows.desk.replaying import ReplayedPart as ReplayedPart
from gateway.flows.desk.replaying import can_replay
from gateway.flows.desk.replaying import replay as replay
from gateway.flows.services import Services
from gateway.model.dates import Instant
from gateway.store import reading_messages as reading
from gateway.store.database import Transaction
from gateway.store.reading_connections import is_known
from gateway.store.tables import MessageRow
from gateway.store.walking import Condition


class Direction(StrEnum):
    """From our point of view."""

    IN = "in"
    OUT = "out"


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All conditions must hold; ranges include both ends. ``text`` is looked for in what was said, both ways, as is."""

    direction: Direction | None = None
    connection: str = ""
    kind: str = ""
    outcome: str = ""
    text: str = ""
    first_ms: Instant | None = None
    last_ms: Instant | None = None


EVERYTHING = Filter()


class MessageLine(msgspec.Struct, frozen=True):
    """A message in a list.

    ``outcome`` of what came in: applied, unchanged, stale, duplicate, parked, refused; of what went out: confirmed,
    refused, unknown, failed. ``author`` is who said or did it. Sizes in bytes.
    """

    message_id: int
    at_ms: Instant
    connection: str
    direction: Direction
    kind: str
    outcome: str
    detail: str
    author: str
    rev: int
    raw_bytes: int
    answer_bytes: int


class MessagePage(msgspec.Struct, frozen=True):
    """Newest first. ``partial``: looked at a part of the log only, back to ``looked_back_ms``; ``next`` goes on."""

    items: tuple[MessageLine, ...]
    next: str = ""
    partial: bool = False
    looked_back_ms: Instant | None = None


class Message(msgspec.Struct, frozen=True):
    """With both texts, redacted before they were stored; bytes that are no UTF-8 are shown as replaced.

    ``cause`` is the message that this one follows from, 0 for none. ``deviations`` are what is not as the dialect has
    it in a message of theirs that was taken all the same, and ``codes`` say what codes in both texts mean; they are
    looked for when it is shown.
    """

    line: MessageLine
    raw: str
    answer: str
    cause: int
    can_replay: bool
    deviations: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


async def find(
    services: Services, property_id: str, wanted: Filter = EVERYTHING, *, cursor: str = "", limit: int = 50
) -> MessagePage:
    """A page of at most 200. Seven statements at most, however long the log is."""
    page_size(limit)
    after = position(cursor, int, int)
    text = text_of(wanted.text)

    async def work(tx: Transaction) -> MessagePage:
        await property_of(services, tx, property_id)
        if wanted.connection and not await is_known(tx, property_id, text_of(wanted.connection)):
            return MessagePage(())  # or the whole log would be looked through for nothing
        found = await reading.page(tx, property_id, _conditions(wanted), text, after, limit)
        items = tuple(
            MessageLine(*head[:3], Direction(head.direction), *head[4:])  # type: ignore[arg-type]
            for head in found.heads
        )
        back_ms = found.next[0] if found.next and found.partial else None
        return MessagePage(items, made_cursor(found.next), found.partial, back_ms)

    return await services.database.read(work)


async def show(services: Services, property_id: str, message_id: int) -> Message:
    """One message."""

    async def work(tx: Transaction) -> tuple[Hotel, MessageRow | None]:
        _, hotel = await property_of(services, tx, property_id)
        return hotel, await reading.one(tx, property_id, message_id) if 0 <= message_id < 2**63 else None

    hotel, row = await services.database.read(work)
    if row is None:
        raise NotFound(f"there is no message {message_id}")
    line = MessageLine(
        row.message_id,
        row.at_ms,
        row.connection,
        Direction(row.direction),
        row.kind,
        row.outcome,
        row.detail,
        row.author,
        row.rev,
        len(row.raw),
        len(row.answer),
    )
    raw, answer = (text.decode("utf-8", "replace") for text in (row.raw, row.answer))
    tolerated, codes = await deviations(services, hotel, row), await meanings(services, hotel, row)
    return Message(line, raw, answer, row.cause, can_replay(row), tolerated, codes)


def _conditions(wanted: Filter) -> list[Condition]:
    asked = (
        Condition("direction", "=", wanted.direction.value if wanted.direction else None),
        Condition("connection", "=", text_of(wanted.connection) or None),
        Condition("kind", "=", text_of(wanted.kind) or None),
        Condition("outcome", "=", text_of(wanted.outcome) or None),
        Condition("at_ms", ">=", wanted.first_ms),
        Condition("at_ms", "<=", wanted.last_ms),
    )
    return [condition for condition in asked if condition.value is not None]
