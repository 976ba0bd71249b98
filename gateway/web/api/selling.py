"""Selling directly: offers, quotes, holds, and the reservations the house makes itself."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.engine.asking import Ask, Party
from gateway.engine.sale import Customer
from gateway.flows.selling import search, sell
from gateway.flows.selling.search import Availability, Found, Line
from gateway.flows.selling.sell import HOLD_S_MAX, SaleView
from gateway.model.access import Action
from gateway.web.api.customers import CustomerBody, customer_of
from gateway.web.api.endpoints import Answer, Call, Endpoints, Nothing, Repeat
from gateway.web.api.shapes import shown_type
from gateway.web.api.values import Code, CodeOrNone, day

ENDPOINTS = Endpoints("Selling", "What the house sells itself: from the search to the cancellation.")

_SALE = "/properties/{property}/sales/{sale}"
_Adults = Annotated[int, Meta(ge=0, le=30)]
_Ages = Annotated[tuple[Annotated[int, Meta(ge=0, le=17)], ...], Meta(max_length=30)]
_Units = Annotated[int, Meta(ge=1, le=50)]
_Words = Annotated[tuple[Annotated[str, Meta(max_length=64)], ...], Meta(max_length=20)]


class OffersQuery(msgspec.Struct, frozen=True):
    arrival: Annotated[date, Meta(description="the first night, YYYY-MM-DD")]
    departure: Annotated[date, Meta(description="the day of departure")]
    adults: Annotated[_Adults, Meta(description="in each room")] = 2
    child_ages: Annotated[_Ages, Meta(description="an age for each child in each room; repeat the parameter")] = ()
    units: Annotated[_Units, Meta(description="how many rooms of the same kind")] = 1
    codes: Annotated[_Words, Meta(description="promotion, member or company codes")] = ()
    rooms: Annotated[tuple[Code, ...], Meta(max_length=100, description="room types; absent for all")] = ()
    plans: Annotated[tuple[Code, ...], Meta(max_length=100, description="rate plans; absent for all")] = ()
    source: Annotated[CodeOrNone, Meta(description="a direct connection; absent for the first")] = ""
    replaces: Annotated[CodeOrNone, Meta(description="a direct reservation whose rooms count as free")] = ""
    unoffered: Annotated[bool, Meta(description="also what cannot be booked, and why")] = False


class Requests(msgspec.Struct, frozen=True):
    """What waits for the hotel's answer, the one that ends first in front."""

    items: tuple[SaleView, ...]


class AvailabilityQuery(msgspec.Struct, frozen=True):
    first: Annotated[date, Meta(description="the first night, YYYY-MM-DD")]
    last: Annotated[date, Meta(description="the last night")]
    source: Annotated[CodeOrNone, Meta(description="a direct connection; absent for the first")] = ""


