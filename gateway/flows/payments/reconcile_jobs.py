"""What is written down of statements, each a job under its scope's lock."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from gateway.engine.facts import Unresolved
from gateway.errors import NotFound
from gateway.flows.payments.book import book_of, entered, needs_of
from gateway.model.dates import Instant
from gateway.model.payment import Fact, FactSource, StatementLine
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import Row
from gateway.store.tables_paying import account_scope
from gateway.store.tables_statements import DifferenceRow, StatementLineRow, StatementRow

STATEMENT = Lookup(StatementRow)
DIFFERENCE = Lookup(DifferenceRow)
WANTED = "wanted"
_pack = msgspec.msgpack.Encoder().encode


class WantStatement:
    """A statement is to be fetched at ``due_ms``; one that is known already only where ``again`` says so.

    The answer is its row.
    """

    def __init__(self, row: StatementRow, *, again: bool = False) -> None:
        self.scope_id: str | None = row.scope_id
        self._row = row
        self._again = again

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield STATEMENT, self._row[:2]

    def decide(self, state: State, now_ms: Instant) -> Decision:
        known = state.get(StatementRow, self._row[:2])
        if known is None:
            return Decision(self._row, [self._row])
        if not self._again:
            return Decision(known)
        row = known._replace(state=WANTED, due_ms=self._row.due_ms, attempts=0, error="")
        return Decision(row, [row])


class KeepLines:
    """Lines of a statement, as many as one transaction should hold; ``gone`` are numbers that it no longer has."""

    def __init__(self, account: str, name: str, lines: Sequence[StatementLine], gone: Collection[int] = ()) -> None:
        self.scope_id: str | None = account_scope(account)
        self._rows: list[Row] = [_line_row(account, name, line) for line in lines]
        self._gone: list[Row] = [
            StatementLineRow(account_scope(account), name, number, "", "", "", b"") for number in sorted(gone)
        ]

    def needs(self, state: State, now_ms: Instant) -> Needs:
        return ()

    def decide(self, state: State, now_ms: Instant) -> Decision:
        return Decision(None, self._rows, self._gone)


class EnterLine:
    """A movement that only the statement tells of enters the ledger of its payment.

    The answer is why it did not, empty if it did. It is held against what we asked for like any other.
    """

    def __init__(self, scope_id: str, payment_id: str, account: str, fact: Fact) -> None:
        self.scope_id: str | None = scope_id
        self._scope = scope_id
        self._payment_id = payment_id
        self._account = account
        self._fact = fact

    def payments(self, state: State) -> Collection[str]:
        """The payment it may be about."""
        return (self._payment_id,)

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield from needs_of(self._scope, self._payment_id)

    def decide(self, state: State, now_ms: Instant) -> Decision:
        book = book_of(state, self._scope, self._payment_id)
        if book is None or book.payment.account != self._account:
            return Decision("it belongs to no payment of this account")
        try:
            entry = entered(book, [self._fact], FactSource.REPORT, now_ms)
        except Unresolved as unresolved:
            return Decision(str(unresolved))
        return Decision("; ".join(entry.aside), entry.writes)


class CloseStatement:
    """The statement is held against the ledger: what differs, and what no longer does.

    Somebody's note on a difference stays, whatever a later look at the same statement finds.
    """

    def __init__(
        self, row: StatementRow, found: Sequence[DifferenceRow] = (), over: Sequence[DifferenceRow] = ()
    ) -> None:
        self.scope_id: str | None = row.scope_id
        self._row = row
        self._found = found
        self._over = over

    def needs(self, state: State, now_ms: Instant) -> Needs:
        for difference in (*self._found, *self._over):
            yield DIFFERENCE, difference[:2]

    def decide(self, state: State, now_ms: Instant) -> Decision:
        writes: list[Row] = [self._row]
        for difference in self._found:
            known = state.get(DifferenceRow, difference[:2])
            if known is None:
                writes.append(difference)
            elif known.state == "open":
                writes.append(difference._replace(at_ms=known.at_ms))
        for difference in self._over:
            known = state.get(DifferenceRow, difference[:2])
            if known is not None and known.state == "open":
                writes.append(known._replace(state="cleared", closed_ms=now_ms, note=difference.note))
        return Decision(len(self._found), writes)


class Resolve:
    """Somebody has seen to a difference, and says how. It changes no amount."""

    def __init__(self, account: str, difference_id: str, note: str, author: str) -> None:
        self.scope_id: str | None = account_scope(account)
        self._key = (account_scope(account), difference_id)
        self._note = note
        self._author = author

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield DIFFERENCE, self._key

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row = state.get(DifferenceRow, self._key)
        if row is None:
            raise NotFound(f"there is no difference {self._key[1]!r}")
        if row.state != "open":
            return Decision(row)
        row = row._replace(state="resolved", closed_ms=now_ms, closed_by=self._author, note=self._note)
        return Decision(row, [row])


def _line_row(account: str, name: str, line: StatementLine) -> StatementLineRow:
    kind = line.kind.value if line.kind is not None else ""
    key, payment_psp = (line.key, line.payment_psp) if kind else ("", "")
    return StatementLineRow(account_scope(account), name, line.number, kind, key, payment_psp, _pack(line))
