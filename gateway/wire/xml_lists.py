"""Long lists of items that are mostly alike, read by their text.

A parser that hands out every element of 5,000 items costs more than understanding them, and nearly all items end in
something that an earlier one has ended in. So the text is cut into items here. What tells one from another, the
attributes of the item and of its first child (the *head*), is read each time by an expression learnt from the first
item of that shape; what stands behind the head goes through the parser once for each different text of it.

Cutting is exact, because it is only done where the parts make the whole: the document without its items, and what is
behind each head, are well-formed by themselves, heads are plain, and nothing can reach from one part into another
(comments, references, declarations of names). Whatever is written in another way, or is not alike, is left to
:mod:`gateway.wire.xml_streams`, with the same result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from lxml import etree

from gateway.wire import xml_streams
from gateway.wire.xml import DEFAULT_LIMITS, LOCAL, Attributes, Limits
from gateway.wire.xml_streams import Collector, Stranger, Take

S = TypeVar("S")


class ListCollector(Collector, Protocol[S]):
    """A collector whose items can be begun and ended by whoever reads; ``item`` and ``head`` are local names.

    Between the two it is shown the elements behind the head, or nothing where it has seen the same ones before: what
    they say of their item is all in ``said``. ``takes`` knows each name alone and in the namespace.
    """

    item: str
    head: str

    def begin(self, item: Attributes, head: Attributes) -> None: ...

    def said(self) -> S:
        """What the elements behind the head have said, for good: it is used again for other items."""

    def end(self, said: S) -> None: ...

    def finish(self) -> None:
        """Ends the last item, where nobody has but the next one's element."""


C = TypeVar("C", bound=ListCollector[Any])

# Narrower than XML, which allows letters of all languages in names and references and blanks of any kind in values.
_BLANK, _NAME, _VALUE = r"[ \t\r\n]", r"[A-Za-z_][\w.-]*", r"[ !#-;=-~\xa1-\ud7ff]*"
_ATTRIBUTES = rf'((?:{_BLANK}+{_NAME}="{_VALUE}")*){_BLANK}*'
_ATTRIBUTE_NAME = re.compile(rf'({_NAME})="{_VALUE}"')
_END_TAGS = re.compile(rb"(?:\s*</[\w.-]+\s*>)+\s*")
# Where one of these stands, text is not all that it looks like: <!-- -->, <![CDATA[ ]]>, <?x ?>, &x;
_NOT_PLAIN = (b"!", b"?", b"&")
_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*\?>")
# Holds what is behind a head while that is a document.
_PART = "_part"
# What would mean something else there: declarations of names, prefixes (or a time of day), and that itself.
_XMLNS = "xmlns"
_NOT_APART = (_XMLNS, ":", _PART)
# Below that, learning how items are written costs more than it saves.
_LONG_BYTES = 1 << 16
# So much text is cut at a time: all of it at once would take the document's size over again.
_WINDOW_BYTES = 1 << 18
_SHAPES_MAX = 32
_KEPT_MAX = 4096
_SAMPLED = 8  # every eighth
_FEW = 16


class _OtherWay(Exception):
    """The document is written in a way that cutting has no answer to, or its items are not alike."""


def collect(data: bytes, new: Callable[[], C], limits: Limits = DEFAULT_LIMITS) -> C:
    """As :func:`gateway.wire.xml_streams.collect`, for bytes that have been through :func:`gateway.wire.xml.peek`.

    All items are ended.
    """
    if len(data) >= _LONG_BYTES:
        collector = new()
        with suppress(_OtherWay, Stranger, etree.XMLSyntaxError, UnicodeDecodeError):
            _read(data, collector)
            return collector
    collector = xml_streams.collect(data, new, limits, peeked=True)
    collector.finish()
    return collector