class QuoteRoom(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``units`` rooms of a product, with the same guests in each."""

    room: Code
    plan: Code
    adults: _Adults = 2
    child_ages: _Ages = ()
    units: _Units = 1


class QuoteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With ``replaces`` the quote is for changing that direct reservation."""

    arrival: date
    departure: date
    rooms: Annotated[tuple[QuoteRoom, ...], Meta(min_length=1, max_length=20)]
    codes: _Words = ()
    source: CodeOrNone = ""
    replaces: CodeOrNone = ""


class HoldBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    customer: CustomerBody | None = None
    seconds: Annotated[int, Meta(ge=1, le=HOLD_S_MAX)] | None = None


class ConfirmBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    customer: CustomerBody | None = None


class ModifyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``quote`` is the number of one made to replace this reservation."""

    quote: CodeOrNone = ""
    customer: CustomerBody | None = None


class CancelBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``fee_max`` is what was told that cancelling costs; it is refused where it costs more by now."""

    fee_max: Annotated[int, Meta(ge=0)] | None = None


@ENDPOINTS.add("GET", "/properties/{property}/offers", Action.SELL, query=OffersQuery, answer=shown_type(Found))
async def search_offers(call: Call[OffersQuery, Nothing]) -> Answer:
    """Search offers for a stay.

    Cheapest first, by night, with taxes and fees, what is due and by which terms. Amounts of an offer are those of all
    its rooms, nightly prices those of one. Every restriction of the calendar is applied.
    """
    query = call.query
    ask = Ask(
        day(query.arrival),
        day(query.departure),
        Party(query.adults, query.child_ages),
        query.units,
        query.codes,
        frozenset(query.rooms),
        frozenset(query.plans),
    )
    found = await search.offers(
        call.services, call.property_id, ask, source=query.source, replaces=query.replaces, unoffered=query.unoffered
    )
    return Answer(found)


@ENDPOINTS.add(
    "GET",
    "/properties/{property}/availability",
    Action.SELL,
    query=AvailabilityQuery,
    answer=shown_type(Availability),
)
async def read_availability(call: Call[AvailabilityQuery, Nothing]) -> Answer:
    """Read how many rooms are left.

    By room type and night, at most 550 nights, as a direct source may sell them. Restrictions are not looked at.
    """
    query = call.query
    first, last = day(query.first), day(query.last)
    return Answer(await search.availability(call.services, call.property_id, first, last, source=query.source))


@ENDPOINTS.add(
    "POST",
    "/properties/{property}/quotes",
    Action.SELL,
    body=QuoteBody,
    answer=shown_type(SaleView),
    status=HTTPStatus.CREATED,
    repeat=Repeat.CLAIMED,
)
async def make_quote(call: Call[Nothing, QuoteBody]) -> Answer:
    """Make a quote.

    Its prices and terms hold until it ends; rooms are kept by a hold only. The number of the quote stays that of its
    hold and of the reservation.
    """
    body = call.body
    row = await search.quote(
        call.services,
        call.property_id,
        day(body.arrival),
        day(body.departure),
        [Line(each.room, each.plan, Party(each.adults, each.child_ages), each.units) for each in body.rooms],
        call.principal.author,
        codes=body.codes,
        source=body.source,
        replaces=body.replaces,
    )
    seen = await sell.show(call.services, call.property_id, row.sale_id)
    return Answer(seen, location=f"/properties/{call.property_id}/sales/{row.sale_id}")


@ENDPOINTS.add("GET", _SALE, Action.SELL, answer=shown_type(SaleView))
async def show_sale(call: Call[Nothing, Nothing]) -> Answer:
    """Show a quote, hold or direct reservation.

    With what cancelling it would cost now.
    """
    return Answer(await sell.show(call.services, call.property_id, call.path["sale"]))


@ENDPOINTS.add("POST", f"{_SALE}/hold", Action.SELL, body=HoldBody, answer=shown_type(SaleView), repeat=Repeat.CLAIMED)
async def hold_sale(call: Call[Nothing, HoldBody]) -> Answer:
    """Hold the rooms of a quote.

    Nobody else is sold them, here or on any channel, until the hold ends. Refused where a night is sold out or closed.
    Where `required` is more than 0, that has to be paid before there is a reservation: ask for the link below `pay`.
    """
    body = call.body
    customer = customer_of(body.customer) or Customer()
    return Answer(
        await sell.hold(
            call.services, call.property_id, call.path["sale"], customer, call.principal.author, hold_s=body.seconds
        )
    )


@ENDPOINTS.add("POST", f"{_SALE}/release", Action.SELL, answer=shown_type(SaleView), repeat=Repeat.CLAIMED)
async def release_sale(call: Call[Nothing, Nothing]) -> Answer:
    """Give a hold back before it ends."""
    return Answer(await sell.release(call.services, call.property_id, call.path["sale"], call.principal.author))


@ENDPOINTS.add(
    "POST", f"{_SALE}/confirm", Action.SELL, body=ConfirmBody, answer=shown_type(SaleView), repeat=Repeat.CLAIMED
)
async def confirm_sale(call: Call[Nothing, ConfirmBody]) -> Answer:
    """Make a reservation of a hold, or of a quote.

    Of a quote only where its rooms are still free. The PMS gets it like any other reservation. Where the plan is sold
    on request it is `requested`, until the hotel has accepted or declined it.
    """
    customer = customer_of(call.body.customer)
    return Answer(
        await sell.confirm(call.services, call.property_id, call.path["sale"], call.principal.author, customer=customer)
    )


@ENDPOINTS.add("GET", "/properties/{property}/requests", Action.READ_RESERVATIONS, answer=shown_type(Requests))
async def list_requests(call: Call[Nothing, Nothing]) -> Answer:
    """List requests that wait for the hotel's answer.

    Sales of plans that are sold on request. Their rooms are held until they are accepted or declined, or their time is
    over.
    """
    return Answer(Requests(await sell.requests(call.services, call.property_id)))


@ENDPOINTS.add("POST", f"{_SALE}/accept", Action.SET_AVAILABILITY, answer=shown_type(SaleView), repeat=Repeat.CLAIMED)
async def accept_request(call: Call[Nothing, Nothing]) -> Answer:
    """Accept a request.

    It becomes a reservation, which the PMS gets like any other, and the guest is written to.
    """
    return Answer(await sell.accept(call.services, call.property_id, call.path["sale"], call.principal.author))


@ENDPOINTS.add("POST", f"{_SALE}/decline", Action.SET_AVAILABILITY, answer=shown_type(SaleView), repeat=Repeat.CLAIMED)
async def decline_request(call: Call[Nothing, Nothing]) -> Answer:
    """Decline a request.

    Its rooms are free again, and the guest is written to.
    """
    return Answer(await sell.decline(call.services, call.property_id, call.path["sale"], call.principal.author))


@ENDPOINTS.add(
    "POST", f"{_SALE}/modify", Action.SELL, body=ModifyBody, answer=shown_type(SaleView), repeat=Repeat.CLAIMED
)
async def modify_sale(call: Call[Nothing, ModifyBody]) -> Answer:
    """Change a direct reservation.

    The stay to that of a quote made with `replaces`, the customer, or both.
    """
    body = call.body
    return Answer(
        await sell.modify(
            call.services,
            call.property_id,
            call.path["sale"],
            call.principal.author,
            quote_id=body.quote,
            customer=customer_of(body.customer),
        )
    )


@ENDPOINTS.add(
    "POST", f"{_SALE}/cancel", Action.SELL, body=CancelBody, answer=shown_type(SaleView), repeat=Repeat.CLAIMED
)
async def cancel_sale(call: Call[Nothing, CancelBody]) -> Answer:
    """Cancel a direct reservation.

    By the terms it was booked with; `penalty` is what that costs. Of what was paid for it the rest goes back by itself.
    """
    sale, author = call.path["sale"], call.principal.author
    return Answer(await sell.cancel(call.services, call.property_id, sale, author, fee_max=call.body.fee_max))


@ENDPOINTS.add("POST", f"{_SALE}/no-show", Action.SELL, answer=shown_type(SaleView), repeat=Repeat.CLAIMED)
async def no_show_sale(call: Call[Nothing, Nothing]) -> Answer:
    """Say that nobody came.

    From the day of arrival on. The rooms are free again, and `penalty` is what the terms say.
    """
    return Answer(await sell.no_show(call.services, call.property_id, call.path["sale"], call.principal.author))
