"""Statements and differences as people and programs see them, take them away, and see to them."""

from __future__ import annotations

import csv
import io

import msgspec

from gateway.errors import Malformed, NotFound, Reason
from gateway.flows.desk.finding import cursor as made_cursor
from gateway.flows.desk.finding import page_size, position, property_of, text_of
from gateway.flows.payments.reconcile_compare import difference_in
from gateway.flows.payments.reconcile_jobs import Resolve
from gateway.flows.services import Services
from gateway.model.dates import Day, Instant, format_day, format_instant
from gateway.model.money import format_minor
from gateway.store import statements
from gateway.store.database import Transaction
from gateway.store.statements import Wanted
from gateway.store.tables_paying import account_scope
from gateway.store.tables_statements import DifferenceRow, StatementRow

EXPORTED_MAX = 10_000
STATEMENTS_MAX = 60
NOTE_MAX = 500
# Programs for tables take a cell that begins like this for a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_HEAD = (
    *("account", "statement", "day", "id", "verdict", "state", "movement", "number", "payment"),
    *("ours", "our_currency", "theirs", "their_currency", "found", "closed", "closed_by", "note"),
)


class DifferenceLine(msgspec.Struct, frozen=True):
    """Something that is not in order between a gateway's statement and our ledger.

    ``ours`` and ``theirs`` in minor units of their currencies: of the movement; of the fee, expected and taken; of the
    statement, its lines and what was paid out. ``state`` is open, cleared (gone by itself) or resolved by somebody.
    """

    id: str
    account: str
    statement: str
    day: str
    verdict: str
    state: str
    kind: str
    key: str
    payment: str
    ours: int | None
    our_currency: str
    theirs: int | None
    their_currency: str
    found_ms: Instant
    closed_ms: Instant
    closed_by: str
    note: str


class DifferencePage(msgspec.Struct, frozen=True):
    """``next`` is the cursor of what follows; empty at the end."""

    items: tuple[DifferenceLine, ...]
    next: str


class StatementLineView(msgspec.Struct, frozen=True):
    """A statement; ``net`` is the sum of its lines. ``state`` is wanted, done, none (there is none) or failed."""

    account: str
    name: str
    day: str
    state: str
    due_ms: Instant | None
    attempts: int
    looked_ms: Instant
    report: str
    lines: int
    net: int
    currency: str
    error: str


class StatementList(msgspec.Struct, frozen=True):
    """The newest of each account, at most ``STATEMENTS_MAX`` of each."""

    items: tuple[StatementLineView, ...]


async def list_statements(services: Services, scope_id: str, account: str = "") -> StatementList:
    """Raises :class:`NotFound`."""

    async def read(tx: Transaction) -> list[StatementRow]:
        return await statements.statements(tx, await _accounts(services, tx, scope_id, account), STATEMENTS_MAX)

    return StatementList(tuple(map(view_of, await services.database.read(read))))


async def find(services: Services, scope_id: str, wanted: Wanted, *, cursor: str = "", limit: int) -> DifferencePage:
    """The newest day first; raises :class:`NotFound` and :class:`Malformed`."""
    limit, after = page_size(limit), position(cursor, int, str, str)
    found = await _read(services, scope_id, wanted, after, limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    following = made_cursor((last.day, last.scope_id, last.difference_id) if last else None)
    return DifferencePage(tuple(map(_line, found[:limit])), following)


async def export(services: Services, scope_id: str, wanted: Wanted) -> str:
    """The differences as CSV (RFC 4180) with a heading, amounts in major units; at most ``EXPORTED_MAX``."""
    found = await _read(services, scope_id, wanted, None, EXPORTED_MAX)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_HEAD)
    writer.writerows([safe_cell(cell) for cell in _cells(_line(row))] for row in found)
    return text.getvalue()


async def resolve(
    services: Services, scope_id: str, account: str, difference_id: str, note: str, author: str
) -> DifferenceLine:
    """Somebody has seen to it; ``note`` says how. It changes no amount. Raises :class:`NotFound`."""
    note = " ".join(note.split())
    if not note:
        raise Malformed("say in the note what was done about the difference", Reason.REQUIRED_MISSING, path="/note")
    if len(note) > NOTE_MAX or "\0" in note:
        raise Malformed(f"a note has 1 to {NOTE_MAX} characters", Reason.INVALID_VALUE, path="/note")
    account = text_of(account)
    await services.database.read(lambda tx: _accounts(services, tx, scope_id, account))
    row: DifferenceRow = await services.batcher.submit(Resolve(account, text_of(difference_id), note, author))
    return _line(row)


def safe_cell(cell: str) -> str:
    """The cell as a text, wherever a program for tables would take it for a formula; plain numbers stay numbers."""
    plain = cell.removeprefix("-")
    if not cell.startswith(_FORMULA) or (plain[:1].isdigit() and plain.replace(".", "", 1).isdecimal()):
        return cell
    return f"'{cell}"


def view_of(row: StatementRow) -> StatementLineView:
    """As it is shown."""
    return StatementLineView(
        account=row.account,
        name=row.name,
        day=format_day(row.day),
        state=row.state,
        due_ms=row.due_ms,
        attempts=row.attempts,
        looked_ms=row.at_ms,
        report=row.report,
        lines=row.lines,
        net=row.net,
        currency=row.currency,
        error=row.error,
    )


async def _read(
    services: Services, scope_id: str, wanted: Wanted, after: tuple[Day, str, str] | None, limit: int
) -> list[DifferenceRow]:
    async def read(tx: Transaction) -> list[DifferenceRow]:
        accounts = await _accounts(services, tx, scope_id, wanted.account)
        return await statements.differences(tx, accounts, wanted, after, limit)

    return await services.database.read(read)


async def _accounts(services: Services, tx: Transaction, scope_id: str, account: str) -> list[str]:
    """The property's accounts, or the one that is named."""
    _, hotel = await property_of(services, tx, scope_id)
    if account and account not in hotel.payments:
        raise NotFound(f"{scope_id!r} has no payment account {account!r}")
    return [account] if account else sorted(hotel.payments)


def _line(row: DifferenceRow) -> DifferenceLine:
    found = difference_in(row.body)
    return DifferenceLine(
        id=row.difference_id,
        account=row.scope_id.removeprefix(account_scope("")),
        statement=row.name,
        day=format_day(row.day),
        verdict=row.verdict,
        state=row.state,
        kind=found.kind.value if found.kind else "",
        key=found.key,
        payment=row.payment_id,
        ours=found.ours,
        our_currency=found.our_currency,
        theirs=found.theirs,
        their_currency=found.their_currency,
        found_ms=row.at_ms,
        closed_ms=row.closed_ms,
        closed_by=row.closed_by,
        note=row.note,
    )


def _cells(line: DifferenceLine) -> list[str]:
    def amount(value: int | None, currency: str) -> str:
        return "" if value is None else format_minor(value, currency)

    def instant(value: Instant) -> str:
        return format_instant(value) if value else ""

    return [
        *(line.account, line.statement, line.day, line.id, line.verdict, line.state, line.kind, line.key, line.payment),
        *(amount(line.ours, line.our_currency), line.our_currency),
        *(amount(line.theirs, line.their_currency), line.their_currency),
        *(instant(line.found_ms), instant(line.closed_ms), line.closed_by, line.note),
    ]
