"""Long XML documents, read as they come: into a collector, or as events, without building a tree.

What may be in them is for :mod:`gateway.wire.xml` to say: the same options and checks hold for every reader.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from typing import Any, Protocol, TypeVar

from lxml import etree

from gateway.errors import Malformed
from gateway.wire.xml import (
    DEFAULT_LIMITS,
    LOCAL,
    PARSER_OPTIONS,
    PEEK_BYTES,
    Attributes,
    Limits,
    Node,
    check,
    check_doctype,
    no_doctype,
    syntax_fault,
    utf8,
)

Take = Callable[[Attributes], object]


class Collector(Protocol):
    """Takes elements in document order; ``takes`` maps a full tag to the method that gets its attributes.

    An element that is not in ``takes`` is passed over with everything inside it.
    """

    @property
    def takes(self) -> Mapping[str, Take]: ...


C = TypeVar("C", bound=Collector)


class Stranger(Exception):
    """An element the collector does not take: from here on depth matters."""


def collect(data: bytes, new: Callable[[], C], limits: Limits = DEFAULT_LIMITS, *, peeked: bool = False) -> C:
    """A new collector that has been shown all elements of the document.

    ``peeked`` says that the same bytes, in UTF-8, have been through :func:`peek`, whose checks need no repeating.

    Most documents hold only what the collector takes; they are read without end tags, which cost a fourth of the
    time. At the first other element a fresh collector starts again, with a reader that knows what lies inside what.
    """
    if not peeked:
        data = utf8(data)
        check(data, limits)
    collector = new()
    try:
        _run(data, _Direct(collector.takes))
    except Stranger:
        collector = new()
        _run(data, _Skipping(collector.takes))
    return collector


def show(data: bytes, takes: Mapping[str, Take]) -> None:
    """All elements to ``takes``; raises :class:`Stranger` at one that it does not hold.

    ``data`` is a part of a document, so a syntax fault comes as lxml's own, whose line means nothing to anybody.
    """
    _parse(data, _Direct(takes))


def replay(root: Node, collector: Collector) -> None:
    """Show an already read tree to a collector, as :func:`collect` would."""
    _replay((root,), collector.takes)


def _replay(elements: Iterable[Node], takes: Mapping[str, Take]) -> None:
    for element in elements:
        tag: Any = element.tag
        take = takes.get(tag)
        if take is not None:
            take(dict(element.attrib))
            _replay(element, takes)


def events(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Iterator[tuple[str, Node]]:
    """``start`` and ``end`` of every element of a document in UTF-8, with lines; raises :class:`Malformed` on the way.

    Whoever takes the events removes what has been read from its parent, otherwise it becomes a tree. The text inside
    an element is complete at its end, the text behind it at the next event.
    """
    check(data, limits)
    check_doctype(data, len(data))
    try:
        yield from etree.iterparse(BytesIO(data), events=("start", "end"), **PARSER_OPTIONS)
    except etree.XMLSyntaxError as error:
        raise syntax_fault(error) from None


def path_to(data: bytes, number: int) -> str:
    """The path of the element that starts as number ``number`` of the document, with ``[n]`` from the second equal one.

    For a document that :func:`events` has been through, when something in it turned out to be wrong.
    """
    target = _Counting(number)
    receiver: Any = target
    parser = etree.XMLParser(target=receiver, **PARSER_OPTIONS)
    # In pieces, because the parser reads what it has been given to its end, also when the target wants no more.
    with contextlib.suppress(_Reached, etree.XMLSyntaxError):
        for at in range(0, len(data), PEEK_BYTES):
            parser.feed(data[at : at + PEEK_BYTES])
    return "/" + "/".join(target.names)


def names_at_end(data: bytes) -> list[str]:
    """The elements that are open where a document in UTF-8 ends, or stops being one; the root where it was closed."""
    target = _Counting(0)
    receiver: Any = target
    parser = etree.XMLParser(target=receiver, **PARSER_OPTIONS)
    with contextlib.suppress(Malformed, etree.XMLSyntaxError):
        for at in range(0, len(data), PEEK_BYTES):
            parser.feed(data[at : at + PEEK_BYTES])
    return target.names or ([target.root] if target.root else [])


class _Reached(Exception):
    """The element that was looked for has been met."""


def _run(data: bytes, target: _Target) -> None:
    try:
        _parse(data, target)
    except etree.XMLSyntaxError as error:
        raise syntax_fault(error) from None


def _parse(data: bytes, target: _Target) -> None:
    # lxml stops at the first exception a target raises and raises it again here.
    receiver: Any = target
    etree.fromstring(data, etree.XMLParser(target=receiver, **PARSER_OPTIONS))


class _Target:
    def doctype(self, name: str, public_id: str | None, system: str | None) -> None:
        """Met before anything it declares."""
        raise no_doctype()

    def close(self) -> None:
        """Nothing was built."""


class _Direct(_Target):
    def __init__(self, takes: Mapping[str, Take]) -> None:
        known = dict(takes)

        # A closure, because this runs once for every element and attribute look-ups would cost as much as the work.
        def start(tag: str, attributes: Attributes) -> None:
            try:
                take = known[tag]
            except KeyError:
                raise Stranger from None
            take(attributes)

        self.start = start


class _Skipping(_Target):
    def __init__(self, takes: Mapping[str, Take]) -> None:
        self._takes = takes.get
        self._inside = 0

    def start(self, tag: str, attributes: Attributes) -> None:
        if self._inside:
            self._inside += 1
        elif (take := self._takes(tag)) is None:
            self._inside = 1
        else:
            take(attributes)

    def end(self, tag: str) -> None:
        if self._inside:
            self._inside -= 1


class _Counting(_Target):
    """Stops at the start with that number; at none if it is 0."""

    def __init__(self, number: int) -> None:
        self._left = number
        self.root = ""
        self._counts: list[dict[str, int]] = [{}]
        self.names: list[str] = []

    def start(self, tag: str, attributes: Attributes) -> None:
        name = LOCAL[tag]
        count = self._counts[-1][name] = self._counts[-1].get(name, 0) + 1
        self.names.append(f"{name}[{count}]" if count > 1 else name)
        self.root = self.root or name
        self._counts.append({})
        self._left -= 1
        if not self._left:
            raise _Reached

    def end(self, tag: str) -> None:
        self.names.pop()
        self._counts.pop()
