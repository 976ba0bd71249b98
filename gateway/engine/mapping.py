"""Their codes to ours and back, compiled once per version of a property's configuration.

The core translates and connectors never do. A code that is not mapped is refused or parked by the caller, never
guessed.
"""

from __future__ import annotations

from gateway.errors import Reason, Unmapped
from gateway.model.property import Connection, Product, Property
from gateway.model.reservation import Revision


class Mapping:
    """The mapping of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._rooms: dict[str, str] = {}
        self._products: dict[tuple[str, str], Product] = {}
        self._by_plan: dict[str, list[Product]] = {}
        self._theirs: dict[tuple[str, str], Product] = {}
        self._their_room: dict[str, str] = {}
        self._targets: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {}
        for product in connection.products:
            self._rooms.setdefault(product.their_room, product.room)
            self._products[product.their_room, product.their_plan] = product
            self._by_plan.setdefault(product.their_plan, []).append(product)
            self._theirs.setdefault((product.room, product.plan), product)
            self._their_room.setdefault(product.room, product.their_room)

    def room(self, their_room: str) -> str | None:
        """Our room type for theirs."""
        return self._rooms.get(their_room)

    def their_room(self, room: str) -> str | None:
        """Their room type for ours."""
        return self._their_room.get(room)

    def their_product(self, room: str, plan: str) -> Product | None:
        """The line that maps our product."""
        return self._theirs.get((room, plan))

    def product(self, their_room: str, their_plan: str) -> Product | None:
        """The line that maps their product."""
        return self._products.get((their_room, their_plan))

    def targets(self, room: str, plan: str) -> tuple[tuple[str, str], ...]:
        """Our room types and plans behind theirs, either of which may be empty as in an update; raises Unmapped."""
        key = (room, plan)
        found = self._targets.get(key)
        if found is None:
            found = self._targets[key] = self._find(room, plan)
        return found

    def _find(self, room: str, plan: str) -> tuple[tuple[str, str], ...]:
        if not plan:
            ours = self._rooms.get(room) if room else ""
            if ours is None:
                raise Unmapped(Reason.ROOM_TYPE, room)
            return ((ours, ""),)
        products = [self._products.get((room, plan))] if room else self._by_plan.get(plan, [])
        found = tuple((product.room, product.plan) for product in products if product is not None)
        if not found:
            raise self._unmapped(room, plan)
        return found

    def _unmapped(self, room: str, plan: str) -> Unmapped:
        if room and room not in self._rooms:
            return Unmapped(Reason.ROOM_TYPE, room)
        if plan not in self._by_plan:
            return Unmapped(Reason.RATE_PLAN, plan)
        return Unmapped(Reason.PRODUCT, f"{room} + {plan}")

    def rooms_of(self, revision: Revision) -> tuple[str, ...]:
        """Our room type for each room stay, "" where theirs is not mapped."""
        return tuple(self._rooms.get(stay.room, "") for stay in revision.content.stays)


def connection_of(hotel: Property, connection: str) -> Connection:
    """The connection with that id; raises :class:`KeyError`."""
    for known in hotel.connections:
        if known.id == connection:
            return known
    raise KeyError(connection)
