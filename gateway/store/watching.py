"""What may need a person, read by a few statements over all properties: for figures and for alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.model.dates import Day, Instant
from gateway.store.database import Transaction
from gateway.store.sql import Lookup
from gateway.store.tables import ID_SHIFT, Scope

LISTED_MAX = 500
# Ids are given when a message arrives and revisions when it is taken: neighbours may stand in the other order.
_REORDERED_MS = 60_000

SCOPES = Lookup(Scope)


class Counted(NamedTuple):
    """Connections that are sent rates and availability."""

    connections: int
    behind: int
    failing: int
    refusing: int


class Lag(NamedTuple):
    """How far a connection is behind: revisions not planned yet, and when the oldest unconfirmed change was made.

    ``since_ms`` is 0 where everything is confirmed (or refused: that stands in ``sync_error``).
    """

    scope_id: str
    connection: str
    behind: int
    since_ms: Instant
    failures: int
    error: str
    confirmed_ms: Instant


class Receiver(NamedTuple):
    """A receiver of reservations whose last calls have failed, or that the gateway itself has paused."""

    scope_id: str
    connection: str
    failures: int
    error: str
    confirmed_ms: Instant
    paused_ms: Instant  # 0 where it is not


class Outstanding(NamedTuple):
    """Deliveries of one connection in one state that are not confirmed."""

    scope_id: str
    connection: str
    state: str
    deliveries: int
    oldest_ms: Instant


class Trouble(NamedTuple):
    """A booking that is parked or oversold and not over yet."""

    scope_id: str
    reservation_id: str
    parked: int
    oversold: int
    at_ms: Instant
    arrival: Day


class HeldBack(NamedTuple):
    """What the guard holds back of one source, a connection or a person."""

    scope_id: str
    source: str
    nights: int
    since_ms: Instant


class Refusing(NamedTuple):
    """A connection that refuses some targets."""

    scope_id: str
    connection: str
    targets: int
    since_ms: Instant
    text: str


class Cause(NamedTuple):
    """A message that changed a property, and the revision it gave to what it changed."""

    rev: int
    message_id: int


_BEHIND = "(c.synced_rev < s.rev OR c.synced_version <> s.config_version)"


async def counted(tx: Transaction) -> Counted:
    """Over all properties."""
    rows = await tx.fetch(
        f"SELECT count(*), sum(CASE WHEN {_BEHIND} OR c.unconfirmed_ms > 0 THEN 1 ELSE 0 END), "
        "sum(CASE WHEN c.failures > 0 THEN 1 ELSE 0 END) "
        "FROM connection AS c JOIN scope AS s ON s.scope_id = c.scope_id WHERE c.pushes = 1"
    )
    refusing = await tx.fetch("SELECT count(*) FROM (SELECT DISTINCT scope_id, connection FROM sync_error) AS found")
    every, behind, failing = rows[0]
    return Counted(int(every), int(behind or 0), int(failing or 0), int(refusing[0][0]))


async def lags(tx: Transaction, *, all_of_them: bool) -> list[Lag]:
    """The connections that are behind or fail, or all of them; at most ``LISTED_MAX``, the longest behind first."""
    condition = "" if all_of_them else f" AND ({_BEHIND} OR c.unconfirmed_ms > 0 OR c.failures > 0)"
    rows = await tx.fetch(
        "SELECT c.scope_id, c.connection, s.rev - c.synced_rev, c.unconfirmed_ms, c.failures, c.error, c.confirmed_ms, "
        "c.synced_rev, c.synced_cause FROM connection AS c JOIN scope AS s ON s.scope_id = c.scope_id "
        f"WHERE c.pushes = 1{condition} "
        "ORDER BY CASE WHEN c.unconfirmed_ms > 0 THEN c.unconfirmed_ms WHEN c.synced_rev < s.rev THEN 0 "
        f"ELSE {2**62} END, c.scope_id, c.connection LIMIT {LISTED_MAX}"
    )
    found = []
    for scope_id, connection, behind, since_ms, failures, error, confirmed_ms, synced_rev, synced_cause in rows:
        if behind > 0 and not since_ms:
            since_ms = await oldest_ms(tx, scope_id, synced_rev, synced_cause)
        found.append(Lag(scope_id, connection, behind, since_ms, failures, error, confirmed_ms))
    return found


async def receivers(tx: Transaction, pauser: str) -> list[Receiver]:
    """Those that are called for nothing but reservations and that somebody has to look at; ``pauser`` is the gateway's
    name as the author of a pause.
    """
    rows = await tx.fetch(
        "SELECT c.scope_id, c.connection, c.failures, c.error, c.confirmed_ms, coalesce(o.at_ms, 0) "
        "FROM connection AS c LEFT JOIN sync_order AS o ON o.scope_id = c.scope_id AND o.connection = c.connection "
        "AND o.paused = 1 AND o.author = ? WHERE c.pushes = 0 AND (c.failures > 0 OR o.at_ms IS NOT NULL) "
        f"ORDER BY c.scope_id, c.connection LIMIT {LISTED_MAX}",
        pauser,
    )
    return [Receiver(*row) for row in rows]


async def causes(tx: Transaction, scope_id: str, since: int, synced_cause: int, limit: int) -> list[Cause]:
    """The messages that raised the revision of a property beyond ``since``, oldest first.

    ``synced_cause`` is the scope's cause at ``since``: the search begins there in the primary key and needs no index.
    """
    rows = await tx.fetch(
        "SELECT rev, message_id FROM message WHERE scope_id = ? AND message_id > ? AND direction = 'in' AND rev > ? "
        "AND outcome NOT IN ('refused', 'unchanged') ORDER BY message_id LIMIT ?",
        scope_id,
        max(0, synced_cause - (_REORDERED_MS << ID_SHIFT)),
        since,
        limit,
    )
    return [Cause(*row) for row in rows]


async def oldest_ms(tx: Transaction, scope_id: str, since: int, synced_cause: int) -> Instant:
    """When the first change after the revision ``since`` was made; 0 where no message made one."""
    found = await causes(tx, scope_id, since, synced_cause, 1)
    return found[0].message_id >> ID_SHIFT if found else 0


async def outstanding(tx: Transaction) -> list[Outstanding]:
    """Deliveries that are waiting, under way or refused."""
    columns = "SELECT d.scope_id, d.connection, d.state, count(*), min(r.message_id) FROM delivery AS d "
    revision = (
        "JOIN revision AS r ON r.scope_id = d.scope_id AND r.reservation_id = d.reservation_id "
        "AND r.seq = d.wanted_seq "
    )
    grouped = " GROUP BY d.scope_id, d.connection, d.state"
    # Two statements, because each of them is answered by a partial index of its own. For the first it takes a bound:
    # asked for what IS NOT NULL, SQLite would walk through every delivery there ever was, in the order to group by.
    waiting = await tx.fetch(f"{columns}{revision}WHERE d.due_ms >= 0 AND d.state <> 'confirmed'{grouped}")
    refused = await tx.fetch(f"{columns}{revision}WHERE d.state = 'refused' AND d.due_ms IS NULL{grouped}")
    return [
        Outstanding(scope_id, connection, state, deliveries, oldest >> ID_SHIFT)
        for scope_id, connection, state, deliveries, oldest in (*waiting, *refused)
    ]


async def troubles(tx: Transaction, from_day: Day) -> list[Trouble]:
    """Bookings that somebody has to look at, as long as they are not over; the oldest first."""
    rows = await tx.fetch(
        "SELECT scope_id, reservation_id, parked, oversold, at_ms, arrival FROM reservation "
        f"WHERE (parked > 0 OR oversold > 0) AND departure >= ? ORDER BY at_ms LIMIT {LISTED_MAX}",
        from_day,
    )
    return [Trouble(*row) for row in rows]


async def held(tx: Transaction) -> list[HeldBack]:
    """What waits for confirmation."""
    source = "CASE WHEN connection <> '' THEN connection ELSE author END"
    rows = await tx.fetch(
        f"SELECT scope_id, {source}, sum(nights), min(at_ms) FROM held_change GROUP BY scope_id, {source}"
        f" ORDER BY min(at_ms) LIMIT {LISTED_MAX}"
    )
    return [HeldBack(scope_id, name, int(nights), since_ms) for scope_id, name, nights, since_ms in rows]


async def refusing(tx: Transaction) -> Sequence[Refusing]:
    """Connections with targets they refuse, with one of their answers."""
    rows = await tx.fetch(
        "SELECT scope_id, connection, count(*), min(at_ms), min(text) FROM sync_error "
        f"GROUP BY scope_id, connection ORDER BY scope_id, connection LIMIT {LISTED_MAX}"
    )
    return [Refusing(*row) for row in rows]


async def working_until(tx: Transaction) -> Instant | None:
    """Until when some worker holds sending rights; None where nobody ever has, as on SQLite."""
    rows = await tx.fetch("SELECT max(until_ms) FROM lease WHERE owner <> ''")
    found: Instant | None = rows[0][0]
    return found
