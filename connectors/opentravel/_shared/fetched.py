"""What comes of reservations that were fetched: each with its confirmation, and why some could not be read."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.contract import Confirmed, Outcome, Refused
from gateway.errors import Refusal
from gateway.messages import Command, Confirmation, ConfirmReservations, ReservationReceived

_TOLD_MAX = 10


def acknowledge(event: ReservationReceived, command: Command, number: int, message: str = "") -> ConfirmReservations:
    """The confirmation that has to follow the one with this number; our own number is put in once it is known.

    ``message`` is their number of the message that brought it, where they want to hear that.
    """
    revision = event.revision
    one = Confirmation(revision.booking_id, revision.kind, "", revision.version, message=message)
    return ConfirmReservations(id=f"{command.id}-{number}", at_ms=command.at_ms, confirmations=(one,))


def outcome_of(refusals: Sequence[Refusal], what: str) -> Outcome:
    """A page with one that cannot be read is refused, but the others of it are taken."""
    if not refusals:
        return Confirmed()
    texts = (f"{what} {one.record or '?'}: {one.text} ({one.path})" for one in refusals[:_TOLD_MAX])
    return Refused(refusals[0].reason.value, "; ".join(texts))
