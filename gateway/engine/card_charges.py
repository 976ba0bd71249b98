"""What of a booking is charged to the card it came with: how much, from when, for which room, and at which account.

Two kinds of schedules charge cards: those of plans that a channel pays for with a virtual card, and those whose terms
let the house charge the guest's own card for what comes due (``charge_card``). Amounts are minor units of the booking's
currency; the parts of a booking add up to its total.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from gateway.engine.payment_schedule import Place, Priced, dues_of
from gateway.model.dates import Day, Instant, day_start_ms
from gateway.model.payment import OperationOutcome
from gateway.model.payment_error import PaymentError
from gateway.model.property import Property
from gateway.model.reservation import Content, RoomStay
from gateway.model.selling import Pays, Schedule

# What has not reached the gateway is tried again so often.
TRIES_MAX = 6
_ANY_DAYS = 730

Sold = tuple[RoomStay, Schedule]


class CardDue(NamedTuple):
    """``day`` (at the hotel) is the first on which ``amount`` may be charged; None: the booking does not say how much.

    ``account`` is empty where people charge it. ``virtual`` is paid by the channel; ``room`` is the room stay it is
    for, "" where it is for the whole booking.
    """

    day: Day
    amount: int | None
    account: str
    virtual: bool = True
    room: str = ""


def card_schedules(prop: Property) -> dict[str, Schedule]:
    """The plans whose bookings are charged to the card they came with, each with its schedule."""
    selling = prop.selling
    schedules = {each.code: each for each in selling.schedules if each.pays is Pays.VIRTUAL_CARD or each.charge_card}
    own = {terms.plan: terms.schedule for terms in selling.plans if terms.schedule}
    by_plan = ((plan.code, schedules.get(own.get(plan.code, selling.schedule))) for plan in prop.rate_plans)
    return {plan: schedule for plan, schedule in by_plan if schedule is not None}


def days_ahead(schedules: Collection[Schedule], least: int) -> int:
    """How long before an arrival something may be due; a long time where it is when somebody books."""
    found = [
        _ANY_DAYS if each.days is None and each.pays is not Pays.VIRTUAL_CARD else each.days or 0 for each in schedules
    ]
    found += [each.balance_days or 0 for each in schedules]
    return max([least, *found])


def card_dues(
    schedules: Mapping[str, Schedule], plans: Sequence[str], content: Content, booked: Day, rooms: Collection[str] = ()
) -> tuple[CardDue, ...]:
    """In order of time. ``plans`` are those of the content's stays, ``booked`` is the day of the booking.

    ``rooms`` are the stays that have a card of their own: with several of them each is charged for itself.
    """
    sold = [(stay, schedules[plan]) for stay, plan in zip(content.stays, plans, strict=True) if plan in schedules]
    if not sold:
        return ()
    first = sold[0][1]
    together = len(rooms) < 2 and len(sold) == len(content.stays)
    if together and all(_alike(schedule, first) for _, schedule in sold):
        latest = min(sold, key=lambda each: each[1].days or 0)[1] if first.pays is Pays.VIRTUAL_CARD else first
        found = _of_line(replace(latest, account=first.account), _whole(content), "", content, booked)
    else:
        found = [due for part in _parts(content, sold) for due in _of_line(*part, content, booked)]
        found = found if rooms and len(rooms) > 1 else _joined(found)
    return tuple(sorted(found, key=lambda due: (due.day, due.room)))


def left_of(dues: Sequence[CardDue], brought: Mapping[str, int]) -> list[CardDue]:
    """What is open once money has come: a room's own first for that room, the rest of it all in order of time."""
    money, own = dict(brought), []
    for due in dues:
        taken = min(money.get(due.room, 0), due.amount or 0)
        money[due.room] = money.get(due.room, 0) - taken
        own.append(taken)
    spare, left = sum(money.values()), []
    for due, taken in zip(dues, own, strict=True):
        if due.amount is None:
            left.append(due)
            continue
        more = min(spare, due.amount - taken)
        spare -= more
        if due.amount > taken + more:
            left.append(due._replace(amount=due.amount - taken - more))
    return left


def due_ms(day: Day, zone: str) -> Instant:
    """The instant a day begins at the hotel."""
    return day_start_ms(day, zone)


def is_refused(outcomes: Sequence[tuple[str, str]]) -> bool:
    """Whether a person has to see to it, by the outcomes and errors of the charges so far, in order."""
    if not outcomes or outcomes[-1][0] != OperationOutcome.FAILED:
        return False
    return outcomes[-1][1] != PaymentError.GATEWAY_ERROR or len(outcomes) >= TRIES_MAX


def _alike(schedule: Schedule, other: Schedule) -> bool:
    """Virtual cards of several plans are one card: it is charged when the last of them may be."""
    return schedule == other or (schedule.pays is Pays.VIRTUAL_CARD and other.pays is Pays.VIRTUAL_CARD)


def _whole(content: Content) -> Priced | None:
    if content.total is None:
        return None
    nightly = [sum(prices) for prices in zip(*map(_nightly, content.stays), strict=False)]
    return Priced(nightly, 1, content.total)


def _parts(content: Content, sold: Sequence[Sold]) -> Iterator[tuple[Schedule, Priced | None, str]]:
    """Each stay with its own price; what the booking costs beside its stays goes with the first where all are sold."""
    known = all(stay.total is not None for stay in content.stays)
    beside = 0
    if known and content.total is not None and len(sold) == len(content.stays):
        beside = content.total - sum(stay.total or 0 for stay in content.stays)
    for stay, schedule in sold:
        priced = Priced(_nightly(stay), 1, (stay.total or 0) + beside) if known else None
        beside = 0
        yield schedule, priced, stay.ref


def _nightly(stay: RoomStay) -> list[int]:
    """Of all its rooms together; evenly where only the total was said."""
    if stay.nightly:
        return [price * stay.units for price in stay.nightly]
    count = len(stay.nights)
    return [(stay.total or 0) // count] * count if count else []


def _of_line(schedule: Schedule, priced: Priced | None, room: str, content: Content, booked: Day) -> list[CardDue]:
    arrival = min(stay.arrival for stay in content.stays)
    virtual = schedule.pays is Pays.VIRTUAL_CARD
    if virtual or priced is None:
        day = arrival - (schedule.days or 0) if virtual or schedule.days is not None else booked
        return [CardDue(day, None if priced is None else priced.total, schedule.account, virtual, room)]
    return [
        CardDue(booked if due.day is None else due.day, due.amount, due.account, virtual, room)
        for due in dues_of([(schedule, priced)], arrival, booked)
        if due.place is Place.GATEWAY
    ]


def _joined(dues: Sequence[CardDue]) -> list[CardDue]:
    """One charge for what is due on one day at one account: rooms without cards of their own are charged together."""
    found: dict[CardDue, list[int | None]] = {}
    for due in dues:
        found.setdefault(due._replace(amount=None, room=""), []).append(due.amount)
    return [
        kind._replace(amount=None if None in amounts else sum(amount or 0 for amount in amounts))
        for kind, amounts in found.items()
    ]
