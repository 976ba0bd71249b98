"""A property's configuration, compiled for the paths that use it on every message."""

from __future__ import annotations

from functools import cached_property

from msgspec.structs import replace

from gateway.engine.linked import Links
from gateway.engine.mapping import Mapping
from gateway.model.payment_account import PaymentAccount
from gateway.model.property import Connection, FigureKind, Product, Property, RatePlan, Role, RoomType


class Hotel:
    """One version of a property's configuration. Compiled once, shared by everything that decides on it."""

    def __init__(self, prop: Property, version: int) -> None:
        self.property = prop
        self.version = version
        self.connections: dict[str, Connection] = {known.id: known for known in prop.connections}
        self.rooms: dict[str, RoomType] = {room.code: room for room in prop.room_types}
        self.plans: dict[str, RatePlan] = {plan.code: plan for plan in prop.rate_plans}
        self.payments: dict[str, PaymentAccount] = {account.id: account for account in prop.payments}
        self._mappings: dict[str, Mapping] = {}

    def mapping(self, connection: str) -> Mapping:
        """The connection's mapping, compiled at first use."""
        if connection not in self._mappings:
            known = _spoken(self.property, self.connections[connection])
            self._mappings[connection] = Mapping(known, self.property.currency)
        return self._mappings[connection]

    @cached_property
    def guests(self) -> int:
        """The most adults any room type keeps a price for."""
        return max((room.adults_max for room in self.property.room_types), default=1)

    @cached_property
    def links(self) -> Links:
        """Its linked room types; false where it has none."""
        return Links(self.property.room_types)

    @cached_property
    def pms(self) -> Connection | None:
        """The connection that sets figures, if there is one."""
        return next((c for c in self.property.connections if c.role is Role.PMS and c.enabled), None)

    @cached_property
    def figure_kind(self) -> FigureKind:
        """What the figures of the house mean: as its PMS says, and an allocation where none sets them."""
        return self.pms.figures if self.pms else FigureKind.ALLOCATION

    @cached_property
    def limits_house(self) -> bool:
        """Whether the PMS also says how many rooms the house as a whole has left."""
        return self.pms is not None and self.pms.house_figures

    @cached_property
    def receivers(self) -> tuple[Connection, ...]:
        """The connections every reservation is handed to. One without a URL fetches them, or is told by people.

        For one that is not enabled they wait until it is.
        """
        return tuple(c for c in self.property.connections if c.role in (Role.PMS, Role.RECEIVER))

    @cached_property
    def number_takers(self) -> frozenset[str]:
        """The channels that want to hear the number under which the PMS holds a booking of theirs."""
        return frozenset(c.id for c in self.property.connections if c.pms_number and c.is_called)

    @cached_property
    def pms_ids(self) -> frozenset[str]:
        """The connections whose numbers those are."""
        return frozenset(c.id for c in self.property.connections if c.role is Role.PMS)

    @cached_property
    def channels(self) -> tuple[Connection, ...]:
        """The connections that are sent rates and availability. One that is not enabled is told that all is closed."""
        return tuple(c for c in self.property.connections if c.role is Role.CHANNEL and c.url)

    @cached_property
    def sources(self) -> tuple[Connection, ...]:
        """The connections through which the house sells by itself, its own before those of sellers."""
        enabled = [c for c in self.property.connections if c.enabled]
        return tuple(c for role in (Role.DIRECT, Role.SELLER) for c in enabled if c.role is role)


def _spoken(prop: Property, connection: Connection) -> Connection:
    """A direct source speaks our own codes, of whatever there is, and so does a receiver that names none.

    What is booked through a seller is a sale of ours: its own codes are translated before
    (gateway.flows.selling.asked).
    """
    is_receiver = connection.role is Role.RECEIVER and not connection.products
    if connection.role not in (Role.DIRECT, Role.SELLER) and not is_receiver:
        return connection
    pairs = ((room.code, plan.code) for room in prop.room_types for plan in prop.rate_plans)
    return replace(connection, products=tuple(Product(*pair, *pair) for pair in pairs))
