"""A reservation is the fold of its revisions.

**Order.** A revision with a version stands where its version says; within one version new < modify < cancel, and what
is still equal follows arrival. The last one in this order *rules*. A higher version always wins, so a booking committed
again after its cancellation lives again, and any order and any duplication of revisions with distinct versions end in
the same reservation.

**Without a version** a revision follows arrival: it stands behind everything that arrived before it. Since nothing else
tells a repetition from news:

- Equal kind and content is a duplicate, even of an older revision. So such a sender cannot go back to exactly what an
  earlier modification of its said; the verdict names the revision that is repeated.
- A cancel that carries only ids has the content of what it cancels: it is a duplicate while the booking is cancelled,
  and counts again once the booking has been revived.
- On a cancelled booking, content seen before is stale; a new or modify with unseen content revives it.
- A cancel that arrives before anything else has overtaken the booking's "new": the first new goes beneath it.

**Mixed.** An unversioned revision shares the place of the highest version that had arrived before it, behind all
revisions of that version and of lower ones. A cancel without version (many dialects have no room for one in it) thus
holds against late older versions, while a higher version that arrives later counts as said later. Between a "new" and
a cancel that overtook it, versions decide only if both have one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from hashlib import blake2b

import msgspec

from gateway.engine.nights import Nights, RoomNights, normalise
from gateway.errors import Malformed, Reason
from gateway.model.dates import Instant
from gateway.model.reservation import Content, Guest, Revision, RevisionKind

_RANK = {RevisionKind.NEW: 0, RevisionKind.MODIFY: 1, RevisionKind.CANCEL: 2}
_CONTENT = slice(1, 17)
NAME_MAX = 200
TOO_LARGE = "a number in it is larger than anything a booking has"
_encode = msgspec.msgpack.Encoder().encode

_Place = tuple[float, int, int, int]  # version, 1 if it had none of its own, rank of its kind, arrival


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A revision that was taken. ``seq`` counts a booking's arrivals from 1.

    ``rooms`` are our room types for ``revision.content.stays``, one each and in order, ``""`` where unmapped. Replaying
    a parked revision puts new ``rooms`` into its entry and leaves what was said alone. ``fallback`` is the room type
    that unmapped stays take meanwhile, ``""`` for none. ``parked`` says that a plan or the currency is not mapped.
    """

    seq: int
    revision: Revision
    rooms: tuple[str, ...]
    at_ms: Instant
    digest: bytes
    fallback: str = ""
    parked: bool = False


class Status(StrEnum):
    """What a reservation is now."""

    NONE = "none"  # nothing but revisions without effect
    BOOKED = "booked"
    CANCELLED = "cancelled"


class Folded(msgspec.Struct, frozen=True, omit_defaults=True):
    """A reservation. ``ruling`` is the revision that decides, ``current`` the one whose ``content`` is shown (0: none).

    They differ for a cancel that carries only ids: shown is then the best content before it. ``nights`` is what is
    taken from the house now, in normal form. Unmapped stays take the fallback, or nothing where there is none;
    ``parked`` says that something of a booking is not mapped.
    """

    status: Status = Status.NONE
    current: int = 0
    ruling: int = 0
    nights: Nights = ()
    parked: bool = False
    content: Content = Content()


class Judgement(StrEnum):
    """What a revision would do."""

    DUPLICATE = "duplicate"  # said before: answered the same, not stored again
    STALE = "stale"  # to be stored; status and nights stay, but a cancelled booking may gain the content it shows
    RULES = "rules"  # to be stored; decides from now on


class Verdict(msgspec.Struct, frozen=True):
    """``repeats`` is the seq that a duplicate repeats, otherwise 0."""

    judgement: Judgement
    repeats: int = 0


_STALE = Verdict(Judgement.STALE)
_RULES = Verdict(Judgement.RULES)


def fingerprint(revision: Revision) -> bytes:
    """Identity of a statement: first letter of its kind, BLAKE2b-128 of its content, decimal version if it has one.

    17 bytes without version. Whatever else a revision carries (creation time, record number) may change when it is sent
    again; booking id and channel are the same for all revisions of a booking. Raises Malformed for numbers beyond 64
    bits.
    """
    try:
        content = blake2b(_encode(revision.content), digest_size=16).digest()
    except OverflowError as fault:
        raise Malformed(TOO_LARGE, Reason.INVALID_VALUE) from fault
    version = b"" if revision.version is None else b"%d" % revision.version
    return revision.kind.value[:1].encode() + content + version


def enter(
    seq: int, revision: Revision, rooms: Sequence[str], at_ms: Instant, *, fallback: str = "", parked: bool = False
) -> Entry:
    """The entry for a revision that is being taken."""
    return Entry(seq, revision, tuple(rooms), at_ms, fingerprint(revision), fallback if "" in rooms else "", parked)


def remark(seq: int, booking_id: str, at_ms: Instant) -> Entry:
    """An entry that says nothing: what we take the booking to mean has changed, and the counterpart had no part in it.

    Receivers are told what is wanted under its number, since they hold something else under the one before.
    """
    return enter(seq, Revision(booking_id, RevisionKind.IGNORE, Content()), (), at_ms)


