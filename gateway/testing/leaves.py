"""Variants of a fixture with one of its values replaced, whatever the format."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from lxml import etree

from gateway.testing.fixtures import Fixture

LEAVES_MAX = 60

Put = Callable[[str], bytes]  # the whole document with this text in the one place


def variants(fixture: Fixture, texts: Sequence[str], dice: Random) -> Iterator[tuple[str, bytes]]:
    """The place and the changed body, for one of the texts after the other in every place.

    Of large documents it is a sample of the places.
    """
    places_in = {".xml": _xml_places, ".form": _form_places}.get(fixture.path.suffix, _json_places)
    places = list(places_in(fixture.body))
    chosen = dice.sample(places, min(len(places), LEAVES_MAX))
    for (name, put), text in zip(chosen, itertools.cycle(texts), strict=False):
        yield name, put(text)


def _json_places(body: bytes) -> Iterator[tuple[str, Put]]:
    try:
        root = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    for path in _json_leaves(root, ()):
        yield "/".join(map(str, path)), _json_put(root, path)


def _json_leaves(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _json_leaves(below, (*path, key))
    elif path and isinstance(value, str):
        yield path


def _json_put(root: Any, path: tuple[Any, ...]) -> Put:
    def put(text: str) -> bytes:
        changed = copy.deepcopy(root)
        parent = changed
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = text
        return msgspec.json.encode(changed)

    return put


def _form_places(body: bytes) -> Iterator[tuple[str, Put]]:
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    for number, (name, _) in enumerate(pairs):
        yield name, _form_put(pairs, number)


def _form_put(pairs: Sequence[tuple[str, str]], number: int) -> Put:
    def put(text: str) -> bytes:
        return urlencode([(name, text if n == number else value) for n, (name, value) in enumerate(pairs)]).encode()

    return put


def _xml_places(body: bytes) -> Iterator[tuple[str, Put]]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return
    for number, element in enumerate(root.iter(etree.Element)):
        name = etree.QName(element).localname
        for attribute in element.attrib:
            yield f"{name}/@{attribute}", _xml_put(root, number, str(attribute))
        if element.text and element.text.strip():
            yield name, _xml_put(root, number, None)


def _xml_put(root: etree._Element, number: int, attribute: str | None) -> Put:
    def put(text: str) -> bytes:
        changed = copy.deepcopy(root)
        element = next(found for n, found in enumerate(changed.iter(etree.Element)) if n == number)
        if attribute is None:
            element.text = text
        else:
            element.set(attribute, text)
        return etree.tostring(changed, xml_declaration=True, encoding="utf-8")

    return put
