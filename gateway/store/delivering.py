"""What is read to hand reservations over: by the deliverer, and for receivers that fetch them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from gateway.engine.hotel import Hotel
from gateway.messages import ReservationsAsked
from gateway.store import watching
from gateway.store.database import Transaction
from gateway.store.hotels import Hotels
from gateway.store.schema import TO_FETCH, TROUBLED
from gateway.store.sql import Lookup
from gateway.store.tables import DeliveryRow, ReservationRow, RevisionRow, Scope

DUE_MAX = 200
# A receiver with a long queue leaves room for the others.
DUE_EACH_MAX = 50
UNCONFIRMED_MAX = 500
Waited = tuple[int, str, str]  # where a delivery stands among those that wait: message, connection, reservation
# A message is committed at the latest so long after it arrived; later ones were given up by their senders.
_COMMIT_MS_MAX = 60_000
_IS_PAUSED = (
    "EXISTS (SELECT 1 FROM sync_order AS o"
    " WHERE o.scope_id = d.scope_id AND o.connection = d.connection AND o.paused = 1)"
)
_SCOPES = Lookup(Scope)
_REVISIONS = Lookup(RevisionRow, ("scope_id", "reservation_id"))
_RESERVATIONS = Lookup(ReservationRow, ("scope_id", "reservation_id"))


class Due(NamedTuple):
    """A delivery with what it is about; ``source`` is the connection the booking came through."""

    hotel: Hotel
    row: DeliveryRow
    source: str
    revisions: list[RevisionRow]


class Found(NamedTuple):
    """What is due, and when the next one is that is not."""

    items: list[Due]
    next_ms: int | None


async def due(
    tx: Transaction,
    hotels: Hotels,
    now_ms: int,
    limit: int,
    *,
    wanted: Callable[[str], bool] = lambda connection: True,
    left_behind: bool = False,
) -> Found:
    """The deliveries that have waited longest, at most ``DUE_EACH_MAX`` of each connection that is ``wanted``.

    With ``left_behind`` also those under way, whose time to try again has not come yet.
    """
    # With one bound only, SQLite walks through all deliveries there ever were, since they lie in the order to group by.
    waiting = await tx.fetch(
        "SELECT connection, first_ms FROM (SELECT scope_id, connection, min(due_ms) AS first_ms FROM delivery"
        " WHERE due_ms >= 0 AND due_ms <= ? GROUP BY scope_id, connection) AS d"
        f" WHERE NOT {_IS_PAUSED}",
        now_ms,
    )
    chosen = [name for name, _ in sorted(waiting, key=lambda row: (row[1], row[0])) if wanted(name)][:limit]
    rows = await _oldest_of(tx, chosen, now_ms, limit) if chosen else []
    if left_behind:
        fields = ", ".join(DeliveryRow._fields)
        under_way = await tx.fetch(
            f"SELECT {fields} FROM delivery AS d WHERE state = 'sent' AND due_ms > ? AND NOT {_IS_PAUSED}"
            " ORDER BY due_ms LIMIT ?",
            now_ms,
            limit,
        )
        rows += [row for row in map(DeliveryRow._make, under_way) if wanted(row.connection)]
    following = await tx.fetch("SELECT min(due_ms) FROM delivery WHERE due_ms > ?", now_ms)
    return Found(await about(tx, hotels, rows), following[0][0])


async def _oldest_of(tx: Transaction, connections: Sequence[str], now_ms: int, limit: int) -> list[DeliveryRow]:
    fields = ", ".join(DeliveryRow._fields)
    found = await tx.fetch(
        f"SELECT {fields} FROM (SELECT {fields}, row_number() OVER (PARTITION BY connection ORDER BY due_ms) AS place"
        f" FROM delivery WHERE due_ms <= ? AND connection IN ({', '.join('?' * len(connections))})) AS queued"
        " WHERE place <= ? ORDER BY due_ms LIMIT ?",
        now_ms,
        *connections,
        DUE_EACH_MAX,
        limit,
    )
    return [DeliveryRow(*values) for values in found]


async def waiting_after(tx: Transaction, after_ms: int, limit: int) -> list[DeliveryRow]:
    """What waits to be tried later than ``after_ms``, what was never tried first."""
    found = await tx.fetch(
        f"SELECT {', '.join(DeliveryRow._fields)} FROM delivery WHERE due_ms > ? AND state = 'pending'"
        " ORDER BY attempts, due_ms LIMIT ?",
        after_ms,
        limit,
    )
    return [DeliveryRow(*values) for values in found]


async def to_fetch(tx: Transaction, hotels: Hotels, scope_id: str, connection: str, limit: int) -> list[Due]:
    """What a receiver that fetches has not confirmed yet, in the order of the reservations' numbers."""
    condition = f"scope_id = ? AND connection = ? AND {TO_FETCH} ORDER BY reservation_id LIMIT ?"
    rows = await tx.rows(DeliveryRow, condition, scope_id, connection, limit)
    return await about(tx, hotels, rows)


