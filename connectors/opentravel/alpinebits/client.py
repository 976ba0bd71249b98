"""We call them: a form with an action and a message, and the outcomes in their answer (protocol sheet, section 1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from connectors.opentravel._shared.times import format_instant_ms
from connectors.opentravel.alpinebits import actions, outcomes
from connectors.opentravel.alpinebits.agreement import agree
from connectors.opentravel.alpinebits.decode_requests import CANCEL_ID
from connectors.opentravel.alpinebits.encode_ari import message_of, write_complete, write_push
from connectors.opentravel.alpinebits.encode_requests import write_request
from connectors.opentravel.alpinebits.handshake import write_offer
from connectors.opentravel.alpinebits.profile import AlpineBitsProfile, offer_of, profile_of, versions_up_to
from gateway.contract import Decoded, Refused, Reply, Request, Site
from gateway.errors import Unsupported
from gateway.messages import (
    Command,
    ConfirmReservations,
    DeliverReservation,
    Outgoing,
    Ping,
    PushAvailability,
    PushRates,
    RetrieveReservations,
)
from gateway.model.ari import ASPECT_OF, Aspect
from gateway.model.reservation import RevisionKind
from gateway.wire.http_auth import compose_basic
from gateway.wire.multipart_form import write_parts
from gateway.wire.xml import Node
from gateway.wire.xmlwrite import element, text

CLIENT_ID = "hotel-gateway"
BAD_REQUEST = 400
_BUSINESS_RULE, _UNABLE = "3", "450"


class Written(NamedTuple):
    """A message to be sent; ``parts`` is how many parts of the command are in it."""

    action: str
    body: bytes
    parts: int = 1


def encode(command: Command, site: Site, profile: AlpineBitsProfile) -> Request:
    """Headers as section 1.1 asks for them. ``site.options`` may hold ``client_id``."""
    profile = _spoken(site, profile)
    written = write(command, site, profile)
    content_type, body = write_parts({"action": written.action.encode(), "request": written.body})
    headers = {
        "content-type": content_type,
        "accept": "application/xml, text/xml",
        "x-alpinebits-clientprotocolversion": (isinstance(command, Ping) and command.version) or profile.version,
        "x-alpinebits-clientid": str(site.options.get("client_id", CLIENT_ID)),
    }
    if site.username:
        headers["authorization"] = compose_basic(site.username, site.password)
    return Request("POST", site.url, headers, body, written.parts)


def decode(command: Command, request: Request, reply: Reply, site: Site, profile: AlpineBitsProfile) -> Decoded:
    """Raises :class:`gateway.errors.CallFailed` when the call did not come through."""
    profile = _spoken(site, profile)
    root = outcomes.read_root(reply, _action_of(command, profile))
    decoded = Decoded(root) if isinstance(root, Refused) else _read(command, root, site, profile)
    again = _ask_again(command, reply, profile)
    return msgspec.structs.replace(decoded, next=again or decoded.next, afresh=outcomes.asked_for(reply))


def _spoken(site: Site, profile: AlpineBitsProfile) -> AlpineBitsProfile:
    """The version that was agreed on, else the profile's."""
    return profile_of(site.agreed.version) if site.agreed is not None else profile


def _ask_again(command: Command, reply: Reply, profile: AlpineBitsProfile) -> Ping | None:
    """A handshake refused with 400 is asked for in the next lower version (protocol sheet, section 1.3); a push that
    is not understood, and any message answered with the wish for a handshake, is followed by one.
    """
    if isinstance(command, Ping):
        lower = [
            version for version in versions_up_to(profile.version) if version < (command.version or profile.version)
        ]
        if reply.status == BAD_REQUEST and lower:
            return msgspec.structs.replace(command, version=lower[0])
        return None
    refused = reply.status == BAD_REQUEST and isinstance(command, PushAvailability | PushRates)
    if refused or outcomes.SEND_HANDSHAKE in reply.body:
        return Ping(id=f"{command.id}-ping", at_ms=command.at_ms)
    return None


def _read(command: Command, root: Node, site: Site, profile: AlpineBitsProfile) -> Decoded:
    match command:
        case Ping():
            return agree(outcomes.read_handshake(root), profile)
        case DeliverReservation():
            return outcomes.read_taken(root, command.reservation_id)
        case RetrieveReservations():
            return outcomes.read_found(root, command, site)
        case ConfirmReservations():
            parts = {one.booking_id: number for number, one in enumerate(command.confirmations)}
            return outcomes.read_numbered(root, parts)
    return outcomes.read_push(root)