def _read(data: bytes, collector: ListCollector[S]) -> None:
    first, last = _span(data, collector.item.encode())
    apart = (collector.item, collector.head)
    takes = {name: take for name, take in collector.takes.items() if LOCAL[name] not in apart}
    xml_streams.show(data[:first] + data[last:], takes)
    end, items = f"</{collector.item}>", _Items(collector, takes)
    for window in _windows(data, first, last, end.encode()):
        texts = window.decode().split(end)[:-1]
        items.check_alike(texts)
        for text in texts:
            items.read(text)


def _span(data: bytes, item: bytes) -> tuple[int, int]:
    """Where the first item starts and the last one ends, in a document that is plain but for them."""
    declared = _DECLARATION.match(data)
    start = declared.end() if declared else 0
    if any(data.find(mark, start) >= 0 for mark in _NOT_PLAIN):
        raise _OtherWay
    begun, end = re.search(rb"<%b[\s>]" % item, data), b"</%b>" % item
    if begun is None or (ended := data.rfind(end, begun.start())) < 0:
        raise _OtherWay
    last = ended + len(end)
    # The first tag behind the items is their list's: only where it has no prefix is its namespace theirs.
    if not _END_TAGS.fullmatch(data, last):
        raise _OtherWay
    return begun.start(), last


def _windows(data: bytes, first: int, last: int, end: bytes) -> Iterator[bytes]:
    """Stretches of whole items."""
    while first < last:
        cut = max(data.rfind(end, first, first + _WINDOW_BYTES), data.find(end, first)) + len(end)
        yield data[first:cut]
        first = cut


class _Shape(NamedTuple):
    """How an item and its head are written, but for the values, which are groups; and the names of these."""

    written: re.Pattern[str]
    item: tuple[str, ...]
    head: tuple[str, ...]


class _Items(Generic[S]):
    """Reads the texts of one document's items."""

    def __init__(self, collector: ListCollector[S], takes: Mapping[str, Take]) -> None:
        self._collector = collector
        self._takes = {**takes, _PART: bool}
        self._any = re.compile(rf"{_BLANK}*<{collector.item}{_ATTRIBUTES}>{_BLANK}*<{collector.head}{_ATTRIBUTES}/>")
        self._shapes: list[_Shape] = []
        self._known: dict[str, S] = {}
        self._is_first = True

    def check_alike(self, texts: Sequence[str]) -> None:
        """Raises :class:`_OtherWay` where much of what is behind the heads would have to be parsed by itself."""
        behind = [text.partition("/>")[2] for text in texts[::_SAMPLED]]
        if len({*behind} - self._known.keys()) > max(_FEW, len(behind) // 2):
            raise _OtherWay

    def read(self, text: str) -> None:
        for shape in self._shapes:
            if found := shape.written.match(text):
                break
        else:
            return self._learn(text)
        values, rest = iter(found.groups()), text[found.end() :]
        self._collector.begin(dict(zip(shape.item, values, strict=False)), dict(zip(shape.head, values, strict=True)))
        said = self._known.get(rest)
        self._collector.end(self._understand(rest) if said is None else said)

    def _learn(self, text: str) -> None:
        found = self._any.match(text)
        if found is None or len(self._shapes) == _SHAPES_MAX:
            raise _OtherWay
        item, head = (tuple(_ATTRIBUTE_NAME.findall(attributes)) for attributes in found.groups())
        if _XMLNS in (*item, *head) or len({*item}) < len(item) or len({*head}) < len(head):
            raise _OtherWay
        parts = map(re.escape, found[0].split('"')[::2])
        self._shapes.append(_Shape(re.compile(f'"({_VALUE})"'.join(parts)), item, head))
        self.read(text)

    def _understand(self, rest: str) -> S:
        if len(self._known) == _KEPT_MAX or any(mark in rest for mark in _NOT_APART):
            raise _OtherWay
        xml_streams.show(f"<{_PART}>{rest}</{_PART}>".encode(), self._takes)
        said = self._collector.said()
        # What stands before the list's items is said of the first one, and of no other that ends in the same.
        if self._is_first:
            self._is_first = False
        else:
            self._known[rest] = said
        return said
