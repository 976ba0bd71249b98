"""What is written down of operations, each a job under its scope's lock."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from gateway.engine.facts import Unresolved
from gateway.engine.operations import FINAL, Waiting, is_really_absent, next_query_ms, refusal
from gateway.errors import NotFound, Reason, Rejected
from gateway.flows.payments.book import Book, book_of, entered, moved, needs_of, notice, ref_of, token_row
from gateway.messages_payment import PaymentAnswered, PaymentCommand
from gateway.model.dates import Instant
from gateway.model.payment import FactSource, OperationOutcome
from gateway.model.payment_error import PaymentError
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import Row
from gateway.store.tables_paying import PaymentOperationRow, PaymentRow

_SAME_KEY = frozenset({PaymentError.IN_PROGRESS, PaymentError.RATE_LIMITED})

_pack = msgspec.msgpack.Encoder().encode
_times = msgspec.msgpack.Decoder(list[int]).decode


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
