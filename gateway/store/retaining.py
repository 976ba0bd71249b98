"""Forgetting what is old, a few rows at a time and never along anything but a primary key.

A message's number begins with its instant, so what is older than some day lies before one number. What somebody still
has to decide or to be told is spared, however old it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.model.dates import BLOCK_DAYS, Day, Instant
from gateway.store.database import Transaction
from gateway.store.schema import TROUBLED
from gateway.store.sql import Params
from gateway.store.tables import ID_SHIFT, JournalRow, MessageRow
from gateway.store.tables_statements import DifferenceRow, StatementLineRow

BATCH_ROWS = 200
_SPARED_MAX = 5_000


class Stride(NamedTuple):
    """``reached`` is the number of the last message looked at, None at the end; ``rows`` were changed."""

    reached: int | None
    rows: int


async def properties(tx: Transaction) -> list[str]:
    """Every property there is."""
    return [row[0] for row in await tx.fetch("SELECT scope_id FROM scope WHERE kind = 'property' ORDER BY scope_id")]


async def empty_bodies(tx: Transaction, scope_id: str, after: int, before_ms: Instant) -> Stride:
    """Takes the texts out of the next messages; their lines in the log stay."""
    found = await tx.fetch(
        "SELECT message_id, length(raw) + length(answer) FROM message WHERE scope_id = ? AND message_id > ? "
        f"AND message_id < ? ORDER BY message_id LIMIT {BATCH_ROWS}",
        scope_id,
        after,
        before_ms << ID_SHIFT,
    )
    kept = await spared(tx, scope_id) if any(size for _, size in found) else frozenset()
    if kept is None:
        return Stride(None, 0)
    old = [number for number, size in found if size and number not in kept]
    for number in old:
        await tx.fetch(
            "UPDATE message SET raw = ?, answer = ? WHERE scope_id = ? AND message_id = ?", b"", b"", scope_id, number
        )
    return Stride(found[-1][0] if len(found) == BATCH_ROWS else None, len(old))


async def delete_messages(tx: Transaction, scope_id: str, after: int, before_ms: Instant) -> Stride:
    """Deletes the next messages altogether, but none that a channel has not been brought up to date with."""
    planned = await tx.fetch("SELECT min(synced_rev) FROM connection WHERE scope_id = ? AND pushes = 1", scope_id)
    newest = planned[0][0]
    found = await tx.fetch(
        "SELECT message_id, rev FROM message WHERE scope_id = ? AND message_id > ? AND message_id < ? "
        f"ORDER BY message_id LIMIT {BATCH_ROWS}",
        scope_id,
        after,
        before_ms << ID_SHIFT,
    )
    kept = await spared(tx, scope_id) if found else frozenset()
    if kept is None:
        return Stride(None, 0)
    old: list[Params] = [
        (scope_id, number) for number, rev in found if number not in kept and (newest is None or rev <= newest)
    ]
    await tx.delete(MessageRow, old)
    return Stride(found[-1][0] if len(found) == BATCH_ROWS else None, len(old))


async def delete_journal(tx: Transaction, scope_id: str, ledgers: Sequence[str], before: Day) -> int:
    """Deletes what is told about nights before that day, in whole blocks; how many rows that were.

    Rows about nights that are still kept stay, since what was held at some instant follows from all that was said.
    """
    keys: list[Params] = []
    for ledger in ledgers:
        keys += await tx.fetch(
            "SELECT scope_id, ledger, block, message_id FROM journal WHERE scope_id = ? AND ledger = ? AND block < ? "
            f"ORDER BY block, message_id LIMIT {BATCH_ROWS - len(keys)}",
            scope_id,
            ledger,
            before // BLOCK_DAYS,
        )
        if len(keys) == BATCH_ROWS:
            break
    await tx.delete(JournalRow, keys)
    return len(keys)


async def accounts(tx: Transaction) -> list[str]:
    """The scope of every payment account."""
    return [row[0] for row in await tx.fetch("SELECT scope_id FROM payment_account ORDER BY scope_id")]


async def empty_callbacks(tx: Transaction, scope_id: str, before_ms: Instant) -> int:
    """Takes the bytes of the next callbacks that nobody waits for any more; that they came, and were taken, stays.

    Without its row a callback that is repeated would be taken for a new one.
    """
    found = await tx.fetch(
        "SELECT dedupe FROM payment_inbox WHERE scope_id = ? AND at_ms < ? AND state IN ('done', 'settled') "
        f"AND length(raw) + length(body) > 0 LIMIT {BATCH_ROWS}",
        scope_id,
        before_ms,
    )
    for (dedupe,) in found:
        await tx.fetch(
            "UPDATE payment_inbox SET raw = ?, body = ? WHERE scope_id = ? AND dedupe = ?", b"", b"", scope_id, dedupe
        )
    return len(found)


async def delete_statement(tx: Transaction, scope_id: str, before: Day) -> int:
    """Deletes lines and closed differences of the oldest statement of before that day; how many rows that were.

    The statement itself stays, with its sum: it says that the day was looked at. Open differences stay, and with them
    the lines they are about.
    """
    found = await tx.fetch(
        "SELECT s.name FROM payment_statement AS s WHERE s.scope_id = ? AND s.day < ? "
        "AND NOT EXISTS (SELECT 1 FROM payment_difference AS d WHERE d.scope_id = s.scope_id AND d.name = s.name "
        "AND d.state = 'open') AND EXISTS (SELECT 1 FROM payment_statement_line AS l WHERE l.scope_id = s.scope_id "
        "AND l.name = s.name) ORDER BY s.day, s.name LIMIT 1",
        scope_id,
        before,
    )
    if not found:
        return 0
    lines = await tx.fetch(
        "SELECT scope_id, name, number FROM payment_statement_line WHERE scope_id = ? AND name = ? "
        f"ORDER BY number LIMIT {BATCH_ROWS}",
        scope_id,
        found[0][0],
    )
    closed = await tx.fetch(
        "SELECT scope_id, difference_id FROM payment_difference WHERE scope_id = ? AND name = ? "
        f"AND state <> 'open' LIMIT {BATCH_ROWS}",
        scope_id,
        found[0][0],
    )
    await tx.delete(StatementLineRow, lines)
    await tx.delete(DifferenceRow, closed)
    return len(lines) + len(closed)


async def delete_codes(tx: Transaction, scope_id: str, before_ms: Instant) -> None:
    """Deletes codes of theirs that were met before then."""
    await tx.fetch("DELETE FROM their_code WHERE scope_id = ? AND at_ms < ?", scope_id, before_ms)


async def delete_sessions(tx: Transaction, now_ms: Instant) -> None:
    """Deletes sessions that have ended."""
    await tx.fetch("DELETE FROM session WHERE expires_ms <= ?", now_ms)


async def ledgers(tx: Transaction, scope_id: str) -> list[str]:
    """The property's own journal and those of its connections, also of such as are configured no more."""
    rows = await tx.fetch("SELECT connection FROM connection WHERE scope_id = ? ORDER BY connection", scope_id)
    return ["", *(row[0] for row in rows)]


