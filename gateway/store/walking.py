"""Lists of any length, a page at a time, along an index.

A page begins where the one before has ended, by the values of its last row, so page 1,000 costs what page 1 costs. A
condition that the index does not order by is looked for in a bounded number of rows: what is rare may then need
several pages, some of them empty, but none of them ever reads the whole table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.store.database import Transaction
from gateway.store.schema import SPECS
from gateway.store.sql import Params

FIRST_SCAN = 400
SCAN_MAX = 2_000
COVERED_SCAN_MAX = 20_000  # where the index alone answers


class Walk(NamedTuple):
    """Along an index: the scope, then ``order``, whose last column is unique within it.

    ``covered`` are the other columns in the index. ``where`` is the condition of a partial one.
    """

    row: type[Any]
    order: tuple[str, ...]
    descending: bool
    covered: frozenset[str] = frozenset()
    where: str = ""


class Condition(NamedTuple):
    """``column`` compared with ``value``: ``=``, ``>``, ``>=``, ``<=``."""

    column: str
    operator: str
    value: Any


class Step(NamedTuple):
    """The ``order`` values of what was found. ``next`` is where to go on, None at the end; ``partial`` says that the
    look has ended before there were enough."""

    found: list[tuple[Any, ...]]
    next: tuple[Any, ...] | None
    partial: bool


async def step(
    tx: Transaction, walk: Walk, scope_id: str, conditions: Sequence[Condition], after: Params | None, limit: int
) -> Step:
    """The next ``limit`` rows behind ``after`` for which all conditions hold; those on the first column of the order
    bound the look itself."""
    bounds = [each for each in conditions if each.column == walk.order[0]]
    filters = [each for each in conditions if each.column != walk.order[0]]
    scan = limit + 1
    if filters:
        scan = COVERED_SCAN_MAX if {each.column for each in filters} <= walk.covered else SCAN_MAX
    if scan > FIRST_SCAN > limit:
        # What is not rare is found within the first of them.
        found = await _look(tx, walk, scope_id, bounds, filters, after, limit, FIRST_SCAN)
        if len(found) > limit:
            return Step(found[:limit], found[limit - 1], partial=False)
    rows = await _look(tx, walk, scope_id, bounds, filters, after, limit, scan)
    found = rows[:limit]
    if len(rows) > limit:
        return Step(found, found[-1], partial=False)
    if not filters:
        return Step(found, None, partial=False)
    looked, params = _window(walk, scope_id, bounds, after)
    last = await tx.fetch(f"SELECT {', '.join(walk.order)} {looked} LIMIT 1 OFFSET {scan - 1}", *params)
    return Step(found, tuple(last[0]) if last else None, partial=bool(last))


async def _look(
    tx: Transaction,
    walk: Walk,
    scope_id: str,
    bounds: Sequence[Condition],
    filters: Sequence[Condition],
    after: Params | None,
    limit: int,
    scan: int,
) -> list[tuple[Any, ...]]:
    """One more than the limit, if there are so many among the next ``scan`` rows."""
    looked, params = _window(walk, scope_id, bounds, after)
    order = ", ".join(walk.order)
    columns = ", ".join(dict.fromkeys((*walk.order, *(each.column for each in filters))))
    tests = " AND ".join(f"{each.column} {each.operator} ?" for each in filters) or "1 = 1"
    rows = await tx.fetch(
        f"SELECT {order} FROM (SELECT {columns} {looked} LIMIT {scan}) AS w WHERE {tests} "
        f"ORDER BY {sorting(walk)} LIMIT {limit + 1}",
        *params,
        *(each.value for each in filters),
    )
    return [tuple(row) for row in rows]


def _window(walk: Walk, scope_id: str, bounds: Sequence[Condition], after: Params | None) -> tuple[str, list[Any]]:
    parts, params = ["scope_id = ?"], [scope_id]
    if walk.where:
        parts.append(f"({walk.where})")
    for each in bounds:
        parts.append(f"{each.column} {each.operator} ?")
        params.append(each.value)
    if after is not None:
        marks = ", ".join("?" * len(walk.order))
        parts.append(f"({', '.join(walk.order)}) {'<' if walk.descending else '>'} ({marks})")
        params += after
    table = SPECS[walk.row].name
    return f"FROM {table} WHERE {' AND '.join(parts)} ORDER BY {sorting(walk)}", params


def sorting(walk: Walk) -> str:
    """What stands behind ORDER BY."""
    return ", ".join(f"{column} {'DESC' if walk.descending else 'ASC'}" for column in walk.order)
