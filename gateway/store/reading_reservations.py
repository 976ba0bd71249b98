"""What is asked of the store about reservations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from gateway.store.database import Transaction
from gateway.store.schema import TROUBLED
from gateway.store.sql import Lookup
from gateway.store.tables import DeliveryRow, ReservationRow, RevisionRow
from gateway.store.walking import Condition, Walk, step

_COVERED = frozenset({"status", "connection"})
CREATED = Walk(ReservationRow, ("at_ms", "reservation_id"), descending=True, covered=_COVERED)
ARRIVAL = Walk(ReservationRow, ("arrival", "reservation_id"), descending=False, covered=_COVERED)
# As the partial index has it, word for word, or SQLite does not see that it may use it.
TROUBLE = Walk(ReservationRow, ("at_ms", "reservation_id"), descending=False, where=TROUBLED)
NEW_TROUBLE = TROUBLE._replace(descending=True)

_BY_NUMBER = Lookup(ReservationRow, ("scope_id", "reservation_id"))
_REVISIONS = Lookup(RevisionRow, ("scope_id", "reservation_id"))


class Listed(NamedTuple):
    """Reservations in the order asked for, with all their revisions by number; see :class:`gateway.store.walking.Step`
    for the rest."""

    rows: list[ReservationRow]
    revisions: dict[str, list[RevisionRow]]
    next: tuple[object, ...] | None
    partial: bool


async def page(
    tx: Transaction,
    walk: Walk,
    scope_id: str,
    conditions: Sequence[Condition],
    after: tuple[object, ...] | None,
    limit: int,
) -> Listed:
    """A page of a walk: three statements, four where a filter is rare."""
    looked = await step(tx, walk, scope_id, conditions, after, limit)
    return await listed(tx, scope_id, looked.found, looked.next, partial=looked.partial)


async def listed(
    tx: Transaction,
    scope_id: str,
    keys: Sequence[tuple[object, ...]],
    goes_on: tuple[object, ...] | None,
    *,
    partial: bool,
) -> Listed:
    """What is shown of a page whose places in the order are these; the last value of each is a number of ours."""
    numbers = [str(key[-1]) for key in keys]
    rows = await by_number(tx, scope_id, numbers)
    return Listed([rows[number] for number in numbers], await revisions(tx, scope_id, numbers), goes_on, partial)


async def by_number(tx: Transaction, scope_id: str, numbers: Collection[str]) -> dict[str, ReservationRow]:
    """The reservations with these numbers of ours."""
    rows = await tx.lookup(_BY_NUMBER, [(scope_id, number) for number in numbers]) if numbers else []
    return {row.reservation_id: row for row in rows if isinstance(row, ReservationRow)}


async def revisions(tx: Transaction, scope_id: str, numbers: Collection[str]) -> dict[str, list[RevisionRow]]:
    """Their revisions in order of arrival."""
    found: dict[str, list[RevisionRow]] = {number: [] for number in numbers}
    for row in await tx.lookup(_REVISIONS, [(scope_id, number) for number in numbers]) if numbers else ():
        assert isinstance(row, RevisionRow)
        found[row.reservation_id].append(row)
    for rows in found.values():
        rows.sort(key=lambda row: row.seq)
    return found


async def deliveries(
    tx: Transaction, scope_id: str, connections: Collection[str], reservation_id: str
) -> list[DeliveryRow]:
    """How far its deliveries have come, at the property's connections."""
    keys = [(scope_id, connection, reservation_id) for connection in connections]
    rows = await tx.lookup(Lookup(DeliveryRow), keys) if keys else []
    return [row for row in rows if isinstance(row, DeliveryRow)]


async def authors(tx: Transaction, scope_id: str, message_ids: Collection[int]) -> dict[int, str]:
    """Who sent the messages, as far as they are kept."""
    if not message_ids:
        return {}
    marks = ", ".join("?" * len(message_ids))
    rows = await tx.fetch(
        f"SELECT message_id, author FROM message WHERE scope_id = ? AND message_id IN ({marks})",
        scope_id,
        *message_ids,
    )
    return {row[0]: row[1] for row in rows}
