"""Writing down what only its owner writes: shadows, the message log, how far a connection has come."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.flows.services import Services
from gateway.model.dates import Instant
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import MessageRow, Row


class Record:
    """A job without a lock and without a decision; it shares the batch, and so the commit, with whatever else waits."""

    scope_id: str | None = None

    def __init__(self, writes: Sequence[Row], deletes: Sequence[Row] = ()) -> None:
        self._writes = writes
        self._deletes = deletes

    def needs(self, state: State, now_ms: Instant) -> Needs:
        return ()

    def decide(self, state: State, now_ms: Instant) -> Decision:
        return Decision(None, self._writes, self._deletes)


def own_message(services: Services, scope_id: str, kind: str, author: str, connection: str = "") -> MessageRow:
    """A line of the message log for what no counterpart has sent, before it is known what comes of it."""
    return MessageRow(
        scope_id,
        services.ids.message(),
        connection=connection,
        direction="in",
        kind=kind,
        at_ms=services.clock.now_ms(),
        outcome="",
        detail="",
        rev=0,
        token=None,
        raw=b"",
        answer=b"",
        author=author,
    )
