"""Descriptions and pictures, which Inventory, HotelInfo and policies share (protocol sheet, rules 5.2-8 and 5.2-9)."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.opentravel._shared.names import every, first
from connectors.opentravel.alpinebits.faults import broken, missing, need, need_child
from connectors.opentravel.alpinebits.lists import PICTURES, need_code, need_language
from gateway.errors import Reason
from gateway.wire.xml import Node

PLAIN, HTML = "PlainText", "HTML"


def check_descriptions(texts: Sequence[Node]) -> None:
    """Each language once in each format, and a plain text wherever there is one in HTML."""
    seen: dict[tuple[str, str], Node] = {}
    for text in texts:
        kind = need(text, "TextFormat")
        if kind not in (PLAIN, HTML):
            raise broken(text, f"{kind[:20]!r} is no format of texts", Reason.INVALID_VALUE, "TextFormat")
        key = (need_language(text), kind)
        if key in seen:
            raise broken(text, f"there are two texts in {key[0]} as {kind}", attribute="Language")
        seen[key] = text
    check_plain(seen)


def check_plain(seen: dict[tuple[str, str], Node]) -> None:
    """HTML stands beside a plain text of the same language."""
    for (language, kind), text in seen.items():
        if kind == HTML and (language, PLAIN) not in seen:
            raise broken(text, f"there is no plain text in {language or 'this language'}", attribute="TextFormat")


def check_texts(holder: Node, *, all_items: bool = False) -> None:
    """TextItems: at least one TextItem with a description; the reference looks at the first only."""
    items = every(holder, "TextItem")
    if not items:
        raise missing(holder, "TextItem")
    for item in items if all_items else items[:1]:
        texts = every(item, "Description")
        if not texts:
            raise missing(item, "Description")
        check_descriptions(texts)


def check_images(holder: Node) -> None:
    """ImageItems: each with a category, a format and its address."""
    items = every(holder, "ImageItem")
    if not items:
        raise missing(holder, "ImageItem")
    for item in items:
        need_code(item, "Category", PICTURES)
        need_child(item, "ImageFormat", "URL")
        check_descriptions(every(item, "Description"))


def check_only(entry: Node, wanted: str, others: Sequence[str]) -> Node:
    """A MultimediaDescription of one kind: the wanted items are there and no others."""
    found = first(entry, wanted)
    if found is None:
        raise missing(entry, wanted)
    for name in others:
        if (stranger := first(entry, name)) is not None:
            raise broken(stranger, f"{name} is not allowed beside InfoCode {entry.get('InfoCode')}")
    return found
