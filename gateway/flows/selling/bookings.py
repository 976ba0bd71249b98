"""A sale becomes a reservation, and is changed, each decided under the property's lock.

A step that has been taken already is answered the same and has no second effect.
"""

from __future__ import annotations

from array import array

import msgspec
from msgspec.structs import replace

from gateway.engine.hotel import Hotel
from gateway.engine.nights import Cell, Nights
from gateway.engine.sale import Customer, Sale, SaleState, content_of
from gateway.engine.stock import HELD
from gateway.errors import NotFound, Rejected
from gateway.flows.payments.tie import money_needs, money_of, next_due_ms, relieved, secured, told
from gateway.flows.selling.holds import taken
from gateway.flows.selling.rows import (
    KEPT_MS,
    SALE,
    Check,
    anything,
    check_booked,
    check_quote,
    open_sale,
    pack_sale,
    sale_of,
    still_sold,
)
from gateway.flows.selling.stock import (
    calendar_needs,
    cells_of,
    check_free,
    check_open,
    held_by,
    source_of,
    stock_needs,
)
from gateway.flows.take_booking import TakeBooking
from gateway.messages import ReservationReceived
from gateway.model.dates import BLOCK_DAYS, Instant
from gateway.model.reservation import Content, Revision, RevisionKind
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import MessageRow, ReservationRow, Row, SaleRow, StockRow

_nights = msgspec.msgpack.Decoder(Nights).decode


