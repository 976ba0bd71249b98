"""The journal, newest first."""

from __future__ import annotations

from gateway.model.dates import BLOCK_DAYS, Day, Instant
from gateway.store.database import Transaction
from gateway.store.tables import ID_SHIFT, JournalRow


async def back(
    tx: Transaction, scope_id: str, ledger: str, day: Day, before: int | None, limit: int
) -> list[JournalRow]:
    """Rows about the day's block, from before a message (None: from the newest) back."""
    key = "scope_id = ? AND ledger = ? AND block = ?"
    params: list[object] = [scope_id, ledger, day // BLOCK_DAYS]
    if before is not None:
        key += " AND message_id < ?"
        params.append(before)
    return await tx.rows(JournalRow, f"{key} ORDER BY message_id DESC LIMIT ?", *params, limit)


def first_after(at_ms: Instant) -> int:
    """The least number a message can have that was begun after the instant."""
    return (at_ms + 1) << ID_SHIFT