def _action_of(command: Command, profile: AlpineBitsProfile) -> str:
    if isinstance(command, PushAvailability | PushRates):
        limits = ASPECT_OF[command.updates[0].settings[0].field] is Aspect.LIMIT
        free_rooms = actions.FREE_ROOMS if actions.FREE_ROOMS in profile.announces else actions.FREE_ROOMS_2018
        return free_rooms if limits else actions.RATE_PLANS
    return _ACTIONS[type(command)]


_ACTIONS: dict[type[Command], str] = {
    Ping: actions.HANDSHAKE,
    DeliverReservation: actions.RES_NOTIF,
    RetrieveReservations: actions.READ,
    ConfirmReservations: actions.NOTIF_REPORT,
}


def write(command: Command, site: Site, profile: AlpineBitsProfile) -> Written:
    """The message with its action; raises :class:`Unsupported`."""
    if isinstance(command, PushAvailability | PushRates):
        strange = {
            setting.field
            for update in command.updates
            for setting in update.settings
            if setting.field not in profile.fields
            or (ASPECT_OF[setting.field] is Aspect.PRICES) != isinstance(command, PushRates)
        }
        if strange:
            raise Unsupported(f"{min(strange).value} has no place in this message")
        if isinstance(command, PushAvailability) and command.complete:
            return Written(*write_complete(command, site, profile.version))
        updates = command.updates[: profile.parts_max]
        return Written(*write_push(updates, site, profile.version, command.at_ms))
    writer = _WRITERS.get(type(command))
    if writer is None:
        raise Unsupported(f"{type(command).__name__} has no place in {site.profile}")
    action, parts = _ACTIONS[type(command)], 1
    if isinstance(command, ConfirmReservations):
        command = msgspec.structs.replace(command, confirmations=command.confirmations[: profile.parts_max])
        parts = len(command.confirmations)
    body = writer(command, site, profile)
    return Written(
        action, message_of(actions.ACTIONS[action].request, body, profile.version_attr, command.at_ms), parts
    )


def _ping(command: Command, site: Site, profile: AlpineBitsProfile) -> str:
    return f"<EchoData>{text(write_offer(offer_of(profile.version)))}</EchoData>"


def _deliver(command: Command, site: Site, profile: AlpineBitsProfile) -> str:
    assert isinstance(command, DeliverReservation)
    one = Outgoing(command.reservation_id, command.revision, command.source, command.modified_ms, command.cards)
    return element("HotelReservations", write_request(one, site, profile.version))


def _retrieve(command: Command, site: Site, profile: AlpineBitsProfile) -> str:
    assert isinstance(command, RetrieveReservations)
    since = command.since_ms
    criteria = element("SelectionCriteria", "", Start=format_instant_ms(since)) if since is not None else ""
    return element("ReadRequests", element("HotelReadRequest", criteria, HotelCode=site.hotel))


def _confirm(command: Command, site: Site, profile: AlpineBitsProfile) -> str:
    """Those that are ours, and as warnings those that could not be."""
    assert isinstance(command, ConfirmReservations)
    taken = [one for one in command.confirmations if not one.error]
    warnings = "".join(
        element("Warning", text(one.error), Type=_BUSINESS_RULE, Code=_UNABLE, RecordID=one.booking_id)
        for one in command.confirmations
        if one.error
    )
    numbers = "".join(
        element(
            "HotelReservation",
            element("UniqueID", "", Type=CANCEL_ID if one.kind is RevisionKind.CANCEL else "14", ID=one.booking_id),
        )
        for one in taken
    )
    details = element("HotelNotifReport", element("HotelReservations", numbers)) if numbers else ""
    return (
        "<Success/>"
        + (element("Warnings", warnings) if warnings else "")
        + (element("NotifDetails", details) if details else "")
    )


_WRITERS: dict[type[Command], Callable[[Command, Site, AlpineBitsProfile], str]] = {
    Ping: _ping,
    DeliverReservation: _deliver,
    RetrieveReservations: _retrieve,
    ConfirmReservations: _confirm,
}
