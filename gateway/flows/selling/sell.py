"""Selling directly: a quote is held, confirmed, changed and cancelled, or nobody comes.

Whether there are rooms is decided in the batcher under the property's lock (:mod:`gateway.flows.selling.holds`), so at
any concurrency and over all processes nothing is sold twice. Every function answers with the sale as it is afterwards,
and may be called again: a step that was taken has no second effect.
"""

from __future__ import annotations

import msgspec

from gateway.engine.asking import Offer
from gateway.engine.hotel import Hotel
from gateway.engine.offers import shop_of
from gateway.engine.policy import free_until
from gateway.engine.sale import Customer, SaleState, cancellation_fee, no_show_fee
from gateway.errors import Malformed, NotFound, Reason, Rejected
from gateway.flows.desk.finding import property_of, text_of
from gateway.flows.selling.bookings import ConfirmSale, ModifySale
from gateway.flows.selling.endings import EndSale
from gateway.flows.selling.holds import EndHolds, TakeHold
from gateway.flows.selling.requests import AcceptRequest
from gateway.flows.selling.rows import open_sale
from gateway.flows.services import Services
from gateway.model.dates import Day, Instant
from gateway.store import selling
from gateway.store.batch import Job
from gateway.store.database import Transaction
from gateway.store.tables import MessageRow, SaleRow

HOLD_S_MAX = 14 * 86_400


class SaleView(msgspec.Struct, frozen=True):
    """A quote, hold or direct reservation; amounts in minor units of ``currency``.

    ``due`` is to be paid when booking, ``required`` what of it a payment gateway must bring before there is a
    reservation, ``cancellation_fee`` what cancelling costs now, free until ``free_until_ms`` (0:
    never was); ``penalty`` is what its end has cost. ``expires_ms`` is the end of a quote or hold.
    """

    sale_id: str
    state: SaleState
    source: str
    arrival: Day
    departure: Day
    currency: str
    net: bool
    rooms: tuple[Offer, ...]
    total: int
    due: int
    required: int
    cancellation_fee: int
    free_until_ms: Instant
    no_show_fee: int
    penalty: int
    payment: str
    customer: Customer
    replaces: str
    created_ms: Instant
    expires_ms: Instant


async def show(services: Services, property_id: str, sale_id: str) -> SaleView:
    """As it is now."""
    hotel, row = await _found(services, property_id, sale_id)
    return view(hotel, row, services.clock.now_ms())


async def hold(
    services: Services, property_id: str, sale_id: str, customer: Customer, author: str, *, hold_s: int | None = None
) -> SaleView:
    """Takes the rooms of a quote from everybody for ``hold_s`` seconds (the property's usual time for None).

    Raises :class:`gateway.errors.Rejected` where a night is sold out or closed by now.
    """
    hotel, row = await _found(services, property_id, sale_id)
    seconds = hotel.property.selling.hold_s if hold_s is None else hold_s
    if not 1 <= seconds <= HOLD_S_MAX:
        raise Malformed(f"a hold lasts 1 to {HOLD_S_MAX} seconds", Reason.INVALID_VALUE)
    message = _message(services, row, "hold", author)
    return await _step(services, hotel, TakeHold(message, sale_id, customer, seconds))


async def release(services: Services, property_id: str, sale_id: str, author: str) -> SaleView:
    """Gives the rooms of a hold back before its time."""
    _, row = await _found(services, property_id, sale_id)
    await services.batcher.submit(EndHolds(property_id, [sale_id], _message(services, row, "release", author)))
    return await show(services, property_id, sale_id)


async def confirm(
    services: Services, property_id: str, sale_id: str, author: str, *, customer: Customer | None = None
) -> SaleView:
    """A hold, or a quote whose rooms are free, becomes a reservation; ``customer`` in place of the hold's."""
    hotel, row = await _found(services, property_id, sale_id)
    message = _message(services, row, "confirm", author)
    return await _step(services, hotel, ConfirmSale(message, sale_id, customer))


async def modify(
    services: Services,
    property_id: str,
    sale_id: str,
    author: str,
    *,
    quote_id: str = "",
    customer: Customer | None = None,
) -> SaleView:
    """The stay becomes that of a quote made to replace it, or the customer another, or both."""
    if not quote_id and customer is None:
        raise Malformed("nothing is to be changed", Reason.REQUIRED_MISSING)
    hotel, row = await _found(services, property_id, sale_id)
    message = _message(services, row, "modify", author)
    return await _step(services, hotel, ModifySale(message, sale_id, text_of(quote_id), customer))


