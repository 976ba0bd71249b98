"""A message of AlpineBits as we would send it, from what was understood of it.

Guest requests are also written as the answer to those who fetch them. What we never send is not written: complete
sets, new plans, inventories, events, and the answers that only say what became of a message.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from connectors.opentravel._shared.names import first
from connectors.opentravel._shared.rewrite import hotel_of, rewrite
from connectors.opentravel.alpinebits import actions, client
from connectors.opentravel.alpinebits.actions import ACTIONS
from connectors.opentravel.alpinebits.base_rates import write_question
from connectors.opentravel.alpinebits.encode_ari import message_of
from connectors.opentravel.alpinebits.encode_requests import write_request
from connectors.opentravel.alpinebits.handshake import write_offer
from connectors.opentravel.alpinebits.profile import AlpineBitsProfile
from connectors.opentravel.alpinebits.reading import read_message
from connectors.opentravel.alpinebits.rules_pulls import check_ping
from gateway.contract import Site
from gateway.errors import Unsupported
from gateway.messages import Command, Event, Outgoing, PlansAsked, Query, ReservationReceived
from gateway.wire.xml import Node, name_of
from gateway.wire.xmlwrite import element, text

# Overlays do not say what their amounts mean; whichever it is, the same amounts are written again.
_BASIS = {"rate_basis": "room"}
# The standard lets a hotel go by its name alone; ours go by their codes.
_NO_HOTEL = "HOTEL"
_HOLDERS = {"OTA_ResRetrieveRS": "ReservationsList", "OTA_HotelResNotifRQ": "HotelReservations"}


def write_anew(root: Node, action: str, name: str, profile: AlpineBitsProfile) -> bytes:
    """Raises :class:`gateway.errors.Refusal` for what we never send."""
    if action == actions.HANDSHAKE and name_of(root) == ACTIONS[action].request:
        offer = f"<EchoData>{text(write_offer(check_ping(root)))}</EchoData>"
        return message_of(name_of(root), offer, root.get("Version") or "1.0", 0)
    site = Site("inspection", name, "", "EUR", options=_BASIS)
    if name_of(root) not in (ACTIONS[action].request, "OTA_ResRetrieveRS"):
        raise Unsupported("such an answer follows from what became of the message")
    if name_of(root) in _HOLDERS:
        found = read_message(root, actions.RES_NOTIF, site, [])
        return _requests(root, found, site, profile)
    found = read_message(root, action, site, [])
    if isinstance(found[0], PlansAsked):
        return message_of(name_of(root), write_question(found[0]), root.get("Version") or "1.0", None)
    own = msgspec.structs.replace(site, hotel=hotel_of(found) or _NO_HOTEL, currency=_currency(root) or site.currency)

    def write(command: Command) -> tuple[bytes, int]:
        written = client.write(command, own, profile)
        return written.body, written.parts

    return rewrite(name_of(root), found, write)


def _requests(root: Node, found: Sequence[Event | Query], site: Site, profile: AlpineBitsProfile) -> bytes:
    """Any number of them stands in one message."""
    requests = [one for one in found if isinstance(one, ReservationReceived)]
    written = "".join(write_request(_outgoing(one), _at(site, one), profile.version) for one in requests)
    success = "<Success/>" if name_of(root).endswith("RS") else ""
    body = success + element(_HOLDERS[name_of(root)], written)
    return message_of(name_of(root), body, root.get("Version") or "1.0", 0)


def _outgoing(one: ReservationReceived) -> Outgoing:
    revision = one.revision
    at_ms = revision.version or revision.created_ms or 0
    return Outgoing(revision.booking_id, revision, revision.channel, at_ms)


def _at(site: Site, one: ReservationReceived) -> Site:
    return msgspec.structs.replace(site, hotel=one.hotel or _NO_HOTEL)


def _currency(root: Node) -> str:
    plan = first(root, "RatePlans", "RatePlan")
    return (plan.get("CurrencyCode") or "") if plan is not None else ""
