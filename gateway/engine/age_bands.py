"""Prices of children by age that a PMS sends, held against what the house itself asks of children.

A calendar has one price for a further child. What it cannot say may still be said by the child rates of the house
(:class:`gateway.model.selling.ChildRate`); of whatever is not, the sender is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from gateway.engine.taxes import percent_of
from gateway.messages import AgeBand
from gateway.model.money import format_minor
from gateway.model.selling import Selling

TOLD_MAX = 20

Targets = Callable[[str, str], Iterable[tuple[str, str]]]


def not_kept(bands: Iterable[AgeBand], selling: Selling, targets: Targets, currency: str) -> tuple[str, ...]:
    """A sentence for each band that the house does not ask for, in the sender's codes; ``targets`` leads to ours."""
    found = [
        f"{band.plan} in {band.room or 'every room'}: {format_minor(band.amount, currency)} for children of"
        f" {band.age_min} to {band.age_max} years is not kept; they pay {format_minor(band.kept, currency)} {currency}"
        for band in bands
        if any(_differs(band, selling, room, plan) for room, plan in targets(band.room, band.plan))
    ]
    more = (f"and {len(found) - TOLD_MAX} more",) if len(found) > TOLD_MAX else ()
    return (*found[:TOLD_MAX], *more)


def _differs(band: AgeBand, selling: Selling, room: str, plan: str) -> bool:
    return any(asked != band.amount for asked in _asked(band, selling, room, plan))


def _asked(band: AgeBand, selling: Selling, room: str, plan: str) -> Iterator[int]:
    """What the house asks of children at each age of the band; who is older than a child pays as an adult."""
    rates = [rate for rate in selling.children if room in (rate.rooms or (room,)) and plan in (rate.plans or (plan,))]
    for age in range(band.age_min, min(band.age_max, selling.child_age_max) + 1):
        rate = next((rate for rate in rates if age <= rate.age_max), None)
        if age <= selling.infant_age_max:
            yield 0
        elif rate is None:
            yield band.kept
        else:
            yield rate.amount if rate.percent_bp is None else int(percent_of(band.kept, rate.percent_bp))
