"""When a sale is to be paid and where, and what becomes of its money when it ends.

Amounts are whole minor units of the sale's currency. A percentage is of the total with taxes, to the nearest unit,
halves up; the rest is what is left, so the dues of a line always add up to its total.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from gateway.engine.policy import share_of
from gateway.engine.taxes import percent_of
from gateway.model.dates import Day
from gateway.model.payment import OperationKind
from gateway.model.selling import Method, Pays, Schedule, Share


class Place(StrEnum):
    """Who sees to it that a due is paid."""

    GATEWAY = "gateway"  # we ask the guest, or charge what they have left with the payment gateway
    HOTEL = "hotel"  # at the desk
    VIRTUAL_CARD = "virtual_card"  # the hotel charges the card the booking came with


class Due(msgspec.Struct, frozen=True, omit_defaults=True):
    """An amount and the ``day`` (at the hotel) it is due, None: when it is booked.

    ``account``, ``method``, ``hold``, ``tries`` and ``charge_card`` mean what they mean in
    :class:`gateway.model.selling.Schedule`.
    """

    amount: int
    place: Place
    day: Day | None = None
    account: str = ""
    method: Method = Method.PAGE
    hold: bool = False
    tries: int = 1
    charge_card: bool = False


class Priced(NamedTuple):
    """A line of a sale: a night's price for each night of one room, how many rooms, and the total with taxes."""

    nightly: Sequence[int]
    units: int
    total: int


class Kept(NamedTuple):
    """What one payment has brought: taken, less what goes back already; held; and on its way from held to taken."""

    payment: str
    taken: int
    held: int = 0
    coming: int = 0


class Move(NamedTuple):
    """Something to ask of the gateway for a payment: a capture, a void or a refund."""

    kind: OperationKind
    payment: str
    amount: int


def dues_of(lines: Iterable[tuple[Schedule, Priced]], arrival: Day, today: Day) -> tuple[Due, ...]:
    """What is due, in order of time; equal ones of several lines are one. Their sum is that of the totals.

    A day that has passed by ``today`` is now, which is when it is booked.
    """
    found: dict[Due, int] = {}
    for schedule, priced in lines:
        for due in _dues_of_line(schedule, priced, arrival, today):
            if due.amount:
                kind = msgspec.structs.replace(due, amount=0)
                found[kind] = found.get(kind, 0) + due.amount
    dues = [msgspec.structs.replace(kind, amount=amount) for kind, amount in found.items()]
    return tuple(sorted(dues, key=lambda due: (-1 if due.day is None else due.day, due.place is not Place.GATEWAY)))


def at_booking(schedule: Schedule, priced: Priced, arrival: Day, today: Day) -> int:
    """What of a line the gateway must hold or have taken before there is a booking."""
    return required(_dues_of_line(schedule, priced, arrival, today))


def required(dues: Iterable[Due]) -> int:
    """What the gateway must hold or have taken before there is a booking."""
    return sum(due.amount for due in dues if due.place is Place.GATEWAY and due.day is None)


def uncovered(dues: Iterable[Due], money: int) -> Iterator[Due]:
    """What of the gateway's dues ``money`` does not reach, the earliest being paid first."""
    for due in dues:
        if due.place is not Place.GATEWAY:
            continue
        covered = min(money, due.amount)
        money -= covered
        if due.amount > covered:
            yield msgspec.structs.replace(due, amount=due.amount - covered)


def settlement(money: Sequence[Kept], keep: int) -> tuple[Move, ...]:
    """What brings the money of a sale that has ended down, or up from holds, to ``keep``.

    The rest of a hold that is captured in part is released by the gateway. Payments are in order of time: the last is
    given back first.
    """
    taken, coming = sum(each.taken for each in money), sum(each.coming for each in money)
    moves = list(_refunds(money, taken + coming - keep))
    missing = keep - taken - coming
    for each in money:
        if each.held and missing > 0:
            amount = min(each.held, missing)
            missing -= amount
            moves.append(Move(OperationKind.CAPTURE, each.payment, amount))
        elif each.held:
            moves.append(Move(OperationKind.VOID, each.payment, each.held))
    return tuple(moves)


def surplus(money: Sequence[Kept], total: int) -> tuple[Move, ...]:
    """What a booking that stands has too much: refunded, or released where a whole hold is not needed."""
    taken = sum(each.taken + each.coming for each in money)
    moves = list(_refunds(money, taken - total))
    held = sum(each.held for each in money)
    for each in reversed(money):
        if each.held and min(taken, total) + held - each.held >= total:
            held -= each.held
            moves.append(Move(OperationKind.VOID, each.payment, each.held))
    return tuple(moves)


def _refunds(money: Sequence[Kept], excess: int) -> Iterator[Move]:
    for each in reversed(money):
        amount = min(each.taken, excess)
        if amount > 0:
            excess -= amount
            yield Move(OperationKind.REFUND, each.payment, amount)


def _dues_of_line(schedule: Schedule, priced: Priced, arrival: Day, today: Day) -> Iterator[Due]:
    match schedule.pays:
        case Pays.AT_HOTEL:
            yield Due(priced.total, Place.HOTEL, arrival)
        case Pays.VIRTUAL_CARD:
            yield Due(priced.total, Place.VIRTUAL_CARD, max(today, arrival - (schedule.days or 0)))
        case Pays.DEPOSIT | Pays.FULL:
            first = _first_part(schedule, priced)
            yield _at_gateway(schedule, first, schedule.days, arrival, today)
            if schedule.balance_days is None:
                yield Due(priced.total - first, Place.HOTEL, arrival)
            else:
                yield _at_gateway(schedule, priced.total - first, schedule.balance_days, arrival, today)


def _at_gateway(schedule: Schedule, amount: int, days: int | None, arrival: Day, today: Day) -> Due:
    day = None if days is None or arrival - days <= today else arrival - days
    how = (schedule.account, schedule.method, schedule.hold, schedule.tries, schedule.charge_card)
    return Due(amount, Place.GATEWAY, day, *how)


def _first_part(schedule: Schedule, priced: Priced) -> int:
    if schedule.pays is Pays.FULL:
        return priced.total
    share = schedule.deposit
    fixed = share_of(Share(nights=share.nights, amount=share.amount), priced.nightly, priced.units)
    return min(priced.total, fixed + percent_of(priced.total, share.percent_bp))
