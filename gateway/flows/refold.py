"""A parked booking is resolved: what is mapped by now gets its meaning, and room stays take their nights.

What the counterpart said stays as it was; only what we take it to mean is filled in. A remark among the revisions says
so, and gives receivers a number that they do not know yet.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.engine.booking import Entry, fold, remark
from gateway.engine.hotel import Hotel
from gateway.engine.nights import Nights
from gateway.errors import NotFound
from gateway.flows.delivering.remapped import MISSING, resend_mapped
from gateway.flows.record import own_message
from gateway.flows.relieve import relieved
from gateway.flows.services import Services
from gateway.flows.take_booking import REVISIONS, TakeBooking, meaning, taking
from gateway.messages import ReservationReceived
from gateway.model.dates import Instant
from gateway.store import delivering, reading_properties
from gateway.store import reading_reservations as reading
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import MessageRow, ReservationRow, RevisionRow, Row
from gateway.store.walking import Condition

_nights = msgspec.msgpack.Decoder(Nights).decode
_entry = msgspec.msgpack.Decoder(Entry).decode
_encode = msgspec.msgpack.Encoder().encode
_PARKED = (Condition("parked", ">", 0),)
_WAITING = (
    "SELECT DISTINCT r.scope_id, s.config_version FROM reservation AS r JOIN scope AS s ON s.scope_id = r.scope_id"
    " WHERE r.parked > 0"
)
_PAGE = 100


class Refold(TakeBooking):
    """The job: our reservation number if anything changed, else "". ``event`` is any revision of the booking."""

    def __init__(self, scope_id: str, connection: str, event: ReservationReceived, message: MessageRow) -> None:
        super().__init__(scope_id, connection, event, message, "")

    def needs(self, state: State, now_ms: Instant) -> Needs:
        hotel = state.hotels[self._scope]
        if self._connection not in hotel.connections:
            raise NotFound(f"{self._scope} has no connection {self._connection!r} any more")
        # The booking may have been taken while they called the hotel by another code.
        self._event = msgspec.structs.replace(self._event, hotel=hotel.connections[self._connection].hotel)
        yield from super().needs(state, now_ms)
        for entry in self._resolved(hotel, self._entries(state, state.get(ReservationRow, self._key))):
            yield from self._stay_needs(hotel, entry.revision, entry.rooms, entry.fallback)

    def _repeats(self, entries: Sequence[Entry]) -> bool:
        """Its event says what was said before, and is not what it is about."""
        return False

    def decide(self, state: State, now_ms: Instant) -> Decision:
        hotel = state.hotels[self._scope]
        known = state.get(ReservationRow, self._key)
        entries = self._entries(state, known)
        resolved = self._resolved(hotel, entries)
        if known is None or resolved == entries:
            return Decision("")
        rev, number, folded = state.next_rev(self._scope), known.reservation_id, taking(hotel, fold(resolved))
        note = remark(known.revisions + 1, known.booking_id, now_ms)
        messages = {row.seq: row.message_id for row in state.find(REVISIONS, (self._scope, number))}
        stock, short = self._take(state, hotel, _nights(known.nights), folded.nights, rev)
        message = self._message._replace(outcome="parked" if folded.parked else "applied", rev=rev, detail=number)
        writes: list[Row] = [
            *stock,
            *relieved(state, hotel, stock, now_ms, self._reservation(known, number, folded, note, rev, short)),
            *(
                RevisionRow(self._scope, number, new.seq, messages[new.seq], _encode(new))
                for new, old in zip(resolved, entries, strict=True)
                if new != old
            ),
            RevisionRow(self._scope, number, note.seq, message.message_id, _encode(note)),
            message,
            *self._deliveries(state, hotel, number, note.seq, folded, now_ms),
        ]
        return Decision(number, writes, advances=True)

    def _resolved(self, hotel: Hotel, entries: Sequence[Entry]) -> list[Entry]:
        fallback = hotel.connections[self._connection].fallback_room
        found: list[Entry] = []
        for entry in entries:
            if entry.parked or "" in entry.rooms:
                now, parked = meaning(hotel, self._connection, found, entry.revision)
                rooms = tuple(room or new for room, new in zip(entry.rooms, now, strict=True))
                # A fallback that is taken out of the hotel file stays with those who were told to receivers by it.
                kept = fallback or entry.fallback if "" in rooms else ""
                entry = msgspec.structs.replace(entry, rooms=rooms, parked=entry.parked and parked, fallback=kept)
            found.append(entry)
        return found


class Resolver:
    """Resolves what whoever applied a configuration did not live to resolve."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._looked: dict[str, int] = {}  # the version of each property's configuration that was tried last
        self._sent: dict[str, int] = {}  # the same of deliveries that lacked a code

    async def round(self) -> None:
        """Every property with parked bookings, or deliveries that lack a code, once for each version of its
        configuration.
        """
        for scope_id, version in await self._services.database.read(lambda tx: tx.fetch(_WAITING)):
            if self._looked.get(scope_id) != version:
                await resolve_parked(self._services, scope_id, "")
                self._looked[scope_id] = version
        for scope_id, version in await self._services.database.read(lambda tx: delivering.with_refused(tx, MISSING)):
            if self._sent.get(scope_id) != version:
                await resend_mapped(self._services, scope_id, "")
                self._sent[scope_id] = version


async def resolve_parked(services: Services, scope_id: str, author: str) -> list[str]:
    """Tries every parked booking of the property with the mapping of today; the numbers of those that changed."""
    hotel = await services.database.read(lambda tx: reading_properties.one(tx, services.hotels, scope_id))
    known = hotel[1].connections if hotel else {}
    resolved = []
    after: tuple[object, ...] | None = None
    while True:
        position = after
        found = await services.database.read(
            lambda tx: reading.page(tx, reading.TROUBLE, scope_id, _PARKED, position, _PAGE)  # noqa: B023  awaited here
        )
        for row in found.rows:
            if row.connection not in known:
                continue
            event = ReservationReceived("", _entry(found.revisions[row.reservation_id][-1].body).revision)
            if await services.batcher.submit(_resolving(services, row, event, author)):
                resolved.append(row.reservation_id)
        after = found.next
        if after is None:
            return resolved


def _resolving(services: Services, row: ReservationRow, event: ReservationReceived, author: str) -> Refold:
    message = own_message(services, row.scope_id, "mapping", author, row.connection)
    return Refold(row.scope_id, row.connection, event, message)
