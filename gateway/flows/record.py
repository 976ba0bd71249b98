"""Writing down what only its owner writes: shadows, the message log, how far a connection has come."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.model.dates import Instant
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import Row


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
