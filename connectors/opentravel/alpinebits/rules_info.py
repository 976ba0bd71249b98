"""HotelInfo: the rules of OTA_HotelDescriptiveContentNotif:Info.

Sources: AlpineBits HotelData, chapter Inventory/HotelInfo; protocol sheet, section 5.3. Contact data, awards and
policies have files of their own.
"""

from __future__ import annotations

import re

from connectors.opentravel._shared.names import every, first
from connectors.opentravel.alpinebits.faults import broken, missing, need, need_child, no_attributes, no_children
from connectors.opentravel.alpinebits.hotels import check_hotel
from connectors.opentravel.alpinebits.lists import (
    DESCRIPTION,
    HOTEL_AMENITIES,
    OWN_HOTEL_AMENITIES,
    PHYSICALLY_CHALLENGED,
    PICTURE,
    PROXIMITIES,
    SHORT_DESCRIPTION,
    VIDEO,
    need_amenity,
    need_code,
)
from connectors.opentravel.alpinebits.rules_contact import check_awards, check_contacts
from connectors.opentravel.alpinebits.rules_media import check_images, check_only, check_texts
from connectors.opentravel.alpinebits.rules_policies import check_policies
from connectors.opentravel.alpinebits.terms import V2020, Terms
from gateway.errors import Reason
from gateway.wire.xml import Node

_BASIC_ONLY = ("MinOccupancy", "MaxOccupancy", "MaxChildOccupancy", "ID")
_CATEGORY = re.compile(r"[^_:]+_[^_]+:[^_:]+")
_FOUND_IN_INFO = ("CategoryCodes", "Descriptions", "Position", "Services")
_ITEMS = ("TextItems", "ImageItems", "VideoItems")
_ENTRIES_MAX = 4
_PICTURE_KINDS = frozenset(("1", "2", "4", "12", "15", "22"))
_VIDEO_KINDS = frozenset(("1", "2", "4", "12", "20", "22"))
_PHYSICALLY_CHALLENGED_SERVICE = "47"


def check(root: Node, terms: Terms) -> None:
    """Until 2018-10 pictures of rooms, since 2020-10 the hotel itself."""
    content = need_child(root, "HotelDescriptiveContents", "HotelDescriptiveContent")
    check_hotel(content)
    if terms.version < V2020:
        _check_pictures_of_rooms(content)
        return
    no_children(content, frozenset(("FacilityInfo",)), "in the description of the hotel")
    blocks = {
        "HotelInfo": lambda node: _check_hotel_info(node, terms.version),
        "Policies": check_policies,
        "AffiliationInfo": check_awards,
        "ContactInfos": check_contacts,
    }
    for name, check_block in blocks.items():
        if (block := first(content, name)) is not None:
            check_block(block)


def _check_pictures_of_rooms(content: Node) -> None:
    """2018-10."""
    for room in every(need_child(content, "FacilityInfo"), "GuestRooms", "GuestRoom"):
        need(room, "Code")
        no_attributes(room, _BASIC_ONLY, "in the description of the hotel")
        no_children(room, frozenset(("Amenities", "TypeRoom")), "in the description of the hotel")
        for entry in every(room, "MultimediaDescriptions", "MultimediaDescription"):
            no_attributes(entry, ("InfoCode",), "in the description of the hotel")
            no_children(entry, frozenset(("TextItems",)), "in the description of the hotel")
            check_images(need_child(entry, "ImageItems"))


def _check_hotel_info(info: Node, version: str) -> None:
    if all(first(info, name) is None for name in _FOUND_IN_INFO):
        raise broken(info, f"HotelInfo needs one of {', '.join(_FOUND_IN_INFO)}", Reason.REQUIRED_MISSING)
    if (codes := first(info, "CategoryCodes")) is not None:
        _check_category(codes)
    if (descriptions := first(info, "Descriptions")) is not None:
        _check_media(need_child(descriptions, "MultimediaDescriptions"))
    if (position := first(info, "Position")) is not None:
        _check_position(position)
    if (services := first(info, "Services")) is not None:
        _check_services(services, version)


def _check_category(codes: Node) -> None:
    categories = every(codes, "HotelCategory")
    if len(categories) != 1:
        raise broken(codes, "there is exactly one HotelCategory")
    detail = need(categories[0], "CodeDetail")
    if not _CATEGORY.fullmatch(detail):
        text = f"{detail[:40]!r} is not a category (scheme_list:code)"
        raise broken(categories[0], text, Reason.INVALID_VALUE, "CodeDetail")


def _check_media(holder: Node) -> None:
    entries = every(holder, "MultimediaDescription")
    if not 1 <= len(entries) <= _ENTRIES_MAX:
        raise broken(holder, f"{len(entries)} MultimediaDescription elements are too few or too many")
    seen: set[str] = set()
    for entry in entries:
        code = need(entry, "InfoCode")
        if code in seen:
            raise broken(entry, f"InfoCode {code} is there twice", attribute="InfoCode")
        seen.add(code)
        _check_entry(entry, code)


def _check_entry(entry: Node, code: str) -> None:
    if code in (DESCRIPTION, SHORT_DESCRIPTION):
        check_texts(_only(entry, "TextItems"), all_items=True)
    elif code == PICTURE:
        images = _only(entry, "ImageItems")
        check_images(images)
        _check_kinds(every(images, "ImageItem"), _PICTURE_KINDS)
    elif code == VIDEO:
        _check_videos(_only(entry, "VideoItems"))
    else:
        raise broken(entry, f"InfoCode {code[:20]!r} has no place here", Reason.INVALID_VALUE, "InfoCode")


def _only(entry: Node, wanted: str) -> Node:
    return check_only(entry, wanted, [name for name in _ITEMS if name != wanted])


def _check_videos(holder: Node) -> None:
    items = every(holder, "VideoItem")
    if not items:
        raise missing(holder, "VideoItem")
    for item in items:
        need_child(item, "VideoFormat", "URL")
    _check_kinds(items, _VIDEO_KINDS)


def _check_kinds(items: list[Node], allowed: frozenset[str]) -> None:
    """One picture or video of each kind."""
    seen: set[str] = set()
    for item in items:
        kind = need(item, "Category")
        if kind not in allowed:
            raise broken(item, f"Category {kind[:20]!r} has no place here", Reason.INVALID_VALUE, "Category")
        if kind in seen:
            raise broken(item, f"Category {kind} is there twice", attribute="Category")
        seen.add(kind)


def _check_position(position: Node) -> None:
    point = position.get("Latitude") is not None and position.get("Longitude") is not None
    height = position.get("Altitude") is not None and position.get("AltitudeUnitOfMeasureCode") is not None
    if not (point or height):
        raise broken(position, "neither a point nor an altitude is complete", Reason.REQUIRED_MISSING)


def _check_services(holder: Node, version: str) -> None:
    services = every(holder, "Service")
    if not services:
        raise missing(holder, "Service")
    for service in services:
        code = need_amenity(service, "Code", HOTEL_AMENITIES, OWN_HOTEL_AMENITIES, version)
        need_code(service, "ProximityCode", PROXIMITIES)
        if code == _PHYSICALLY_CHALLENGED_SERVICE:
            for feature in every(service, "Features", "Feature"):
                need_code(feature, "AccessibleCode", PHYSICALLY_CHALLENGED)
