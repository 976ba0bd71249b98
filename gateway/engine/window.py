"""The PMS window: our bookings never make a PMS's figure wrong.

A PMS says how many rooms are left; meanwhile we take bookings it has not heard of, and it hears of bookings that its
last figure may or may not contain. So per PMS connection and reservation there is a :class:`Claim` with what the
reservation takes (``want``) and, per night, the set S of unit counts that the figure we hold may already contain; a
figure held before the first delivery contains 0. For figures that mean *rooms left*::

    free = F + Σ (min S - want) - held          Σ over the reservations: the stock's ``unseen``

Booking, modifying and cancelling change ``want`` only. A figure that arrives makes S the last acknowledged value and
every value sent since; values from before the acknowledgement remain if the figure may have been produced before it.
It was produced after if the PMS's trusted time stamp is later than the acknowledgement, or if it arrived at least
``figure_delay_s`` after it. That doubt ends with a figure asked for, or at acknowledgement + ``figure_delay_s`` where
the PMS promises an echo after applying and a figure came since the sending, or with the next figure.

What the rules rest on: of one reservation one delivery is under way at a time, so that nothing sent earlier is applied
after a later one was acknowledged; figures for a night arrive in the order they were produced, within
``figure_delay_s``; values are Nights in normal form.

*Clamped figures.* Many PMSs never say less than 0. Then 0 may hide an overbooked house, and it gets there by itself: a
cancelled room is sold again, and the PMS applies the new booking before the cancellation. The formula above would then
sell the cancelled room twice. So for such a PMS a figure of 0 gives nothing back, until the PMS says more than 0.

*Limit levels* are rooms of a Nights value. For a PMS with figures for the house as a whole, ``want`` is given
:func:`gateway.engine.nights.with_house`, and the house is treated like a room type named ``""``.

Every function returns a new claim, or the same object where nothing changed.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from itertools import chain
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace
from numpy.typing import NDArray

from gateway.engine.nights import Cell, Nights, per_night, subtract
from gateway.model.dates import Day, Instant
from gateway.model.property import FigureKind

Number = TypeVar("Number", int, NDArray[Any])


class Sent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A value on its way since ``at_ms``, in one try or in several with the sequence numbers first to last."""

    value: Nights
    first: int
    last: int
    at_ms: Instant


