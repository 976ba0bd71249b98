"""Inventory, basic: the rules of OTA_HotelDescriptiveContentNotif:Inventory.

Sources: AlpineBits HotelData, chapter Inventory/Basic; protocol sheet, section 5.2 (rules 1 to 10 and the additional
ones behind them).
"""

from __future__ import annotations

from connectors.opentravel._shared.names import every, first
from connectors.opentravel.alpinebits.faults import (
    broken,
    missing,
    need,
    need_child,
    no_attributes,
    no_children,
    whole,
)
from connectors.opentravel.alpinebits.hotels import check_hotel
from connectors.opentravel.alpinebits.lists import (
    DESCRIPTION,
    INFORMATION,
    LONG_NAME,
    OWN_ROOM_AMENITIES,
    PICTURE,
    ROOM_AMENITIES,
    ROOM_CLASSES,
    need_amenity,
    need_code,
)
from connectors.opentravel.alpinebits.rules_media import check_images, check_only, check_texts
from connectors.opentravel.alpinebits.terms import INVENTORY, V2020, Terms
from gateway.errors import Reason
from gateway.wire.xml import Node

_OTHER_BLOCKS = frozenset(("HotelInfo", "Policies", "AffiliationInfo", "ContactInfos"))
_HEADING_ONLY = ("MinOccupancy", "MaxOccupancy", "MaxChildOccupancy", "ID")
_DESCRIPTIONS_MAX = 3

# RoomType → the RoomClassificationCode it belongs to: room, apartment, camping ground or pitch.
_CLASS_OF = {"1": "42", "9": "42", **dict.fromkeys("2345", "13"), **dict.fromkeys("678", "5")}


def check(root: Node, terms: Terms) -> None:
    """Rules 1 to 3."""
    content = need_child(root, "HotelDescriptiveContents", "HotelDescriptiveContent")
    check_hotel(content)
    no_children(content, _OTHER_BLOCKS, "in the list of rooms")
    facilities = need_child(content, "FacilityInfo")
    heading = ""
    rooms: set[str] = set()
    for room in every(facilities, "GuestRooms", "GuestRoom"):
        code = need(room, "Code")
        if code == heading:
            _check_following(room, terms, rooms)
        else:
            _check_heading(room, terms)
            heading = code


def _check_heading(room: Node, terms: Terms) -> None:
    """Rules 4 to 9."""
    least, most = whole(room, "MinOccupancy"), whole(room, "MaxOccupancy")
    if room.get("MaxChildOccupancy") is not None:
        children = whole(room, "MaxChildOccupancy")
        if children > most:
            text = f"MaxChildOccupancy is above the MaxOccupancy of {most}"
            raise broken(room, text, Reason.OCCUPANCY, "MaxChildOccupancy")
        if children and not terms.allows(INVENTORY, "occupancy_children"):
            text = f"MaxChildOccupancy is not allowed while {INVENTORY}occupancy_children is off"
            raise broken(room, text, attribute="MaxChildOccupancy")
    kind = need_child(room, "TypeRoom")
    standard = whole(kind, "StandardOccupancy")
    if not least <= standard <= most:
        text = f"StandardOccupancy {standard} is not between {least} and {most}"
        raise broken(kind, text, Reason.OCCUPANCY, "StandardOccupancy")
    _check_class(kind, need_code(kind, "RoomClassificationCode", ROOM_CLASSES), terms.version)
    for amenity in every(room, "Amenities", "Amenity"):
        need_amenity(amenity, "RoomAmenityCode", ROOM_AMENITIES, OWN_ROOM_AMENITIES, terms.version)
    _check_media(need_child(room, "MultimediaDescriptions"))


def _check_class(kind: Node, code: str, version: str) -> None:
    """RoomType and RoomClassificationCode say the same."""
    expected = _CLASS_OF.get(kind.get("RoomType", ""))
    if expected and version >= V2020 and code != expected:
        text = f"RoomType {kind.get('RoomType')} belongs to RoomClassificationCode {expected}, not {code}"
        raise broken(kind, text, Reason.INVALID_VALUE, "RoomType")


def _check_media(holder: Node) -> None:
    """Rule 7: a long name is there, a description and pictures may be."""
    entries = every(holder, "MultimediaDescription")
    if not 1 <= len(entries) <= _DESCRIPTIONS_MAX:
        raise broken(holder, f"{len(entries)} MultimediaDescription elements are too few or too many")
    seen: set[str] = set()
    for entry in entries:
        code = need_code(entry, "InfoCode", INFORMATION)
        if code in seen:
            raise broken(entry, f"InfoCode {code} is there twice", attribute="InfoCode")
        seen.add(code)
        if code in (LONG_NAME, DESCRIPTION):
            check_texts(check_only(entry, "TextItems", ("ImageItems",)))
        elif code == PICTURE:
            check_images(check_only(entry, "ImageItems", ("TextItems",)))
    if LONG_NAME not in seen:
        raise broken(holder, f"a name (InfoCode {LONG_NAME}) is missing", Reason.REQUIRED_MISSING)


def _check_following(room: Node, terms: Terms, rooms: set[str]) -> None:
    """Rule 10: a single room of the category before it."""
    if not terms.allows(INVENTORY, "use_rooms"):
        raise broken(room, f"single rooms are not allowed while {INVENTORY}use_rooms is off", attribute="Code")
    no_attributes(room, _HEADING_ONLY, "on a single room")
    no_children(room, frozenset(("Amenities", "MultimediaDescriptions")), "in a single room")
    kind = first(room, "TypeRoom")
    if kind is None:
        raise missing(room, "TypeRoom")
    number = need(kind, "RoomID")
    no_attributes(kind, ("RoomClassificationCode", "Size", "StandardOccupancy"), "on a single room")
    if number in rooms:
        raise broken(kind, f"the room {number[:20]!r} is there twice", attribute="RoomID")
    rooms.add(number)
