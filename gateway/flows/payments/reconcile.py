"""Reconciliation: each day's statement of every payment account is fetched, kept, and held against the ledger.

A day's row stands before the one before it is done, so no day is ever left out; what cannot be fetched is tried again
for two days, and then told to a person. Doing a statement again changes nothing but what has changed at the gateway.
"""

from __future__ import annotations

import structlog

from gateway.contract import Statements
from gateway.engine.hotel import Hotel
from gateway.errors import CallFailed, Malformed, Reason, Refusal, Unsupported
from gateway.flows.errands import Errands
from gateway.flows.payments.operate import account_of
from gateway.flows.payments.reconcile_compare import add_up, compare
from gateway.flows.payments.reconcile_fetch import Fetched, day_end_ms, day_of, due_ms, fetch, settled_ms
from gateway.flows.payments.reconcile_jobs import WANTED, CloseStatement, WantStatement
from gateway.flows.services import Services
from gateway.messages_payment import PaymentNotified
from gateway.model.dates import Day, Instant, format_day, parse_day
from gateway.model.payment import FactKind
from gateway.model.payment_account import PaymentAccount
from gateway.store import statements
from gateway.store.statements import DueStatement
from gateway.store.tables_paying import account_scope
from gateway.store.tables_statements import StatementRow

log = structlog.get_logger(__name__)

LOOK_MS = 5_000
BEGIN_EVERY_MS = 600_000
BEGIN_MAX = 500
ATTEMPTS_MAX = 48
ABSENT_MAX = 3
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS


class Reconciler:
    """Works for the accounts this process owns."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._looked_ms: Instant = 0
        self._began_ms: Instant = 0
        self._busy: set[tuple[str, ...]] = set()
        self.errands = Errands()

    async def round(self) -> None:
        """Begin whatever is due."""
        services, now_ms = self._services, self._services.clock.now_ms()
        if 0 <= now_ms - self._looked_ms < LOOK_MS:
            return
        self._looked_ms = now_ms
        if not 0 <= now_ms - self._began_ms < BEGIN_EVERY_MS:
            self._began_ms = now_ms
            await begin_accounts(services)
        for due in await services.database.read(lambda tx: statements.due(tx, services.hotels, now_ms)):
            account = due.hotel.payments.get(due.row.account)
            if account is not None and services.leases.owns(account.id, LOOK_MS / 1000):
                self._begin(due, account)

    def in_use(self) -> set[str]:
        """The accounts whose statements are being fetched."""
        return {scope_id.removeprefix(account_scope("")) for scope_id, _ in self._busy}

    def _begin(self, due: DueStatement, account: PaymentAccount) -> None:
        key = due.row[:2]
        if key in self._busy:
            return
        self._busy.add(key)
        name = f"reconcile {account.id} {due.row.name}"
        self.errands.begin(name, self._work(due, account), after=lambda: self._busy.discard(key))

    async def _work(self, due: DueStatement, account: PaymentAccount) -> None:
        await reconcile_statement(self._services, due.hotel, account, due.row)


def days_of(services: Services, account: PaymentAccount) -> Statements | None:
    """When the account's statements are there; None where it has none, or they are not wanted."""
    if not account.enabled or account.options.get("statements") is False:
        return None
    return services.connectors.outbound(account.gateway).capabilities(account.profile).statements


async def begin_accounts(services: Services) -> None:
    """Accounts that are new: the first statement is that of today."""
    new = await services.database.read(lambda tx: statements.without_any(tx, services.hotels, BEGIN_MAX))
    for hotel, name in new:
        account = hotel.payments.get(name)
        days = days_of(services, account) if account is not None else None
        if days is not None and not days.announced_as:
            await _want_day(services, name, day_of(services.clock.now_ms(), days), days)


async def want_announced(services: Services, account: PaymentAccount, notified: PaymentNotified) -> None:
    """A callback says that a statement is there."""
    ready = [fact.key for fact in notified.facts if fact.kind is FactKind.REPORT_READY]
    days = days_of(services, account) if ready else None
    now_ms = services.clock.now_ms()
    for name in ready if days is not None else ():
        assert days is not None, "there is nothing to go through otherwise"
        if not _is_named(name, days):
            continue
        today = day_of(now_ms, days)
        if not days.announced_as:
            # An account is new until it has a row: a payout must not be taken for the first of its days.
            await _want_day(services, account.id, today, days)
        await services.batcher.submit(WantStatement(wanted_row(account.id, name, today, now_ms)))


