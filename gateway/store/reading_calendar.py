"""A stretch of a property's calendar and stock: some targets, all their blocks from the first to the last.

By primary key each block would be searched for; this searches once for each target, however long the stretch is.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.store.database import Transaction
from gateway.store.sql import Params, chunks, columns

CalendarBody = tuple[tuple[str, str, int], bytes]
StockBody = tuple[tuple[str, int], bytes]


async def calendar(
    tx: Transaction, scope_id: str, targets: Sequence[tuple[str, str]], blocks: range
) -> list[CalendarBody]:
    """Key (room, plan, block) and body of each row of these rooms and plans, which are distinct."""
    rows = await _stretch(tx, "calendar", ("room", "plan"), scope_id, targets, blocks)
    return [((room, plan, block), body) for room, plan, block, body in rows]


async def stock(tx: Transaction, scope_id: str, rooms: Sequence[str], blocks: range) -> list[StockBody]:
    """Key (room, block) and body of each row of these rooms, which are distinct."""
    rows = await _stretch(tx, "stock", ("room",), scope_id, [(room,) for room in rooms], blocks)
    return [((room, block), body) for room, block, body in rows]


async def _stretch(
    tx: Transaction, table: str, fields: Sequence[str], scope_id: str, targets: Sequence[Params], blocks: range
) -> list[Params]:
    """The fields, block and body of each row; ``blocks`` follow each other."""
    names = ", ".join(f"t.{field}" for field in (*fields, "block", "body"))
    match = " AND ".join(f"t.{field} = k.column{n}" for n, field in enumerate(fields, 1))
    found: list[Params] = []
    for some in chunks(targets, len(fields), tx.dialect):
        source, params = _listed(tx, some)
        # CROSS JOIN keeps SQLite from scanning the table and probing the list.
        text = (
            f"SELECT {names} FROM {source} CROSS JOIN {table} AS t "
            f"WHERE t.scope_id = ? AND {match} AND t.block BETWEEN ? AND ?"
        )
        found += await tx.fetch(text, *params, scope_id, blocks[0], blocks[-1])
    return found


def _listed(tx: Transaction, targets: Sequence[Params]) -> tuple[str, Params]:
    """The targets as a table of column1, column2 …, and its parameters."""
    width = len(targets[0])
    if tx.dialect == "postgresql":
        arrays, names = ", ".join(["?::text[]"] * width), ", ".join(f"column{n}" for n in range(1, width + 1))
        return f"unnest({arrays}) AS k({names})", columns(targets)
    marks = ", ".join([f"({', '.join('?' * width)})"] * len(targets))
    return f"(VALUES {marks}) AS k", [value for target in targets for value in target]
