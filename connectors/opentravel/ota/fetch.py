"""Reservations of a channel that waits to be asked: OTA_ReadRQ, its answer, and OTA_NotifReportRQ (sheet, 5.4)."""

from __future__ import annotations

from itertools import takewhile

from msgspec.structs import replace

from connectors.opentravel._shared import names, outcomes
from connectors.opentravel._shared.answers import writable
from connectors.opentravel._shared.decode_reservation import Reader
from connectors.opentravel._shared.envelope import message
from connectors.opentravel._shared.fetched import acknowledge, outcome_of
from connectors.opentravel._shared.message_id import ID_CHARS_MAX, MESSAGE_CONTEXT, numbered
from connectors.opentravel._shared.names import every, value
from connectors.opentravel._shared.profile import Profile
from connectors.opentravel.ota.read import zone_of
from gateway.contract import Arrived, Confirmed, Decoded, Reply, Site
from gateway.errors import Unsupported
from gateway.messages import Confirmation, ConfirmReservations, RetrieveReservations
from gateway.model.reservation import RevisionKind
from gateway.wire.xml import Node, name_of
from gateway.wire.xmlwrite import attributes, element, text

_NOT_TAKEN = {"Type": "3", "Code": "450"}


def write_question(command: RetrieveReservations, site: Site, profile: Profile) -> bytes:
    """Whatever they hold as undelivered."""
    if command.since_ms is not None:
        raise Unsupported("only what was not delivered yet is asked for")
    criteria = '<SelectionCriteria SelectionType="Undelivered"/>'
    request = element("HotelReadRequest", criteria, HotelCode=site.hotel)
    content = element("ReadRequests", request)
    return message(names.READ, content, token=command.id, at_ms=command.at_ms, version=profile.version_attr)


def write_report(command: ConfirmReservations, site: Site, profile: Profile) -> tuple[bytes, int]:
    """The leading ones that were all taken, or all not, since one message says either Success or Errors."""
    if not command.confirmations:
        raise Unsupported("there is nothing to confirm")
    error = command.confirmations[0].error
    alike = list(takewhile(lambda one: one.error == error, command.confirmations))
    outcome = "<Success/>"
    if error:
        outcome = f"<Errors>{element('Error', text(writable(error)), **_NOT_TAKEN)}</Errors>"
    hotel = element("BasicPropertyInfo", "", HotelCode=site.hotel) if profile.release == "2015A" else ""
    listed = "".join(f"<HotelReservation>{_ids(one, hotel)}</HotelReservation>" for one in alike)
    details = f"<HotelReservations>{listed}</HotelReservations>"
    content = f"{outcome}<NotifDetails><HotelNotifReport>{details}</HotelNotifReport></NotifDetails>"
    version = profile.version_attr
    return message(names.NOTIF_REPORT, content, token=command.id, at_ms=command.at_ms, version=version), len(alike)


def read_found(command: RetrieveReservations, reply: Reply, site: Site, profile: Profile) -> Decoded:
    """The reservations, each with its confirmation. One that cannot be read does not hold up the others.

    Where there are more of them the same question brings them, once these are confirmed.
    """
    if closed := outcomes.refused_by_http(reply):
        return Decoded(closed)
    root = outcomes.readable(reply)
    judged = outcomes.judge(root, names.RETRIEVED, {}, profile.warnings_skip)
    if not isinstance(judged.outcome, Confirmed) or name_of(root) != names.RETRIEVED:
        return judged
    found, refusals = Reader(site.hotel, site.currency, zone_of(site), site.cards).read_each(root)
    messages = _messages(root)
    numbered_ones = ((n, event, messages.get(event.revision.booking_id, "")) for n, event in enumerate(found, start=1))
    arrived = tuple(Arrived(event, acknowledge(event, command, n, number)) for n, event, number in numbered_ones)
    # What cannot be read stays there unconfirmed: asked again at once, it would come again.
    more = value(root, "MoreIndicator") in ("true", "1") and bool(found) and not refusals
    follow = replace(command, id=f"{command.id}-next") if more else None
    return Decoded(outcome_of(refusals, "reservation"), events=arrived, next=follow)


def _ids(one: Confirmation, hotel: str) -> str:
    """What it goes by there: the message's number where it had one, else the reservation's or its cancellation's."""
    kind = names.CANCELLATION_ID if one.kind is RevisionKind.CANCEL else names.RESERVATION_ID
    unique = f'<UniqueID Type="{kind}"{attributes(ID=one.booking_id[:ID_CHARS_MAX])}/>'
    if one.message:
        unique += numbered(one.message[:ID_CHARS_MAX])
    ours = element("HotelReservationID", "", ResID_Type=names.HOTEL_ID, ResID_Value=one.reservation_id[:64])
    return f"{unique}<ResGlobalInfo><HotelReservationIDs>{ours}</HotelReservationIDs>{hotel}</ResGlobalInfo>"


def _messages(root: Node) -> dict[str, str]:
    """Reservation → the number of the message about it."""
    found: dict[str, str] = {}
    for node in every(root, *names.RESERVATION_LISTS[names.RETRIEVED]):
        unique = every(node, "UniqueID")
        number = next((value(one, "ID") for one in unique if value(one, "ID_Context") == MESSAGE_CONTEXT), "")
        found |= {value(one, "ID"): number for one in unique if value(one, "Type") == names.RESERVATION_ID}
    return found
