"""Asking a connection's pusher for something: everything once more, some cells, or to pause.

The pusher alone writes its connection's row and shadow, so what people ask stands apart, in a row of its own, with a
number that the pusher notes when it has done it (:mod:`gateway.flows.plan_push`).
"""

from __future__ import annotations

import msgspec

from gateway.engine.orders import EVERYTHING, joined
from gateway.flows.services import Services
from gateway.model.dates import Instant
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import MessageRow, Row
from gateway.store.tables_connections import ConnectionRow, ContentRow, OrderRow

_ORDER = Lookup(OrderRow)
_CONNECTION = Lookup(ConnectionRow)
_CONTENT = Lookup(ContentRow)


class Ordered(msgspec.Struct, frozen=True):
    """What was asked; ``order`` is its number, and ``message_id`` its entry in the log."""

    connection: str
    order: int
    message_id: int


class GiveOrder:
    """The job. ``body`` None leaves alone what is to be sent, ``paused`` None whether anything is."""

    def __init__(
        self, scope_id: str, connection: str, message: MessageRow, *, body: bytes | None, paused: bool | None
    ) -> None:
        self.scope_id: str | None = scope_id
        self._key = (scope_id, connection)
        self._message = message
        self._body = body
        self._paused = paused

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield _ORDER, self._key
        yield _CONNECTION, self._key
        if self._body == EVERYTHING:
            yield _CONTENT, self._key

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row = state.get(ConnectionRow, self._key)
        done = row.synced_order if row else 0
        known = state.get(OrderRow, self._key) or OrderRow(*self._key, done, 0, 0, "", b"")
        order = known._replace(at_ms=now_ms, author=self._message.author)
        if self._body is not None:
            waiting = known.body if known.number > done else None
            order = order._replace(number=max(known.number, done) + 1, body=joined(waiting, self._body))
        if self._paused is not None:
            order = order._replace(paused=int(self._paused))
        # A new revision of the property is what makes its pusher look.
        message = self._message._replace(rev=state.next_rev(self._key[0]), outcome="applied")
        answer = Ordered(self._key[1], order.number, message.message_id)
        writes: list[Row] = [order, message]
        if self._body == EVERYTHING and (content := state.get(ContentRow, self._key)) is not None:
            writes.append(content._replace(due_ms=now_ms))
        return Decision(answer, writes, advances=True)


async def give(
    services: Services,
    scope_id: str,
    connection: str,
    author: str,
    what: str,
    *,
    body: bytes | None = None,
    paused: bool | None = None,
) -> Ordered:
    """``what`` stands in the log."""
    message = MessageRow(
        scope_id,
        services.ids.message(),
        connection=connection,
        direction="in",
        kind="order",
        at_ms=services.clock.now_ms(),
        outcome="",
        detail=what,
        rev=0,
        token=None,
        raw=b"",
        answer=b"",
        author=author,
    )
    ordered: Ordered = await services.batcher.submit(GiveOrder(scope_id, connection, message, body=body, paused=paused))
    return ordered
