"""Bookings that are paid by a virtual card of their channel: how much, from when, and at which payment account."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gateway.model.dates import Day, Instant, day_start_ms, parse_day
from gateway.model.payment import OperationOutcome
from gateway.model.payment_error import PaymentError
from gateway.model.property import Property
from gateway.model.selling import Pays, Schedule

# What has not reached the gateway is tried again so often.
TRIES_MAX = 6


class VirtualCharge(NamedTuple):
    """``day`` (at the hotel) is the first on which it may be charged. ``account`` is empty where people charge it."""

    day: Day
    account: str


def virtual_schedules(prop: Property) -> dict[str, Schedule]:
    """The plans that are paid by virtual cards, each with its schedule."""
    selling = prop.selling
    schedules = {each.code: each for each in selling.schedules if each.pays is Pays.VIRTUAL_CARD}
    own = {terms.plan: terms.schedule for terms in selling.plans if terms.schedule}
    by_plan = ((plan.code, schedules.get(own.get(plan.code, selling.schedule))) for plan in prop.rate_plans)
    return {plan: schedule for plan, schedule in by_plan if schedule is not None}


def virtual_charge(
    schedules: dict[str, Schedule], plans: Iterable[str], arrival: Day, starts: str
) -> VirtualCharge | None:
    """None where none of the booking's ``plans`` is paid so; ``starts`` is the card's ``MMYY``, "" where it says none.

    Several plans: the latest day counts, since a card that is charged too early is refused.
    """
    found = [schedules[plan] for plan in plans if plan in schedules]
    if not found:
        return None
    days = [arrival - (schedule.days or 0) for schedule in found]
    return VirtualCharge(max([*days, starts_day(starts)]), found[0].account)


def starts_day(starts: str) -> Day:
    """The first day of the month ``MMYY``; long ago where there is none."""
    return parse_day(f"20{starts[2:]}-{starts[:2]}-01") if starts else 0


def due_ms(charge: VirtualCharge, zone: str) -> Instant:
    """The instant its day begins at the hotel."""
    return day_start_ms(charge.day, zone)


def is_refused(outcomes: Iterable[tuple[str, str]]) -> bool:
    """Whether a person has to see to it, by the outcomes and errors of the charges so far, in order."""
    said = list(outcomes)
    if not said or said[-1][0] != OperationOutcome.FAILED:
        return False
    return said[-1][1] != PaymentError.GATEWAY_ERROR or len(said) >= TRIES_MAX
