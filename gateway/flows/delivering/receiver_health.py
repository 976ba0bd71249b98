"""How it goes with a receiver that is called for nothing but reservations: failures in a row, and whether it is paused.

Its row of :class:`gateway.store.tables.ConnectionRow` is the deliverer's alone, as a channel's is its pusher's. One
that says that nothing is there any more (410) is paused by the gateway itself, until a person resumes it.
"""

from __future__ import annotations

from collections.abc import Iterator

import structlog

from gateway.model.dates import Instant
from gateway.store.sql import Lookup
from gateway.store.state import State
from gateway.store.tables import Row
from gateway.store.tables_connections import ConnectionRow, OrderRow

log = structlog.get_logger(__name__)

CONNECTION = Lookup(ConnectionRow)
ORDER = Lookup(OrderRow)
# Who pauses; people and programs are named by what they are, with a colon.
ITSELF = "gateway"


def after_try(state: State, key: tuple[str, str], problem: str, now_ms: Instant, *, is_gone: bool) -> Iterator[Row]:
    """The rows after a try with that ``problem``, "" for none."""
    known = state.get(ConnectionRow, key)
    if known is None:  # it has been taken out of the hotel file meanwhile
        return
    if problem:
        yield known._replace(failures=known.failures + 1, error=problem)
    elif known.failures or now_ms - known.confirmed_ms >= 60_000:
        # By the minute, so that a busy receiver does not have its row written with every booking.
        yield known._replace(failures=0, error="", confirmed_ms=now_ms)
    if is_gone:
        log.error("receiver_paused", property=key[0], connection=key[1], error=problem)
        order = state.get(OrderRow, key) or OrderRow(*key, known.synced_order, 0, 0, "", b"")
        yield order._replace(paused=1, at_ms=now_ms, author=ITSELF)
