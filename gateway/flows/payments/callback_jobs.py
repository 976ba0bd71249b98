"""What is written down of a gateway's messages, each a job under its scope's lock."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import msgspec

from gateway.engine.facts import Unresolved
from gateway.flows.payments.book import BY_PSP, OPERATION, book_of, entered, needs_of, token_row
from gateway.messages_payment import PaymentNotified
from gateway.model.dates import Instant
from gateway.model.payment import Fact, FactKind, FactSource
from gateway.model.payment_means import Token
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import Row
from gateway.store.tables_paying import PaymentAccountRow, PaymentInboxRow, PaymentOperationRow, account_scope

INBOX = Lookup(PaymentInboxRow)
ACCOUNT = Lookup(PaymentAccountRow)
# Of the account: no payment is concerned.
OF_ACCOUNT = frozenset(
    {
        FactKind.PAYOUT_PAID,
        FactKind.PAYOUT_FAILED,
        FactKind.REPORT_READY,
        FactKind.TOKEN_CREATED,
        FactKind.TOKEN_REMOVED,
    }
)
ATTEMPTS_MAX = 10
_RETRY_FIRST_MS = 1_000
_RETRY_MAX_MS = 600_000

notified_in = msgspec.msgpack.Decoder(PaymentNotified).decode


class TakeCallback:
    """Verified items of a message, each once; the answer is how many of them are new."""

    def __init__(self, rows: Sequence[PaymentInboxRow]) -> None:
        self.scope_id: str | None = rows[0].scope_id
        self._rows = rows

    def needs(self, state: State, now_ms: Instant) -> Needs:
        for row in self._rows:
            yield INBOX, row[:2]

    def decide(self, state: State, now_ms: Instant) -> Decision:
        new = {row[:2]: row for row in self._rows if state.get(PaymentInboxRow, row[:2]) is None}
        return Decision(len(new), list(new.values()), advances=bool(new))


class CountRefused:
    """That messages for an account were refused: nothing of them is kept but their number and the last reason."""

    def __init__(self, account: str, count: int, text: str) -> None:
        self.scope_id: str | None = account_scope(account)
        self._key = (account_scope(account),)
        self._count = count
        self._text = text

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield ACCOUNT, self._key

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row = state.get(PaymentAccountRow, self._key)
        if row is None:
            return Decision(None)
        refused = row.refused + self._count
        return Decision(None, [row._replace(refused=refused, refused_ms=now_ms, refused_text=self._text[:200])])


class FoldCallback:
    """An item of the inbox enters the ledger it belongs to, all of it or nothing; in the property's scope."""

    def __init__(self, scope_id: str, account: str, row: PaymentInboxRow) -> None:
        self.scope_id: str | None = scope_id
        self._scope = scope_id
        self._account = account
        self._row = row
        self._notified = notified_in(row.body)
        self._facts = [fact for fact in self._notified.facts if fact.kind not in OF_ACCOUNT]
        self._kept = [fact for fact in self._notified.facts if fact.kind is FactKind.TOKEN_CREATED and fact.key]

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield INBOX, self._row[:2]
        for fact in (*self._facts, *self._kept):
            if fact.operation:
                yield OPERATION, (self._scope, fact.operation)
            for number in {fact.psp, fact.payment_psp} - {""}:
                yield BY_PSP, (self._scope, number)
            if fact.payment:
                yield from needs_of(self._scope, fact.payment)
            for payment_id in self._candidates(state, fact):
                yield from needs_of(self._scope, payment_id)

    def payments(self, state: State) -> Collection[str]:
        """The payments it may be about."""
        return {payment_id for fact in self._facts for payment_id in self._candidates(state, fact)}

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row = state.get(PaymentInboxRow, self._row[:2])
        if row is None or row.state != "new":
            return Decision(None)
        if self._notified.park:
            return Decision("parked", [_parked(row, self._notified.park)])
        by_payment: dict[str, list[Fact]] = {}
        for fact in self._facts:
            found = self._candidates(state, fact)
            book = book_of(state, self._scope, found[0]) if len(found) == 1 else None
            if len(found) > 1:
                return Decision("parked", [_parked(row, f"{fact.kind.value} {fact.key} names two payments")])
            if book is None or book.payment.account != self._account:
                return self._later(row, f"{fact.kind.value} {fact.key} belongs to no payment here", now_ms)
            by_payment.setdefault(found[0], []).append(fact)
        writes: list[Row] = []
        for payment_id, facts in by_payment.items():
            book = book_of(state, self._scope, payment_id)
            assert book is not None
            try:
                entry = entered(book, facts, FactSource.CALLBACK, now_ms)
            except Unresolved as unresolved:
                return self._later(row, str(unresolved), now_ms)
            if entry.aside:
                return Decision("parked", [_parked(row, "; ".join(entry.aside))])
            writes += entry.writes
        writes += self._tokens(state, now_ms)
        return Decision("done", [*writes, row._replace(state="done", due_ms=None, detail="")])

    def _tokens(self, state: State, now_ms: Instant) -> Iterator[Row]:
        """Means of payment that are kept from now on, where they came with a payment of ours."""
        for fact in self._kept:
            found = self._candidates(state, fact)
            book = book_of(state, self._scope, found[0]) if len(found) == 1 else None
            if book is not None and book.payment.account == self._account:
                yield token_row(book.payment, Token(fact.key, fact.customer), now_ms)

    def _candidates(self, state: State, fact: Fact) -> list[str]:
        """The payments it may be of. Our own references are worth more than their numbers."""
        operation = state.get(PaymentOperationRow, (self._scope, fact.operation)) if fact.operation else None
        ours = {operation.payment_id} if operation is not None else set()
        if fact.payment:
            ours.add(fact.payment)
        if ours:
            return sorted(ours)
        numbers = {fact.psp, fact.payment_psp} - {""}
        rows = [row for number in numbers for row in state.find(BY_PSP, (self._scope, number))]
        return sorted({row.payment_id for row in rows if row.account == self._account})

    def _later(self, row: PaymentInboxRow, why: str, now_ms: Instant) -> Decision:
        if row.attempts + 1 >= ATTEMPTS_MAX:
            return Decision("parked", [_parked(row, why)])
        wait_ms = min(_RETRY_MAX_MS, _RETRY_FIRST_MS << row.attempts)
        later = row._replace(attempts=row.attempts + 1, due_ms=now_ms + wait_ms, detail=why[:500])
        return Decision("later", [later])


def _parked(row: PaymentInboxRow, why: str) -> PaymentInboxRow:
    return row._replace(state="parked", due_ms=None, detail=why[:500])
