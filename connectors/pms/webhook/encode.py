"""Our commands as signed requests."""

from __future__ import annotations

import msgspec

from connectors.pms.webhook.payload import Extra, Payload, Person, Reservation, Room, Type
from gateway.contract import Request, Site
from gateway.errors import Malformed, Reason, Unsupported
from gateway.messages import Command, DeliverReservation, Ping
from gateway.model.dates import format_day, format_instant
from gateway.model.money import format_minor
from gateway.model.reservation import Guest, RevisionKind, RoomStay, Service
from gateway.wire.standard_webhooks import signed_headers, signing_key

_TYPES = {
    RevisionKind.NEW: Type.CREATED,
    RevisionKind.MODIFY: Type.MODIFIED,
    RevisionKind.CANCEL: Type.CANCELLED,
}
# ``order``: the same state is the same bytes, whatever it is built from.
_encode = msgspec.json.Encoder(order="deterministic").encode


def encode_command(command: Command, site: Site) -> Request:
    """The signed POST. Raises :class:`Malformed` for a secret that is none, :class:`Unsupported` for other commands."""
    body = _encode(_payload(command, site))
    # With the connection, which is of one property: one endpoint may serve many hotels.
    headers = signed_headers(_keys(site), f"{site.connection}-{command.id}", site.now_ms // 1000, body)
    return Request("POST", site.url, headers, body)


def _keys(site: Site) -> tuple[bytes, ...]:
    """One secret, or two (the new one first) while it is being changed."""
    try:
        keys = tuple(signing_key(secret) for secret in site.password.split())
    except ValueError as error:
        raise Malformed(str(error), Reason.AUTHENTICATION) from None
    if not 1 <= len(keys) <= 2:
        raise Malformed("a webhook has one secret, or two while it is changed", Reason.AUTHENTICATION)
    return keys


def _payload(command: Command, site: Site) -> Payload:
    if isinstance(command, Ping):
        return Payload(Type.PING, format_instant(command.at_ms))
    if isinstance(command, DeliverReservation) and command.revision.kind in _TYPES:
        happened = format_instant(command.modified_ms)
        return Payload(_TYPES[command.revision.kind], happened, _reservation(command, site, happened))
    raise Unsupported(f"a webhook has no place for {type(command).__name__}")


def _reservation(command: DeliverReservation, site: Site, modified_at: str) -> Reservation:
    revision, content = command.revision, command.revision.content
    currency = content.currency or site.currency
    return Reservation(
        property=site.hotel,
        reservation_id=command.reservation_id,
        revision=revision.version or 0,
        source=command.source,
        modified_at=modified_at,
        currency=currency,
        created_at="" if revision.created_ms is None else format_instant(revision.created_ms),
        total=_amount(content.total, currency),
        net=content.net,
        rooms=tuple(_room(stay, currency) for stay in content.stays),
        booker=_person(content.booker) if content.booker else None,
        services=tuple(_extra(service, currency) for service in content.services),
        comments=content.comments,
        guarantee=content.guarantee,
        card=content.card_mask,
    )


def _room(stay: RoomStay, currency: str) -> Room:
    return Room(
        room=stay.room,
        plan=stay.plan,
        arrival=format_day(stay.arrival),
        departure=format_day(stay.departure),
        units=stay.units,
        adults=stay.adults,
        children=stay.children,
        infants=stay.infants,
        child_ages=stay.child_ages,
        nightly=tuple(format_minor(price, currency) for price in stay.nightly),
        total=_amount(stay.total, currency),
        guests=tuple(_person(guest) for guest in stay.guests),
        comments=stay.comments,
        ref=stay.ref,
    )


def _person(guest: Guest) -> Person:
    return Person(**{name: getattr(guest, name) for name in Person.__struct_fields__})


def _extra(service: Service, currency: str) -> Extra:
    return Extra(service.code, service.quantity, _amount(service.total, currency), service.text)


def _amount(minor: int | None, currency: str) -> str | None:
    return None if minor is None else format_minor(minor, currency)
