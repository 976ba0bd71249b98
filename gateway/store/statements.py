"""What is read for reconciliation: statements that are due, both sides of the comparison, and lists for people."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from gateway.engine.hotel import Hotel
from gateway.engine.ledger import LedgerEvent
from gateway.engine.reconciling import EXPECTED, Movement, MovementKey, movement_of
from gateway.model.payment import FactKind
from gateway.store.database import Transaction
from gateway.store.hotels import Hotels
from gateway.store.paying import Trouble
from gateway.store.sql import Lookup
from gateway.store.tables import Scope
from gateway.store.tables_paying import PaymentAccountRow, PaymentEventRow, PaymentRow, account_scope
from gateway.store.tables_statements import DifferenceRow, PaymentTokenRow, StatementLineRow, StatementRow

DUE_MAX = 50
OPEN_MAX = 5_000
_SCOPES = Lookup(Scope)
_HOMES = Lookup(PaymentAccountRow)
_PAYMENTS = Lookup(PaymentRow)
_EVENTS = Lookup(PaymentEventRow, ("scope_id", "fact_key"))
_BY_KEY = Lookup(StatementLineRow, ("scope_id", "fact_key"))
_BY_PAYMENT = Lookup(StatementLineRow, ("scope_id", "payment_psp"))

_event = msgspec.msgpack.Decoder(LedgerEvent).decode


class DueStatement(NamedTuple):
    """A statement to fetch, with whose it is."""

    hotel: Hotel
    row: StatementRow


class Wanted(NamedTuple):
    """Which differences or statements; what is empty or None says nothing."""

    account: str = ""
    state: str = ""
    verdict: str = ""
    first: int | None = None
    last: int | None = None


async def due(tx: Transaction, hotels: Hotels, now_ms: int) -> list[DueStatement]:
    """The statements that have waited longest."""
    rows = await tx.rows(StatementRow, f"due_ms <= ? ORDER BY due_ms LIMIT {DUE_MAX}", now_ms)
    homes = await tx.lookup(_HOMES, sorted({(row.scope_id,) for row in rows})) if rows else []
    property_of = {home.scope_id: home.property_id for home in homes if isinstance(home, PaymentAccountRow)}
    known = await _hotels(tx, hotels, set(property_of.values()))
    found = [(known.get(property_of.get(row.scope_id, "")), row) for row in rows]
    return [DueStatement(hotel, row) for hotel, row in found if hotel is not None]


async def without_any(tx: Transaction, hotels: Hotels, limit: int) -> list[tuple[Hotel, str]]:
    """Accounts of which no statement was ever wanted."""
    rows = await tx.fetch(
        "SELECT a.property_id, a.account FROM payment_account AS a WHERE NOT EXISTS "
        f"(SELECT 1 FROM payment_statement AS s WHERE s.scope_id = a.scope_id) ORDER BY a.scope_id LIMIT {limit}"
    )
    known = await _hotels(tx, hotels, {property_id for property_id, _ in rows})
    return [(known[property_id], account) for property_id, account in rows if property_id in known]


async def movements(tx: Transaction, scope_id: str, account: str, keys: Collection[str]) -> list[Movement]:
    """The events of an account's payments with any of the gateway's numbers."""
    rows = await tx.lookup(_EVENTS, [(scope_id, key) for key in sorted(keys)]) if keys else []
    return await _of_account(tx, account, [row for row in rows if isinstance(row, PaymentEventRow)])


async def seen_between(tx: Transaction, scope_id: str, account: str, first_ms: int, last_ms: int) -> list[Movement]:
    """The movements a statement has to tell of that we came to know of in between."""
    marks = ", ".join(f"'{kind.value}'" for kind in sorted(EXPECTED))
    condition = f"scope_id = ? AND seen_ms >= ? AND seen_ms < ? AND kind IN ({marks})"
    return await _of_account(tx, account, await tx.rows(PaymentEventRow, condition, scope_id, first_ms, last_ms))


async def told(tx: Transaction, account: str, keys: Collection[str], *, but: str) -> set[MovementKey]:
    """The movements with these numbers that the account's other statements tell of."""
    scope_id = account_scope(account)
    wanted = [(scope_id, key) for key in sorted(keys)]
    found: set[MovementKey] = set()
    for lookup in (_BY_KEY, _BY_PAYMENT) if wanted else ():
        for row in await tx.lookup(lookup, wanted):
            if isinstance(row, StatementLineRow) and row.name != but and row.kind:
                found.add((FactKind(row.kind), row.fact_key))
                # A capture that a purchase brought about is known here by the number of the purchase.
                if row.kind == FactKind.CAPTURED and row.payment_psp:
                    found.add((FactKind.CAPTURED, row.payment_psp))
    return found


async def line_numbers(tx: Transaction, account: str, name: str) -> set[int]:
    """The lines of a statement that are kept already."""
    rows = await tx.fetch(
        "SELECT number FROM payment_statement_line WHERE scope_id = ? AND name = ?", account_scope(account), name
    )
    return {int(number) for (number,) in rows}


