"""A payment as its rows hold it: what was asked for it, and its ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from gateway.engine.entering import Entered, enter, told_of
from gateway.engine.ledger import Ledger, LedgerEvent, Position, fold
from gateway.engine.operations import FINAL, advance
from gateway.model.dates import Instant
from gateway.model.payment import Fact, FactKind, FactSource, OperationKind, OperationOutcome, OperationRef
from gateway.model.payment_means import Token
from gateway.store.sql import Lookup
from gateway.store.state import Needs, State
from gateway.store.tables import Row
from gateway.store.tables_paying import PaymentEventRow, PaymentInboxRow, PaymentOperationRow, PaymentRow, account_scope
from gateway.store.tables_statements import PaymentTokenRow

PAYMENT = Lookup(PaymentRow)
OPERATION = Lookup(PaymentOperationRow)
OPERATIONS = Lookup(PaymentOperationRow, ("scope_id", "payment_id"))
BY_PSP = Lookup(PaymentOperationRow, ("scope_id", "psp"))
EVENTS = Lookup(PaymentEventRow, ("scope_id", "payment_id"))
HOLDING = frozenset({OperationKind.AUTHORISE.value, OperationKind.PURCHASE.value})

_PAID = frozenset({FactKind.AUTHORISED, FactKind.CAPTURED})
_pack = msgspec.msgpack.Encoder().encode
_event = msgspec.msgpack.Decoder(LedgerEvent).decode


class Book(NamedTuple):
    """One payment with everything that belongs to it."""

    payment: PaymentRow
    operations: Sequence[PaymentOperationRow]
    ledger: Ledger

    @property
    def refs(self) -> list[OperationRef]:
        """The operations, as later commands and the engine point to them."""
        return [ref_of(row) for row in self.operations]

    @property
    def holding(self) -> PaymentOperationRow | None:
        """The operation that holds or takes the money: the last that was not refused."""
        begun = [row for row in self.operations if row.kind in HOLDING]
        alive = [row for row in begun if row.outcome != OperationOutcome.FAILED]
        return max(alive or begun, key=lambda row: row.operation_id, default=None)

    def position(self) -> Position:
        """What the events add up to."""
        outcomes = [OperationOutcome(row.outcome) for row in self.operations]
        return fold(self.ledger.values(), self.payment.currency, outcomes)


class Entry(NamedTuple):
    """What is to be written once facts were entered. ``aside`` says why nothing is."""

    writes: list[Row]
    aside: tuple[str, ...] = ()


def needs_of(scope_id: str, payment_id: str) -> Needs:
    """The rows of a payment."""
    yield PAYMENT, (scope_id, payment_id)
    yield OPERATIONS, (scope_id, payment_id)
    yield EVENTS, (scope_id, payment_id)


def book_of(state: State, scope_id: str, payment_id: str) -> Book | None:
    """The payment as the batch has left it."""
    payment = state.get(PaymentRow, (scope_id, payment_id))
    if payment is None:
        return None
    operations = sorted(state.find(OPERATIONS, (scope_id, payment_id)), key=lambda row: row.operation_id)
    return Book(payment, operations, ledger_of(state.find(EVENTS, (scope_id, payment_id))))


def ledger_of(rows: Iterable[PaymentEventRow]) -> Ledger:
    """The events by kind and key."""
    return {(FactKind(row.kind), row.fact_key): _event(row.body) for row in rows}


def ref_of(row: PaymentOperationRow) -> OperationRef:
    """How commands point to it."""
    return OperationRef(
        id=row.operation_id,
        kind=OperationKind(row.kind),
        at_ms=row.at_ms,
        amount=row.amount,
        currency=row.currency,
        psp=row.psp,
    )


def entered(book: Book, facts: Iterable[Fact], source: FactSource, now_ms: Instant) -> Entry:
    """All of the facts or, where one does not fit, none; raises :class:`gateway.engine.facts.Unresolved`."""
    facts = tuple(facts)
    intent = OperationKind(book.payment.intent)
    found = enter(facts, intent, book.payment.currency, book.refs, book.ledger, source)
    if found.aside:
        return Entry([], found.aside)
    writes: list[Row] = [_event_row(book.payment, event, now_ms) for event in found.new]
    for row in book.operations:
        writes += _informed(row, facts, found, now_ms)
    return Entry([*writes, *_alarms(book, found, now_ms)])


def notice(account: str, dedupe: str, name: str, detail: str, now_ms: Instant) -> PaymentInboxRow:
    """Something a person has to look at."""
    return PaymentInboxRow(account_scope(account), dedupe, name, now_ms, "parked", 0, None, "", detail[:500], b"", b"")


def token_row(payment: PaymentRow, token: Token, now_ms: Instant) -> PaymentTokenRow:
    """A means of payment that the gateway keeps from now on."""
    return PaymentTokenRow(
        payment.scope_id,
        payment.account,
        token.token,
        payment.payment_id,
        payment.reservation_id,
        token.customer,
        token.brand,
        token.last4,
        now_ms,
        payment.author,
    )


def moved(row: PaymentOperationRow, told: OperationOutcome, now_ms: Instant) -> Iterator[PaymentOperationRow | Row]:
    """The operation after it was told how it stands; a success after a failure is told to a person as well."""
    outcome = advance(OperationOutcome(row.outcome), told)
    if row.outcome == OperationOutcome.FAILED and outcome is OperationOutcome.SUCCEEDED:
        text = f"{row.kind} {row.operation_id} had been refused ({row.error}) and has succeeded after all"
        yield notice(row.account, f"late:{row.operation_id}", "late success", text, now_ms)
    row = row._replace(outcome=outcome.value)
    if outcome is OperationOutcome.SUCCEEDED:
        row = row._replace(error="", error_raw="")
    yield row._replace(due_ms=None, command=b"", action=b"") if outcome in FINAL else row


def _informed(
    row: PaymentOperationRow, facts: Sequence[Fact], found: Entered, now_ms: Instant
) -> Iterator[PaymentOperationRow | Row]:
    """The operation, where the facts say something of it that was not known."""
    after = row._replace(psp=_their_number(row, facts))
    told = told_of(ref_of(row), found.meant)
    # A guest who was refused on a page may try again there, as long as it is open.
    if told is OperationOutcome.FAILED and row.waiting == "page" and not _is_closed(found):
        told = None
    if told is not None and told != row.outcome:
        if told is OperationOutcome.FAILED and row.outcome not in FINAL:
            errors = [event.error for event in found.meant if event.operation == row.operation_id and event.error]
            after = after._replace(error=errors[0].value if errors else "")
        yield from moved(after, told, now_ms)
    elif after != row:
        yield after


def _is_closed(found: Entered) -> bool:
    return any(event.kind is FactKind.CLOSED for event in found.meant)


def _their_number(row: PaymentOperationRow, facts: Sequence[Fact]) -> str:
    """Of a page the number is that of the page, until it is paid: from then on that of the payment."""
    ours = [fact for fact in facts if fact.operation == row.operation_id]
    if row.kind not in HOLDING:
        return row.psp or next((fact.psp for fact in ours if fact.psp), "")
    paid = (fact.payment_psp for fact in ours if fact.kind in _PAID and fact.payment_psp)
    return next(paid, "") or row.psp or next((fact.payment_psp for fact in ours if fact.payment_psp), "")


def _event_row(payment: PaymentRow, event: LedgerEvent, now_ms: Instant) -> PaymentEventRow:
    return PaymentEventRow(payment.scope_id, payment.payment_id, event.kind.value, event.key, now_ms, _pack(event))


def _alarms(book: Book, found: Entered, now_ms: Instant) -> Iterator[PaymentInboxRow]:
    """What the gateway has done beyond what can be is believed, and told."""
    if not found.new:
        return
    payment = book.payment
    before = set(book.position().alarms)
    for alarm in fold([*book.ledger.values(), *found.new], payment.currency).alarms:
        if alarm not in before:
            name = f"alarm:{payment.payment_id}:{alarm.value}"
            yield notice(payment.account, name, alarm.value, f"payment {payment.payment_id}", now_ms)
