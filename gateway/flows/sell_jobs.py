"""The steps of a direct sale, each decided under the property's lock: what is free is free for nobody else.

A step that has been taken already is answered the same and has no second effect.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from gateway.engine.hotel import Hotel
from gateway.engine.nights import Cell, Nights
from gateway.engine.offers import shop_of
from gateway.engine.payment_schedule import Place
from gateway.engine.sale import Customer, Sale, SaleState, cancellation_fee, content_of, no_show_fee, with_fee
from gateway.engine.stock import HELD
from gateway.errors import NotFound, Reason, Rejected, Stale
from gateway.flows.payments.book import Book
from gateway.flows.payments.tie import (
    begun,
    money_needs,
    money_of,
    next_due_ms,
    relieved,
    secured,
    settled,
    told,
    withdrawn,
)
from gateway.flows.sell_stock import (
    calendar_needs,
    cells_of,
    check_free,
    check_open,
    held_by,
    levels_of,
    source_of,
    stock_needs,
)
from gateway.flows.take_booking import TakeBooking
from gateway.messages import ReservationReceived
from gateway.model.dates import BLOCK_DAYS, Instant, local_day
from gateway.model.reservation import Content, Revision, RevisionKind
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import MessageRow, ReservationRow, Row, SaleRow

SALE = Lookup(SaleRow)
# Quotes and holds that came to nothing stay for so long, to be asked about.
KEPT_MS = 24 * 3_600_000

pack_sale = msgspec.msgpack.Encoder().encode
open_sale = msgspec.msgpack.Decoder(Sale).decode
_nights = msgspec.msgpack.Decoder(Nights).decode


def sale_of(state: State, scope_id: str, sale_id: str) -> tuple[SaleRow, Sale]:
    """Raises NotFound."""
    row = state.get(SaleRow, (scope_id, sale_id))
    if row is None:
        raise NotFound(f"there is no quote, hold or direct reservation {sale_id!r}", Reason.BOOKING_REFERENCE)
    return row, open_sale(row.body)


class TakeHold:
    """The job: the sale's row once its rooms are held for ``hold_s``."""

    def __init__(self, message: MessageRow, sale_id: str, customer: Customer, hold_s: int) -> None:
        self.scope_id: str | None = message.scope_id
        self._scope = message.scope_id
        self._message = message
        self._sale_id = sale_id
        self._customer = customer
        self._hold_s = hold_s

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield SALE, (self._scope, self._sale_id)
        row = state.get(SaleRow, (self._scope, self._sale_id))
        if row is not None:
            hotel, sale = state.hotels[self._scope], open_sale(row.body)
            yield from stock_needs(hotel, self._scope, sale.nights)
            yield from calendar_needs(hotel, self._scope, _still_sold(hotel, sale))

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row, sale = sale_of(state, self._scope, self._sale_id)
        if row.state == SaleState.HELD and now_ms < row.expires_ms:
            return Decision(row)
        _check_quote(row, sale, now_ms)
        hotel = state.hotels[self._scope]
        check_open(state, hotel, self._scope, sale, now_ms)
        check_free(state, hotel, source_of(hotel, row.connection), self._scope, sale.nights)
        rev, ends_ms = state.next_rev(self._scope), now_ms + self._hold_s * 1000
        levels = levels_of(hotel, sale.nights)
        takes = levels if levels != sale.nights else ()
        held = replace(sale, customer=self._customer, author=self._message.author, takes=takes)
        cells = cells_of(hotel, levels)
        changed = row._replace(state=SaleState.HELD.value, expires_ms=ends_ms, due_ms=ends_ms, body=pack_sale(held))
        message = self._message._replace(outcome="applied", detail=self._sale_id, rev=rev)
        return Decision(changed, [*held_by(state, self._scope, [(cells, 1)], rev), changed, message], advances=True)