async def one(tx: Transaction, account: str, name: str) -> StatementRow | None:
    """A statement by its name."""
    rows = await tx.rows(StatementRow, "scope_id = ? AND name = ?", account_scope(account), name)
    return rows[0] if rows else None


async def open_differences(tx: Transaction, account: str) -> list[DifferenceRow]:
    """What is open at an account, the oldest first."""
    condition = f"scope_id = ? AND state = 'open' ORDER BY at_ms LIMIT {OPEN_MAX}"
    return await tx.rows(DifferenceRow, condition, account_scope(account))


async def statements(tx: Transaction, accounts: Sequence[str], limit: int) -> list[StatementRow]:
    """The newest of each account."""
    found: list[StatementRow] = []
    for account in accounts:
        condition = f"scope_id = ? ORDER BY day DESC, name DESC LIMIT {limit}"
        found += await tx.rows(StatementRow, condition, account_scope(account))
    return found


async def differences(
    tx: Transaction, accounts: Sequence[str], wanted: Wanted, after: tuple[Any, ...] | None, limit: int
) -> list[DifferenceRow]:
    """Newest day first, behind ``after`` (day, scope, id)."""
    if not accounts:
        return []
    marks = ", ".join("?" * len(accounts))
    conditions, params = [f"scope_id IN ({marks})"], [account_scope(account) for account in accounts]
    for clause, value in (
        ("state = ?", wanted.state),
        ("verdict = ?", wanted.verdict),
        ("day >= ?", wanted.first),
        ("day <= ?", wanted.last),
    ):
        if value not in ("", None):
            conditions.append(clause)
            params.append(value)  # type: ignore[arg-type]
    if after is not None:
        day, scope_id, name = after
        conditions.append("(day < ? OR (day = ? AND (scope_id > ? OR (scope_id = ? AND difference_id > ?))))")
        params += [day, day, scope_id, scope_id, name]
    where = " AND ".join(conditions)
    return await tx.rows(DifferenceRow, f"{where} ORDER BY day DESC, scope_id, difference_id LIMIT {limit}", *params)


async def tokens(tx: Transaction, scope_id: str, reservation_id: str, limit: int) -> list[PaymentTokenRow]:
    """Kept means of payment, the newest first; those of one reservation, where it is named."""
    condition, params = "scope_id = ?", [scope_id]
    if reservation_id:
        condition, params = f"{condition} AND reservation_id = ?", [*params, reservation_id]
    return await tx.rows(PaymentTokenRow, f"{condition} ORDER BY at_ms DESC, token LIMIT {limit}", *params)


async def differing(tx: Transaction) -> list[Trouble]:
    """Accounts with open differences."""
    rows = await tx.fetch(
        "SELECT a.property_id, a.account, count(*), min(d.at_ms), min(d.verdict) FROM payment_difference AS d "
        "JOIN payment_account AS a ON a.scope_id = d.scope_id WHERE d.state = 'open' "
        "GROUP BY a.property_id, a.account ORDER BY a.property_id, a.account LIMIT 200"
    )
    return [Trouble(*row) for row in rows]


async def not_fetched(tx: Transaction, attempts: int) -> list[Trouble]:
    """Accounts with statements that could not be fetched so often, or for good."""
    columns = "SELECT a.property_id, a.account, count(*), min(s.at_ms), min(s.error) FROM payment_statement AS s "
    home = "JOIN payment_account AS a ON a.scope_id = s.scope_id "
    grouped = " GROUP BY a.property_id, a.account ORDER BY a.property_id, a.account LIMIT 200"
    # Two statements, because each of them is answered by a partial index of its own.
    failed = await tx.fetch(f"{columns}{home}WHERE s.state = 'failed'{grouped}")
    failing = await tx.fetch(f"{columns}{home}WHERE s.due_ms IS NOT NULL AND s.attempts >= ?{grouped}", attempts)
    found: dict[str, Trouble] = {}
    for one in (Trouble(*row) for row in (*failed, *failing)):
        known = found.get(one.account)
        found[one.account] = one if known is None else known._replace(number=known.number + one.number)
    return list(found.values())


async def _of_account(tx: Transaction, account: str, rows: Iterable[PaymentEventRow]) -> list[Movement]:
    rows = list(rows)
    keys = sorted({row[:2] for row in rows})
    payments = await tx.lookup(_PAYMENTS, keys) if keys else []
    ours = {row.payment_id for row in payments if isinstance(row, PaymentRow) and row.account == account}
    return [movement_of(row.payment_id, _event(row.body), row.seen_ms) for row in rows if row.payment_id in ours]


async def _hotels(tx: Transaction, hotels: Hotels, scope_ids: set[str]) -> dict[str, Hotel]:
    scopes = await tx.lookup(_SCOPES, [(name,) for name in sorted(scope_ids)]) if scope_ids else []
    return await hotels.current(tx, [row for row in scopes if isinstance(row, Scope)])
