"""Profiles of guests and companies that a counterpart keeps with us: made, changed as a whole, and read back.

They are its own: no other connection sees them, and no reservation is changed by them, since what a reservation says of
its guest is what was booked.
"""

from __future__ import annotations

from gateway.engine.hotel import Hotel
from gateway.errors import Malformed, NotFound, Reason, Rejected
from gateway.flows.record import Record
from gateway.flows.services import Services
from gateway.messages import Applied, Identity, ProfileAsked, ProfileFound, ProfileReceived
from gateway.model.dates import Instant
from gateway.model.property import Connection
from gateway.store.database import Transaction
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, State
from gateway.store.tables import MessageRow
from gateway.store.tables_connections import ProfileRow

DOCUMENT_BYTES_MAX = 64 * 1024

_PROFILE = Lookup(ProfileRow)


class KeepProfile:
    """The job. A profile is known by the first of its numbers; the same again has no second effect."""

    def __init__(self, scope_id: str, connection: str, event: ProfileReceived, message: MessageRow) -> None:
        self.scope_id: str | None = scope_id
        self._key = _key(scope_id, connection, event.names[0])
        self._event = event
        self._body = event.document.encode()
        self._message = message
        if len(self._body) > DOCUMENT_BYTES_MAX:
            raise Malformed(f"a profile has at most {DOCUMENT_BYTES_MAX} bytes", Reason.TOO_LARGE)

    def needs(self, state: State, now_ms: Instant) -> Needs:
        yield _PROFILE, self._key

    def decide(self, state: State, now_ms: Instant) -> Decision:
        number, known = self._event.names[0].number, state.get(ProfileRow, self._key)
        if self._event.changed and known is None:
            raise NotFound(f"there is no profile {number!r}", record=number)
        if not self._event.changed and known is not None and known.body != self._body:
            raise Rejected(f"there is a profile {number!r} already, which can be changed", record=number)
        made_ms = known.made_ms if known is not None else now_ms
        row = ProfileRow(*self._key, made_ms, now_ms, self._body)
        message = self._message._replace(outcome="applied", detail=f"profile {number}")
        return Decision(Applied(), [row, message])


async def profile_for(
    services: Services, hotel: Hotel, connection: Connection, asked: ProfileAsked, message: MessageRow
) -> ProfileFound:
    """The profile that goes by the first of the numbers that is known; raises :class:`NotFound`."""
    keys = [_key(hotel.property.id, connection.id, name) for name in asked.names]

    async def read(tx: Transaction) -> list[ProfileRow]:
        return [row for row in await tx.lookup(_PROFILE, keys) if isinstance(row, ProfileRow)]

    known = {(row.kind, row.number): row for row in await services.database.read(read)}
    row = next((known[key[2:]] for key in keys if key[2:] in known), None)
    if row is None:
        number = asked.names[0].number
        raise NotFound(f"there is no profile {number!r}", record=number)
    await services.batcher.submit(Record([message._replace(outcome="answered", detail=f"profile {row.number}")]))
    return ProfileFound((Identity(row.kind, row.number),), row.body.decode())


def _key(scope_id: str, connection: str, name: Identity) -> tuple[str, str, str, str]:
    return scope_id, connection, name.kind, name.number
