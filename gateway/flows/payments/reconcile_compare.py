"""One statement against the ledger: both sides read, what only the statement tells of entered, what differs written.

A movement that only a statement tells of enters the ledger by the same checks as a callback's, so a lost callback costs
a day and not a payment; what does not fit what was asked for stays a difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import msgspec

from gateway.engine.hotel import Hotel
from gateway.engine.reconciling import (
    Difference,
    FeeRule,
    Movement,
    MovementKey,
    Reconciled,
    Verdict,
    is_over,
    keys_of,
    reconcile,
    stated,
    total_difference,
)
from gateway.errors import Malformed, Reason
from gateway.flows.payments.reconcile_asking import ask_again
from gateway.flows.payments.reconcile_fetch import Fetched
from gateway.flows.payments.reconcile_jobs import CloseStatement, EnterLine, KeepLines
from gateway.flows.payments.tie_jobs import tied
from gateway.flows.services import Services
from gateway.model.dates import Instant
from gateway.model.payment import Fact, StatementLine
from gateway.model.payment_account import PaymentAccount
from gateway.store import paying, statements
from gateway.store.database import Transaction
from gateway.store.tables_statements import DifferenceRow, StatementRow

# How far back a movement without a line is looked for; an older one has been found missing long since.
BACK_MS = 35 * 24 * 3_600_000
LINES_A_JOB = 500
ENTERED = "entered from the statement"
AGREED = "both sides agree by now"
UNSAID = "the statement no longer says so"
_pack = msgspec.msgpack.Encoder().encode
difference_in = msgspec.msgpack.Decoder(Difference).decode


class Sides(NamedTuple):
    """What a statement is held against; ``told`` by other statements, ``open`` from before."""

    movements: tuple[Movement, ...]
    told: set[MovementKey]
    open: list[DifferenceRow]
    overdue_ms: Instant

    def compared(self, found: Fetched, rule: FeeRule | None) -> Reconciled:
        """Every line and every movement once."""
        return reconcile(found.lines, self.movements, told=self.told, overdue_ms=self.overdue_ms, fees=rule)


async def compare(
    services: Services,
    hotel: Hotel,
    account: PaymentAccount,
    row: StatementRow,
    found: Fetched,
    overdue_ms: Instant,
) -> StatementRow:
    """Keeps the lines, and writes what differs; the answer is the statement's row after that."""
    rule, now_ms = fee_rule(account.options), services.clock.now_ms()
    await _keep(services, account.id, row.name, found.lines)
    sides = await _sides(services, hotel, account.id, row.name, found, overdue_ms)
    entering = _Entering(services, hotel, account)
    entered = await entering.enter(sides.compared(found, rule), found.lines)
    if entered:
        sides = await _sides(services, hotel, account.id, row.name, found, overdue_ms)
    rows = {
        each.difference_id: each
        for each in _rows(row, entered, now_ms, state="cleared", note=ENTERED)
        + _rows(row, entering.left(sides.compared(found, rule)), now_ms, why=entering.why)
    }
    total = total_difference(found.lines, found.total, found.currency)
    rows |= {each.difference_id: each for each in _rows(row, [total] if total else [], now_ms)}
    row = _done(row, found, now_ms)
    await services.batcher.submit(CloseStatement(row, list(rows.values()), list(_over(sides, row.name, rows, found))))
    await ask_again(services, hotel, account, _newly_missing(sides, rows.values()))
    return row


def _newly_missing(sides: Sides, rows: Iterable[DifferenceRow]) -> list[str]:
    """The payments with a movement that no statement has told of, now for the first time."""
    known = {row.difference_id for row in sides.open}
    missing = (row for row in rows if row.verdict == Verdict.MISSING_THERE and row.difference_id not in known)
    return [row.payment_id for row in missing if row.payment_id]


async def add_up(services: Services, row: StatementRow, found: Fetched) -> StatementRow:
    """A payout whose movements the days have told of: only its sum is looked at, and no line is kept twice."""
    if found.total is None:
        raise Malformed("what a payout is made of does not name the payout itself")
    now_ms = services.clock.now_ms()
    total = total_difference(found.lines, found.total, found.currency)
    over = []
    if total is None:
        name = f"{row.name}#total"
        standing = await services.database.read(lambda tx: statements.open_differences(tx, row.account))
        over = [each._replace(note=UNSAID) for each in standing if each.difference_id == name]
    row = _done(row, found, now_ms)
    await services.batcher.submit(CloseStatement(row, _rows(row, [total] if total else [], now_ms), over))
    return row


def fee_rule(options: dict[str, Any]) -> FeeRule | None:
    """What captures should cost by the account's option ``fees``; raises :class:`Malformed`."""
    given = options.get("fees")
    if given is None:
        return None
    try:
        percent = Decimal(str(given.get("percent", "0")))
        fixed, tolerance = int(given.get("fixed", 0)), int(given.get("tolerance", 0))
    except (AttributeError, InvalidOperation, ValueError, TypeError):
        percent, fixed, tolerance = Decimal("NaN"), 0, 0
    if not percent.is_finite() or not 0 <= percent <= 100 or fixed < 0 or tolerance < 0:
        raise Malformed("the option fees needs a percent, and fixed and tolerance in minor units", Reason.INVALID_VALUE)
    return FeeRule(ppm=int(percent * 10_000), fixed=fixed, tolerance=tolerance)