class EndHolds:
    """The job: rooms of holds whose time is over, or whose ``asker`` gives them back, are free again.

    Quotes and holds that ended long ago are forgotten, unless somebody was to pay for them. Money that has come for one
    in part goes back, and who was to pay is told. ``books`` are the payments of the one sale that is named, as they are
    about to be. The answer is how many holds were released.
    """

    def __init__(
        self,
        scope_id: str,
        sale_ids: Sequence[str],
        asker: MessageRow | None = None,
        *,
        books: Sequence[Book] | None = None,
    ) -> None:
        self.scope_id: str | None = scope_id
        self._scope = scope_id
        self._sale_ids = sale_ids
        self._asker = asker
        self._books = books

    def needs(self, state: State, now_ms: Instant) -> Needs:
        for sale_id in self._sale_ids:
            yield SALE, (self._scope, sale_id)
            row = state.get(SaleRow, (self._scope, sale_id))
            if row is not None:
                sale = open_sale(row.body)
                yield from stock_needs(state.hotels[self._scope], self._scope, sale.held)
                yield from money_needs(self._scope, sale)

    def decide(self, state: State, now_ms: Instant) -> Decision:
        hotel, rev = state.hotels[self._scope], state.next_rev(self._scope)
        rows = [row for sale_id in self._sale_ids if (row := state.get(SaleRow, (self._scope, sale_id))) is not None]
        over = [row for row in rows if row.state == SaleState.HELD and (self._asker or row.expires_ms <= now_ms)]
        waiting = (SaleState.QUOTED, SaleState.RELEASED, SaleState.APPLIED)
        old = [row for row in rows if row.state in waiting and row.due_ms is not None and row.due_ms <= now_ms]
        given_back = [(cells_of(hotel, open_sale(row.body).held), -1) for row in over]
        writes: list[Row] = [*held_by(state, self._scope, given_back, rev)]
        for row in over:
            writes += self._released(state, hotel, row, now_ms)
        if over and self._asker is not None:
            writes.append(self._asker._replace(outcome="applied", detail=", ".join(self._sale_ids), rev=rev))
        return Decision(len(over), writes, old, advances=bool(over))

    def _released(self, state: State, hotel: Hotel, row: SaleRow, now_ms: Instant) -> list[Row]:
        sale, row = open_sale(row.body), row._replace(state=SaleState.RELEASED.value, due_ms=now_ms + KEPT_MS)
        if not sale.payments:
            return [row]
        # Whoever pays for it late must find it.
        row = row._replace(due_ms=None)
        books = money_of(state, self._scope, sale) if self._books is None else self._books
        if not secured(books):
            return [told(hotel, row, sale, "payment_failed", now_ms), *withdrawn(books, now_ms)]
        row = row._replace(body=pack_sale(replace(sale, given_up=True)))
        return [told(hotel, row, sale, "payment_failed", now_ms), *settled(books, 0, now_ms)]


class _OnBooking(TakeBooking):
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

    def _say(self, state: State, hotel: Hotel, content: Content) -> None:
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

    def _revised(self, state: State, now_ms: Instant, row: SaleRow, sale: Sale, letter: str) -> Decision:
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


class ConfirmSale(_OnBooking):
    """The job. A hold becomes a reservation as long as it lasts, a quote if its rooms are free.

    With ``payment``, a hold that has ended is confirmed too, if its rooms are still free: the guest has paid.
    """

    kind = RevisionKind.NEW

    def __init__(self, message: MessageRow, sale_id: str, customer: Customer | None, payment: str = "") -> None:
        super().__init__(message, sale_id)
        self._customer = customer
        self._payment = payment

    def _more_needs(self, state: State, hotel: Hotel, row: SaleRow) -> Needs:
        sale = open_sale(row.body)
        self._say(state, hotel, content_of(sale))
        return calendar_needs(hotel, self._scope, _still_sold(hotel, sale))

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row, sale = sale_of(state, self._scope, self._sale_id)
        if row.state == SaleState.BOOKED:
            return Decision(row)
        hotel = state.hotels[self._scope]
        self._held = {}
        if row.state == SaleState.HELD and (self._payment or now_ms < row.expires_ms):
            self._held = cells_of(hotel, sale.held)
        else:
            if not (row.state == SaleState.RELEASED and self._payment):
                _check_quote(row, sale, now_ms)
            check_open(state, hotel, self._scope, sale, now_ms)
            check_free(state, hotel, source_of(hotel, row.connection), self._scope, sale.nights)
        if not self._payment and secured(money_of(state, self._scope, sale)) < sale.required:
            raise Rejected("it has to be paid for first")
        sale = replace(sale, customer=self._customer or sale.customer, payment=self._payment, asked_ms=0)
        self._say(state, hotel, content_of(sale))
        return self._revised(state, now_ms, row._replace(state=SaleState.BOOKED.value), sale, "confirmed")


