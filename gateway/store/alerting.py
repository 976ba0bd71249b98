"""Alerts that stand, and what has become of them since the last look."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from gateway.model.dates import Instant
from gateway.store.database import Transaction
from gateway.store.tables import AlertRow

_LOCK = 0x616C65727473  # "alerts"; the key of an advisory lock is a number


class Turn(NamedTuple):
    """Rows that somebody is to be told of: new ones, ones that have stood for long, and ones that are over."""

    raised: Sequence[AlertRow]
    repeated: Sequence[AlertRow]
    cleared: Sequence[AlertRow]


async def look(
    tx: Transaction,
    found: Sequence[AlertRow],
    kinds: Collection[str],
    now_ms: Instant,
    *,
    settle_ms: int,
    repeat_ms: int,
) -> Turn:
    """Brings the rows of these kinds to what was found. What is gone stays for ``settle_ms``, so nothing flaps.

    Whoever was told of is written down by :func:`told`, afterwards: a notice may be sent twice, but is not lost.
    """
    if tx.dialect == "postgresql":
        await tx.fetch("SELECT pg_advisory_xact_lock(?)", _LOCK)
    marks = ", ".join("?" * len(kinds))
    stored = {row[:3]: row for row in await tx.rows(AlertRow, f"kind IN ({marks})", *sorted(kinds))}
    now = {
        row[:3]: row._replace(since_ms=known.since_ms, told_ms=known.told_ms) if (known := stored.get(row[:3])) else row
        for row in found
    }
    gone = [row._replace(gone_ms=row.gone_ms or now_ms) for key, row in sorted(stored.items()) if key not in now]
    await tx.upsert(AlertRow, [row for row in (*now.values(), *gone) if row != stored.get(row[:3])])
    return Turn(
        raised=[row for row in now.values() if not row.told_ms],
        repeated=[row for row in now.values() if row.told_ms and now_ms - row.told_ms >= repeat_ms],
        cleared=[row for row in gone if now_ms - row.gone_ms >= settle_ms],
    )


async def told(tx: Transaction, turn: Turn, now_ms: Instant) -> None:
    """Everybody was told; what is over is forgotten."""
    await tx.upsert(AlertRow, [row._replace(told_ms=now_ms) for row in (*turn.raised, *turn.repeated)])
    await tx.delete(AlertRow, [row[:3] for row in turn.cleared])


async def standing(tx: Transaction, scope_id: str) -> list[AlertRow]:
    """Of a property, or of the gateway itself ("")."""
    return await tx.rows(AlertRow, "scope_id = ? AND gone_ms = 0 ORDER BY since_ms, kind, subject", scope_id)
