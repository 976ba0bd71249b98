"""What moves the money of a sale moves the sale with it, in one transaction.

Whichever of reply, callback, query and clock comes first decides; the others find it decided. A sale is confirmed by
the event that brings the last of the money it needs, also after its hold has ended, as long as there is a room. Where
there is none, or its money came in part, it is given up: the money goes back, and the guest is told. A booking that
stands is never undone by a payment that fails.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from gateway.engine.payment_schedule import Due, Place
from gateway.engine.sale import SaleState
from gateway.errors import Refusal
from gateway.flows.payments.book import HOLDING, Book, ledger_of, notice
from gateway.flows.payments.tie import (
    AUTHOR,
    again_at,
    begun,
    in_flight,
    is_by_card,
    money_needs,
    money_of,
    relieved,
    secured,
    settled,
    told,
    withdrawn,
)
from gateway.flows.record import own_message
from gateway.flows.selling.bookings import ConfirmSale
from gateway.flows.selling.holds import EndHolds
from gateway.flows.selling.rows import SALE, open_sale, pack_sale
from gateway.flows.services import Services
from gateway.model.dates import Instant
from gateway.model.payment import FactKind, OperationKind, OperationOutcome
from gateway.model.payment_error import PaymentError
from gateway.store.batch import Job
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import MessageRow, Row, SaleRow
from gateway.store.tables_paying import PaymentEventRow, PaymentOperationRow, PaymentRow

ENDED = frozenset({SaleState.CANCELLED.value, SaleState.NO_SHOW.value})
# That a gateway was away, or that we ask it for what it does not do, is no try of the guest's.
_NOT_THE_GUESTS = frozenset(
    {
        PaymentError.GATEWAY_ERROR,
        PaymentError.RATE_LIMITED,
        PaymentError.INVALID_REQUEST,
        PaymentError.CREDENTIALS_INVALID,
        PaymentError.MERCHANT_CONFIG,
    }
)
_WAITING = frozenset({SaleState.HELD.value, SaleState.RELEASED.value})


class PaymentJob(Job, Protocol):
    """A job that enters something into the ledgers of payments."""

    def payments(self, state: State) -> Collection[str]:
        """The payments it may be about."""


class Tied:
    """The job: another one on payments, and what follows from it for the sales they are for.

    ``message`` is what a step of a sale is noted down as.
    """

    def __init__(self, job: PaymentJob, message: MessageRow) -> None:
        self.scope_id: str | None = job.scope_id
        self._scope = message.scope_id
        self._job = job
        self._message = message

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield from self._job.needs(state, now_ms)
        for payment_id in self._job.payments(state):
            payment = state.get(PaymentRow, (self._scope, payment_id))
            if payment is None or not payment.reservation_id:
                continue
            yield SALE, (self._scope, payment.reservation_id)
            row = state.get(SaleRow, (self._scope, payment.reservation_id))
            if row is not None and payment_id in (sale := open_sale(row.body)).payments:
                yield from money_needs(self._scope, sale)
                yield from self._step_needs(state, now_ms, row)

    def decide(self, state: State, now_ms: Instant) -> Decision:
        decision = self._job.decide(state, now_ms)
        touched = {row.payment_id for row in decision.writes if isinstance(row, PaymentEventRow | PaymentOperationRow)}
        for row in self._sales(state, touched):
            steps = _Steps(state, self._message, row, decision.writes)
            followed = steps.decide(now_ms)
            decision = decision._replace(
                writes=[*decision.writes, *followed.writes], advances=decision.advances or followed.advances
            )
        return decision

    def _step_needs(self, state: State, now_ms: Instant, row: SaleRow) -> Needs:
        if row.state not in _WAITING:
            return
        yield from EndHolds(self._scope, [row.sale_id]).needs(state, now_ms)
        if row.connection in state.hotels[self._scope].connections:
            yield from ConfirmSale(_said(self._message, row), row.sale_id, None).needs(state, now_ms)

    def _sales(self, state: State, payments: Collection[str]) -> Iterator[SaleRow]:
        found: dict[str, SaleRow] = {}
        for payment_id in sorted(payments):
            payment = state.get(PaymentRow, (self._scope, payment_id))
            if payment is not None and payment.reservation_id:
                row = state.get(SaleRow, (self._scope, payment.reservation_id))
                if row is not None and payment_id in open_sale(row.body).payments:
                    found[row.sale_id] = row
        yield from found.values()


def tied(services: Services, job: PaymentJob) -> Tied:
    """The job with what follows from it."""
    assert job.scope_id is not None, "a ledger belongs to a property"
    message = own_message(services, job.scope_id, "payment", AUTHOR)
    return Tied(job, message)


class _Change(NamedTuple):
    """A sale's books before and after, and the operations that have just come to another outcome."""

    before: list[Book]
    after: list[Book]
    failed: frozenset[str]
    asked: frozenset[str]


