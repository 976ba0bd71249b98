"""A message written anew from what was understood of it, so that an integrator can see what that was."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connectors.opentravel._shared import names
from gateway.errors import Unsupported
from gateway.messages import (
    AriReceived,
    Command,
    DeliverReservation,
    Event,
    Ping,
    PingReceived,
    PushAvailability,
    PushRates,
    Query,
    ReservationReceived,
)

_NO_TOKEN = "inspect"


def rewrite(root: str, read: Sequence[Event | Query], write: Callable[[Command], tuple[bytes, int]]) -> bytes:
    """``write`` gives a message and how many parts of the command it holds.

    Raises :class:`gateway.errors.Refusal` for what has no message of its own, or takes several.
    """
    if len(read) != 1:
        raise Unsupported(f"{len(read)} things in one message are not written anew", path=f"/{root}")
    command = _command(root, read[0])
    written, parts = write(command)
    if isinstance(command, PushAvailability | PushRates) and parts < len(command.updates):
        raise Unsupported(f"{len(command.updates)} changes take several messages", path=f"/{root}")
    return written


def _command(root: str, event: Event | Query) -> Command:
    if isinstance(event, AriReceived) and not event.clears:
        kind = PushRates if root == names.RATES else PushAvailability
        return kind(id=event.token or _NO_TOKEN, at_ms=0, updates=event.updates)
    if isinstance(event, ReservationReceived):
        revision = event.revision
        at_ms = revision.created_ms or 0
        return DeliverReservation(
            id=_NO_TOKEN,
            at_ms=at_ms,
            reservation_id=revision.booking_id,
            revision=revision,
            source=revision.channel,
            modified_ms=at_ms,
        )
    if isinstance(event, PingReceived):
        return Ping(id=event.echo, at_ms=0)
    raise Unsupported(f"{root} is not written anew", path=f"/{root}")
