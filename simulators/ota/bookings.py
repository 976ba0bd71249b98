"""The channel's own bookings: every revision, and whether the gateway has acknowledged it."""

import msgspec

from simulators.opentravel.days import parse_stamp, stamp
from simulators.opentravel.stays import Revision, Stay

Nights = dict[tuple[str, int], int]  # units per (room, day)


class Ack(msgspec.Struct):
    """How far a revision's delivery is. `state`: pending, acknowledged, gave_up. `ids`: returned, by ResID type."""

    state: str = "pending"
    attempts: int = 0
    ids: dict[str, str] = {}
    status: int = 0
    why: str = ""
    first_sent_at: float | None = None
    acknowledged_at: float | None = None


class Sent(msgspec.Struct):
    """One revision with its acknowledgement."""

    revision: Revision
    ack: Ack = msgspec.field(default_factory=Ack)


class Booking(msgspec.Struct):
    booking_id: str
    history: list[Sent]

    @property
    def latest(self) -> Revision:
        return self.history[-1].revision

    def cancelled(self) -> bool:
        return self.latest.kind == "cancel"

    def acknowledged(self) -> bool:
        return all(sent.ack.state == "acknowledged" for sent in self.history)


class Bookings:
    """All bookings by id, and the counter new ids come from."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.by_id: dict[str, Booking] = {}

    def new_id(self) -> str:
        number = len(self.by_id) + 1
        while f"{self._prefix}-{number}" in self.by_id:
            number += 1
        return f"{self._prefix}-{number}"

    def next_version(self, booking_id: str, now: float) -> str:
        """A LastModifyDateTime later than every one before, even within one millisecond."""
        booking = self.by_id.get(booking_id)
        if booking is None:
            return stamp(now)
        return stamp(max(now, parse_stamp(booking.latest.version) + 0.001_5))

    def add(self, revision: Revision) -> int:
        """Keep a revision; its index in the booking's history."""
        booking = self.by_id.setdefault(revision.booking_id, Booking(revision.booking_id, []))
        booking.history.append(Sent(revision))
        return len(booking.history) - 1

    def active(self) -> list[Booking]:
        return [booking for booking in self.by_id.values() if not booking.cancelled()]


def units_by_night(stays: list[Stay]) -> Nights:
    """Units taken per (room, day)."""
    taken: Nights = {}
    for stay in stays:
        for day in range(stay.arrival, stay.departure):
            taken[(stay.room, day)] = taken.get((stay.room, day), 0) + stay.units
    return taken


def held_units(revision: Revision | None) -> Nights:
    """Units a revision takes; none when there is none or it is a cancellation."""
    return {} if revision is None or revision.kind == "cancel" else units_by_night(revision.stays)