class _Entering:
    """What a statement alone tells of, entered where it is of a payment of ours."""

    def __init__(self, services: Services, hotel: Hotel, account: PaymentAccount) -> None:
        self._services = services
        self._scope = hotel.property.id
        self._account = account
        self._strange: set[int] = set()  # lines of no payment of ours
        self.why: dict[int, str] = {}

    async def enter(self, found: Reconciled, lines: Sequence[StatementLine]) -> list[Difference]:
        """The differences that are none any more."""
        by_number = {line.number: line for line in lines}
        entered = []
        for difference in found.differences:
            if difference.verdict is Verdict.MISSING_HERE and difference.line is not None:
                payment = await self._enter(by_number[difference.line])
                if payment:
                    entered.append(msgspec.structs.replace(difference, payment=payment))
        return entered

    def left(self, found: Reconciled) -> list[Difference]:
        """Without the payments of others, where an account is shared with them."""
        if self._account.options.get("shared") is not True:
            return list(found.differences)
        return [each for each in found.differences if each.line is None or each.line not in self._strange]

    async def _enter(self, line: StatementLine) -> str:
        """The payment it was entered for; empty where it was not."""
        numbers = [number for number in (line.operation, line.key, line.payment_psp) if number]

        async def home(tx: Transaction) -> str:
            return await paying.payment_of(tx, self._scope, self._account.id, numbers)

        payment_id = await self._services.database.read(home)
        if not payment_id:
            self._strange.add(line.number)
            return ""
        job = EnterLine(self._scope, payment_id, self._account.id, _fact(line))
        why: str = await self._services.batcher.submit(tied(self._services, job))
        if why:
            self.why[line.number] = why
        return "" if why else payment_id


def _fact(line: StatementLine) -> Fact:
    """What a line says, as a callback would have said it."""
    assert line.kind is not None
    amount, currency = stated(line)
    _, purchase = (*keys_of(line), None)[:2]
    return Fact(
        kind=line.kind,
        key=line.key,
        amount=amount,
        currency=currency,
        at_ms=line.at_ms,
        purchase_key=purchase[1] if purchase else "",
        operation=line.operation,
        psp=line.key,
        payment_psp=line.payment_psp,
    )


async def _keep(services: Services, account: str, name: str, lines: Sequence[StatementLine]) -> None:
    known = await services.database.read(lambda tx: statements.line_numbers(tx, account, name))
    gone = known - {line.number for line in lines}
    for first in range(0, len(lines), LINES_A_JOB):
        await services.batcher.submit(KeepLines(account, name, lines[first : first + LINES_A_JOB]))
    if gone:
        await services.batcher.submit(KeepLines(account, name, (), gone))


async def _sides(
    services: Services, hotel: Hotel, account: str, name: str, found: Fetched, overdue_ms: Instant
) -> Sides:
    scope_id, now_ms = hotel.property.id, services.clock.now_ms()

    async def read(tx: Transaction) -> Sides:
        standing = await statements.open_differences(tx, account)
        keys = {key for line in found.lines for _, key in keys_of(line)}
        keys |= {key for key in (difference_in(each.body).key for each in standing) if key}
        recent = await statements.seen_between(tx, scope_id, account, overdue_ms - BACK_MS, now_ms + 1)
        keys |= {each.key for each in recent}
        known = await statements.movements(tx, scope_id, account, keys)
        told = await statements.told(tx, account, keys, but=name)
        return Sides(tuple(known), told, standing, overdue_ms)

    return await services.database.read(read)


def _rows(
    row: StatementRow,
    differences: Sequence[Difference],
    now_ms: Instant,
    *,
    state: str = "open",
    note: str = "",
    why: dict[int, str] | None = None,
) -> list[DifferenceRow]:
    return [
        DifferenceRow(
            row.scope_id,
            _name(row.name, each),
            row.name,
            row.day,
            each.verdict.value,
            state,
            each.payment,
            now_ms,
            _pack(each),
            0 if state == "open" else now_ms,
            "",
            note or (why or {}).get(-1 if each.line is None else each.line, ""),
        )
        for each in differences
    ]


def _name(statement: str, difference: Difference) -> str:
    """The same for the same thing, whenever it is found again."""
    if difference.verdict is Verdict.TOTAL_DIFFERS:
        return f"{statement}#total"
    if difference.line is not None:
        return f"{statement}#{difference.line}"
    assert difference.kind is not None
    return f"{difference.kind.value}:{difference.key}"


def _done(row: StatementRow, found: Fetched, now_ms: Instant) -> StatementRow:
    return row._replace(
        state="done",
        due_ms=None,
        attempts=0,
        at_ms=now_ms,
        report=found.report,
        lines=len(found.lines),
        currency=found.currency,
        net=sum(line.net for line in found.lines),
        digest=found.digest,
        error="",
    )


def _over(sides: Sides, name: str, written: dict[str, DifferenceRow], found: Fetched) -> Iterator[DifferenceRow]:
    """What was open and is no difference any more, with the reason as its note."""
    known = {(each.kind, each.key): each for each in sides.movements}
    told = sides.told | {key for line in found.lines for key in keys_of(line)}
    for row in sides.open:
        difference = difference_in(row.body)
        of_statement = difference.line is not None or difference.verdict is Verdict.TOTAL_DIFFERS
        if row.difference_id in written:
            continue
        if of_statement and row.name == name:
            yield row._replace(note=UNSAID)
        elif difference.kind is not None:
            key = difference.kind, difference.key
            if is_over(difference, known.get(key), key in told):
                yield row._replace(note=AGREED)
