"""What is asked of a house that sells, and what it offers for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from gateway.engine.nights import Cell
from gateway.engine.pricing import Charge
from gateway.engine.stay_rules import Why
from gateway.model.dates import Day
from gateway.model.selling import Guarantee

NIGHTS_MAX = 99


class Party(msgspec.Struct, frozen=True):
    """Who stays in one room. ``child_ages`` are of everybody whose age was asked for; some may count as adults."""

    adults: int
    child_ages: tuple[int, ...] = ()


class Ask(msgspec.Struct, frozen=True):
    """A stay somebody asks for: ``units`` rooms with the same party in each. ``codes`` are of promotions and members.

    Empty ``rooms`` and ``plans`` mean all. ``given_back`` are rooms by (room type, night) that are not taken any more
    if this is sold, as those of a booking it replaces.
    """

    arrival: Day
    departure: Day
    party: Party
    units: int = 1
    codes: tuple[str, ...] = ()
    rooms: frozenset[str] = frozenset()
    plans: frozenset[str] = frozenset()
    given_back: Mapping[Cell, int] = {}

    @property
    def nights(self) -> int:
        return self.departure - self.arrival


class Offer(msgspec.Struct, frozen=True):
    """A product for a stay, in minor units of the property's currency.

    ``nightly`` is for one room, ``accommodation`` and ``total`` for all; ``total`` is with everything the guest pays,
    ``due`` what of it is to be paid when booking. ``before`` are the nights without the promotion, empty if there is
    none. ``left`` are the rooms that could be sold on every night. One ``on_request`` is booked once the hotel has
    accepted it.
    """

    room: str
    plan: str
    arrival: Day
    departure: Day
    units: int
    adults: int
    child_ages: tuple[int, ...]
    nightly: tuple[int, ...]
    accommodation: int
    charges: tuple[Charge, ...]
    total: int
    due: int
    guarantee: Guarantee
    policy: str
    promotion: str = ""
    before: tuple[int, ...] = ()
    left: int = 0
    on_request: bool = False


class Unoffered(msgspec.Struct, frozen=True):
    """A product that cannot be booked for the stay, and everything that keeps it from that."""

    room: str
    plan: str
    why: tuple[Why, ...]


class Offers(NamedTuple):
    """What there is, cheapest first, and what there is not, in the order of the property."""

    offers: list[Offer]
    unoffered: list[Unoffered]
