"""What a sale is to be paid with: payments that its guest begins, and dues that are asked for by themselves.

A due is charged to the token the guest has left, else to a card that came with the booking where its terms allow that,
else the guest gets a link.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from gateway.engine.hotel import Hotel
from gateway.engine.payment_schedule import Due, uncovered
from gateway.engine.sale import Sale, SaleState
from gateway.errors import Reason, Rejected
from gateway.flows.payments.book import Book
from gateway.flows.payments.operate_jobs import BeginOperation
from gateway.flows.payments.tie import begun, due_at, in_flight, money_needs, money_of, next_due_ms, secured, to_ask
from gateway.flows.selling.rows import SALE, open_sale, pack_sale, sale_of
from gateway.flows.vault.take import CARDS
from gateway.flows.vault.uses import guest_card
from gateway.messages_payment import PaymentCommand
from gateway.model.dates import Instant, local_day
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import Row, SaleRow
from gateway.store.tables_paying import PaymentOperationRow, PaymentRow


class AskForSale(BeginOperation):
    """The job: a payment begins for a sale, at most one at a time.

    ``means`` (sealed) is what the guest leaves to be charged later. Raises Rejected where nothing is to be paid, and
    where another payment is under way; with ``anew`` that one may go on, and what is paid twice goes back.
    """

    def __init__(
        self, row: PaymentOperationRow, command: PaymentCommand, payment: PaymentRow | None, *, means: str, anew: bool
    ) -> None:
        super().__init__(row, command, payment)
        assert payment is not None, "it begins a payment"
        self._asked = payment
        self._means = means
        self._anew = anew

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield from super().needs(state, now_ms)
        yield SALE, (self._scope, self._asked.reservation_id)
        row = state.get(SaleRow, (self._scope, self._asked.reservation_id))
        if row is not None:
            yield from money_needs(self._scope, open_sale(row.body))

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row, sale = sale_of(state, self._scope, self._asked.reservation_id)
        check_payable(row, now_ms)
        books = money_of(state, self._scope, sale)
        if not self._anew and any(map(in_flight, books)):
            raise Rejected("another payment for it is under way", Reason.BUSINESS_RULE)
        if self._anew:
            # What is still open may never be paid: it does not count.
            books = [book for book in books if in_flight(book) is None]
        wanted = next(iter(wanted_now(row, sale, books)), None)
        if wanted is None or (wanted.amount, wanted.account) != (self._asked.amount, self._asked.account):
            raise Rejected("that is not what has to be paid now", Reason.BUSINESS_RULE)
        decision = super().decide(state, now_ms)
        asked = replace(sale, payments=(*sale.payments, self._asked.payment_id), means=self._means or sale.means)
        return decision._replace(writes=[*decision.writes, row._replace(body=pack_sale(asked))])


class OrderDues:
    """The job: what of a booking's dues has come due since the last look is asked for, each once."""

    def __init__(self, scope_id: str, sale_id: str) -> None:
        self.scope_id: str | None = scope_id
        self._key = (scope_id, sale_id)

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield SALE, self._key
        row = state.get(SaleRow, self._key)
        if row is not None:
            sale = open_sale(row.body)
            yield from money_needs(self._key[0], sale)
            if any(due.charge_card for due in sale.dues):
                yield CARDS, self._key

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row = state.get(SaleRow, self._key)
        if row is None or row.state != SaleState.BOOKED or row.due_ms is None or row.due_ms > now_ms:
            return Decision(0)
        hotel, sale = state.hotels[self._key[0]], open_sale(row.body)
        found = to_ask(hotel, sale, money_of(state, self._key[0], sale), now_ms)
        found = [due for due in found if due_at(hotel, due) > sale.asked_ms]
        writes: list[Row] = []
        cards = state.find(CARDS, self._key) if any(due.charge_card for due in sale.dues) else ()
        card = guest_card(cards, local_day(now_ms, hotel.property.timezone))
        for due in found:
            text = payment_text(hotel, row.sale_id)
            by_card = due.charge_card and card.usable
            payment, operation = begun(*self._key, sale, due, now_ms, text, by_card=by_card)
            sale = replace(sale, payments=(*sale.payments, payment.payment_id))
            writes += [payment, operation]
        sale = replace(sale, asked_ms=now_ms)
        row = row._replace(due_ms=next_due_ms(hotel, sale, now_ms), body=pack_sale(sale))
        return Decision(len(found), [*writes, row])


def check_payable(row: SaleRow, now_ms: Instant) -> None:
    """Raises Rejected unless it is a hold that lasts, or a booking that stands."""
    is_held = row.state == SaleState.HELD and now_ms < row.expires_ms
    if not is_held and row.state != SaleState.BOOKED:
        raise Rejected(f"it is {row.state.replace('_', '-')}: only a hold or a booking is paid", Reason.BUSINESS_RULE)


def wanted_now(row: SaleRow, sale: Sale, books: Sequence[Book]) -> list[Due]:
    """What the guest may pay, the earliest first: of a hold what is needed for the booking, of a booking everything."""
    dues = uncovered(sale.dues, secured(books))
    return [due for due in dues if row.state == SaleState.BOOKED or due.day is None]


def payment_text(hotel: Hotel, sale_id: str) -> str:
    """What the guest reads on the gateway's page and on their statement."""
    return f"{hotel.property.name} {sale_id}"
