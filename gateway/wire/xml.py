"""The one entrance for XML from outside.

Whatever arrives becomes UTF-8 first, so that every check below sees the same bytes, and goes through one kind of
parser: no entities, no DTD, no network, no XInclude; libxml2 itself refuses more than 256 levels and texts over 10 MB.
Counts are capped too, because libxml2 accepts a million siblings and 200,000 namespace declarations or attributes.

Three readers: :func:`read_tree` for documents that are looked at from several sides, :func:`collect` for long lists,
which calls a collector per element and builds nothing, and :func:`events` for long documents of any kind.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from typing import Any, Protocol, TypeVar

import msgspec
from lxml import etree

from gateway.errors import Malformed, Reason

Node = etree._Element
Attributes = Mapping[str, str]
Take = Callable[[Attributes], object]


class Limits(msgspec.Struct, frozen=True):
    """``stretch_max`` is the bytes from one ``>`` to the next: a tag with its attributes, or a text.

    It caps attributes before they are read, at a cost one does not notice; counting them afterwards protects nothing.
    """

    bytes_max: int = 20 * 1024 * 1024
    elements_max: int = 500_000  # of trees; a stream keeps none of them
    attributes_max: int = 750_000  # likewise: each takes some 200 bytes, however short it is written
    namespaces_max: int = 256
    stretch_max: int = 64 * 1024


DEFAULT_LIMITS = Limits()

_PEEK_BYTES = 8192

_OPTIONS: dict[str, Any] = {
    # What is read is UTF-8 by then; a parser that guesses could see another document than the checks have seen.
    "encoding": "utf-8",
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "huge_tree": False,
    # Both would split an element's text, and a price must not be changed by a comment.
    "remove_comments": True,
    "remove_pis": True,
}

_DECLARATION = re.compile(rb"^\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})[\"']")
_DECLARATION_TEXT = re.compile(r"^\s*<\?xml[^>]*\?>")
_OTHER_THAN_UTF16 = re.compile(r"^\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*[\"'](?!utf-?16)([^\"']{0,40})", re.IGNORECASE)
# Encodings in which "<" is always, and only, the byte 0x3C.
_PLAIN_CODECS = frozenset(
    ["ascii", "gb2312", "gbk", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "koi8-r"]
    + [f"iso8859-{part}" for part in range(1, 17)]
    + [f"cp{page}" for page in range(1250, 1259)]
)
_POSITION = re.compile(r", line (\d+), column \d+.*", re.DOTALL)


# --- bytes ------------------------------------------------------------------------------------------------------------


def utf8(data: bytes) -> bytes:
    """The document in UTF-8; raises :class:`Malformed` where its bytes don't fit its declared encoding.

    UTF-8 itself is left for the parser to check. Anything not on the list of encodings in use is refused.
    """
    codec = _codec(data)
    if codec is None:
        return data
    try:
        text = codecs.decode(data, codec)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Malformed(f"the document is not {codec} as it says", line=line) from None
    text = text.removeprefix("\ufeff")
    if codec.startswith("utf-16") and (other := _OTHER_THAN_UTF16.match(text)):
        raise Malformed(f"the document's encoding {other[1]!r} is not what its bytes are", line=1)
    return _DECLARATION_TEXT.sub("", text, count=1).encode()


def _codec(data: bytes) -> str | None:
    """The Python codec to decode with; None for UTF-8."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if data[:2] in (b"<\0", b"\0<"):
        return "utf-16-le" if data[:1] == b"<" else "utf-16-be"
    declared = _DECLARATION.match(data.removeprefix(codecs.BOM_UTF8))
    if declared is None:
        return None
    name = declared[1].decode()
    if name.lower() in ("utf-8", "utf8"):
        return None
    try:
        codec = codecs.lookup(name).name
    except LookupError:
        codec = ""
    if codec not in _PLAIN_CODECS or data.startswith(codecs.BOM_UTF8):
        raise Malformed(f"the document's encoding {name!r} is not taken, or not what its bytes are", line=1)
    return codec


def _check(data: bytes, limits: Limits) -> None:
    if len(data) > limits.bytes_max:
        raise Malformed(f"the document is larger than {limits.bytes_max} bytes", Reason.TOO_LARGE)
    if data.count(b"xmlns") > limits.namespaces_max:
        raise Malformed(f"more than {limits.namespaces_max} namespace declarations", Reason.TOO_LARGE)
    # Half a stretch without a ">" is noticed in one of two neighbouring halves, whatever its place.
    half = limits.stretch_max // 2
    for start in range(0, len(data) - half, half):
        if data.find(b">", start, start + half) < 0:
            line = data[:start].count(b"\n") + 1
            raise Malformed(f"a tag or text of more than {half} bytes", Reason.TOO_LARGE, line=line)


def _check_doctype(data: bytes, end: int) -> None:
    """Before a parser meets what it declares. Also true of a comment; no honest message has it there."""
    at = data.find(b"<!DOCTYPE", 0, end)
    if at >= 0:
        raise _no_doctype(data[:at].count(b"\n") + 1)


def _no_doctype(line: int | None = None) -> Malformed:
    return Malformed("a document type declaration is not allowed", Reason.FORBIDDEN_CONTENT, line=line)


def _syntax(error: etree.XMLSyntaxError) -> Malformed:
    text = _POSITION.sub("", str(error.msg or "the document is not well-formed XML")).strip()
    return Malformed(text, line=error.lineno or None)


# --- trees ------------------------------------------------------------------------------------------------------------


class _Locals(dict[Any, str]):
    """Tags repeat endlessly and are kept, but whoever sends can invent new ones, so not all of them for ever."""

    _KEPT_MAX = 4096

    def __missing__(self, tag: str) -> str:
        if len(self) >= self._KEPT_MAX:
            self.clear()
        name = self[tag] = tag.rpartition("}")[2]
        return name


