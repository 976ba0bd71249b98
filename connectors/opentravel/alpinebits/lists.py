"""Code lists the rules look at (protocol sheet, section 9): OpenTravel lists by range, ISO lists as tables."""

from __future__ import annotations

import re

from connectors.opentravel._shared.code_lists import numbers
from connectors.opentravel.alpinebits.faults import broken, need
from connectors.opentravel.alpinebits.terms import V2024
from gateway.errors import Reason
from gateway.wire.xml import Node
from mappings import CodeTable, load

ROOM_CLASSES = numbers("GRI")
ROOM_AMENITIES = numbers("RMA")
INFORMATION = numbers("INF")
PICTURES = numbers("PIC")
HOTEL_AMENITIES = numbers("HAC")
PROXIMITIES = numbers("PRX")
PHYSICALLY_CHALLENGED = numbers("PHY")

DESCRIPTION, SHORT_DESCRIPTION, PICTURE, VIDEO, LONG_NAME = "1", "17", "23", "24", "25"

# AlpineBits' own lists of room and hotel amenities, since 2024-10.
OWN_ROOM_AMENITIES = ("ABR", range(1, 90))
OWN_HOTEL_AMENITIES = ("ABH", range(1, 176))

_OWN_CODE = re.compile(r"([0-9]{1,4})\.([A-Z]{3})")


def need_code(node: Node, attribute: str, codes: range) -> str:
    """A number out of a list."""
    text = need(node, attribute)
    if not _is_in(text, codes):
        raise _unlisted(node, attribute, text)
    return text


def need_amenity(node: Node, attribute: str, codes: range, own: tuple[str, range], version: str) -> str:
    """A number out of a list of OpenTravel's or, since 2024-10, of AlpineBits' own."""
    text = need(node, attribute)
    match = _OWN_CODE.fullmatch(text) if version >= V2024 else None
    if match and match[2] == own[0] and _is_in(match[1], own[1]):
        return text
    if not _is_in(text, codes):
        raise _unlisted(node, attribute, text)
    return text


def need_currency(node: Node) -> str:
    """CurrencyCode, of ISO 4217."""
    text = need(node, "CurrencyCode")
    if text not in load("codes", "iso4217", CodeTable).entries:
        raise broken(node, f"{text[:20]!r} is not a currency", Reason.CURRENCY, "CurrencyCode")
    return text


def need_language(node: Node) -> str:
    """Language, of ISO 639-1."""
    text = need(node, "Language")
    if text not in load("codes", "iso639", CodeTable).entries:
        raise broken(node, f"{text[:20]!r} is not a language", Reason.INVALID_VALUE, "Language")
    return text


def _is_in(text: str, codes: range) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9 and int(text) in codes


def _unlisted(node: Node, attribute: str, text: str) -> Exception:
    return broken(node, f"{text[:20]!r} is not in the list of codes", Reason.INVALID_VALUE, attribute)
