"""The calendar by room type, product and night, as it is shown."""

from __future__ import annotations

import msgspec

from gateway.model.dates import Day
from gateway.model.property import FigureKind, LengthRate, Part


class Rules(msgspec.Struct, frozen=True, omit_defaults=True):
    """Restrictions of one day, as fields of :class:`gateway.model.ari.Field`.

    Lengths in nights, offsets in hours, 0 is no limit.
    """

    closed: bool = False
    cta: bool = False
    ctd: bool = False
    min_arrival: int = 0
    min_through: int = 0
    max_arrival: int = 0
    max_through: int = 0
    los_closed: int = 0
    min_offset_h: int = 0
    max_offset_h: int = 0


class RoomDay(msgspec.Struct, frozen=True):
    """A room type, or the house, on one night.

    ``figure`` is what was said to be left (or allocated, see ``Grid.figure_kind``), None where nobody said anything;
    ``sold`` and ``held`` are ours; ``on_its_way`` are rooms of bookings that the figure does not contain yet; ``free``
    is what can be sold (below 0: oversold), None without a figure. ``rules`` are those set on it by itself. Of a linked
    type ``free`` follows from its parts, whose ``sold`` and ``held`` contain what it took.
    """

    day: Day
    figure: int | None
    sold: int
    held: int
    on_its_way: int
    free: int | None
    rules: Rules


class ProductDay(msgspec.Struct, frozen=True):
    """A product on one night.

    ``prices`` by adults, one first, None where there is none; a derived plan's are worked out. ``own`` are the rules
    set on the product, ``effective`` what applies together with those of house, room type and parents.
    """

    day: Day
    prices: tuple[int | None, ...]
    extra_adult: int | None
    extra_child: int | None
    own: Rules
    effective: Rules


class ProductGrid(msgspec.Struct, frozen=True):
    """A room type on one rate plan. The prices of a ``derived`` plan follow ``parent`` and cannot be set.

    ``lengths`` are its prices by length of stay, which only what is sold directly knows; ``days`` are without them.
    """

    plan: str
    name: str
    derived: bool
    parent: str
    days: tuple[ProductDay, ...]
    lengths: tuple[LengthRate, ...] = ()


class RoomGrid(msgspec.Struct, frozen=True):
    """A room type with its products. A linked type is ``made_of`` rooms of others, and has none of its own."""

    room: str
    name: str
    units: int
    adults_max: int
    days: tuple[RoomDay, ...]
    products: tuple[ProductGrid, ...]
    made_of: tuple[Part, ...] = ()


class Grid(msgspec.Struct, frozen=True):
    """Days ``first`` to ``last``, both included.

    ``figures_from`` is the PMS connection that sets figures, or ``""``; ``house`` is the house as a whole, whose figure
    limits the sum of its rooms where there is one.
    """

    property: str
    currency: str
    net: bool
    first: Day
    last: Day
    rev: int
    figures_from: str
    figure_kind: FigureKind
    house: tuple[RoomDay, ...]
    rooms: tuple[RoomGrid, ...]