class Older(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A value that figures produced before ``until_ms`` may contain."""

    value: Nights
    until_ms: Instant


class Seen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """S (ascending) on a run of nights.

    ``after`` is the delivery that had been sent last when the figure came, 0 where S is one certain value.
    """

    room: str
    arrival: Day
    departure: Day
    units: tuple[int, ...]
    after: int


class Refusal(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The PMS refused delivery ``seq``; people may enter it by hand at any time from now on."""

    seq: int
    at_ms: Instant


class Claim(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one PMS may know of one reservation.

    ``acked`` is the last acknowledged value, ``acked_seq`` the first delivery of it. ``seen`` leaves out nights where S
    is {0}. ``by_hand`` says that people may have entered the acknowledged value, of which the PMS promised no echo.
    """

    want: Nights = ()
    acked: Nights = ()
    acked_seq: int = 0
    acked_ms: Instant = 0
    sent: tuple[Sent, ...] = ()
    older: tuple[Older, ...] = ()
    seen: tuple[Seen, ...] = ()
    refusal: Refusal | None = None
    by_hand: bool = False


# --- what happens to a claim ------------------------------------------------------------------------------------------


def want(claim: Claim, nights: Nights) -> Claim:
    """The fold of the reservation now takes ``nights`` (normal form)."""
    return claim if nights == claim.want else replace(claim, want=nights)


def sent(claim: Claim, seq: int, at_ms: Instant) -> Claim:
    """Delivery ``seq`` is about to leave and tells the PMS what the reservation wants now.

    Sequence numbers grow with every try, from 1. An unknown outcome needs no call: what was sent stays possible.
    """
    if claim.sent and claim.sent[-1].value == claim.want:
        # The echo may have answered the first try already; no other need follow when nothing changes.
        return replace(claim, sent=(*claim.sent[:-1], replace(claim.sent[-1], last=seq)))
    return replace(claim, sent=(*claim.sent, Sent(claim.want, seq, seq, at_ms)))


def acknowledged(claim: Claim, seq: int, at_ms: Instant) -> Claim:
    """The PMS holds what delivery ``seq`` said; ``at_ms`` is when its answer came. Late answers are ignored."""
    held = next((of for of in claim.sent if of.first <= seq <= of.last), None)
    if held is None:
        return claim
    before = {of.value: of.until_ms for of in claim.older}
    before |= {of.value: at_ms for of in claim.sent if of.last < held.first} | {claim.acked: at_ms}
    before.pop(held.value, None)
    refusal = claim.refusal
    still_refused = refusal is not None and refusal.seq > held.last
    return replace(
        claim,
        acked=held.value,
        acked_seq=held.first,
        acked_ms=at_ms,
        sent=tuple(of for of in claim.sent if of.first > held.last),
        older=tuple(Older(value, until_ms) for value, until_ms in before.items()),
        refusal=refusal if still_refused else None,
        by_hand=refusal is not None,
    )


def rejected(claim: Claim, seq: int, at_ms: Instant) -> Claim:
    """The PMS refused delivery ``seq``. Its value stays possible, since someone may enter it without telling us."""
    if not any(of.first <= seq <= of.last for of in claim.sent):
        return claim
    return replace(claim, refusal=Refusal(seq, at_ms))


def entered_by_hand(claim: Claim, at_ms: Instant) -> Claim:
    """Someone says that the PMS now holds what the refused delivery said (not what the reservation may want since)."""
    return claim if claim.refusal is None else acknowledged(claim, claim.refusal.seq, at_ms)


def figure_arrived(
    claim: Claim,
    room: str,
    days: Container[Day],
    at_ms: Instant,
    figure_delay_s: float,
    produced_ms: Instant | None = None,
) -> Claim:
    """New figures for ``room`` on ``days``.

    ``produced_ms`` is the PMS's time stamp, if its clock is trusted not to run ahead of ours. For a figure we asked for
    it is the instant of asking.
    """
    older = _still_possible(claim.older, at_ms, figure_delay_s)
    doubtful = [of.value for of in older if produced_ms is None or produced_ms <= of.until_ms]
    values = [per_night(value) for value in (claim.acked, *(of.value for of in claim.sent), *doubtful)]
    after = claim.sent[-1].first if claim.sent else claim.acked_seq
    seen = {cell: state for cell, state in _by_cell(claim.seen).items() if cell[0] != room or cell[1] not in days}
    for cell in {cell for value in values for cell in value if cell[0] == room and cell[1] in days}:
        seen[cell] = _state({value.get(cell, 0) for value in values}, after)
    return _with(claim, older, _by_run(seen))


def settle(claim: Claim, now_ms: Instant, figure_delay_s: float, echoes: bool) -> Claim:
    """What time alone makes certain; ``echoes`` is the profile's promise of a figure after each value applied.

    By acknowledgement + ``figure_delay_s`` the echo has come, so a figure that came since the sending cannot be from
    before the value was applied.
    """
    older = _still_possible(claim.older, now_ms, figure_delay_s)
    seen = claim.seen
    if now_ms >= claim.acked_ms + _ms(figure_delay_s):
        seen = _echoed(claim, echoes)
    return _with(claim, older, seen)


def settles_at(claim: Claim, figure_delay_s: float, echoes: bool) -> Instant | None:
    """When :func:`settle` will narrow S, if it ever does without another event."""
    if _echoed(claim, echoes) == claim.seen:
        return None
    return claim.acked_ms + _ms(figure_delay_s)


# --- what a claim says ------------------------------------------------------------------------------------------------


def unseen(claim: Claim) -> dict[Cell, int]:
    """``min S - want`` per room and night, where it is not 0."""
    least = {cell: units[0] for cell, (units, _) in _by_cell(claim.seen).items()}
    return subtract(least, per_night(claim.want))


def is_settled(claim: Claim) -> bool:
    """Whether the PMS certainly holds what is wanted and every figure we have contains it: the next changes nothing."""
    if claim.sent or claim.older or claim.acked != claim.want:
        return False
    return all(len(run.units) == 1 for run in claim.seen) and not unseen(claim)


def is_over(claim: Claim, today: Day) -> bool:
    """Whether every night that the claim knows of ended before today, so that no figure to come is of any use to it.

    The night that ends today does not count as over: until its audit a PMS goes on to speak of it.
    """
    sent_values, older_values = (of.value for of in claim.sent), (of.value for of in claim.older)
    runs = chain(claim.want, claim.acked, *sent_values, *older_values)
    return all(run.departure < today for run in runs) and all(run.departure < today for run in claim.seen)


def free(
    kind: FigureKind, figure: Number, sold: Number, unseen: Number, held: Number, *, clamped: bool = False
) -> Number:
    """Rooms free to sell, for scalars or signed arrays of one shape; below 0 it is the size of the overselling.

    ``figure`` below 0 is no figure (:mod:`gateway.engine.stock`), and without one nothing is free. ``clamped`` says
    that the PMS never says less than 0; it concerns rooms left only.
    """
    if clamped:
        unseen = unseen * ((figure > 0) | (unseen < 0))
    left: Number = figure + unseen if kind is FigureKind.ROOMS_LEFT else figure - sold
    rooms: Number = (left - held) * (figure >= 0)
    return rooms


# --- inside -----------------------------------------------------------------------------------------------------------


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _still_possible(older: tuple[Older, ...], now_ms: Instant, figure_delay_s: float) -> tuple[Older, ...]:
    return tuple(of for of in older if now_ms < of.until_ms + _ms(figure_delay_s))


def _echoed(claim: Claim, echoes: bool) -> tuple[Seen, ...]:
    """S once the echo of the acknowledged value has certainly come."""
    if not echoes or claim.by_hand or all(run.after < claim.acked_seq for run in claim.seen):
        return claim.seen
    acked = per_night(claim.acked)
    later = [(of.first, per_night(of.value)) for of in claim.sent]
    seen = _by_cell(claim.seen)
    for cell, (_, after) in seen.items():
        if after >= claim.acked_seq:
            # What was sent after the figure came cannot be in it; the rest was among S when it came.
            values = {acked.get(cell, 0), *(value.get(cell, 0) for first, value in later if first <= after)}
            seen[cell] = _state(values, after)
    return _by_run(seen)


def _with(claim: Claim, older: tuple[Older, ...], seen: tuple[Seen, ...]) -> Claim:
    if older == claim.older and seen == claim.seen:
        return claim
    return replace(claim, older=older, seen=seen)


_State = tuple[tuple[int, ...], int]  # as in Seen: units, after


def _state(units: set[int], after: int) -> _State:
    return tuple(sorted(units)), after if len(units) > 1 else 0


def _by_cell(runs: Iterable[Seen]) -> dict[Cell, _State]:
    return {(run.room, day): (run.units, run.after) for run in runs for day in range(run.arrival, run.departure)}


def _by_run(cells: Mapping[Cell, _State]) -> tuple[Seen, ...]:
    return _joined(
        Seen(room, day, day + 1, *cells[room, day]) for room, day in sorted(cells) if cells[room, day][0] != (0,)
    )


def _continues(last: Seen, run: Seen) -> bool:
    alike = last.units == run.units and last.after == run.after
    return alike and last.room == run.room and last.departure == run.arrival


def _joined(runs: Iterable[Seen]) -> tuple[Seen, ...]:
    """Merges neighbours that say the same; ``runs`` are sorted."""
    joined: list[Seen] = []
    for run in runs:
        last = joined[-1] if joined else None
        if last is not None and _continues(last, run):
            joined[-1] = replace(last, departure=run.departure)
        else:
            joined.append(run)
    return tuple(joined)
