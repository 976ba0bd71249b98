"""Commands to Google's four messages (notes on other dialects, section 1)."""

from __future__ import annotations

import re

import msgspec

from connectors.opentravel._shared.encode_ari import encode_push
from connectors.opentravel._shared.encode_part import PartWriter
from connectors.opentravel._shared.envelope import message
from connectors.opentravel._shared.names import AVAIL, INV_COUNT, RATES
from connectors.opentravel._shared.profile import Profile
from connectors.opentravel._shared.times import format_instant_ms
from gateway.contract import Capabilities, Site
from gateway.errors import Reason, Unsupported
from gateway.messages import Described, PushAvailability, PushContent, PushRates
from gateway.model.ari import AriUpdate, Field
from gateway.wire.xmlwrite import attributes, element, text

TRANSACTION = "Transaction"
# The message, and the service that takes it below the account's address.
PATHS = {
    AVAIL: "ota/hotel_avail_notif",
    RATES: "ota/hotel_rate_amount_notif",
    INV_COUNT: "ota/hotel_inv_count_notif",
    TRANSACTION: "property_data",
}
_NOT_IN_TOKENS = re.compile(r"[^A-Za-z0-9_-]")
_AVAILABLE = "2"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


class Written(msgspec.Struct, frozen=True):
    """``root`` names the message, ``parts`` is how many updates of the command it carries."""

    root: str
    body: bytes
    parts: int = 1


def token_of(command_id: str) -> str:
    """Letters, digits, underscores and hyphens only."""
    return _NOT_IN_TOKENS.sub("_", command_id)


def partner(site: Site) -> str:
    """The partner key, which is what they know us by."""
    return str(site.options.get("partner", "")) or site.username


def push(command: PushAvailability | PushRates, site: Site, profile: Profile, limits: Capabilities) -> Written:
    """One message. Where inventory goes by counts, the leading updates that belong into one kind of message."""
    given = msgspec.structs.replace(command, id=token_of(command.id))
    counted = profile.inventory == "inv_count"
    if isinstance(given, PushAvailability) and counted and given.updates:
        counts = _is_count(given.updates[0])
        same = next((n for n, update in enumerate(given.updates) if _is_count(update) != counts), len(given.updates))
        given = msgspec.structs.replace(given, updates=given.updates[:same])
        if counts:
            return _counts(given, site, profile, limits)
    body, parts = encode_push(given, site.hotel, profile, limits, _pos(site))
    return Written(RATES if isinstance(command, PushRates) else AVAIL, body, parts)


def _is_count(update: AriUpdate) -> bool:
    return any(setting.field is Field.FIGURE for setting in update.settings)


def _pos(site: Site) -> str:
    """RequestorID without the Type that OpenTravel demands: that is how they document it."""
    return f"<POS><Source>{element('RequestorID', '', ID=partner(site))}</Source></POS>"


def _counts(command: PushAvailability, site: Site, profile: Profile, limits: Capabilities) -> Written:
    updates = command.updates[: limits.parts_max]
    writer = PartWriter(profile, limits)
    items = "".join(_count(writer, update) for update in updates)
    listed = element("Inventories", items, HotelCode=site.hotel)
    body = message(INV_COUNT, _pos(site) + listed, token=command.id, at_ms=command.at_ms, version=profile.version_attr)
    return Written(INV_COUNT, body, len(updates))


def _count(writer: PartWriter, update: AriUpdate) -> str:
    if len(update.settings) != 1 or update.plan:
        raise Unsupported("a count belongs to the room type, and stands alone", Reason.INVALID_VALUE)
    rooms = update.settings[0].value
    if rooms < 0:
        raise Unsupported(f"{rooms} rooms", Reason.INVALID_VALUE)
    count = element("InvCount", "", Count=str(rooms), CountType=_AVAILABLE)
    return f"<Inventory>{writer.control(update)}<InvCounts>{count}</InvCounts></Inventory>"


def content(command: PushContent, site: Site) -> Written:
    """Property data: the room types and packages that the other messages speak of, all of them."""
    rooms = "".join(_described("Room", one, site) for one in command.rooms)
    packages = "".join(_described("Package", one, site) for one in command.plans)
    hotel = f"<Property>{text(site.hotel)}</Property>"
    given = attributes(timestamp=format_instant_ms(command.at_ms), id=token_of(command.id), partner=partner(site))
    data = f'<PropertyDataSet action="overlay">{hotel}{rooms}{packages}</PropertyDataSet>'
    return Written(TRANSACTION, f"{_DECLARATION}<{TRANSACTION}{given}>{data}</{TRANSACTION}>".encode())


def _described(kind: str, one: Described, site: Site) -> str:
    if not one.code:
        raise Unsupported("what is described needs its code", Reason.REQUIRED_MISSING)
    language = str(site.options.get("language", "en"))
    name = f"<Name>{element('Text', '', text=one.name, language=language)}</Name>" if one.name else ""
    return f"<{kind}Data><{kind}ID>{text(one.code)}</{kind}ID>{name}</{kind}Data>"