def judge(entries: Sequence[Entry], revision: Revision) -> Verdict:
    """What ``revision`` would do to the booking that consists of ``entries`` (in order of arrival)."""
    if not entries:
        return _STALE if revision.kind is RevisionKind.IGNORE else _RULES
    order = _Order()
    for entry in entries:
        order.take(entry)
    return order.judge(entries[-1].seq + 1, revision, fingerprint(revision))


def fold(entries: Sequence[Entry]) -> Folded:
    """The reservation that ``entries`` (in order of arrival) add up to; duplicates among them change nothing."""
    order = _Order()
    for entry in entries:
        order.take(entry)
    ruling = order.ruling
    if ruling is None:
        return Folded()
    shown = order.described if order.cancelled and order.described is not None else ruling
    content = shown.revision.content
    if order.cancelled:
        return Folded(Status.CANCELLED, shown.seq, ruling.seq, content=content)
    return Folded(Status.BOOKED, shown.seq, ruling.seq, _taken(shown), shown.parked or "" in shown.rooms, content)


def _taken(entry: Entry) -> Nights:
    """Every stay has its room, or the entry was made wrongly and ValueError says so."""
    stays = entry.revision.content.stays
    return normalise(
        RoomNights(room or entry.fallback, stay.arrival, stay.departure, stay.units)
        for room, stay in zip(entry.rooms, stays, strict=True)
        if (room or entry.fallback) and stay.units > 0
    )


def first_guest(content: Content) -> Guest | None:
    """The first guest with a name; who booked, if no guest has one."""
    guests = (guest for stay in content.stays for guest in stay.guests)
    return next((guest for guest in guests if guest.surname or guest.given), content.booker)


def search_name(content: Content) -> str:
    """Surname and given name of the first guest as they are looked for, in any case."""
    guest = first_guest(content)
    return f"{guest.surname} {guest.given}".strip().casefold()[:NAME_MAX] if guest else ""


class _Order:
    """The entries taken so far, as far as the next one needs them."""

    __slots__ = ("_began", "_contents", "_described_at", "_highest", "_ruling_at", "_said", "described", "ruling")

    def __init__(self) -> None:
        self.ruling: Entry | None = None
        self.described: Entry | None = None  # the last in order that says what is booked
        self._ruling_at: _Place = (-math.inf, 0, 0, 0)
        self._described_at: _Place = (-math.inf, 0, 0, 0)
        self._said: dict[bytes, int] = {}
        self._contents: set[bytes] = set()
        self._highest = -math.inf
        self._began = False  # a new or a modify has arrived

    @property
    def cancelled(self) -> bool:
        return self.ruling is not None and self.ruling.revision.kind is RevisionKind.CANCEL

    def judge(self, seq: int, revision: Revision, digest: bytes) -> Verdict:
        if repeated := self._repeated(revision, digest):
            return Verdict(Judgement.DUPLICATE, repeated)
        if self._without_effect(revision, digest) or self._overtaken_by(revision) is not None:
            return _STALE
        return _RULES if self.ruling is None or self._place(seq, revision) > self._ruling_at else _STALE

    def take(self, entry: Entry) -> None:
        revision, digest = entry.revision, entry.digest
        if self._repeated(revision, digest):
            return
        self._said[digest] = entry.seq
        if self._without_effect(revision, digest):
            return
        self._said.setdefault(digest[:17], entry.seq)
        self._contents.add(digest[_CONTENT])
        place = self._place(entry.seq, revision)
        if (cancel := self._overtaken_by(revision)) is not None:
            place = (place[0], 0, place[2], place[3])
            self._ruling_at = max(self._ruling_at, (place[0], 1, 0, cancel.seq))
        if self.ruling is None or place > self._ruling_at:
            self.ruling, self._ruling_at = entry, place
        if revision.content.stays and (self.described is None or place > self._described_at):
            self.described, self._described_at = entry, place
        self._highest = max(self._highest, place[0])
        self._began = self._began or revision.kind is not RevisionKind.CANCEL

    def _repeated(self, revision: Revision, digest: bytes) -> int:
        """The seq this repeats, or 0."""
        if revision.kind is RevisionKind.CANCEL and revision.version is None and not revision.content.stays:
            return self.ruling.seq if self.ruling is not None and self.cancelled else 0
        return self._said.get(digest, 0)

    def _without_effect(self, revision: Revision, digest: bytes) -> bool:
        if revision.kind is RevisionKind.IGNORE:
            return True
        unordered = revision.version is None and revision.kind is not RevisionKind.CANCEL
        return unordered and self.cancelled and digest[_CONTENT] in self._contents

    def _overtaken_by(self, revision: Revision) -> Entry | None:
        """The cancel that came before everything else, if this "new" is what it cancelled."""
        if revision.kind is not RevisionKind.NEW or self._began or self.ruling is None:
            return None
        unordered = revision.version is None or self.ruling.revision.version is None
        return self.ruling if unordered else None

    def _place(self, seq: int, revision: Revision) -> _Place:
        if revision.version is None:
            return (self._highest, 1, 0, seq)
        return (revision.version, 0, _RANK[revision.kind], seq)