class ModifySale(_OnBooking):
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
                yield from calendar_needs(hotel, self._scope, _still_sold(hotel, sale))
        self._say(state, hotel, content_of(sale))

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row, sale = sale_of(state, self._scope, self._sale_id)
        _check_booked(row)
        hotel, writes = state.hotels[self._scope], list[Row]()
        if self._quote_id:
            quote, wanted = sale_of(state, self._scope, self._quote_id)
            if quote.state == SaleState.APPLIED and wanted.replaces == self._sale_id:
                return Decision(row)
            self._check(state, hotel, now_ms, quote, sale, wanted)
            sale = replace(sale, offers=wanted.offers, policies=wanted.policies, dues=wanted.dues, asked_ms=-1)
            writes = [quote._replace(state=SaleState.APPLIED.value, due_ms=now_ms + KEPT_MS)]
        sale = replace(sale, customer=self._customer or sale.customer)
        self._say(state, hotel, content_of(sale))
        decision = self._revised(state, now_ms, row, sale, "modified")
        books = money_of(state, self._scope, sale)
        return decision._replace(writes=[*decision.writes, *writes, *relieved(books, sale.total, now_ms)])

    def _check(self, state: State, hotel: Hotel, now_ms: Instant, quote: SaleRow, sale: Sale, wanted: Sale) -> None:
        if quote.state != SaleState.QUOTED or now_ms >= quote.expires_ms:
            raise Rejected("the quote has ended; ask for another one")
        if wanted.replaces != self._sale_id:
            raise Rejected("the quote was not made to change this reservation")
        if not all(policy.changeable for policy in sale.policies):
            raise Rejected("by its terms this reservation cannot be changed")
        check_open(state, hotel, self._scope, wanted, now_ms)
        known = state.get(ReservationRow, self._key)
        before = _nights(known.nights) if known else ()
        check_free(state, hotel, source_of(hotel, quote.connection), self._scope, wanted.nights, before)


class EndSale(_OnBooking):
    """The job: cancelled, or with ``no_show`` ended because nobody came; the penalty is worked out at this instant.

    Raises Stale where cancelling costs more than ``fee_max``, which is what the caller has been told.
    """

    kind = RevisionKind.CANCEL

    def __init__(self, message: MessageRow, sale_id: str, *, no_show: bool, fee_max: int | None = None) -> None:
        super().__init__(message, sale_id)
        self._no_show = no_show
        self._fee_max = fee_max

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row, sale = sale_of(state, self._scope, self._sale_id)
        ends = SaleState.NO_SHOW if self._no_show else SaleState.CANCELLED
        if row.state == ends:
            return Decision(row)
        _check_booked(row)
        hotel = state.hotels[self._scope]
        if self._no_show and local_day(now_ms, hotel.property.timezone) < sale.arrival:
            raise Rejected("nobody can have stayed away before the day of arrival", Reason.INVALID_DATE)
        fee = no_show_fee(sale) if self._no_show else self._fee(hotel, row, sale, now_ms)
        if self._fee_max is not None and fee > self._fee_max:
            raise Stale("cancelling costs more by now; ask again")
        what = "no-show" if self._no_show else "cancelled"
        self._say(state, hotel, with_fee(content_of(sale), what, fee, sale.currency))
        ended = replace(sale, penalty=fee)
        letter = "" if self._no_show else "cancelled"
        books = money_of(state, self._scope, sale)
        money = settled(books, fee, now_ms)
        if self._no_show and (missing := fee - secured(books)) > 0:
            ended, charged = self._charged(hotel, ended, missing, now_ms)
            money += charged
        decision = self._revised(state, now_ms, row._replace(state=ends.value), ended, letter)
        if letter:
            return decision._replace(writes=[*decision.writes, *money])
        silent = decision.answer._replace(mail_ms=None)
        return decision._replace(answer=silent, writes=[*decision.writes[:-1], silent, *money])

    def _charged(self, hotel: Hotel, sale: Sale, missing: int, now_ms: Instant) -> tuple[Sale, list[Row]]:
        """What is missing is charged to what the guest has left for that; else it is due at the hotel."""
        due = next((due for due in sale.dues if due.place is Place.GATEWAY), None)
        if due is None or not sale.means:
            return sale, []
        due = replace(due, amount=missing, hold=False)
        payment, operation = begun(self._scope, self._sale_id, sale, due, now_ms, f"no-show {self._sale_id}")
        return replace(sale, payments=(*sale.payments, payment.payment_id)), [payment, operation]

    def _fee(self, hotel: Hotel, row: SaleRow, sale: Sale, now_ms: Instant) -> int:
        arrival_ms = shop_of(hotel, row.connection).arrival_ms(sale.arrival)
        return cancellation_fee(sale, now_ms, arrival_ms)


def _check_quote(row: SaleRow, sale: Sale, now_ms: Instant) -> None:
    """Raises Rejected unless it is a quote that still holds and is for a new reservation."""
    if row.state == SaleState.QUOTED and sale.replaces:
        raise Rejected("this quote is for changing a reservation")
    if row.state in (SaleState.QUOTED, SaleState.HELD, SaleState.RELEASED):
        if row.state != SaleState.QUOTED or now_ms >= row.expires_ms:
            raise Rejected("its time is over; ask for another quote")
        return
    raise Rejected(f"it is {row.state.replace('_', '-')} already")


def _check_booked(row: SaleRow) -> None:
    if row.state != SaleState.BOOKED:
        raise Rejected(f"it is {row.state.replace('_', '-')}, not a reservation that stands")


def _still_sold(hotel: Hotel, sale: Sale) -> Sale:
    """Without what has left the configuration, whose rows nobody could name."""
    return replace(sale, offers=tuple(offer for offer in sale.offers if offer.plan in hotel.plans))