# A tag without its namespace. Looked up rather than called, because that is most of what reading a small tree does.
LOCAL = _Locals()


def name_of(node: Node) -> str:
    """The element's name without its namespace."""
    return LOCAL[node.tag]


def read_tree(data: bytes, limits: Limits = DEFAULT_LIMITS, *, is_utf8: bool = False) -> Node:
    """The root element; raises :class:`Malformed`, with the line where there is one.

    ``is_utf8`` says that the bytes have been through :func:`utf8`.
    """
    if not is_utf8:
        data = utf8(data)
    _check(data, limits)
    _check_doctype(data, len(data))
    # The shortest element has four bytes, so small documents need no counting.
    if len(data) > 4 * limits.elements_max and data.count(b"<") - data.count(b"</") > limits.elements_max:
        raise Malformed(f"more than {limits.elements_max} elements", Reason.TOO_LARGE)
    if len(data) > 5 * limits.attributes_max and data.count(b"=") > limits.attributes_max:
        raise Malformed(f"more than {limits.attributes_max} attributes", Reason.TOO_LARGE)
    try:
        root: Node = etree.fromstring(data, etree.XMLParser(**_OPTIONS))
    except etree.XMLSyntaxError as error:
        raise _syntax(error) from None
    return root


def peek(data: bytes, wait_for: frozenset[str], limits: Limits = DEFAULT_LIMITS) -> Node:
    """The root with only its beginning read: a first child named in ``wait_for`` (local names) is complete.

    For deciding about a long document before reading it. ``data`` is UTF-8 already.
    """
    _check(data, limits)
    _check_doctype(data, _PEEK_BYTES)
    parser = etree.XMLPullParser(events=("start",), **_OPTIONS)
    root: Node | None = None
    try:
        for at in range(0, len(data), _PEEK_BYTES):
            parser.feed(data[at : at + _PEEK_BYTES])
            if root is None:
                root = next((element for _, element in parser.read_events()), None)
                if root is not None and root.getroottree().docinfo.internalDTD is not None:
                    raise _no_doctype()
            if root is not None and len(root) and (len(root) > 1 or name_of(root[0]) not in wait_for):
                return root
        parser.close()
    except etree.XMLSyntaxError as error:
        raise _syntax(error) from None
    if root is None:
        raise Malformed("the document has no root element", line=1)
    return root


# --- streams ----------------------------------------------------------------------------------------------------------


class Collector(Protocol):
    """Takes elements in document order; ``takes`` maps a full tag to the method that gets its attributes.

    An element that is not in ``takes`` is passed over with everything inside it.
    """

    @property
    def takes(self) -> Mapping[str, Take]: ...


C = TypeVar("C", bound=Collector)


class _Stranger(Exception):
    """An element the collector does not take: from here on depth matters."""


def collect(data: bytes, new: Callable[[], C], limits: Limits = DEFAULT_LIMITS, *, peeked: bool = False) -> C:
    """A new collector that has been shown all elements of the document.

    ``peeked`` says that the same bytes, in UTF-8, have been through :func:`peek`, whose checks need no repeating.

    Most documents hold only what the collector takes; they are read without end tags, which cost a fourth of the
    time. At the first other element a fresh collector starts again, with a reader that knows what lies inside what.
    """
    if not peeked:
        data = utf8(data)
        _check(data, limits)
    collector = new()
    try:
        _run(data, _Direct(collector.takes))
    except _Stranger:
        collector = new()
        _run(data, _Skipping(collector.takes))
    return collector


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
    _check(data, limits)
    _check_doctype(data, len(data))
    try:
        yield from etree.iterparse(BytesIO(data), events=("start", "end"), **_OPTIONS)
    except etree.XMLSyntaxError as error:
        raise _syntax(error) from None


def path_to(data: bytes, number: int) -> str:
    """The path of the element that starts as number ``number`` of the document, with ``[n]`` from the second equal one.

    For a document that :func:`events` has been through, when something in it turned out to be wrong.
    """
    target = _Counting(number)
    receiver: Any = target
    parser = etree.XMLParser(target=receiver, **_OPTIONS)
    # In pieces, because the parser reads what it has been given to its end, also when the target wants no more.
    with contextlib.suppress(_Reached, etree.XMLSyntaxError):
        for at in range(0, len(data), _PEEK_BYTES):
            parser.feed(data[at : at + _PEEK_BYTES])
    return "/" + "/".join(target.names)


class _Reached(Exception):
    """The element that was looked for has been met."""


def _run(data: bytes, target: _Direct | _Skipping) -> None:
    # lxml stops at the first exception a target raises and raises it again here.
    receiver: Any = target
    try:
        etree.fromstring(data, etree.XMLParser(target=receiver, **_OPTIONS))
    except etree.XMLSyntaxError as error:
        raise _syntax(error) from None


class _Target:
    def doctype(self, name: str, public_id: str | None, system: str | None) -> None:
        """Met before anything it declares."""
        raise _no_doctype()

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
                raise _Stranger from None
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
    def __init__(self, number: int) -> None:
        self._left = number
        self._counts: list[dict[str, int]] = [{}]
        self.names: list[str] = []

    def start(self, tag: str, attributes: Attributes) -> None:
        name = LOCAL[tag]
        count = self._counts[-1][name] = self._counts[-1].get(name, 0) + 1
        self.names.append(f"{name}[{count}]" if count > 1 else name)
        self._counts.append({})
        self._left -= 1
        if not self._left:
            raise _Reached

    def end(self, tag: str) -> None:
        self.names.pop()
        self._counts.pop()