async def want(services: Services, scope_id: str, account_id: str, name: str) -> tuple[Hotel, StatementRow]:
    """A statement is to be fetched now, again if need be: of a day that is over, or one that they have announced.

    Raises :class:`NotFound`, :class:`Rejected`, :class:`Unsupported` and :class:`Malformed`.
    """
    hotel, account = await account_of(services, scope_id, account_id)
    days = days_of(services, account)
    if days is None:
        raise Unsupported(f"payment account {account_id!r} has no statements")
    now_ms = services.clock.now_ms()
    day = day_of(now_ms, days)
    if not days.announced_as and not _is_named(name, days):
        day = parse_day(name)
        if not day_end_ms(day, days) <= now_ms < day_end_ms(day, days) + 366 * _DAY_MS:
            raise Malformed("a statement is of a day that is over, and of the last twelve months", Reason.INVALID_DATE)
    elif not _is_named(name, days):
        raise Malformed(f"the statements of this account begin with {days.announced_as!r}", Reason.INVALID_VALUE)
    row: StatementRow = await services.batcher.submit(
        WantStatement(wanted_row(account_id, name, day, now_ms), again=True)
    )
    return hotel, row


async def reconcile_now(services: Services, scope_id: str, account_id: str, name: str) -> StatementRow:
    """The same, done before it returns."""
    hotel, row = await want(services, scope_id, account_id, name)
    return await reconcile_statement(services, hotel, hotel.payments[account_id], row)


async def reconcile_statement(
    services: Services, hotel: Hotel, account: PaymentAccount, row: StatementRow
) -> StatementRow:
    """Fetched, kept and compared; the answer is how it stands after that."""
    days, now_ms = days_of(services, account), services.clock.now_ms()
    if days is None:
        # Whoever wants statements again gets those of the days in between as well.
        row = row._replace(due_ms=now_ms + _DAY_MS)
        await services.batcher.submit(CloseStatement(row))
        return row
    is_named = _is_named(row.name, days)
    if not is_named:
        await _want_day(services, account.id, row.day + 1, days)
    try:
        found = await fetch(services, hotel, account, row.day, row.name if is_named else "")
        if found is not None:
            row = await _held_against(services, hotel, account, row, found, days)
            log.info("statement_reconciled", account=account.id, name=row.name, lines=row.lines)
            return row
        row = _absent(row, now_ms)
    except (CallFailed, Refusal) as error:
        row = _failed(row, str(error), now_ms)
        log.warning("statement_not_fetched", account=account.id, name=row.name, attempts=row.attempts)
    await services.batcher.submit(CloseStatement(row))
    return row


async def _held_against(
    services: Services, hotel: Hotel, account: PaymentAccount, row: StatementRow, found: Fetched, days: Statements
) -> StatementRow:
    if not days.announced_as and _is_named(row.name, days):
        return await add_up(services, row, found)
    return await compare(services, hotel, account, row, found, settled_ms(row.day, days, account.options))


def _is_named(name: str, days: Statements) -> bool:
    """Whether it is one that they have announced, rather than that of a day."""
    begins = days.announced_as or days.payouts_as
    return bool(begins) and name.startswith(begins)


def wanted_row(account: str, name: str, day: Day, due: Instant) -> StatementRow:
    """A statement that nobody has looked for yet."""
    return StatementRow(account_scope(account), name, account, day, WANTED, due, 0, 0, "", 0, "", 0, b"", "")


async def _want_day(services: Services, account: str, day: Day, days: Statements) -> None:
    row = wanted_row(account, format_day(day), day, due_ms(day, days))
    await services.batcher.submit(WantStatement(row))


def _absent(row: StatementRow, now_ms: Instant) -> StatementRow:
    """There is none, as on a day without payments; the first answers may only be early."""
    over = row.attempts + 1 >= ABSENT_MAX
    later = None if over else now_ms + _HOUR_MS
    state = "none" if over else row.state
    return row._replace(state=state, due_ms=later, attempts=row.attempts + 1, at_ms=now_ms, error="")


def _failed(row: StatementRow, why: str, now_ms: Instant) -> StatementRow:
    over = row.attempts + 1 >= ATTEMPTS_MAX
    later = None if over else now_ms + _HOUR_MS
    state = "failed" if over else row.state
    return row._replace(state=state, due_ms=later, attempts=row.attempts + 1, at_ms=now_ms, error=why[:500])