class OnBooking(TakeBooking):
    """A step that makes a revision of the reservation; it is taken, delivered and told to channels like any other."""

    kind: RevisionKind

    def __init__(self, message: MessageRow, sale_id: str) -> None:
        event = ReservationReceived("", Revision(sale_id, self.kind, Content()))
        super().__init__(message.scope_id, message.connection, event, message, sale_id)
        self._sale_id = sale_id
        self._held: dict[Cell, int] = {}

    def needs(self, state: State, now_ms: Instant) -> Needs:
        hotel = state.hotels[self._scope]
        if self._connection not in hotel.connections:
            raise NotFound(f"{self._scope} has no connection {self._connection!r} any more")
        # A seller calls the house by a code of its own.
        self._event = replace(self._event, hotel=hotel.connections[self._connection].hotel)
        yield SALE, (self._scope, self._sale_id)
        row = state.get(SaleRow, (self._scope, self._sale_id))
        if row is not None:
            yield from money_needs(self._scope, open_sale(row.body))
            yield from self._more_needs(state, hotel, row)
        yield from super().needs(state, now_ms)

    def _more_needs(self, state: State, hotel: Hotel, row: SaleRow) -> Needs:
        return ()

    def say(self, state: State, hotel: Hotel, content: Content) -> None:
        """This is what the revision says, the next of its reservation."""
        known = state.get(ReservationRow, self._key)
        version = (known.revisions if known else 0) + 1
        revision = Revision(self._sale_id, self.kind, content, version=version)
        self._event = ReservationReceived(hotel.connections[self._connection].hotel, revision)

    def _opened(self, state: State, key: tuple[str, str, int]) -> array[int]:
        """The rooms held for this sale are free for it."""
        row = super()._opened(state, key)
        for (room, day), units in self._held.items():
            if (room, day // BLOCK_DAYS) == key[1:]:
                row[HELD + day % BLOCK_DAYS] -= units
        return row

    def _take(self, state: State, hotel: Hotel, old: Nights, new: Nights, rev: int) -> tuple[list[StockRow], int]:
        """Rooms that were held and that the booking does not take, as of a type that has left the file, are free."""
        rows, short = super()._take(state, hotel, old, new, rev)
        opened = {row[1:3] for row in rows}
        left = {cell: units for cell, units in self._held.items() if (cell[0], cell[1] // BLOCK_DAYS) not in opened}
        return [*rows, *held_by(state, self._scope, [(left, -1)], rev)], short

    def revised(self, state: State, now_ms: Instant, row: SaleRow, sale: Sale, letter: str) -> Decision:
        """The revision together with the sale's row, which is the answer."""
        hotel = state.hotels[self._scope]
        decision = super().decide(state, now_ms)
        booker = sale.customer.booker
        writes_to_guest = bool(booker and booker.email and hotel.property.selling.mail_from)
        changed = row._replace(
            due_ms=next_due_ms(hotel, sale, now_ms) if row.state == SaleState.BOOKED else None,
            mail_ms=now_ms if writes_to_guest else None,
            mail_attempts=0,
            letter=letter,
            body=pack_sale(replace(sale, author=self._message.author)),
        )
        return decision._replace(answer=changed, writes=[*decision.writes, changed])


class ConfirmSale(OnBooking):
    """The job. A hold becomes a reservation as long as it lasts, a quote if its rooms are free.

    With ``payment``, a hold that has ended is confirmed too, if its rooms are still free: the guest has paid.
    ``check`` refuses a sale that is not meant. What is sold on request is held until the hotel has answered.
    """

    kind = RevisionKind.NEW

    def __init__(
        self,
        message: MessageRow,
        sale_id: str,
        customer: Customer | None,
        payment: str = "",
        check: Check = anything,
    ) -> None:
        super().__init__(message, sale_id)
        self._customer = customer
        self._payment = payment
        self._check = check

    def _more_needs(self, state: State, hotel: Hotel, row: SaleRow) -> Needs:
        sale = open_sale(row.body)
        self.say(state, hotel, content_of(sale))
        yield from stock_needs(hotel, self._scope, sale.held)
        yield from calendar_needs(hotel, self._scope, still_sold(hotel, sale))

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row, sale = sale_of(state, self._scope, self._sale_id)
        self._check(row, sale)
        if row.state in (SaleState.BOOKED, SaleState.REQUESTED):
            return Decision(row)
        hotel = state.hotels[self._scope]
        self._held = {}
        if row.state == SaleState.HELD and (self._payment or now_ms < row.expires_ms):
            self._held = cells_of(hotel, sale.held)
        else:
            if not (row.state == SaleState.RELEASED and self._payment):
                check_quote(row, sale, now_ms)
            check_open(state, hotel, self._scope, sale, now_ms)
            check_free(state, hotel, source_of(hotel, row.connection), self._scope, sale.nights)
        if not self._payment and secured(money_of(state, self._scope, sale)) < sale.required:
            raise Rejected("it has to be paid for first")
        sale = replace(sale, customer=self._customer or sale.customer, payment=self._payment, asked_ms=0)
        if sale.on_request:
            return self._requested(state, hotel, now_ms, row, sale)
        self.say(state, hotel, content_of(sale))
        return self.revised(state, now_ms, row._replace(state=SaleState.BOOKED.value), sale, "confirmed")

    def _requested(self, state: State, hotel: Hotel, now_ms: Instant, row: SaleRow, sale: Sale) -> Decision:
        stock: list[StockRow] = []
        if row.state != SaleState.HELD:
            sale, stock = taken(state, hotel, self._scope, sale)
        ends_ms = now_ms + hotel.property.selling.request_s * 1000
        row = row._replace(
            state=SaleState.REQUESTED.value,
            expires_ms=ends_ms,
            due_ms=ends_ms,
            body=pack_sale(replace(sale, author=self._message.author)),
        )
        row = told(hotel, row, sale, "requested", now_ms)
        rev = state.next_rev(self._scope)
        message = self._message._replace(outcome="applied", detail=self._sale_id, rev=rev)
        return Decision(row, [*stock, row, message], advances=True)


class ModifySale(OnBooking):
    """The job. ``quote_id`` is a quote made to replace this sale; without one only the customer changes."""

    kind = RevisionKind.MODIFY

    def __init__(self, message: MessageRow, sale_id: str, quote_id: str, customer: Customer | None) -> None:
        super().__init__(message, sale_id)
        self._quote_id = quote_id
        self._customer = customer

    def _more_needs(self, state: State, hotel: Hotel, row: SaleRow) -> Needs:
        sale = open_sale(row.body)
        if self._quote_id:
            yield SALE, (self._scope, self._quote_id)
            quote = state.get(SaleRow, (self._scope, self._quote_id))
            if quote is not None:
                sale = open_sale(quote.body)
                yield from calendar_needs(hotel, self._scope, still_sold(hotel, sale))
        self.say(state, hotel, content_of(sale))

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row, sale = sale_of(state, self._scope, self._sale_id)
        check_booked(row)
        hotel, writes = state.hotels[self._scope], list[Row]()
        if self._quote_id:
            quote, wanted = sale_of(state, self._scope, self._quote_id)
            if quote.state == SaleState.APPLIED and wanted.replaces == self._sale_id:
                return Decision(row)
            self._check(state, hotel, now_ms, quote, sale, wanted)
            sale = replace(sale, offers=wanted.offers, policies=wanted.policies, dues=wanted.dues, asked_ms=-1)
            writes = [quote._replace(state=SaleState.APPLIED.value, due_ms=now_ms + KEPT_MS)]
        sale = replace(sale, customer=self._customer or sale.customer)
        self.say(state, hotel, content_of(sale))
        decision = self.revised(state, now_ms, row, sale, "modified")
        books = money_of(state, self._scope, sale)
        return decision._replace(writes=[*decision.writes, *writes, *relieved(books, sale.total, now_ms)])

    def _check(self, state: State, hotel: Hotel, now_ms: Instant, quote: SaleRow, sale: Sale, wanted: Sale) -> None:
        if quote.state != SaleState.QUOTED or now_ms >= quote.expires_ms:
            raise Rejected("the quote has ended; ask for another one")
        if wanted.replaces != self._sale_id:
            raise Rejected("the quote was not made to change this reservation")
        if wanted.on_request:
            raise Rejected("what is sold on request is requested anew, not changed to")
        if not all(policy.changeable for policy in sale.policies):
            raise Rejected("by its terms this reservation cannot be changed")
        check_open(state, hotel, self._scope, wanted, now_ms)
        known = state.get(ReservationRow, self._key)
        before = _nights(known.nights) if known else ()
        check_free(state, hotel, source_of(hotel, quote.connection), self._scope, wanted.nights, before)
