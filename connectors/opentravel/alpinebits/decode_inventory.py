"""Inventory to a list of room types with their names (protocol sheet, section 5)."""

from __future__ import annotations

from connectors.opentravel._shared.names import content, every
from connectors.opentravel.alpinebits.faults import need, need_child
from connectors.opentravel.alpinebits.lists import LONG_NAME
from connectors.opentravel.alpinebits.rules_media import PLAIN
from gateway.messages import ContentReceived, Described
from gateway.wire.xml import Node

_PREFERRED = "en"


def read_inventory(root: Node, hotel: str) -> ContentReceived:
    """The categories; single rooms are no room types of their own."""
    described = need_child(root, "HotelDescriptiveContents", "HotelDescriptiveContent")
    found: dict[str, Described] = {}
    for room in every(need_child(described, "FacilityInfo"), "GuestRooms", "GuestRoom"):
        code = need(room, "Code")
        if code not in found:
            found[code] = Described(code, _name(room))
    return ContentReceived((described.get("HotelCode") or "").strip() or hotel, tuple(found.values()))


def _name(room: Node) -> str:
    """In English where there is one, else the first."""
    names = {
        text.get("Language"): content(text)
        for entry in every(room, "MultimediaDescriptions", "MultimediaDescription")
        if entry.get("InfoCode") == LONG_NAME
        for text in every(entry, "TextItems", "TextItem", "Description")
        if text.get("TextFormat") == PLAIN
    }
    return names.get(_PREFERRED) or next(iter(names.values()), "")