class _Steps:
    """What follows for one sale."""

    def __init__(self, state: State, message: MessageRow, row: SaleRow, writes: Sequence[Row]) -> None:
        self._state = state
        self._hotel = state.hotels[row.scope_id]
        self._message = _said(message, row)
        self._row = row
        self._sale = open_sale(row.body)
        before = money_of(state, row.scope_id, self._sale)
        self._change = _changed(before, [_with(book, writes) for book in before])

    def decide(self, now_ms: Instant) -> Decision:
        row, sale, change = self._row, self._sale, self._change
        brought = secured(change.after)
        if sale.given_up or row.state in ENDED:
            return Decision(None, settled(change.after, sale.penalty, now_ms, change.failed))
        if row.state == SaleState.BOOKED:
            return Decision(None, list(self._booked(now_ms)))
        if row.state not in _WAITING or not change.after:
            return Decision(None)
        if brought >= sale.required > 0:
            return self._paid(now_ms)
        if row.state == SaleState.RELEASED:
            return self._given_up(now_ms) if brought else Decision(None)
        return self._failed(now_ms) if self._has_failed(brought) else Decision(None)

    def _paid(self, now_ms: Instant) -> Decision:
        payment = [book.payment.payment_id for book in self._change.after if secured([book])][-1]
        message = self._message._replace(author=f"payment:{payment}")
        if self._row.connection not in self._hotel.connections:
            return self._given_up(now_ms)
        try:
            confirmed = ConfirmSale(message, self._row.sale_id, None, payment).decide(self._state, now_ms)
        except Refusal:
            # The hold had ended, and the room has gone since.
            return self._given_up(now_ms)
        books = self._change.after
        more = [*withdrawn(books, now_ms), *relieved(books, self._sale.total, now_ms)]
        return confirmed._replace(writes=[*confirmed.writes, *more])

    def _given_up(self, now_ms: Instant) -> Decision:
        """There is nothing to sell for this money: it goes back."""
        ended = EndHolds(self._row.scope_id, [self._row.sale_id], self._message).decide(self._state, now_ms)
        row = self._row._replace(state=SaleState.RELEASED.value, due_ms=None)
        sale = replace(self._sale, given_up=True)
        row = told(self._hotel, row._replace(body=pack_sale(sale)), sale, "sold_out", now_ms)
        books = self._change.after
        text = f"{row.sale_id} was paid when there was no room left for it; {secured(books)} {sale.currency} go back"
        alarm = notice(books[-1].payment.account, f"late:{row.sale_id}", "paid too late", text, now_ms)
        return ended._replace(writes=[*ended.writes, row, alarm, *settled(books, 0, now_ms)])

    def _has_failed(self, brought: int) -> bool:
        """Whether the guest has tried as often as they may, and nothing is under way."""
        books = self._change.after
        if brought or not self._change.failed or any(map(in_flight, books)):
            return False
        tries = min((due.tries for due in self._sale.dues), default=1)
        refused = [row for book in books if (row := book.holding) is not None and row.error not in _NOT_THE_GUESTS]
        return len(refused) >= tries

    def _failed(self, now_ms: Instant) -> Decision:
        ended = EndHolds(self._row.scope_id, [self._row.sale_id], self._message, books=self._change.after)
        return ended.decide(self._state, now_ms)

    def _booked(self, now_ms: Instant) -> Iterator[Row]:
        row, sale, change = self._row, self._sale, self._change
        yield from relieved(change.after, sale.total, now_ms, change.failed)
        for book in change.after:
            ours = [each for each in book.operations if each.kind in HOLDING and each.author == AUTHOR]
            if any(each.operation_id in change.asked for each in ours):
                yield told(self._hotel, row, sale, "payment_due", now_ms)
            elif (refused := [each for each in ours if each.operation_id in change.failed]) and not secured([book]):
                yield from self._unpaid(book, refused[-1], now_ms)
        if _undone(change.after) and not _undone(change.before):
            text = f"{row.sale_id} stands, but its payment was taken back"
            yield notice(change.after[-1].payment.account, f"undone:{row.sale_id}", "payment taken back", text, now_ms)

    def _unpaid(self, book: Book, operation: PaymentOperationRow, now_ms: Instant) -> Iterator[Row]:
        """A due that was asked for by itself: again where the gateway was away, otherwise the guest and staff hear.

        Where a card that came with the booking was refused, the guest gets a link first.
        """
        row, sale, payment = self._row, self._sale, book.payment
        again_ms = again_at(self._change.after, now_ms)
        by_card, away = is_by_card(sale, operation), operation.error == PaymentError.GATEWAY_ERROR
        if (away and again_ms is not None) or by_card:
            hold, again = payment.intent == OperationKind.AUTHORISE, away and again_ms is not None
            due = Due(payment.amount, Place.GATEWAY, account=payment.account, hold=hold)
            begins, asked = begun(row.scope_id, row.sale_id, sale, due, now_ms, payment.text, by_card=by_card and again)
            sale = replace(sale, payments=(*sale.payments, begins.payment_id))
            due_ms = again_ms if again else now_ms
            yield from (begins, asked._replace(due_ms=due_ms), row._replace(body=pack_sale(sale)))
            return
        yield told(self._hotel, row, sale, "payment_failed", now_ms)
        text = f"{payment.amount} {payment.currency} for {row.sale_id} were not paid"
        yield notice(payment.account, f"unpaid:{payment.payment_id}", "not paid", text, now_ms)


