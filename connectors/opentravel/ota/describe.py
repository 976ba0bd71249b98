"""Room types and rate plans as they describe them: OTA_HotelInvNotifRQ and OTA_HotelDescriptiveContentNotifRQ.

Of all that stands there the codes and their names are kept, which is what helps to map them; the message itself stays
in the log. What is removed there stays known here until nobody maps it.
"""

from __future__ import annotations

from collections.abc import Iterable

from connectors.opentravel._shared import names
from connectors.opentravel._shared.names import content, every, first, value
from connectors.opentravel._shared.notif_report import line_of
from gateway.errors import Malformed, Reason
from gateway.messages import ContentReceived, Described
from gateway.wire.xml import Node

_DESCRIBED = ("HotelDescriptiveContents", "HotelDescriptiveContent")
_REMOVED = "Remove"


def read_inventory(root: Node, hotel: str) -> ContentReceived:
    """The room types of SellableProducts; meeting rooms and blocks are none."""
    holder = first(root, "SellableProducts")
    if holder is None:
        raise _missing(root, f"/{names.INVENTORY}/SellableProducts")
    return ContentReceived(value(holder, "HotelCode") or hotel, sellable_rooms(holder))


def sellable_rooms(holder: Node | None) -> tuple[Described, ...]:
    """The room types among the products of an inventory or of a rate plan."""
    products = (one for one in every(holder, "SellableProduct") if value(one, "InvNotifType") != _REMOVED)
    return _distinct(_product(one) for one in products if first(one, "GuestRoom") is not None or value(one, "IsRoom"))


def read_descriptive(root: Node, hotel: str) -> list[ContentReceived]:
    """One event for each hotel described."""
    described = every(root, *_DESCRIBED)
    if not described:
        raise _missing(root, f"/{names.DESCRIPTIVE}/{'/'.join(_DESCRIBED)}")
    return [ContentReceived(value(node, "HotelCode") or hotel, _guest_rooms(node)) for node in described]


def name_in(paragraphs: Iterable[Node]) -> str:
    """The name of the first description that has one, else its first text."""
    listed = list(paragraphs)
    named = (value(one, "Name") for one in listed)
    texts = (content(one) for node in listed for one in every(node, "Text"))
    return next(filter(None, named), "") or next(filter(None, texts), "")


def _product(node: Node) -> Described:
    room = first(node, "GuestRoom", "Room")
    code = value(node, "InvTypeCode") or value(room, "RoomTypeCode") or value(node, "InvCode")
    told = [*every(node, "Description"), *every(first(node, "GuestRoom"), "Description")]
    return Described(code, name_in(told) or value(room, "RoomType"))


def _guest_rooms(described: Node) -> tuple[Described, ...]:
    rooms = every(first(described, "FacilityInfo"), "GuestRooms", "GuestRoom")
    return _distinct(found for room in rooms for found in _guest_room(room))


def _guest_room(room: Node) -> Iterable[Described]:
    """By the codes of its types where it has several, else by its own."""
    types = [one for one in every(room, "TypeRoom") if value(one, "RoomTypeCode")]
    name = value(room, "RoomTypeName")
    own = value(room, "Code") or value(room, "ID")
    if own and len(types) < 2:
        yield Described(own, name or next((value(one, "Name") for one in types), ""))
    else:
        yield from (Described(value(one, "RoomTypeCode"), value(one, "Name") or name) for one in types)


def _distinct(found: Iterable[Described]) -> tuple[Described, ...]:
    """The first of each code; what has no code cannot be mapped."""
    by_code: dict[str, Described] = {}
    for one in found:
        if one.code:
            by_code.setdefault(one.code, one)
    return tuple(by_code.values())


def _missing(root: Node, path: str) -> Malformed:
    return Malformed("there is nothing in it", Reason.REQUIRED_MISSING, path=path, line=line_of(root))
