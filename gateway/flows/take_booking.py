"""A revision of a booking comes in: stored, folded, its nights taken from the house or given back, its delivery begun.

A sale that a channel has confirmed is never refused. What was not free is recorded as oversold and shows in the same
commit as zero rooms on every channel.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import msgspec
import structlog

from gateway.engine.booking import TOO_LARGE, Entry, Folded, Judgement, Status, enter, fold, judge, search_name
from gateway.engine.hotel import Hotel
from gateway.engine.nights import HOUSE, Nights, difference, with_house
from gateway.engine.stock import FIGURE, HELD, SOLD, UNSEEN, open_stock
from gateway.engine.window import Claim, free, is_settled, want
from gateway.errors import Malformed, Reason, Rejected, Unmapped
from gateway.flows.relieve import relief_needs, relieved
from gateway.messages import ReservationReceived, Taken
from gateway.model.ari import STAY_MAX
from gateway.model.dates import BLOCK_DAYS, FIRST_DAY, LAST_DAY, Day, Instant, blocks_of
from gateway.model.property import Connection
from gateway.model.reservation import Revision, RevisionKind
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import DeliveryRow, MessageRow, ReservationRow, RevisionRow, Row, StockRow

log = structlog.get_logger(__name__)

RESERVATION = Lookup(ReservationRow)
REVISIONS = Lookup(RevisionRow, ("scope_id", "reservation_id"))
STOCK = Lookup(StockRow)
DELIVERY = Lookup(DeliveryRow)

REVISIONS_MAX = 300
CANCELS_MAX = 30  # beyond REVISIONS_MAX
UNITS_MAX = 9_999
_ABSURD = Reason.INVALID_VALUE

_pack = msgspec.msgpack.Encoder().encode
_nights = msgspec.msgpack.Decoder(Nights).decode
_entry = msgspec.msgpack.Decoder(Entry).decode
_claim = msgspec.msgpack.Decoder(Claim).decode


class TakeBooking:
    """The job. ``number`` becomes our reservation number if the booking is new.

    Whoever is told of a repetition anyway wants it not ``remembered``, the line of the log about one.
    """

    def __init__(
        self,
        scope_id: str,
        connection: str,
        event: ReservationReceived,
        message: MessageRow,
        number: str,
        *,
        remembered: bool = True,
    ) -> None:
        self.scope_id: str | None = scope_id
        self._scope = scope_id
        self._connection = connection
        self._event = event
        self._message = message
        self._number = number
        self._remembered = remembered
        self._key = (scope_id, connection, event.revision.channel, event.revision.booking_id)

    # --- load -------------------------------------------------------------------------------------------------------

    def needs(self, state: State, now_ms: Instant) -> Needs:
        hotel = state.hotels[self._scope]
        if self._event.hotel != hotel.connections[self._connection].hotel:
            raise Unmapped(Reason.HOTEL, self._event.hotel)
        yield RESERVATION, self._key
        known = state.get(ReservationRow, self._key)
        entries = self._entries(state, known)
        if known is not None:
            yield REVISIONS, (self._scope, known.reservation_id)
            # A repetition needs no more than to be recognised as one.
            if not entries or self._repeats(entries):
                return
        rooms, _, fallback = self._meaning(hotel, entries, self._event.revision)
        yield from self._stay_needs(hotel, self._event.revision, rooms, fallback)
        if known is None:
            return
        for run in _nights(known.nights):
            yield from self._stock_needs(hotel, run.room, run.arrival, run.departure)
        for receiver in hotel.receivers:
            yield DELIVERY, (self._scope, receiver.id, known.reservation_id)
        yield from relief_needs(state, self._scope)

    def _repeats(self, entries: Sequence[Entry]) -> bool:
        return judge(entries, self._event.revision).judgement is Judgement.DUPLICATE

    def _stay_needs(self, hotel: Hotel, revision: Revision, rooms: Sequence[str], fallback: str) -> Needs:
        for room, stay in zip(rooms, revision.content.stays, strict=True):
            arrival, departure, units = stay.arrival, stay.departure, stay.units
            if not (0 <= units <= UNITS_MAX and FIRST_DAY <= arrival <= LAST_DAY and departure - arrival <= STAY_MAX):
                raise Malformed(f"nobody books {units} rooms for {departure - arrival} nights", _ABSURD)
            if room or fallback:
                yield from self._stock_needs(hotel, room or fallback, stay.arrival, stay.departure)

    def _stock_needs(self, hotel: Hotel, room: str, arrival: Day, departure: Day) -> Needs:
        for block in blocks_of(arrival, departure - 1):
            yield STOCK, (self._scope, room, block)
            if _has_house(hotel):
                yield STOCK, (self._scope, HOUSE, block)
            if hotel.links:
                for part in hotel.links.parts.get(room, ()):
                    yield STOCK, (self._scope, part.room, block)

    # --- decide -----------------------------------------------------------------------------------------------------

    def decide(self, state: State, now_ms: Instant) -> Decision:
        hotel = state.hotels[self._scope]
        revision = self._event.revision
        known = state.get(ReservationRow, self._key)
        entries = self._entries(state, known)
        verdict = judge(entries, revision)
        number = known.reservation_id if known else self._number
        answer = self._answer(revision, number)
        if verdict.judgement is Judgement.DUPLICATE:
            return Decision(answer, self._repetition(entries, verdict.repeats))
        _check_length(entries, revision, verdict.judgement)
        entry = self._entry(hotel, entries, revision, now_ms)
        try:
            body = _pack(entry)
        except OverflowError as fault:
            raise Malformed(TOO_LARGE, _ABSURD) from fault
        folded = taking(hotel, fold([*entries, entry]))
        rev = state.next_rev(self._scope)
        old = _nights(known.nights) if known else ()
        stock, short = self._take(state, hotel, old, folded.nights, rev)
        reservation = self._reservation(known, number, folded, entry, rev, short)
        writes: list[Row] = [
            *stock,
            *(relieved(state, hotel, stock, now_ms, reservation) if known else [reservation]),
            RevisionRow(self._scope, number, entry.seq, self._message.message_id, body),
            self._message._replace(outcome=_outcome(folded, verdict.judgement), rev=rev),
        ]
        if verdict.judgement is Judgement.RULES:
            writes += self._deliveries(state, hotel, number, entry.seq, folded, now_ms)
        if short or folded.parked:
            log.warning("booking_needs_attention", reservation=number, oversold=short, parked=folded.parked)
        return Decision(answer, writes, advances=True)

    def _repetition(self, entries: Sequence[Entry], repeats: int) -> list[Row]:
        """A line of the log, where it may have been meant as news: a sender without versions goes back to what it said.

        What repeats the revision that decides has its effect already, and is not worth a line.
        """
        revision = self._event.revision
        if revision.version is not None or revision.kind is RevisionKind.IGNORE or not self._remembered:
            return []
        ruling = fold(entries).ruling
        if repeats == ruling:
            return []
        detail = f"duplicate of revision {repeats}; revision {ruling} stands"
        return [self._message._replace(outcome="duplicate", detail=detail)]

    def _entries(self, state: State, known: ReservationRow | None) -> list[Entry]:
        if known is None:
            return []
        rows = state.find(REVISIONS, (self._scope, known.reservation_id))
        return sorted((_entry(row.body) for row in rows), key=lambda entry: entry.seq)

    def _entry(self, hotel: Hotel, entries: Sequence[Entry], revision: Revision, now_ms: Instant) -> Entry:
        rooms, parked, fallback = self._meaning(hotel, entries, revision)
        return enter(len(entries) + 1, revision, rooms, now_ms, fallback=fallback, parked=parked)

    def _meaning(self, hotel: Hotel, entries: Sequence[Entry], revision: Revision) -> tuple[tuple[str, ...], bool, str]:
        """As :func:`meaning`, and the room type that unmapped stays take."""
        rooms, parked = meaning(hotel, self._connection, entries, revision)
        return rooms, parked, hotel.connections[self._connection].fallback_room or former_room(entries)

    def _answer(self, revision: Revision, number: str) -> Taken:
        return Taken(number, revision.booking_id, revision.kind.value, self._event.hotel)

    def _take(self, state: State, hotel: Hotel, old: Nights, new: Nights, rev: int) -> tuple[list[StockRow], int]:
        """The stock rows after the change, and how many of the room nights taken were not free."""
        if _has_house(hotel):
            linked = hotel.links.parts
            old, new = with_house(old, linked), with_house(new, linked)
        rows = {}
        short = 0
        for (room, day), units in difference(old, new).items():
            key = (self._scope, room, day // BLOCK_DAYS)
            if key not in rows:
                rows[key] = self._opened(state, key)
            row, slot = rows[key], day % BLOCK_DAYS
            row[SOLD + slot] += units
            row[UNSEEN + slot] -= units
            if units > 0 and room != HOUSE:
                counts = (row[FIGURE + slot], row[SOLD + slot], row[UNSEEN + slot], row[HELD + slot])
                if hotel.links:
                    left = hotel.links.own(hotel.figure_kind, room, counts)
                else:
                    left = free(hotel.figure_kind, *counts, clamped=True)
                missing = units if row[FIGURE + slot] < 0 and room not in hotel.links.parts else -left
                short += max(0, min(units, missing))
        return [StockRow(*key, rev, row.tobytes()) for key, row in rows.items()], short

    def _opened(self, state: State, key: tuple[str, str, int]) -> array[int]:
        """The stock row that is taken from."""
        stored = state.get(StockRow, key)
        return open_stock(stored.body if stored else None)

    def _reservation(
        self, known: ReservationRow | None, number: str, folded: Folded, entry: Entry, rev: int, short: int
    ) -> ReservationRow:
        stays = folded.content.stays
        booked = folded.status is Status.BOOKED
        return ReservationRow(
            *self._key,
            reservation_id=number,
            status=folded.status.value,
            revisions=entry.seq,
            arrival=min((stay.arrival for stay in stays), default=0),
            departure=max((stay.departure for stay in stays), default=0),
            parked=int(folded.parked),
            oversold=(short or (known.oversold if known else 0)) if booked else 0,
            rev=rev,
            at_ms=known.at_ms if known else entry.at_ms,
            nights=_pack(folded.nights),
            guest=search_name(folded.content),
        )

    def _deliveries(
        self, state: State, hotel: Hotel, number: str, seq: int, folded: Folded, now_ms: Instant
    ) -> Iterable[DeliveryRow]:
        may_wait = folded.parked and not hotel.connections[self._connection].fallback_room
        for receiver in hotel.receivers:
            row = state.get(DeliveryRow, (self._scope, receiver.id, number)) if seq > 1 else None
            claim = want(_claim(row.claim) if row else Claim(), claimed(hotel, receiver, folded.nights))
            # What a receiver holds already must follow, or its figures would be of rooms that we sell again.
            waits = may_wait and not (claim.sent or claim.acked_ms)
            yield DeliveryRow(
                self._scope,
                receiver.id,
                number,
                wanted_seq=seq,
                state="parked" if waits else "pending",
                due_ms=now_ms if receiver.is_called and not waits else None,
                attempts=0,
                ref=row.ref if row else "",
                error="",
                settled=int(is_settled(claim)),
                claim=_pack(claim),
            )


def _check_length(entries: Sequence[Entry], revision: Revision, judgement: Judgement) -> None:
    """Raises Rejected for a booking that never ends.

    What ends it is always taken, or the rooms would stay sold to nobody: nothing revives it beyond the limit, so that
    is one revision more. Other cancellations have some room, that their senders need not come again.
    """
    cancels = revision.kind is RevisionKind.CANCEL
    most = REVISIONS_MAX + CANCELS_MAX if cancels else REVISIONS_MAX
    if len(entries) < most:
        return
    if not (cancels and judgement is Judgement.RULES and fold(entries).status is Status.BOOKED):
        raise Rejected(f"booking {revision.booking_id!r} has more than {most} revisions")


def meaning(
    hotel: Hotel, connection: str, entries: Sequence[Entry], revision: Revision
) -> tuple[tuple[str, ...], bool]:
    """Our room type for each stay, and whether a plan or the currency is not mapped.

    Within a booking (``entries``, those before it), what lost its mapping still means what it meant.
    """
    mapping = hotel.mapping(connection)
    rooms, gaps = mapping.rooms_of(revision), mapping.gaps(revision)
    if not gaps:
        return rooms, False
    meant: dict[str, str] = {}
    known: set[str | tuple[str, str]] = set()
    for entry in entries:
        of_entry = list(zip(entry.rooms, entry.revision.content.stays, strict=True))
        meant.update({stay.room: room for room, stay in of_entry if room})
        if not entry.parked:
            known |= {(stay.room, stay.plan) for room, stay in of_entry if room} | {entry.revision.content.currency}
    stays = revision.content.stays
    rooms = tuple(room or meant.get(stay.room, "") for room, stay in zip(rooms, stays, strict=True))
    said = {gap.code if gap.stay < 0 else (stays[gap.stay].room, stays[gap.stay].plan): gap for gap in gaps}
    parked = any(gap.reason is not Reason.ROOM_TYPE and name not in known for name, gap in said.items())
    return rooms, parked


def former_room(entries: Sequence[Entry]) -> str:
    """The room type that a booking had last, which it keeps where a change of it speaks of one that is not mapped."""
    return next((room for entry in reversed(entries) for room in entry.rooms if room), "")


def taking(hotel: Hotel, folded: Folded) -> Folded:
    """The reservation with what it takes at every level (:mod:`gateway.engine.linked`)."""
    return msgspec.structs.replace(folded, nights=hotel.links.levels(folded.nights)) if hotel.links else folded


def claimed(hotel: Hotel, receiver: Connection, nights: Nights) -> Nights:
    """What a reservation takes as the receiver's figures would show it."""
    return with_house(nights, hotel.links.parts) if receiver.house_figures else nights


def _has_house(hotel: Hotel) -> bool:
    return hotel.pms is not None and hotel.pms.house_figures


def _outcome(folded: Folded, judgement: Judgement) -> str:
    if judgement is Judgement.STALE:
        return "stale"
    return "parked" if folded.parked else "applied"