def _said(message: MessageRow, row: SaleRow) -> MessageRow:
    return message._replace(connection=row.connection, detail=row.sale_id)


def _with(book: Book, writes: Sequence[Row]) -> Book:
    """The book with what is about to be written of it."""
    payment = book.payment
    rows = {row.operation_id: row for row in book.operations}
    events: list[PaymentEventRow] = []
    for write in writes:
        if isinstance(write, PaymentOperationRow) and write.payment_id == payment.payment_id:
            rows[write.operation_id] = write
        elif isinstance(write, PaymentEventRow) and write.payment_id == payment.payment_id:
            events.append(write)
    return Book(payment, [rows[name] for name in sorted(rows)], {**book.ledger, **ledger_of(events)})


def _undone(books: Sequence[Book]) -> bool:
    """Whether a gateway has taken a capture back."""
    return any(kind is FactKind.CAPTURE_FAILED for book in books for kind, _ in book.ledger)


def _changed(before: list[Book], after: list[Book]) -> _Change:
    was = {row.operation_id: row.outcome for book in before for row in book.operations}
    now = [row for book in after for row in book.operations if was.get(row.operation_id) != row.outcome]

    def became(outcome: OperationOutcome) -> frozenset[str]:
        return frozenset(row.operation_id for row in now if row.outcome == outcome)

    return _Change(before, after, became(OperationOutcome.FAILED), became(OperationOutcome.ACTION_REQUIRED))
