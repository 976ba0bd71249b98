"""Who is a seller, and its codes and ours. One without codes of its own speaks ours."""

from __future__ import annotations

from gateway.engine.asking import Offer
from gateway.engine.hotel import Hotel
from gateway.engine.mapping import Mapping
from gateway.errors import Reason, Unauthentic, Unmapped
from gateway.model.property import Connection, Role
from gateway.model.reservation import RoomStay


def check_seller(connection: Connection) -> None:
    """Raises Unauthentic for a connection that may not book."""
    if connection.role is not Role.SELLER:
        raise Unauthentic("this connection may not book", Reason.AUTHORIZATION)


class SellerCodes:
    """Both directions of one seller's mapping; raises Unmapped for a code that is not in it."""

    def __init__(self, hotel: Hotel, connection: Connection) -> None:
        own = Mapping(connection, hotel.property.currency) if connection.products else None
        self._mapping = own or hotel.mapping(connection.id)
        self._plans: dict[str, set[str]] = {}
        for room in hotel.rooms:
            for plan in hotel.plans:
                product = self._mapping.their_product(room, plan)
                if product is not None:
                    self._plans.setdefault(product.their_plan, set()).add(plan)

    def our_room(self, room: str) -> str:
        """Our room type for theirs."""
        ours = self._mapping.room(room)
        if ours is None:
            raise Unmapped(Reason.ROOM_TYPE, room)
        return ours

    def our_plans(self, plan: str) -> set[str]:
        """Our rate plans for theirs, which may be another for each room."""
        if plan not in self._plans:
            raise Unmapped(Reason.RATE_PLAN, plan)
        return self._plans[plan]

    def ours(self, room: str, plan: str) -> tuple[str, str]:
        """Our product for theirs."""
        product = self._mapping.product(room, plan)
        if product is None:
            self.our_room(room)
            self.our_plans(plan)
            raise Unmapped(Reason.PRODUCT, f"{room} + {plan}")
        return product.room, product.plan

    def said(self, offer: Offer) -> RoomStay | None:
        """The offer as a stay in their codes, its guests those of all its rooms; None for what is not mapped."""
        product = self._mapping.their_product(offer.room, offer.plan)
        if product is None:
            return None
        return RoomStay(
            product.their_room,
            product.their_plan,
            offer.arrival,
            offer.departure,
            units=offer.units,
            adults=offer.adults * offer.units,
            children=len(offer.child_ages) * offer.units,
            child_ages=offer.child_ages * offer.units,
            nightly=offer.nightly,
            total=offer.accommodation,
        )
