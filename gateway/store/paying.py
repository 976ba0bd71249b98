"""What is read of payments: what is due, and what people look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.engine.hotel import Hotel
from gateway.store.database import Transaction
from gateway.store.hotels import Hotels
from gateway.store.schema import PAYMENTS_LEFT
from gateway.store.sql import Lookup
from gateway.store.tables import Scope
from gateway.store.tables_paying import (
    PaymentAccountRow,
    PaymentEventRow,
    PaymentInboxRow,
    PaymentOperationRow,
    PaymentRow,
    account_scope,
)

DUE_MAX = 200
_SCOPES = Lookup(Scope)
_ACCOUNTS = Lookup(PaymentAccountRow)
_PAYMENTS = Lookup(PaymentRow)
_OPERATIONS = Lookup(PaymentOperationRow, ("scope_id", "payment_id"))
_EVENTS = Lookup(PaymentEventRow, ("scope_id", "payment_id"))


class DueCallback(NamedTuple):
    """An item of the inbox with whose it is."""

    hotel: Hotel
    account: str
    row: PaymentInboxRow


class DueOperation(NamedTuple):
    """An operation to ask about."""

    hotel: Hotel
    row: PaymentOperationRow


class Kept(NamedTuple):
    """A payment as it is stored."""

    payment: PaymentRow
    operations: list[PaymentOperationRow]
    events: list[PaymentEventRow]


async def due_callbacks(tx: Transaction, hotels: Hotels, now_ms: int) -> list[DueCallback]:
    """The items that have waited longest."""
    rows = await tx.rows(PaymentInboxRow, f"due_ms <= ? ORDER BY due_ms LIMIT {DUE_MAX}", now_ms)
    if not rows:
        return []
    keys = sorted({(row.scope_id,) for row in rows})
    homes = {row.scope_id: row for row in await tx.lookup(_ACCOUNTS, keys) if isinstance(row, PaymentAccountRow)}
    known = await _hotels(tx, hotels, {home.property_id for home in homes.values()})
    found = []
    for row in rows:
        home = homes.get(row.scope_id)
        if home is not None and home.property_id in known:
            found.append(DueCallback(known[home.property_id], home.account, row))
    return found


async def due_operations(tx: Transaction, hotels: Hotels, now_ms: int) -> list[DueOperation]:
    """The operations that nobody has an answer to, and whose turn it is."""
    rows = await tx.rows(PaymentOperationRow, f"due_ms <= ? ORDER BY due_ms LIMIT {DUE_MAX}", now_ms)
    known = await _hotels(tx, hotels, {row.scope_id for row in rows})
    return [DueOperation(known[row.scope_id], row) for row in rows if row.scope_id in known]


async def next_due_ms(tx: Transaction, now_ms: int) -> int | None:
    """When the next item or operation will be due."""
    inbox = await tx.fetch("SELECT min(due_ms) FROM payment_inbox WHERE due_ms > ?", now_ms)
    operations = await tx.fetch("SELECT min(due_ms) FROM payment_operation WHERE due_ms > ?", now_ms)
    return min((int(value) for value in (inbox[0][0], operations[0][0]) if value is not None), default=None)


async def one(tx: Transaction, scope_id: str, payment_id: str) -> Kept | None:
    """A payment by our number."""
    payments = await tx.rows(PaymentRow, "scope_id = ? AND payment_id = ?", scope_id, payment_id)
    return (await _with_all(tx, payments))[0] if payments else None


async def several(tx: Transaction, scope_id: str, payment_ids: Sequence[str]) -> list[Kept]:
    """Payments by our numbers, in the order they are given."""
    rows = await tx.lookup(_PAYMENTS, [(scope_id, name) for name in payment_ids]) if payment_ids else []
    found = {row.payment_id: row for row in rows if isinstance(row, PaymentRow)}
    return await _with_all(tx, [found[name] for name in payment_ids if name in found])


async def page(tx: Transaction, scope_id: str, reservation_id: str, before: str, limit: int) -> list[Kept]:
    """Payments, newest first: their numbers grow with time. Those of one reservation, where it is named."""
    condition, params = "scope_id = ?", [scope_id]
    if reservation_id:
        condition, params = f"{condition} AND reservation_id = ? AND reservation_id <> ''", [*params, reservation_id]
    if before:
        condition, params = f"{condition} AND payment_id < ?", [*params, before]
    return await _with_all(
        tx, await tx.rows(PaymentRow, f"{condition} ORDER BY payment_id DESC LIMIT {limit}", *params)
    )


async def parked(tx: Transaction, accounts: Sequence[str], limit: int) -> list[PaymentInboxRow]:
    """What a person has to look at, the oldest first."""
    if not accounts:
        return []
    marks = ", ".join("?" * len(accounts))
    condition = f"scope_id IN ({marks}) AND state = 'parked' ORDER BY at_ms, dedupe LIMIT {limit}"
    return await tx.rows(PaymentInboxRow, condition, *map(account_scope, accounts))


async def _hotels(tx: Transaction, hotels: Hotels, scope_ids: set[str]) -> dict[str, Hotel]:
    scopes = await tx.lookup(_SCOPES, [(name,) for name in sorted(scope_ids)]) if scope_ids else []
    return await hotels.current(tx, [row for row in scopes if isinstance(row, Scope)])


async def _with_all(tx: Transaction, payments: list[PaymentRow]) -> list[Kept]:
    keys = [(row.scope_id, row.payment_id) for row in payments]
    kept = {key: Kept(payment, [], []) for key, payment in zip(keys, payments, strict=True)}
    if not kept:
        return []
    for row in await tx.lookup(_OPERATIONS, keys):
        assert isinstance(row, PaymentOperationRow)
        kept[row.scope_id, row.payment_id].operations.append(row)
    for event in await tx.lookup(_EVENTS, keys):
        assert isinstance(event, PaymentEventRow)
        kept[event.scope_id, event.payment_id].events.append(event)
    for each in kept.values():
        each.operations.sort(key=lambda row: row.operation_id)
        each.events.sort(key=lambda event: (event.seen_ms, event.kind, event.fact_key))
    return list(kept.values())


async def hotels_that_charge(tx: Transaction, hotels: Hotels) -> list[Hotel]:
    """Every property with a payment account."""
    rows = await tx.fetch("SELECT DISTINCT property_id FROM payment_account")
    found = await _hotels(tx, hotels, {row[0] for row in rows})
    return [found[name] for name in sorted(found)]


async def hotels_with_cards_alone(tx: Transaction, hotels: Hotels) -> list[Hotel]:
    """Every property that keeps cards and has no payment account."""
    rows = await tx.fetch(
        "SELECT DISTINCT scope_id FROM card WHERE state = 'kept' "
        "AND NOT EXISTS (SELECT 1 FROM payment_account AS a WHERE a.property_id = card.scope_id)"
    )
    found = await _hotels(tx, hotels, {row[0] for row in rows})
    return [found[name] for name in sorted(found)]


async def payment_of(tx: Transaction, scope_id: str, account: str, numbers: Sequence[str]) -> str:
    """The payment with an operation of one of these numbers, ours or theirs; empty where there is none."""
    for number in numbers:
        condition = "scope_id = ? AND operation_id = ? AND account = ?"
        for clause in (condition, condition.replace("operation_id", "psp")):
            rows = await tx.rows(PaymentOperationRow, f"{clause} LIMIT 1", scope_id, number, account)
            if rows:
                return rows[0].payment_id
    return ""


class Trouble(NamedTuple):
    """What needs a person at one payment account, by name, and since when."""

    property_id: str
    account: str
    number: int
    since_ms: int
    text: str


async def parked_by_account(tx: Transaction) -> list[Trouble]:
    """Accounts with messages that a person has to look at."""
    rows = await tx.fetch(
        "SELECT a.property_id, a.account, count(*), min(i.at_ms), min(i.detail) FROM payment_inbox AS i "
        "JOIN payment_account AS a ON a.scope_id = i.scope_id WHERE i.state = 'parked' "
        f"GROUP BY a.property_id, a.account ORDER BY a.property_id, a.account LIMIT {DUE_MAX}"
    )
    return [Trouble(*row) for row in rows]


async def refused_by_account(tx: Transaction, since_ms: int) -> list[Trouble]:
    """Accounts whose callbacks were refused lately."""
    rows = await tx.fetch(
        "SELECT property_id, account, refused, refused_ms, refused_text FROM payment_account "
        f"WHERE refused_ms >= ? ORDER BY property_id, account LIMIT {DUE_MAX}",
        max(1, since_ms),
    )
    return [Trouble(*row) for row in rows]


async def unresolved(tx: Transaction) -> list[Trouble]:
    """Accounts with operations that nobody asks about any more, and whose end is not known."""
    rows = await tx.fetch(
        "SELECT scope_id, account, count(*), min(at_ms), min(operation_id) FROM payment_operation "
        f"WHERE {PAYMENTS_LEFT} GROUP BY scope_id, account ORDER BY scope_id, account LIMIT {DUE_MAX}"
    )
    return [Trouble(*row) for row in rows]