async def refused_for(
    tx: Transaction, hotels: Hotels, scope_id: str, code: str, after: tuple[str, str], limit: int
) -> list[Due]:
    """What was refused for the reason of that code, before it ever left or by the receiver.

    In the order of connections and reservations, from behind those that are named on.
    """
    condition = (
        "scope_id = ? AND state = 'refused' AND error LIKE ? AND (connection, reservation_id) > (?, ?)"
        " ORDER BY connection, reservation_id LIMIT ?"
    )
    rows = await tx.rows(DeliveryRow, condition, scope_id, f"{code}:%", *after, limit)
    return await about(tx, hotels, rows)


async def with_refused(tx: Transaction, code: str) -> list[tuple[str, int]]:
    """The properties with such deliveries, and the version of their configuration."""
    found = await tx.fetch(
        "SELECT DISTINCT d.scope_id, s.config_version FROM delivery AS d JOIN scope AS s ON s.scope_id = d.scope_id"
        " WHERE d.state = 'refused' AND d.error LIKE ?",
        f"{code}:%",
    )
    return [(scope_id, version) for scope_id, version in found]


async def with_unconfirmed(tx: Transaction, hotels: Hotels) -> list[Hotel]:
    """The properties some reservation of which is not confirmed by somebody, or parked."""
    waiting = await watching.outstanding(tx)
    to_fetch = await tx.fetch(f"SELECT DISTINCT scope_id FROM delivery WHERE {TO_FETCH}")
    parked = await tx.fetch(f"SELECT DISTINCT scope_id FROM reservation WHERE ({TROUBLED}) AND parked > 0")
    names = sorted({row[0] for row in (*waiting, *to_fetch, *parked)})
    scopes = [row for row in await tx.lookup(_SCOPES, [(name,) for name in names]) if isinstance(row, Scope)]
    return list((await hotels.current(tx, scopes)).values()) if scopes else []


async def unconfirmed(
    tx: Transaction, scope_id: str, connections: Sequence[str], before_id: int, after: Waited
) -> list[tuple[Waited, DeliveryRow]]:
    """What these receivers have not confirmed of the revisions that came in messages before one, or what is parked.

    The oldest first, at most 500 from behind ``after`` on, each with where it stands.
    """
    fields = ", ".join(f"d.{field}" for field in DeliveryRow._fields)
    columns = f"SELECT r.message_id, {fields} FROM delivery AS d JOIN revision AS r ON r.scope_id = d.scope_id"
    revision = "r.reservation_id = d.reservation_id AND r.seq = d.wanted_seq"
    marks = ", ".join("?" * len(connections))
    waited = "r.message_id < ? AND (r.message_id, d.connection, d.reservation_id) > (?, ?, ?)"
    last = f"ORDER BY r.message_id, d.connection, d.reservation_id LIMIT {UNCONFIRMED_MAX}"
    waiting = await tx.fetch(
        f"{columns} AND {revision} WHERE d.scope_id = ? AND d.connection IN ({marks}) AND d.settled = 0"
        f" AND d.state <> 'confirmed' AND {waited} {last}",
        *(scope_id, *connections, before_id, *after),
    )
    parked = await tx.fetch(
        f"{columns} AND {revision} JOIN reservation AS t ON t.scope_id = d.scope_id"
        f" AND t.reservation_id = d.reservation_id WHERE t.scope_id = ? AND ({TROUBLED}) AND t.parked > 0"
        f" AND d.connection IN ({marks}) AND d.state = 'parked' AND {waited} {last}",
        *(scope_id, *connections, before_id, *after),
    )
    rows = [(message_id, DeliveryRow(*values)) for message_id, *values in (*waiting, *parked)]
    found = {(message_id, row.connection, row.reservation_id): row for message_id, row in rows}
    return sorted(found.items())[:UNCONFIRMED_MAX]


