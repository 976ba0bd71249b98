"""What is sold on request becomes a reservation once the hotel has accepted it."""

from __future__ import annotations

from gateway.engine.hotel import Hotel
from gateway.engine.sale import SaleState, content_of
from gateway.errors import Rejected
from gateway.flows.selling.bookings import OnBooking
from gateway.flows.selling.rows import open_sale, sale_of
from gateway.flows.selling.stock import cells_of, stock_needs
from gateway.model.dates import Instant
from gateway.model.reservation import RevisionKind
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import SaleRow


class AcceptRequest(OnBooking):
    """The job. What was requested becomes a reservation: its rooms are held, so there is nothing more to check."""

    kind = RevisionKind.NEW

    def _more_needs(self, state: State, hotel: Hotel, row: SaleRow) -> Needs:
        sale = open_sale(row.body)
        self.say(state, hotel, content_of(sale))
        yield from stock_needs(hotel, self._scope, sale.held)

    def decide(self, state: State, now_ms: Instant) -> Decision:
        row, sale = sale_of(state, self._scope, self._sale_id)
        if row.state == SaleState.BOOKED:
            return Decision(row)
        if row.state != SaleState.REQUESTED:
            raise Rejected(f"it is {row.state.replace('_', '-')}, not a request that waits for an answer")
        hotel = state.hotels[self._scope]
        self._held = cells_of(hotel, sale.held)
        self.say(state, hotel, content_of(sale))
        return self.revised(state, now_ms, row._replace(state=SaleState.BOOKED.value), sale, "confirmed")
