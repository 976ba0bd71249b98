"""Whether a stay may be booked: the restrictions of many products at once, each by itself so that it can be named.

What the fields mean is said in :mod:`gateway.model.ari`: *arrival* limits, length patterns and booking windows are
those of the arrival date, *through* limits and closing those of every night, closed to departure that of the departure
date. Limits of house, room type and plan hold together (:func:`gateway.engine.view.tighten`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import numpy as np

from gateway.engine.calendar import Array
from gateway.model.ari import PATTERN_NIGHTS, Field


class Why(StrEnum):
    """What keeps a product from being offered."""

    CLOSED = "closed"
    CLOSED_TO_ARRIVAL = "closed_to_arrival"
    CLOSED_TO_DEPARTURE = "closed_to_departure"
    MIN_STAY = "min_stay"
    MAX_STAY = "max_stay"
    LENGTH_OF_STAY = "length_of_stay"
    TOO_LATE = "too_late"  # less notice than is wanted
    TOO_EARLY = "too_early"
    NO_PRICE = "no_price"
    OCCUPANCY = "occupancy"
    NO_ROOMS = "no_rooms"
    VIRTUAL_CARD = "virtual_card"  # it is paid by a card of a channel, and a direct sale has none


def refusals(rules: Mapping[Field, Array], nights: int, notice_h: float) -> dict[Why, Array]:
    """For each reason the products it holds for.

    ``rules`` have the shape (products, nights + 1), the departure date last. ``notice_h`` is hours from now to arrival.
    """
    through = {field: values[:, :nights] for field, values in rules.items()}
    arrival = {field: values[:, 0] for field, values in rules.items()}
    longest = _least(arrival[Field.MAX_ARRIVAL], _least_through(through[Field.MAX_THROUGH]))
    found = {
        Why.CLOSED: through[Field.CLOSED].any(axis=1),
        Why.CLOSED_TO_ARRIVAL: arrival[Field.CTA] > 0,
        Why.CLOSED_TO_DEPARTURE: rules[Field.CTD][:, nights] > 0,
        Why.MIN_STAY: np.maximum(arrival[Field.MIN_ARRIVAL], through[Field.MIN_THROUGH].max(axis=1)) > nights,
        Why.MAX_STAY: (longest > 0) & (longest < nights),
        Why.TOO_LATE: (arrival[Field.MIN_OFFSET_H] > 0) & (notice_h < arrival[Field.MIN_OFFSET_H]),
        Why.TOO_EARLY: (arrival[Field.MAX_OFFSET_H] > 0) & (notice_h > arrival[Field.MAX_OFFSET_H]),
    }
    # Lengths beyond a pattern are not restricted by it.
    if nights <= PATTERN_NIGHTS:
        found[Why.LENGTH_OF_STAY] = (arrival[Field.LOS_CLOSED] >> (nights - 1)) & 1 > 0
    return found


def _least(one: Array, other: Array) -> Array:
    """The stricter of two limits where 0 is none."""
    least: Array = np.where(one == 0, other, np.where(other == 0, one, np.minimum(one, other)))
    return least


def _least_through(limits: Array) -> Array:
    none = np.iinfo(limits.dtype).max
    least: Array = np.where(limits == 0, none, limits).min(axis=1)
    return np.where(least == none, 0, least)
