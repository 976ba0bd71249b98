"""A seller (an agency, a booking engine) books, changes and cancels by messages of its own.

The steps are those of any direct sale (:mod:`gateway.flows.selling.sell`). What is added here: its codes become ours,
its number names the sale, and nothing is booked at another price than it was told. A step that was taken is answered
again and has no second effect, since our number for a booking follows from the seller's.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from gateway.engine.asking import Party
from gateway.engine.hotel import Hotel
from gateway.engine.sale import HOLDING, Customer, Sale, SaleState
from gateway.errors import Malformed, NotFound, Reason, Rejected, Unsupported
from gateway.flows.selling.bookings import ConfirmSale, ModifySale
from gateway.flows.selling.codes import SellerCodes, check_seller
from gateway.flows.selling.endings import EndSale
from gateway.flows.selling.holds import EndHolds, TakeHold
from gateway.flows.selling.rows import SALE, open_sale, pack_sale
from gateway.flows.selling.search import Line, priced
from gateway.flows.selling.sell import view
from gateway.flows.services import ALPHABET, Services
from gateway.flows.vault.take import keep_for_sale
from gateway.messages_selling import SaleAsked, SaleStep, Sold
from gateway.model.money import format_minor
from gateway.model.property import Connection
from gateway.model.reservation import RoomStay
from gateway.store import selling
from gateway.store.batch import Job
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import MessageRow, SaleRow

_NUMBER_CHARS = 10


async def take_step(
    services: Services, hotel: Hotel, connection: Connection, asked: SaleAsked, message: MessageRow
) -> Sold:
    """Takes a step of a booking; raises :class:`gateway.errors.Refusal` where it cannot be taken."""
    check_seller(connection)
    step = _Step(services, hotel, connection, asked, message)
    match asked.step:
        case SaleStep.HOLD | SaleStep.BOOK:
            return await step.kept(await step.book())
        case SaleStep.MODIFY:
            return await step.kept(await step.modify())
        case SaleStep.RELEASE | SaleStep.CANCEL:
            return await step.end()
        case SaleStep.PRICE_CANCEL:
            return step.said(await step.known())


class _Step:
    """One step, with what it is about."""

    def __init__(
        self, services: Services, hotel: Hotel, connection: Connection, asked: SaleAsked, message: MessageRow
    ) -> None:
        self._services = services
        self._hotel = hotel
        self._connection = connection
        self._codes = SellerCodes(hotel, connection)
        self._asked = asked
        self._message = message
        self._scope = hotel.property.id
        self._number = asked.reservation_id or sale_number(connection.id, asked.revision.booking_id)

    async def book(self) -> Sold:
        """Holds or books. What stands already is what was asked for, or another booking has the number."""
        row = await self._found()
        if row is not None and open_sale(row.body).declined:
            raise Rejected("the hotel has not accepted the request", Reason.NO_AVAILABILITY)
        if row is None or row.state in (SaleState.QUOTED, SaleState.RELEASED):
            await self._submit(QuoteOnce(await self._priced()))
        else:
            self._check(row, open_sale(row.body))
            if row.state in (SaleState.BOOKED, SaleState.REQUESTED):
                return self.said(row)
        # Another request may have come under the same number meanwhile: what it left is looked at under the lock.
        job: Job = ConfirmSale(self._message, self._number, self._customer, check=self._check)
        if self._asked.step is SaleStep.HOLD:
            seconds = self._hotel.property.selling.hold_s
            job = TakeHold(self._message, self._number, self._customer, seconds, self._check)
        return self.said(await self._submit(job))

    async def modify(self) -> Sold:
        """The stay that is asked for in place of the one there is, at today's prices and terms."""
        row = await self.known()
        if self._says(open_sale(row.body)):
            job: Job = ModifySale(self._message, self._number, "", self._customer)
            same = open_sale(row.body).customer == self._customer
            return self.said(row if same else await self._submit(job))
        quoted = await self._priced(replaces=self._number)
        await self._submit(QuoteOnce(quoted))
        job = ModifySale(self._message, self._number, quoted.sale_id, self._customer)
        return self.said(await self._submit(job))

    async def end(self) -> Sold:
        """By the terms it was booked with; of a hold the rooms are given back."""
        row = await self.known()
        if row.state in (*HOLDING, SaleState.QUOTED, SaleState.RELEASED):
            await self._services.batcher.submit(EndHolds(self._scope, [self._number], self._message, quotes=True))
            row = await self.known()
            # It may have been booked meanwhile, by a request that its sender gave up.
            if row.state == SaleState.RELEASED:
                return self.said(row)
        if self._asked.step is SaleStep.RELEASE:
            raise Rejected("it is booked: cancel it instead")
        return self.said(await self._submit(EndSale(self._message, self._number, no_show=False)))

    async def kept(self, sold: Sold) -> Sold:
        """The cards that came along are in the vault before anything is acknowledged."""
        asked = self._asked
        if asked.cards:
            place = (self._services, self._hotel, self._connection.id, asked.revision, sold.reservation_id)
            await keep_for_sale(*place, asked.cards)
        return sold

    async def known(self) -> SaleRow:
        """Raises NotFound."""
        row = await self._found()
        if row is None:
            number = self._asked.reservation_id or self._reference
            raise NotFound(f"there is no reservation {number!r}", Reason.BOOKING_REFERENCE, record=number)
        return row

    def said(self, row: SaleRow) -> Sold:
        """The row in the seller's words."""
        now_ms = self._services.clock.now_ms()
        shown = view(self._hotel, row, now_ms)
        stays = (self._codes.said(offer) for offer in shown.rooms)
        return Sold(
            self._connection.hotel,
            self._asked.step,
            open_sale(row.body).reference or row.sale_id,
            row.sale_id,
            shown.currency,
            shown.net,
            tuple(stay for stay in stays if stay is not None),
            shown.total,
            shown.penalty if row.state == SaleState.CANCELLED else shown.cancellation_fee,
            shown.expires_ms if row.state in HOLDING else 0,
            row.state == SaleState.REQUESTED,
        )

    # --- inside -------------------------------------------------------------------------------------------------------

    @property
    def _reference(self) -> str:
        return self._asked.revision.booking_id

    @property
    def _customer(self) -> Customer:
        content = self._asked.revision.content
        guests = content.stays[0].guests if content.stays else ()
        return Customer(content.booker, guests, content.comments)

    async def _found(self) -> SaleRow | None:
        """The seller's own only: what others have booked is not there for it."""
        row = await self._services.database.read(lambda tx: selling.one(tx, self._scope, self._number))
        return row if row is not None and row.connection == self._connection.id else None

    async def _submit(self, job: Job) -> SaleRow:
        row: SaleRow = await self._services.batcher.submit(job)
        return row

    def _check(self, row: SaleRow, sale: Sale) -> None:
        """Raises Rejected where the number is that of another booking: of other rooms, nights or guests.

        Who stays may be said, or said otherwise, when a hold is booked.
        """
        ended = row.state in (SaleState.CANCELLED, SaleState.NO_SHOW, SaleState.APPLIED)
        taken = row.state in (SaleState.BOOKED, SaleState.REQUESTED) or (
            row.state == SaleState.HELD and self._asked.step is SaleStep.HOLD
        )
        is_other = ended or not self._says(sale) or (taken and sale.customer != self._customer)
        if is_other or row.connection != self._connection.id:
            raise Rejected(f"{self._reference!r} is the number of another booking", Reason.BOOKING_REFERENCE)

    def _says(self, sale: Sale) -> bool:
        """Whether the sale is of just the rooms and nights that are asked for."""
        asked = [self._line(stay) for stay in self._asked.revision.content.stays]
        nights = {(stay.arrival, stay.departure) for stay in self._asked.revision.content.stays}
        have = [Line(it.room, it.plan, Party(it.adults, it.child_ages), it.units) for it in sale.offers]
        return asked == have and nights == {(it.arrival, it.departure) for it in sale.offers}

    def _line(self, stay: RoomStay) -> Line:
        if stay.units > 1 and (stay.adults % stay.units or stay.children or stay.infants):
            text = "rooms whose guests are not alike have to be stays of their own"
            raise Unsupported(text, Reason.OCCUPANCY)
        if stay.children != len(stay.child_ages):
            raise Malformed("the age of a child is missing", Reason.OCCUPANCY)
        room, plan = self._codes.ours(stay.room, stay.plan)
        return Line(room, plan, Party(stay.adults // stay.units, (*stay.child_ages, *(0,) * stay.infants)), stay.units)

    async def _priced(self, replaces: str = "") -> SaleRow:
        """A quote under the number that the booking has from then on; raises Rejected for another price than told."""
        stays = self._asked.revision.content.stays
        nights = {(stay.arrival, stay.departure) for stay in stays}
        if len(nights) != 1:
            raise Unsupported("all rooms of a booking are for the same nights", Reason.DATE_COMBINATION)
        (arrival, departure) = nights.pop()
        lines = [self._line(stay) for stay in stays]
        row = await priced(
            self._services,
            self._scope,
            arrival,
            departure,
            lines,
            self._message.author,
            codes=self._asked.codes,
            source=self._connection.id,
            replaces=replaces,
        )
        sale = open_sale(row.body)
        self._check_price(sale)
        named = msgspec.structs.replace(sale, reference=self._reference)
        return row._replace(body=pack_sale(named), sale_id=row.sale_id if replaces else self._number)

    def _check_price(self, sale: Sale) -> None:
        content = self._asked.revision.content
        if content.total is None:
            return
        if content.net != sale.net:
            raise Unsupported(f"prices here are {'before' if sale.net else 'after'} tax", Reason.PRICE)
        ours = sum(offer.accommodation for offer in sale.offers) if sale.net else sale.total
        if content.currency not in ("", sale.currency) or content.total != ours:
            text = f"the price is {format_minor(ours, sale.currency)} {sale.currency} now, not what the guest was told"
            raise Rejected(text, Reason.PRICE)


def sale_number(connection: str, booking_id: str) -> str:
    """Our number for a seller's: the same each time, 50 bits of BLAKE2b as ten characters."""
    digest = blake2b(f"{connection}\0{booking_id}".encode(), digest_size=8).digest()
    bits = int.from_bytes(digest, "big")
    return "".join(ALPHABET[bits >> 5 * place & 31] for place in range(_NUMBER_CHARS))


class QuoteOnce:
    """The job: the quote is written down, unless its number has come further already, or is not the seller's.

    What somebody was to pay for stays as it is, since money may still come for it.
    """

    def __init__(self, row: SaleRow) -> None:
        self.scope_id: str | None = row.scope_id
        self._row = row

    def needs(self, state: State, now_ms: int) -> Needs:
        yield SALE, self._row[:2]

    def decide(self, state: State, now_ms: int) -> Decision:
        known = state.get(SaleRow, self._row[:2])
        ended = known is None or known.state in (SaleState.QUOTED, SaleState.RELEASED)
        if known is not None and known.connection != self._row.connection:
            raise Rejected("that is the number of another booking", Reason.BOOKING_REFERENCE)
        if ended and not (known is not None and open_sale(known.body).payments):
            return Decision(self._row, [self._row])
        return Decision(known)
