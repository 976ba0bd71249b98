"""ARI as OpenTravel has it, questions for reservations, and acknowledgements (other dialects, section 2)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec

from connectors.opentravel._shared.encode_ari import encode_push
from connectors.opentravel._shared.envelope import message
from connectors.opentravel._shared.names import RES, RES_MODIFY, RESERVATION_LISTS
from connectors.opentravel._shared.profile import Profile
from gateway.contract import Capabilities, Request, Site
from gateway.errors import Reason, Unsupported
from gateway.messages import Confirmation, ConfirmReservations, PushAvailability, PushRates, RetrieveReservations
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.reservation import RevisionKind
from gateway.wire.http_auth import compose_basic
from gateway.wire.xmlwrite import element

MODIFIED = "modified"  # the cursor of the second question
ROOMS_MAX = 254
CONFIRMATIONS_MAX = 100
_ACK_VERSION = "2.001"
_UNABLE = "450"


def address(base: str, root: str) -> str:
    """``…/ota/OTA_HotelAvailNotif``: the message's name without RQ."""
    return f"{base.rstrip('/')}/ota/{root.removesuffix('RQ')}"


def headers(site: Site, profile: Profile) -> dict[str, str]:
    given = {"content-type": profile.content_type, "accept": "application/xml, text/xml"}
    if site.username:
        given["authorization"] = compose_basic(site.username, site.password)
    return given


def push(
    command: PushAvailability | PushRates, site: Site, profile: Profile, limits: Capabilities
) -> tuple[bytes, int]:
    """The message and its parts. Limits end at 254 rooms, as 255 means something else."""
    capped = msgspec.structs.replace(command, updates=tuple(_capped(update) for update in command.updates))
    return encode_push(capped, site.hotel, profile, limits)


def _capped(update: AriUpdate) -> AriUpdate:
    if not any(setting.field is Field.FIGURE and setting.value > ROOMS_MAX for setting in update.settings):
        return update
    settings = tuple(
        Setting(one.field, min(one.value, ROOMS_MAX), one.guests) if one.field is Field.FIGURE else one
        for one in update.settings
    )
    return msgspec.structs.replace(update, settings=settings)


def reservations_at(site: Site) -> str:
    """Reservations carry cards and live on a host of their own."""
    return str(site.options.get("reservations_url", "")) or site.url


def retrieve(command: RetrieveReservations, site: Site, profile: Profile) -> Request:
    """New reservations first, then (with the cursor) modified and cancelled ones."""
    if command.since_ms is not None:
        raise Unsupported("their queue only holds what is not acknowledged yet", Reason.NOT_IMPLEMENTED)
    root = RES_MODIFY if command.cursor == MODIFIED else RES
    query = urlencode({"hotel_ids": site.hotel})
    return Request("GET", f"{address(reservations_at(site), root)}?{query}", headers(site, profile), b"")


def root_of(kind: RevisionKind) -> str:
    """The message a revision of that kind came in."""
    return RES if kind is RevisionKind.NEW else RES_MODIFY


def leading(confirmations: Sequence[Confirmation]) -> list[Confirmation]:
    """Those that fit into one answer: to the same message, and all of them success or all failure."""
    found: list[Confirmation] = []
    for one in confirmations[:CONFIRMATIONS_MAX]:
        if found and (root_of(one.kind), bool(one.error)) != (root_of(found[0].kind), bool(found[0].error)):
            break
        found.append(one)
    return found


def confirm(command: ConfirmReservations, site: Site, profile: Profile) -> Request:
    """The RS of the message they came in, as a request of ours."""
    some = leading(command.confirmations)
    if not some or not all(one.booking_id for one in some):
        raise Unsupported("there is nothing to acknowledge", Reason.BOOKING_REFERENCE)
    root = root_of(some[0].kind)
    content = _failure(some) if some[0].error else _success(some, root)
    body = message(
        root.removesuffix("RQ") + "RS",
        content,
        token=command.id,
        at_ms=command.at_ms,
        version=_ACK_VERSION,
        Target=profile.target,
    )
    return Request("POST", address(reservations_at(site), root), headers(site, profile), body, len(some))


def _success(confirmations: Sequence[Confirmation], root: str) -> str:
    """OpenTravel 2015A would want BasicPropertyInfo as well; they do not."""
    holder, item = RESERVATION_LISTS[root]
    listed = "".join(
        f"<{item}><ResGlobalInfo><HotelReservationIDs>"
        f"{element('HotelReservationID', '', ResID_Value=one.booking_id)}"
        f"</HotelReservationIDs></ResGlobalInfo></{item}>"
        for one in confirmations
    )
    return f"<Success/>{element(holder, listed)}"


def _failure(confirmations: Sequence[Confirmation]) -> str:
    errors = "".join(
        element("Error", "", Type="3", Code=_UNABLE, RecordID=one.booking_id[:64], ShortText=one.error[:64])
        for one in confirmations
    )
    return f"<Errors>{errors}</Errors>"