async def standing(tx: Transaction, scope_id: str, today: int) -> int:
    """How many bookings stand whose guests have not left before today."""
    found = await tx.fetch(
        "SELECT count(*) FROM reservation WHERE scope_id = ? AND status = 'booked' AND departure >= ?", scope_id, today
    )
    return int(found[0][0])


async def with_tokens(tx: Transaction, scope_id: str, tokens: Sequence[bytes]) -> set[bytes]:
    """Which of the tokens messages have that are in the log."""
    if not tokens:
        return set()
    marks = ", ".join("?" * len(tokens))
    found = await tx.fetch(f"SELECT token FROM message WHERE scope_id = ? AND token IN ({marks})", scope_id, *tokens)
    return {bytes(token) for (token,) in found}


async def asked_for(
    tx: Transaction, hotels: Hotels, scope_id: str, connection: str, asked: ReservationsAsked, limit: int
) -> list[Due]:
    """The deliveries that match what a receiver names, whether it has confirmed them or not.

    What it names by time may bring a few that changed shortly before: instants are those of arrival, and messages that
    arrive together are committed in any order.
    """
    condition = "r.scope_id = ? AND d.connection = ?"
    params: list[str | int] = [scope_id, connection]
    if asked.booking_id:
        condition, params = condition + " AND r.reservation_id = ?", [*params, asked.booking_id]
    if asked.since_ms is not None:
        condition, params = condition + " AND r.rev >= ?", [*params, await _rev_at(tx, scope_id, asked.since_ms)]
    day = "r.departure" if asked.by_departure else "r.arrival"
    if asked.first is not None:
        condition, params = f"{condition} AND {day} >= ?", [*params, asked.first]
    if asked.last is not None:
        condition, params = f"{condition} AND {day} <= ?", [*params, asked.last]
    if asked.confirmed is not None:
        condition += " AND d.state = 'confirmed'" if asked.confirmed else f" AND {TO_FETCH}"
    fields = ", ".join(f"d.{field}" for field in DeliveryRow._fields)
    found = await tx.fetch(
        f"SELECT {fields} FROM reservation r JOIN delivery d ON d.scope_id = r.scope_id"
        f" AND d.reservation_id = r.reservation_id WHERE {condition} ORDER BY r.rev LIMIT ?",
        *params,
        limit,
    )
    return await about(tx, hotels, [DeliveryRow(*values) for values in found])


async def _rev_at(tx: Transaction, scope_id: str, at_ms: int) -> int:
    """A revision of the property from just before that instant; 0 where no message of that time is kept."""
    found = await tx.fetch(
        "SELECT rev FROM message WHERE scope_id = ? AND at_ms < ? AND direction = 'in' AND rev > 0"
        " ORDER BY at_ms DESC LIMIT 1",
        scope_id,
        at_ms - _COMMIT_MS_MAX,
    )
    return int(found[0][0]) if found else 0


async def about(tx: Transaction, hotels: Hotels, rows: list[DeliveryRow]) -> list[Due]:
    """The deliveries with what they are about; those of a property that is gone are left out."""
    if not rows:
        return []
    scopes = [
        row for row in await tx.lookup(_SCOPES, sorted({(row.scope_id,) for row in rows})) if isinstance(row, Scope)
    ]
    known = await hotels.current(tx, scopes)
    keys = sorted({(row.scope_id, row.reservation_id) for row in rows})
    revisions: dict[tuple[str, str], list[RevisionRow]] = {}
    for revision in await tx.lookup(_REVISIONS, keys):
        if isinstance(revision, RevisionRow):
            revisions.setdefault((revision.scope_id, revision.reservation_id), []).append(revision)
    sources = {
        (row.scope_id, row.reservation_id): row.connection
        for row in await tx.lookup(_RESERVATIONS, keys)
        if isinstance(row, ReservationRow)
    }
    return [
        Due(
            known[row.scope_id],
            row,
            sources[row.scope_id, row.reservation_id],
            revisions[row.scope_id, row.reservation_id],
        )
        for row in rows
        if row.scope_id in known
    ]
