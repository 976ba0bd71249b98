"""A message written anew from what was understood of it, so that an integrator can see what that was."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from connectors.opentravel._shared.message_id import MessageId
from gateway.contract_inspecting import Inspected
from gateway.errors import Refusal, Unsupported
from gateway.messages import (
    AriReceived,
    Command,
    Confirmation,
    ConfirmReservations,
    DeliveriesReported,
    DeliverReservation,
    DeliveryReport,
    Event,
    Ping,
    PingReceived,
    PushAvailability,
    PushRates,
    Query,
    ReservationReceived,
    ReservationsAsked,
    RetrieveReservations,
)
from gateway.model.ari import ASPECT_OF, Aspect
from gateway.model.reservation import RevisionKind

_NO_TOKEN = "inspect"


def with_encoded(found: Inspected, write: Callable[[], bytes]) -> Inspected:
    """``found`` with the message written anew; where that cannot be, the integrator is told why."""
    try:
        return replace(found, encoded=write())
    except Refusal as error:
        return replace(found, warnings=(*found.warnings, f"not written anew: {error.text}"))


def rewrite(root: str, read: Sequence[Event | Query], write: Callable[[Command], tuple[bytes, int]]) -> bytes:
    """``write`` gives a message and how many parts of the command it holds.

    Raises :class:`gateway.errors.Refusal` for what has no message of its own, or takes several.
    """
    if len(read) != 1:
        raise Unsupported(f"{len(read)} things in one message are not written anew", path=f"/{root}")
    command = _command(root, read[0])
    written, parts = write(command)
    if parts < _parts_of(command):
        raise Unsupported(f"{_parts_of(command)} parts take several messages", path=f"/{root}")
    return written


def hotel_of(read: Sequence[Event | Query]) -> str:
    """The hotel they speak of."""
    return next((one.hotel for one in read if not isinstance(one, PingReceived) and hasattr(one, "hotel")), "")


def _parts_of(command: Command) -> int:
    if isinstance(command, PushAvailability | PushRates):
        return len(command.updates)
    return len(command.confirmations) if isinstance(command, ConfirmReservations) else 1


def _command(root: str, event: Event | Query) -> Command:
    match event:
        case AriReceived() if event.updates and not event.clears:
            aspects = {ASPECT_OF[setting.field] for update in event.updates for setting in update.settings}
            if Aspect.PRICES in aspects and len(aspects) > 1:
                raise Unsupported("prices and rules are sent in messages of their own", path=f"/{root}")
            kind = PushRates if Aspect.PRICES in aspects else PushAvailability
            return kind(id=event.token or _NO_TOKEN, at_ms=0, updates=event.updates)
        case ReservationReceived():
            return _delivery(event)
        case PingReceived():
            return Ping(id=event.echo, at_ms=0)
        case ReservationsAsked() if event == ReservationsAsked(event.hotel, event.since_ms):
            return RetrieveReservations(id=_NO_TOKEN, at_ms=0, since_ms=event.since_ms)
        case DeliveriesReported():
            confirmations = tuple(_confirmation(report) for report in event.reports)
            return ConfirmReservations(id=_NO_TOKEN, at_ms=0, confirmations=confirmations)
    raise Unsupported(f"what this {root} says is never sent by us", path=f"/{root}")


def _delivery(event: ReservationReceived) -> DeliverReservation:
    revision = event.revision
    at_ms = revision.version or revision.created_ms or 0
    return DeliverReservation(
        id=_NO_TOKEN,
        at_ms=at_ms,
        reservation_id=revision.booking_id,
        revision=revision,
        source=revision.channel,
        modified_ms=at_ms,
    )


def _confirmation(report: DeliveryReport) -> Confirmation:
    kind = report.kind or RevisionKind.NEW
    message = ""
    if report.kind is not None and report.modified_ms is not None:
        message = str(MessageId(report.reservation_id, report.kind, report.modified_ms))
    return Confirmation(report.reservation_id, kind, report.ref, error=report.error, message=message)
