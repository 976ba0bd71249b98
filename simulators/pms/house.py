"""Rooms and who has them: reservations by delivery from the gateway, and the hotel's own blocks (walk-ins)."""

import msgspec

from simulators.desk import Refusal
from simulators.opentravel.days import parse_stamp, runs
from simulators.opentravel.stays import Revision

_RANK = {"new": 0, "modify": 1, "cancel": 2}


class Reservation(msgspec.Struct):
    """One booking. `accepted` is the newest revision taken over, `applied` the one the rooms are counted by."""

    key: str
    confirmation: str
    accepted: Revision
    applied: Revision | None = None
    deliveries: int = 1
    stale: int = 0


class Block(msgspec.Struct):
    """Units of a room type the hotel sold or closed by itself on the nights [first, last]."""

    block_id: str
    room: str
    first: int
    last: int
    units: int


class Pending(msgspec.Struct):
    """An accepted revision that is applied at `due`."""

    due: float
    key: str
    revision: Revision


class House:
    """`units` by room code; `taken` counts applied reservations and blocks per (room, day)."""

    def __init__(self, units: dict[str, int]) -> None:
        self.units = units
        self.reservations: dict[str, Reservation] = {}
        self.blocks: dict[str, Block] = {}
        self.pending: list[Pending] = []
        self._taken: dict[tuple[str, int], int] = {}

    def left(self, room: str, day: int) -> int:
        """Rooms left to sell; negative when overbooked."""
        return self.units[room] - self._taken.get((room, day), 0)

    def left_ranges(self, room: str, first: int, last: int) -> list[tuple[int, int, int]]:
        """(first, last, rooms left) over the days; an overbooked night reads 0, as a figure cannot be negative."""
        return runs((day, max(0, self.left(room, day))) for day in range(first, last + 1))

    def accept(self, key: str, revision: Revision, due: float) -> Reservation:
        """Take a revision over once: a duplicate or an older one changes nothing and gets the same confirmation."""
        known = self.reservations.get(key)
        if known is None:
            known = Reservation(key, f"PMS-{len(self.reservations) + 1}", revision)
            self.reservations[key] = known
        else:
            known.deliveries += 1
            if _order(revision) <= _order(known.accepted):
                known.stale += 1
                return known
            known.accepted = revision
        self.pending.append(Pending(due, key, revision))
        return known

    def apply_due(self, now: float | None) -> list[set[tuple[str, int]]]:
        """Apply pending revisions (all of them for None); the (room, day) pairs each one touched."""
        ready = [one for one in self.pending if now is None or one.due <= now]
        self.pending = [one for one in self.pending if now is not None and one.due > now]
        return [self._apply(one) for one in ready]

    def short_nights(self, key: str, revision: Revision) -> list[tuple[str, int]]:
        """(room, day) pairs on which the revision needs more units than are left."""
        known = self.reservations.get(key)
        own = _nights(known.applied if known else None)
        wanted = _nights(revision)
        return [at for at, units in wanted.items() if units - own.get(at, 0) > max(0, self.left(*at))]

    def block(self, block: Block, force: bool) -> None:
        if block.block_id in self.blocks:
            raise Refusal(f"{block.block_id} exists already")
        days = range(block.first, block.last + 1)
        if not force and any(self.left(block.room, day) < block.units for day in days):
            raise Refusal("no rooms left")
        self.blocks[block.block_id] = block
        self._count({(block.room, day): block.units for day in days}, 1)

    def unblock(self, block_id: str) -> Block:
        block = self.blocks.pop(block_id, None)
        if block is None:
            raise Refusal(f"{block_id} is unknown")
        self._count({(block.room, day): block.units for day in range(block.first, block.last + 1)}, -1)
        return block

    def recount(self) -> None:
        """Count afresh, after a restore."""
        self._taken = {}
        for reservation in self.reservations.values():
            self._count(_nights(reservation.applied), 1)
        for block in self.blocks.values():
            self._count({(block.room, day): block.units for day in range(block.first, block.last + 1)}, 1)

    def _apply(self, pending: Pending) -> set[tuple[str, int]]:
        reservation = self.reservations[pending.key]
        before = _nights(reservation.applied)
        reservation.applied = pending.revision
        after = _nights(pending.revision)
        self._count(before, -1)
        self._count(after, 1)
        return before.keys() | after.keys()

    def _count(self, nights: dict[tuple[str, int], int], sign: int) -> None:
        for at, units in nights.items():
            self._taken[at] = self._taken.get(at, 0) + sign * units


def _order(revision: Revision) -> tuple[float, int]:
    """Version first; at equal versions new < modify < cancel."""
    return parse_stamp(revision.version), _RANK[revision.kind]


def _nights(revision: Revision | None) -> dict[tuple[str, int], int]:
    """Units per (room, day) a revision takes; a cancellation takes none."""
    found: dict[tuple[str, int], int] = {}
    if revision is None or revision.kind == "cancel":
        return found
    for stay in revision.stays:
        for day in range(stay.arrival, stay.departure):
            found[(stay.room, day)] = found.get((stay.room, day), 0) + stay.units
    return found
