"""The numbers of messages about reservations, by which whoever fetches a reservation confirms it.

A message about a reservation has a number of its own: a UniqueID of type 16 in this context. Ours says all that a
confirmation has to tell: our reservation, what happened to it, and which of its states this was.
"""

from __future__ import annotations

from typing import NamedTuple

from connectors.opentravel._shared import names
from gateway.errors import Reason, Rejected, Unsupported
from gateway.messages import DeliverReservation, Outgoing
from gateway.model.dates import Instant
from gateway.model.reservation import RevisionKind
from gateway.wire.xmlwrite import attributes

MESSAGE_CONTEXT = "MESSAGE_UNIQUE_ID"
ID_CHARS_MAX = 32
_LETTERS = {RevisionKind.NEW: "n", RevisionKind.MODIFY: "m", RevisionKind.CANCEL: "c"}
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}


class MessageId(NamedTuple):
    """What a message's number says."""

    reservation_id: str
    kind: RevisionKind
    modified_ms: Instant

    @classmethod
    def read(cls, text: str) -> MessageId:
        """Raises :class:`Rejected` for a number that is none of ours."""
        number, _, rest = text.partition(".")
        letter, _, modified = rest.partition(".")
        plain = modified.isascii() and modified.isdigit() and len(modified) <= 15
        if not number or letter not in _KINDS or not plain:
            raise Rejected(f"the message number {text[:ID_CHARS_MAX]!r} is unknown", Reason.BOOKING_REFERENCE)
        return cls(number, _KINDS[letter], int(modified))

    @classmethod
    def of(cls, given: DeliverReservation | Outgoing) -> MessageId:
        """The number a message about this state of a reservation has, however often it is sent."""
        if given.revision.kind not in _LETTERS:
            raise Unsupported(f"a revision of kind {given.revision.kind.value} is not delivered")
        return cls(given.reservation_id, given.revision.kind, given.modified_ms)

    def __str__(self) -> str:
        written = f"{self.reservation_id}.{_LETTERS[self.kind]}.{self.modified_ms}"
        if len(written) > ID_CHARS_MAX or "." in self.reservation_id:
            raise Unsupported(f"the reservation number {self.reservation_id!r} has no place in a message's number")
        return written


def numbered(number: str) -> str:
    """The UniqueID of a message."""
    return f'<UniqueID Type="{names.REFERENCE_ID}"{attributes(ID=number, ID_Context=MESSAGE_CONTEXT)}/>'
