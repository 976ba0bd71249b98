"""A reservation of a sale ends, cancelled or because nobody came, decided under the property's lock with its penalty.

A step that has been taken already is answered the same and has no second effect.
"""

from __future__ import annotations

from msgspec.structs import replace

from gateway.engine.hotel import Hotel
from gateway.engine.offers import shop_of
from gateway.engine.payment_schedule import Place
from gateway.engine.sale import Sale, SaleState, cancellation_fee, content_of, no_show_fee, with_fee
from gateway.errors import Reason, Rejected, Stale
from gateway.flows.payments.tie import begun, money_of, secured, settled
from gateway.flows.selling.bookings import OnBooking
from gateway.flows.selling.rows import check_booked, open_sale, sale_of
from gateway.flows.vault.take import CARDS
from gateway.flows.vault.uses import guest_card
from gateway.model.dates import Instant, local_day
from gateway.model.reservation import RevisionKind
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import MessageRow, Row, SaleRow


class EndSale(OnBooking):
    """The job: cancelled, or with ``no_show`` ended because nobody came; the penalty is worked out at this instant.

    Raises Stale where cancelling costs more than ``fee_max``, which is what the caller has been told.
    """

    kind = RevisionKind.CANCEL

    def __init__(self, message: MessageRow, sale_id: str, *, no_show: bool, fee_max: int | None = None) -> None:
        super().__init__(message, sale_id)
        self._no_show = no_show
        self._fee_max = fee_max

    def _more_needs(self, state: State, hotel: Hotel, row: SaleRow) -> Needs:
        if self._no_show and any(due.charge_card for due in open_sale(row.body).dues):
            yield CARDS, (self._scope, self._sale_id)

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row, sale = sale_of(state, self._scope, self._sale_id)
        ends = SaleState.NO_SHOW if self._no_show else SaleState.CANCELLED
        if row.state == ends:
            return Decision(row)
        check_booked(row)
        hotel = state.hotels[self._scope]
        if self._no_show and local_day(now_ms, hotel.property.timezone) < sale.arrival:
            raise Rejected("nobody can have stayed away before the day of arrival", Reason.INVALID_DATE)
        fee = no_show_fee(sale) if self._no_show else self._fee(hotel, row, sale, now_ms)
        if self._fee_max is not None and fee > self._fee_max:
            raise Stale("cancelling costs more by now; ask again")
        what = "no-show" if self._no_show else "cancelled"
        self.say(state, hotel, with_fee(content_of(sale), what, fee, sale.currency))
        ended = replace(sale, penalty=fee)
        letter = "" if self._no_show else "cancelled"
        books = money_of(state, self._scope, sale)
        money = settled(books, fee, now_ms)
        if self._no_show and (missing := fee - secured(books)) > 0:
            ended, charged = self._charged(state, hotel, ended, missing, now_ms)
            money += charged
        decision = self.revised(state, now_ms, row._replace(state=ends.value), ended, letter)
        if letter:
            return decision._replace(writes=[*decision.writes, *money])
        silent = decision.answer._replace(mail_ms=None)
        return decision._replace(answer=silent, writes=[*decision.writes[:-1], silent, *money])

    def _charged(self, state: State, hotel: Hotel, sale: Sale, missing: int, now_ms: Instant) -> tuple[Sale, list[Row]]:
        """What is missing is charged to what the guest has left, or where the terms say so to a card of theirs.

        Else it is due at the hotel.
        """
        due = next((due for due in sale.dues if due.place is Place.GATEWAY), None)
        cards = state.find(CARDS, (self._scope, self._sale_id)) if due is not None and due.charge_card else ()
        by_card = guest_card(cards, local_day(now_ms, hotel.property.timezone)).usable
        if due is None or not (sale.means or by_card):
            return sale, []
        due, text = replace(due, amount=missing, hold=False), f"no-show {self._sale_id}"
        payment, operation = begun(self._scope, self._sale_id, sale, due, now_ms, text, by_card=by_card)
        return replace(sale, payments=(*sale.payments, payment.payment_id)), [payment, operation]

    def _fee(self, hotel: Hotel, row: SaleRow, sale: Sale, now_ms: Instant) -> int:
        arrival_ms = shop_of(hotel, row.connection).arrival_ms(sale.arrival)
        return cancellation_fee(sale, now_ms, arrival_ms)
