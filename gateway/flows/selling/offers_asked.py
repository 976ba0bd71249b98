"""A seller (an agency, a booking engine) asks what there is, by messages of its own: the offers, in its codes."""

from __future__ import annotations

from gateway.engine.asking import Ask, Party
from gateway.engine.hotel import Hotel
from gateway.engine.offers import shop_of
from gateway.engine.policy import free_until
from gateway.errors import Malformed, Reason
from gateway.flows.selling.codes import SellerCodes, check_seller
from gateway.flows.selling.search import offers
from gateway.flows.services import Services
from gateway.messages_selling import Extra, Offered, OffersAsked, OffersFound, StayAsked
from gateway.model.property import Connection
from gateway.model.selling import Guarantee

STAYS_MAX = 20


async def offers_for(services: Services, hotel: Hotel, connection: Connection, asked: OffersAsked) -> OffersFound:
    """What can be booked for each stay; raises :class:`gateway.errors.Refusal` for what nobody could want."""
    check_seller(connection)
    if not 1 <= len(asked.stays) <= STAYS_MAX:
        raise Malformed(f"1 to {STAYS_MAX} stays can be asked for", Reason.INVALID_VALUE)
    codes = SellerCodes(hotel, connection)
    found = [offered for stay in asked.stays for offered in await _offered(services, hotel, connection, codes, stay)]
    prop = hotel.property
    return OffersFound(connection.hotel, prop.currency, prop.net, tuple(found))


async def _offered(
    services: Services, hotel: Hotel, connection: Connection, codes: SellerCodes, stay: StayAsked
) -> list[Offered]:
    ask = Ask(
        stay.arrival,
        stay.departure,
        Party(stay.adults, stay.child_ages),
        stay.units,
        stay.codes,
        frozenset(codes.our_room(room) for room in stay.rooms),
        frozenset(our for plan in stay.plans for our in codes.our_plans(plan)),
    )
    found = await offers(services, hotel.property.id, ask, source=connection.id)
    shop = shop_of(hotel, connection.id)
    arrival_ms = shop.arrival_ms(stay.arrival)
    return [
        Offered(
            stay.ref,
            said,
            offer.total,
            tuple(Extra(it.code, it.name, it.amount, it.included) for it in offer.charges),
            offer.left,
            free_until(shop.policy(offer.plan), arrival_ms) or 0,
            "" if offer.guarantee is Guarantee.NONE else offer.guarantee.value,
            offer.on_request,
        )
        for offer in found.offers
        if (said := codes.said(offer)) is not None
    ]
