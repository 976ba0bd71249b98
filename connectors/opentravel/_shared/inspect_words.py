"""What several releases of OpenTravel say of an element or an attribute, put side by side.

Hardly anything was ever removed: of 1,201 children that elements had about 2007, 2011B has all but one, and of 2,970
attributes all but seven. So what an older release allows is nearly always allowed by one of these; what went or was
renamed before stands in a table of its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

from connectors.opentravel._shared.inspect_shapes import schema
from gateway.wire.shape import Schema, Type
from gateway.wire.shape_content import State, lacking, most, relaxed, start
from gateway.wire.shape_values import Value
from mappings import CodeTable, load

# From the newest to the oldest level there is a description of: 2015A, 2011B, 2010A, and one of about 2007.
RELEASES = ("opentravel-2015a", "opentravel-2011b", "siteconnect", "pmsxchange")
# What only older ones had. Its roots are elements, no messages.
FORMER = "opentravel-former"

_MISSING_MAX = 1024  # sets of children that a sender can make us keep for an element
_CHILD = re.compile(r"([^\s:,|(){}?*+<]+):([^\s,|(){}?*+]+)")
_Pair = tuple[str, str]
_Found = frozenset[tuple[Schema, str]]


class Readings:
    """What the releases say of one element, each as a type. ``states`` are before the first child of each reading.

    ``places``: for each child the readings that know it, with how often it may stand there; ``repeated`` the same for
    releases there is no description of. ``text`` is empty where one of them takes any text.
    """

    def __init__(self, element: str, kinds: tuple[Type, ...]) -> None:
        self.element = element
        self.kinds = kinds
        self.states: list[State | None] = [start(relaxed(kind.content[0])) for kind in kinds]
        self.anything = any(kind.begin.after_other(own=False) is not None for kind in kinds)
        self.any_attribute = any(kind.wildcard for kind in kinds)
        self.mixed = any(kind.mixed for kind in kinds) or _once_text(element)
        self.text = [] if self.mixed else [kind.text for kind in kinds if kind.text is not None]
        self.text_only = len(self.text) == len(kinds)
        always = frozenset.intersection(*(frozenset(kind.required) for kind in kinds))
        self.required = always - _once_optional(element)
        self.places: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for at, kind in enumerate(kinds):
            for name, count in most(kind.content[0]).items():
                self.places[name].append((at, count))
        self.repeated = _once_repeated(element)
        self.outcome = all({"Success", "Errors"} <= set(kind.content[1]) for kind in kinds)
        self._children: dict[str, Readings] = {}
        self._values: dict[str, list[Value]] = {}
        self._missing: dict[frozenset[str], tuple[str, ...]] = {}

    def present(self, name: str) -> str:
        """What a child of that name is called since it was renamed, below this element."""
        if name in self.places:
            return name
        return load("codes", "ota_former_names", CodeTable).entries.get(f"{self.element}/{name}", name)

    def child(self, name: str) -> Readings | None:
        """The readings of a child; where none of these knows it, those below other elements of the same name."""
        found = self._children.get(name)
        if found is None:
            tag = f"{{{self.kinds[0].namespace}}}{name}"
            kinds = [kind.children[tag][1] for kind in self.kinds if tag in kind.children]
            if not kinds and not self.anything:
                kinds = [release.type(kind) for release, kind in _pairs()[0].get((self.element, name), ())]
            if not kinds:
                return None
            found = self._children[name] = readings(name, tuple(dict.fromkeys(kinds)))
        return found

    def values(self, name: str) -> list[Value]:
        """What an attribute may say; empty where no release has it here."""
        found = self._values.get(name)
        if found is None:
            found = [kind.attributes[name] for kind in self.kinds if name in kind.attributes]
            if found:
                self._values[name] = found
        return found

    def other_values(self, name: str) -> list[Value]:
        """The same for elements of the same name anywhere."""
        return [release.value(kind) for release, kind in _pairs()[1].get((self.element, name), ())]

    def missing(self, seen: frozenset[str]) -> tuple[str, ...]:
        """The fewest children that would have to be there too; empty if nothing is missing for one of the readings."""
        known = self._missing.get(seen)
        if known is None:
            found = [lacking(kind.content[0], seen) for kind in self.kinds]
            if len(self._missing) >= _MISSING_MAX:
                self._missing.clear()
            known = self._missing[seen] = min(found, key=len) if all(found) else ()
        return known


def _once_text(element: str) -> bool:
    """Whether it held a text before it held elements."""
    kind = _former(element)
    return kind is not None and kind.mixed


def _once_optional(element: str) -> frozenset[str]:
    """The attributes it did not have to have before the releases there is a description of."""
    kind = _former(element)
    return frozenset() if kind is None else frozenset(kind.attributes).difference(kind.required)


def _once_repeated(element: str) -> dict[str, float]:
    """The children that stood there more often than now, and how often at most."""
    kind = _former(element)
    return {} if kind is None else {name: count for name, count in most(kind.content[0]).items() if count > 1}


def _former(element: str) -> Type | None:
    former = schema(FORMER)
    return former.type(former.table.roots[element]) if element in former.table.roots else None


@lru_cache(maxsize=8192)
def readings(element: str, kinds: tuple[Type, ...]) -> Readings:
    """Kept, because most elements of a message repeat."""
    return Readings(element, kinds)


def has_type(name: str) -> bool:
    """Whether a release has a type of that name, for a document that chooses one."""
    return any(name in release.table.types for release in _releases())


def root(name: str) -> Readings | None:
    """What the releases say of a message; None if none has it."""
    found = [release.type(release.table.roots[name]) for release in _releases() if name in release.table.roots]
    return readings(name, tuple(found)) if found else None


@lru_cache(maxsize=1)
def _releases() -> tuple[Schema, ...]:
    return tuple(schema(name) for name in RELEASES)


@lru_cache(maxsize=1)
def _pairs() -> tuple[dict[_Pair, _Found], dict[_Pair, _Found]]:
    """Children by the name of their parent, and attributes by the name of their element."""
    kids: dict[_Pair, set[tuple[Schema, str]]] = defaultdict(set)
    attached: dict[_Pair, set[tuple[Schema, str]]] = defaultdict(set)
    for release in (*_releases(), schema(FORMER)):
        for element, kind in _elements(release):
            row = release.table.types.get(kind, {})
            for name, child in _CHILD.findall(row.get("content", "")):
                kids[element, name].add((release, child))
            for name, value in _CHILD.findall(row.get("attributes", "")):
                attached[element, name].add((release, value.removesuffix("!")))
    return _frozen(kids), _frozen(attached)


def _frozen(found: dict[_Pair, set[tuple[Schema, str]]]) -> dict[_Pair, _Found]:
    return {pair: frozenset(kinds) for pair, kinds in found.items()}


def _elements(release: Schema) -> Iterator[_Pair]:
    """Every element of a release by name and type, each once."""
    todo = list(release.table.roots.items())
    known = set(todo)
    while todo:
        element = todo.pop()
        yield element
        content = release.table.types.get(element[1], {}).get("content", "")
        new = set(_CHILD.findall(content)) - known
        known |= new
        todo += new
