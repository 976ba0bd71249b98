"""Their codes to ours and back, compiled once per version of a property's configuration.

The core translates and connectors never do. A code that is not mapped is refused or parked by the caller, never
guessed.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple, Protocol

from gateway.errors import Reason, Unmapped
from gateway.model.property import Connection, Product
from gateway.model.reservation import Revision


class Gap(NamedTuple):
    """Something a booking speaks of that is not mapped; ``stay`` is the place of its room stay, -1 for the booking."""

    reason: Reason
    code: str
    stay: int


class Codes(Protocol):
    """Whoever knows what the codes of an update mean."""

    def targets(self, room: str, plan: str, /) -> tuple[tuple[str, str], ...]: ...


class OurCodes:
    """Our own codes, of the property's room types and rate plans."""

    def __init__(self, rooms: Collection[str], plans: Collection[str]) -> None:
        self._rooms = rooms
        self._plans = plans

    def targets(self, room: str, plan: str) -> tuple[tuple[str, str], ...]:
        """The same codes; a plan without a room is that plan on every room type. Raises Unmapped."""
        if room and room not in self._rooms:
            raise Unmapped(Reason.ROOM_TYPE, room)
        if plan and plan not in self._plans:
            raise Unmapped(Reason.RATE_PLAN, plan)
        return tuple((each, plan) for each in self._rooms) if plan and not room else ((room, plan),)


class Mapping:
    """The mapping of one connection. ``currency`` is the property's."""

    def __init__(self, connection: Connection, currency: str = "") -> None:
        self._currencies = {"", currency, connection.currency, *connection.booking_currencies}
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

    def gaps(self, revision: Revision) -> tuple[Gap, ...]:
        """What of a booking is not mapped: room types, plans of those that are, and its currency.

        A booking that names no plan, or no currency, leaves nothing to map.
        """
        found = []
        for place, stay in enumerate(revision.content.stays):
            if stay.room not in self._rooms:
                found.append(Gap(Reason.ROOM_TYPE, stay.room, place))
            elif stay.plan and (stay.room, stay.plan) not in self._products:
                found.append(Gap(Reason.RATE_PLAN, stay.plan, place))
        if revision.content.currency not in self._currencies:
            found.append(Gap(Reason.CURRENCY, revision.content.currency, -1))
        return tuple(found)
