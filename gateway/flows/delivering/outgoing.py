"""A reservation as it is handed over: what it is now, in the receiver's codes."""

from __future__ import annotations

import msgspec

from gateway.engine.booking import Entry, Folded, Status, fold
from gateway.engine.window import Claim
from gateway.errors import Reason, Unmapped
from gateway.messages import Outgoing
from gateway.model.property import Connection
from gateway.model.reservation import Revision, RevisionKind
from gateway.store import delivering

_claim = msgspec.msgpack.Decoder(Claim).decode
_entry = msgspec.msgpack.Decoder(Entry).decode


def outgoing(item: delivering.Due, connection: Connection) -> Outgoing | None:
    """What the receiver has to be told; None if there is nothing, as of a booking that was cancelled before anybody
    knew of it. Raises :class:`Unmapped` where the receiver has no code for a room type.
    """
    entries = sorted((_entry(row.body) for row in item.revisions), key=lambda entry: entry.seq)
    folded = fold(entries)
    claim = _claim(item.row.claim)
    told = bool(claim.sent or claim.acked_ms)
    if folded.status is Status.NONE or (folded.status is Status.CANCELLED and not told):
        return None
    return Outgoing(
        reservation_id=item.row.reservation_id,
        revision=_revision(item, connection, entries, folded, _was_told(claim, item.row.wanted_seq)),
        source=item.source,
        modified_ms=entries[item.row.wanted_seq - 1].at_ms,
    )


def cause_of(item: delivering.Due) -> int:
    """The message that the wanted revision came in."""
    return next(row.message_id for row in item.revisions if row.seq == item.row.wanted_seq)


def _was_told(claim: Claim, seq: int) -> bool:
    """Whether the receiver may know of the reservation from before revision ``seq``.

    What stayed unanswered is said again in the same words, and of what was refused the receiver holds nothing.
    """
    if seq == 1:
        return False
    refused = claim.refusal.seq if claim.refusal else 0
    return bool(claim.acked_ms) or any(of.first < seq and not of.first <= refused <= of.last for of in claim.sent)


def _revision(
    item: delivering.Due, connection: Connection, entries: list[Entry], folded: Folded, was_told: bool
) -> Revision:
    kind = RevisionKind.MODIFY if was_told else RevisionKind.NEW
    if folded.status is Status.CANCELLED:
        kind = RevisionKind.CANCEL
    shown = entries[folded.current - 1]
    if kind is RevisionKind.CANCEL:
        shown = next((entry for entry in (shown, *reversed(entries)) if _is_clear(entry)), shown)
    # The channel may have been taken out of the hotel file since.
    source = item.hotel.mapping(item.source) if item.source in item.hotel.connections else None
    target = item.hotel.mapping(connection.id)
    stays = []
    for room, stay in zip(shown.rooms, shown.revision.content.stays, strict=True):
        their_room = target.their_room(room or shown.fallback)
        if their_room is None:
            raise Unmapped(Reason.ROOM_TYPE, stay.room)
        ours = source.product(stay.room, stay.plan) if source else None
        theirs = target.their_product(room, ours.plan) if ours else None
        stays.append(msgspec.structs.replace(stay, room=their_room, plan=theirs.their_plan if theirs else stay.plan))
    content = msgspec.structs.replace(shown.revision.content, stays=tuple(stays))
    return Revision(
        booking_id=item.row.reservation_id,
        kind=kind,
        content=content,
        version=item.row.wanted_seq,
        created_ms=entries[0].at_ms,
    )


def _is_clear(entry: Entry) -> bool:
    """Whether it says what is booked, and all of it has a room: what is cancelled was told so once."""
    return bool(entry.revision.content.stays) and ("" not in entry.rooms or bool(entry.fallback))
