"""What is asked of the store about the message log.

The list is walked along an index that holds everything it is filtered by. A text is looked for in the messages
themselves, so in a bounded part of the log at a time: bounded by their number and by their length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.store.database import Transaction
from gateway.store.sql import Params
from gateway.store.tables import MessageRow
from gateway.store.walking import Condition, Walk, step

LOG = Walk(
    MessageRow,
    ("at_ms", "message_id"),
    descending=True,
    covered=frozenset({"connection", "direction", "kind", "outcome"}),
)
SEARCH_MESSAGES_MAX = 1_000
SEARCH_BYTES_MAX = 32 * 1024 * 1024
_HEAD = "message_id, at_ms, connection, direction, kind, outcome, detail, author, rev"


class Head(NamedTuple):
    """A message without its texts."""

    message_id: int
    at_ms: int
    connection: str
    direction: str
    kind: str
    outcome: str
    detail: str
    author: str
    rev: int
    raw_bytes: int
    answer_bytes: int


class Listed(NamedTuple):
    """Newest first; ``next`` and ``partial`` as in :class:`gateway.store.walking.Step`."""

    heads: list[Head]
    next: tuple[Any, ...] | None
    partial: bool


async def page(
    tx: Transaction,
    scope_id: str,
    conditions: Sequence[Condition],
    text: str,
    after: Params | None,
    limit: int,
) -> Listed:
    """A page of the log; with ``text`` only those that hold it somewhere."""
    if not text:
        looked = await step(tx, LOG, scope_id, conditions, after, limit)
        return Listed(await _heads(tx, scope_id, looked.found), looked.next, looked.partial)
    looked = await step(tx, LOG, scope_id, conditions, after, SEARCH_MESSAGES_MAX)
    affordable, cut = await _affordable(tx, scope_id, looked.found)
    holding = await _holding(tx, scope_id, affordable, text)
    found = [key for key in affordable if key[1] in holding]
    if len(found) > limit:
        return Listed(await _heads(tx, scope_id, found[:limit]), found[limit - 1], partial=False)
    goes_on = affordable[-1] if cut else looked.next
    return Listed(await _heads(tx, scope_id, found), goes_on, partial=goes_on is not None)


async def one(tx: Transaction, scope_id: str, message_id: int) -> MessageRow | None:
    """The whole message."""
    rows = await tx.rows(MessageRow, "scope_id = ? AND message_id = ?", scope_id, message_id)
    return rows[0] if rows else None


async def _heads(tx: Transaction, scope_id: str, keys: Sequence[Params]) -> list[Head]:
    rows = await _by_id(tx, f"{_HEAD}, length(raw), length(answer)", scope_id, keys)
    by_id = {row[0]: Head(*row) for row in rows}
    return [by_id[key[1]] for key in keys]


async def _by_id(
    tx: Transaction, columns: str, scope_id: str, keys: Sequence[Params], condition: str = "1 = 1", *params: Any
) -> Sequence[tuple[Any, ...]]:
    """Some columns of the messages of these keys for which the condition holds, each found by its primary key."""
    if not keys:
        return []
    ids = [key[1] for key in keys]
    source, given = "unnest(?::bigint[]) AS k(id) JOIN", [ids]
    if tx.dialect == "sqlite":
        # CROSS JOIN keeps SQLite from reading the table and probing the list.
        source, given = f"(SELECT column1 AS id FROM (VALUES {', '.join(['(?)'] * len(ids))})) AS k CROSS JOIN", ids
    return await tx.fetch(
        f"SELECT {columns} FROM {source} message AS t ON t.scope_id = ? AND t.message_id = k.id WHERE {condition}",
        *given,
        scope_id,
        *params,
    )


async def _affordable(
    tx: Transaction, scope_id: str, keys: Sequence[tuple[Any, ...]]
) -> tuple[list[tuple[Any, ...]], bool]:
    """The first of them whose texts together are not too long to look through, and whether there are others."""
    sizes = {head.message_id: head.raw_bytes + head.answer_bytes for head in await _heads(tx, scope_id, keys)}
    spent = 0
    for count, key in enumerate(keys):
        spent += sizes[key[1]]
        if spent > SEARCH_BYTES_MAX and count:
            return list(keys[:count]), True
    return list(keys), False


async def _holding(tx: Transaction, scope_id: str, keys: Sequence[Params], text: str) -> set[int]:
    held = "position(? IN {0}) > 0" if tx.dialect == "postgresql" else "instr({0}, ?) > 0"
    condition = f"({held.format('raw')} OR {held.format('answer')} OR {held.format('detail')})"
    raw = text.encode()
    return {row[0] for row in await _by_id(tx, "message_id", scope_id, keys, condition, raw, raw, text)}
