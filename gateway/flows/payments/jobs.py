"""What is written down of payments, each a job under its scope's lock."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import msgspec

from gateway.engine.facts import Unresolved
from gateway.engine.operations import FINAL, Waiting, is_really_absent, next_query_ms, refusal
from gateway.errors import NotFound, Reason, Rejected
from gateway.flows.payments.book import (
    BY_PSP,
    OPERATION,
    Book,
    book_of,
    entered,
    moved,
    needs_of,
    notice,
    ref_of,
    token_row,
)
from gateway.messages_payment import PaymentAnswered, PaymentCommand, PaymentNotified
from gateway.model.dates import Instant
from gateway.model.payment import Fact, FactKind, FactSource, OperationOutcome
from gateway.model.payment_error import PaymentError
from gateway.model.payment_means import Token
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import Row
from gateway.store.tables_paying import (
    PaymentAccountRow,
    PaymentInboxRow,
    PaymentOperationRow,
    PaymentRow,
    account_scope,
)

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
_SAME_KEY = frozenset({PaymentError.IN_PROGRESS, PaymentError.RATE_LIMITED})

_pack = msgspec.msgpack.Encoder().encode
_times = msgspec.msgpack.Decoder(list[int]).decode
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


class _OnPayment:
    def __init__(self, scope_id: str, payment_id: str) -> None:
        self.scope_id: str | None = scope_id
        self._scope = scope_id
        self._payment_id = payment_id

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield from needs_of(self._scope, self._payment_id)

    def payments(self, state: State) -> Collection[str]:
        """The payments it may be about."""
        return (self._payment_id,)


class BeginOperation(_OnPayment):
    """The operation is written down before anything is sent; refused where it would take or give back too much.

    ``payment`` is the new one it begins; None where it changes one.
    """

    def __init__(self, row: PaymentOperationRow, command: PaymentCommand, payment: PaymentRow | None) -> None:
        super().__init__(row.scope_id, row.payment_id)
        self._row = row
        self._command = command
        self._payment = payment

    def decide(self, state: State, now_ms: Instant) -> Decision:
        book = book_of(state, self._scope, self._payment_id)
        if book is None and self._payment is not None:
            book = Book(self._payment, (), {})
        if book is None:
            raise NotFound(f"there is no payment {self._payment_id!r}")
        waiting = [ref_of(row) for row in book.operations if row.outcome not in FINAL]
        error = refusal(self._command, book.position(), waiting, book.ledger.values())
        if error is not None:
            raise Rejected(f"not sent: {error.value.replace('_', ' ')}", Reason.BUSINESS_RULE)
        begun: list[Row] = [self._payment] if self._payment is not None else []
        return Decision(None, [*begun, self._row])


class EnterAnswer(_OnPayment):
    """What a reply or a query says of an operation, and what has moved by it.

    ``sent_ms`` is when it was sent again, None if it was only asked about. The answer to an inquiry about a payment
    as a whole names no operation.
    """

    def __init__(
        self,
        scope_id: str,
        payment_id: str,
        answer: PaymentAnswered,
        source: FactSource,
        *,
        sealed_action: bytes = b"",
        sent_ms: Instant | None = None,
    ) -> None:
        super().__init__(scope_id, payment_id)
        self._answer = answer
        self._source = source
        self._action = sealed_action
        self._sent_ms = sent_ms

    def decide(self, state: State, now_ms: Instant) -> Decision:
        book = book_of(state, self._scope, self._payment_id)
        if book is None:
            raise NotFound(f"there is no payment {self._payment_id!r}")
        answer, aside = self._answer, ""
        rows = {row.operation_id: row for row in book.operations}
        row = rows.get(answer.operation)
        # A question that was asked of a page before it was paid does not know the payment's number.
        if row is not None and answer.psp and not (row.psp and row.outcome in FINAL):
            rows[row.operation_id] = row._replace(psp=answer.psp)
        book = book._replace(operations=list(rows.values()))
        try:
            entry = entered(book, answer.facts, self._source, now_ms)
            writes, aside = entry.writes, "; ".join(entry.aside)
        except Unresolved as unresolved:
            writes, aside = [], str(unresolved)
        if aside:
            name = f"{self._source.value}:{answer.operation}"
            writes = [notice(book.payment.account, name, "answer set aside", aside, now_ms)]
        changed = {row.operation_id: row for row in writes if isinstance(row, PaymentOperationRow)}
        row = changed.get(answer.operation) or rows.get(answer.operation)
        others = [each for each in writes if each is not changed.get(answer.operation)]
        if answer.token is not None:
            others.append(token_row(book.payment, answer.token, now_ms))
        if row is None:
            return Decision(None, others)
        told = OperationOutcome.UNKNOWN if aside else answer.outcome
        told_rows = list(self._told(row, told, now_ms))
        after = next(each for each in told_rows if isinstance(each, PaymentOperationRow))
        return Decision(after, [*others, *told_rows])

    def _told(self, row: PaymentOperationRow, told: OperationOutcome, now_ms: Instant) -> Iterator[Row]:
        answer = self._answer
        if self._source is FactSource.QUERY or self._sent_ms is not None:
            row = row._replace(asked=row.asked + 1)
        if self._sent_ms is not None:
            row = row._replace(sent_ms=self._sent_ms, not_found=b"")
        if row.outcome not in FINAL:
            row = row._replace(error=answer.error.value if answer.error else "", error_raw=answer.error_raw)
            if self._action:
                row = row._replace(action=self._action)
        if answer.error is PaymentError.NOT_FOUND and told is OperationOutcome.UNKNOWN:
            seen = [*(_times(row.not_found) if row.not_found else []), now_ms]
            row = row._replace(not_found=_pack(seen[:1] + seen[-1:]))
            over = row.expires_ms is None or row.expires_ms < now_ms
            if is_really_absent(row.sent_ms, seen, order_is_over=over):
                told = OperationOutcome.FAILED
        for write in moved(row, told, now_ms):
            yield self._scheduled(write, now_ms) if isinstance(write, PaymentOperationRow) else write

    def _scheduled(self, row: PaymentOperationRow, now_ms: Instant) -> PaymentOperationRow:
        if row.outcome in FINAL:
            return row
        due_ms = next_due_ms(row, now_ms)
        if self._answer.retry_after_s is not None and due_ms is not None:
            due_ms = max(now_ms + int(self._answer.retry_after_s * 1000), now_ms + 1)
        return row._replace(due_ms=due_ms)


def next_due_ms(row: PaymentOperationRow, now_ms: Instant) -> Instant | None:
    """When to ask about it again; None where a person has to."""
    first = next_query_ms(Waiting(row.waiting), row.asked, row.at_ms, now_ms)
    return first if first is not None else next_query_ms(Waiting.NOBODY, row.asked, row.at_ms, now_ms)


def keeps_key(row: PaymentOperationRow) -> bool:
    """Whether sending it again with its key is a way of asking: nobody knows, or they asked us to come again."""
    same = row.outcome == OperationOutcome.PENDING and row.error in _SAME_KEY
    return same or row.outcome in (OperationOutcome.NEW, OperationOutcome.UNKNOWN)


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