async def spared(tx: Transaction, scope_id: str) -> frozenset[int] | None:
    """Messages behind changes that wait for confirmation, and behind reservations that are not handed over yet or
    need somebody. None where they are too many to tell."""
    found = await tx.fetch(
        "SELECT message_id FROM held_change WHERE scope_id = ? UNION "
        "SELECT r.message_id FROM delivery AS d JOIN revision AS r ON r.scope_id = d.scope_id "
        "AND r.reservation_id = d.reservation_id AND r.seq = d.wanted_seq "
        # Of receivers that tell no figures nothing is ever settled, however long ago it was confirmed.
        "WHERE d.scope_id = ? AND d.settled = 0 AND d.state <> 'confirmed' UNION "
        "SELECT r.message_id FROM delivery AS d JOIN revision AS r ON r.scope_id = d.scope_id "
        "AND r.reservation_id = d.reservation_id AND r.seq = d.wanted_seq "
        "WHERE d.scope_id = ? AND d.state = 'refused' UNION "
        # Bounded inside, or SQLite walks through all revisions to look for their reservations.
        "SELECT r.message_id FROM (SELECT scope_id, reservation_id FROM reservation WHERE scope_id = ? "
        f"AND ({TROUBLED}) ORDER BY at_ms LIMIT {_SPARED_MAX}) AS b JOIN revision AS r ON r.scope_id = b.scope_id "
        f"AND r.reservation_id = b.reservation_id LIMIT {_SPARED_MAX}",
        *[scope_id] * 4,
    )
    return frozenset(row[0] for row in found) if len(found) < _SPARED_MAX else None
