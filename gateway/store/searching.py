"""Reservations found by something else than the order they are listed in: a bounded number, sorted each time.

What is looked for is a range of an index that also holds all that a list is sorted and filtered by. So whatever might
fit costs an entry in that index, and only what is shown is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.store.database import Transaction
from gateway.store.reading_reservations import Listed, listed
from gateway.store.schema import TROUBLED
from gateway.store.sql import Params
from gateway.store.walking import SCAN_MAX, Condition, Walk, sorting

MATCHES_MAX = 4_000  # of each kind: by booking id, by guest
FEW = 100
_HIGHEST = "\U0010ffff"
_BEGINS = "booking_id >= ? AND booking_id < ?", "guest >= ? AND guest < ?"


class Range(NamedTuple):
    """The first ``most`` reservations for which ``where`` holds, in the ``order`` of the index that finds them."""

    where: str
    params: Params
    order: str
    most: int


class Search(NamedTuple):
    """Whatever is in one of the ranges and passes the ``test`` on ``columns``."""

    ranges: Sequence[Range]
    test: str = "1 = 1"
    params: Params = ()
    columns: Sequence[str] = ()


def for_text(text: str, *, troubled: bool = False) -> Search:
    """Those whose number is the text or whose booking id or guest begins with it; of the troubled, if only they are
    wanted."""
    number = text.upper(), text.casefold()
    booking, guest = (text, text + _HIGHEST), (number[1], number[1] + _HIGHEST)
    if not troubled:
        return Search(
            (
                Range("reservation_id = ?", (number[0],), "reservation_id", 1),
                Range(_BEGINS[0], booking, "booking_id, reservation_id", MATCHES_MAX),
                Range(_BEGINS[1], guest, "guest, reservation_id", MATCHES_MAX),
            )
        )
    return Search(
        (Range(f"({TROUBLED})", (), "at_ms DESC, reservation_id DESC", SCAN_MAX),),
        f"(reservation_id = ? OR ({_BEGINS[0]}) OR ({_BEGINS[1]}))",
        (number[0], *booking, *guest),
        ("booking_id", "guest"),
    )


async def for_rare(tx: Transaction, scope_id: str, connection: str) -> Search | None:
    """Those of a connection that has only few, or none; None for one with many, which any walk meets."""
    count = await tx.fetch(
        f"SELECT count(*) FROM (SELECT 1 FROM reservation WHERE scope_id = ? AND connection = ? LIMIT {FEW + 1}) AS w",
        *(scope_id, connection),
    )
    if count[0][0] > FEW:
        return None
    return Search((Range("connection = ?", (connection,), "connection, channel, booking_id", FEW),))


async def page(
    tx: Transaction,
    walk: Walk,
    scope_id: str,
    search: Search,
    conditions: Sequence[Condition],
    after: Params | None,
    limit: int,
) -> Listed:
    """A page of them in the order of the walk, in four statements; ``partial``: there is more than was looked at."""
    columns = ", ".join(dict.fromkeys((*walk.order, *(each.column for each in conditions), *search.columns)))
    parts, params = [], []
    for n, each in enumerate(search.ranges):
        inner = f"SELECT {columns} FROM reservation {_where(each)} LIMIT {each.most}"
        parts.append(f"SELECT {columns} FROM ({inner}) AS r{n}")
        params += [scope_id, *each.params]
    tests = [search.test, *(f"{each.column} {each.operator} ?" for each in conditions)]
    params += [*search.params, *(each.value for each in conditions)]
    order = ", ".join(walk.order)
    if after is not None:
        tests.append(f"({order}) {'<' if walk.descending else '>'} ({', '.join('?' * len(after))})")
        params += after
    found = await tx.fetch(
        f"SELECT DISTINCT {order} FROM ({' UNION ALL '.join(parts)}) AS w WHERE {' AND '.join(tests)} "
        f"ORDER BY {sorting(walk)} LIMIT {limit + 1}",
        *params,
    )
    keys = [tuple(row) for row in found[:limit]]
    goes_on = keys[-1] if len(found) > limit else None
    return await listed(tx, scope_id, keys, goes_on, partial=await _is_cut(tx, scope_id, search))


async def _is_cut(tx: Transaction, scope_id: str, search: Search) -> bool:
    """Whether a range has more than was looked at."""
    wide = [each for each in search.ranges if each.most > 1]
    asked = ", ".join(f"(SELECT 1 FROM reservation {_where(each)} LIMIT 1 OFFSET {each.most})" for each in wide)
    params: list[Any] = []
    for each in wide:
        params += [scope_id, *each.params]
    return any((await tx.fetch(f"SELECT {asked}", *params))[0])


def _where(wanted: Range) -> str:
    return f"WHERE scope_id = ? AND {wanted.where} ORDER BY {wanted.order}"