async def cancel(
    services: Services, property_id: str, sale_id: str, author: str, *, fee_max: int | None = None
) -> SaleView:
    """By the terms it was booked with; raises :class:`gateway.errors.Stale` where that costs more than ``fee_max``."""
    hotel, row = await _found(services, property_id, sale_id)
    message = _message(services, row, "cancel", author)
    return await _step(services, hotel, EndSale(message, sale_id, no_show=False, fee_max=fee_max))


async def no_show(services: Services, property_id: str, sale_id: str, author: str) -> SaleView:
    """Nobody came, from the day of arrival on."""
    hotel, row = await _found(services, property_id, sale_id)
    message = _message(services, row, "no-show", author)
    return await _step(services, hotel, EndSale(message, sale_id, no_show=True))


async def requests(services: Services, property_id: str) -> tuple[SaleView, ...]:
    """What waits for the hotel's answer, the one that ends first in front."""

    async def work(tx: Transaction) -> tuple[Hotel, list[SaleRow]]:
        _, hotel = await property_of(services, tx, property_id)
        return hotel, await selling.requested(tx, property_id)

    hotel, rows = await services.database.read(work)
    now_ms = services.clock.now_ms()
    return tuple(view(hotel, row, now_ms) for row in rows)


async def accept(services: Services, property_id: str, sale_id: str, author: str) -> SaleView:
    """What was requested becomes a reservation."""
    hotel, row = await _found(services, property_id, sale_id)
    return await _step(services, hotel, AcceptRequest(_message(services, row, "accept", author), sale_id))


async def decline(services: Services, property_id: str, sale_id: str, author: str) -> SaleView:
    """The rooms of a request are free again, and who asked is told. Raises Rejected for what is no request."""
    _, row = await _found(services, property_id, sale_id)
    message = _message(services, row, "decline", author)
    if not await services.batcher.submit(EndHolds(property_id, [sale_id], message, declines=True)):
        seen = await show(services, property_id, sale_id)
        if seen.state is not SaleState.RELEASED:
            raise Rejected(f"it is {seen.state.replace('_', '-')}, not a request that waits for an answer")
    return await show(services, property_id, sale_id)


def view(hotel: Hotel, row: SaleRow, now_ms: Instant) -> SaleView:
    """The row for people and programs."""
    sale = open_sale(row.body)
    source = hotel.connections.get(row.connection)
    arrival_ms = shop_of(hotel, source.id).arrival_ms(sale.arrival) if source else 0
    frees = [free_until(policy, arrival_ms) for policy in sale.policies]
    return SaleView(
        row.sale_id,
        SaleState(row.state),
        row.connection,
        sale.arrival,
        sale.departure,
        sale.currency,
        sale.net,
        sale.offers,
        sale.total,
        sale.due,
        sale.required,
        cancellation_fee(sale, now_ms, arrival_ms),
        0 if None in frees else min(at_ms for at_ms in frees if at_ms is not None),
        no_show_fee(sale),
        sale.penalty,
        sale.payment,
        sale.customer,
        sale.replaces,
        row.at_ms,
        row.expires_ms,
    )


async def _found(services: Services, property_id: str, sale_id: str) -> tuple[Hotel, SaleRow]:
    number = text_of(sale_id)

    async def work(tx: Transaction) -> tuple[Hotel, SaleRow]:
        _, hotel = await property_of(services, tx, property_id)
        row = await selling.one(tx, property_id, number)
        if row is None:
            text = f"there is no quote, hold or direct reservation {number!r}"
            raise NotFound(text, Reason.BOOKING_REFERENCE)
        return hotel, row

    return await services.database.read(work)


async def _step(services: Services, hotel: Hotel, job: Job) -> SaleView:
    row: SaleRow = await services.batcher.submit(job)
    return view(hotel, row, services.clock.now_ms())


def _message(services: Services, row: SaleRow, kind: str, author: str) -> MessageRow:
    return MessageRow(
        row.scope_id,
        services.ids.message(),
        connection=row.connection,
        direction="in",
        kind=kind,
        at_ms=services.clock.now_ms(),
        outcome="",
        detail=row.sale_id,
        rev=0,
        token=None,
        raw=b"",
        answer=b"",
        author=author,
    )
