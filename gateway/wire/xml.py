"""The one entrance for XML from outside.

Whatever arrives becomes UTF-8 first, so that every check below sees the same bytes, and goes through one kind of
parser: no entities, no DTD, no network, no XInclude; libxml2 itself refuses more than 256 levels and texts over 10 MB.
Counts are capped too, because libxml2 accepts a million siblings and 200,000 namespace declarations or attributes.

Here are the readers of trees, for documents that are looked at from several sides; those of long documents, which build
none, are in :mod:`gateway.wire.xml_streams` and use the same parser.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from lxml import etree

from gateway.errors import Malformed, Reason

Node = etree._Element
Attributes = Mapping[str, str]


class Limits(msgspec.Struct, frozen=True):
    """``stretch_max`` is the bytes from one ``>`` to the next, where a text of up to ``text_max`` is not counted.

    It caps attributes before they are read, at a cost one does not notice; counting them afterwards protects nothing.
    """

    bytes_max: int = 20 * 1024 * 1024
    elements_max: int = 500_000  # of trees; a stream keeps none of them
    attributes_max: int = 750_000  # likewise: each takes some 200 bytes, however short it is written
    namespaces_max: int = 4096
    stretch_max: int = 64 * 1024
    text_max: int = 64 * 1024


DEFAULT_LIMITS = Limits()

PEEK_BYTES = 8192

PARSER_OPTIONS: dict[str, Any] = {
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
    # Nobody looks an element up by its xml:id.
    "collect_ids": False,
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
_NAMESPACE_BYTES = len(b"xmlns=''")
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


def check(data: bytes, limits: Limits) -> None:
    if len(data) > limits.bytes_max:
        raise Malformed(f"the document is larger than {limits.bytes_max} bytes", Reason.TOO_LARGE)
    # A short document has no room for so many.
    if len(data) > _NAMESPACE_BYTES * limits.namespaces_max and data.count(b"xmlns") > limits.namespaces_max:
        raise Malformed(f"more than {limits.namespaces_max} namespace declarations", Reason.TOO_LARGE)
    # Half a stretch without a ">" is noticed in one of two neighbouring halves, whatever its place.
    half = limits.stretch_max // 2
    start, end = 0, len(data) - half
    while start < end:
        start = start + half if data.find(b">", start, start + half) >= 0 else _past_text(data, start, half, limits)


def _past_text(data: bytes, start: int, tag_max: int, limits: Limits) -> int:
    """The end of the tag behind a long text; raises where it is the tag that is long."""
    began = data.rfind(b">", 0, start) + 1
    opened = data.find(b"<", began)
    closed = data.find(b">", start)
    if not 0 <= opened - began <= limits.text_max or not 0 <= closed - opened <= tag_max:
        line = data[:start].count(b"\n") + 1
        raise Malformed(f"a tag of more than {tag_max} bytes, or a longer text", Reason.TOO_LARGE, line=line)
    return closed


def check_doctype(data: bytes, end: int) -> None:
    """Before a parser meets what it declares. Also true of a comment; no honest message has it there."""
    # Single bytes are found ten times faster than several, and hardly a message has this one.
    at = data.find(b"!", 0, end)
    if at >= 0 and (at := data.find(b"<!DOCTYPE", max(at - 1, 0), end)) >= 0:
        raise no_doctype(data[:at].count(b"\n") + 1)


def no_doctype(line: int | None = None) -> Malformed:
    return Malformed("a document type declaration is not allowed", Reason.FORBIDDEN_CONTENT, line=line)


def syntax_fault(error: etree.XMLSyntaxError) -> Malformed:
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
    check(data, limits)
    check_doctype(data, len(data))
    # The shortest element has four bytes, so small documents need no counting.
    if len(data) > 4 * limits.elements_max and data.count(b"<") - data.count(b"</") > limits.elements_max:
        raise Malformed(f"more than {limits.elements_max} elements", Reason.TOO_LARGE)
    if len(data) > 5 * limits.attributes_max and data.count(b"=") > limits.attributes_max:
        raise Malformed(f"more than {limits.attributes_max} attributes", Reason.TOO_LARGE)
    try:
        root: Node = etree.fromstring(data, etree.XMLParser(**PARSER_OPTIONS))
    except etree.XMLSyntaxError as error:
        raise syntax_fault(error) from None
    return root


def peek(data: bytes, wait_for: frozenset[str], limits: Limits = DEFAULT_LIMITS) -> Node:
    """The root with only its beginning read: a first child named in ``wait_for`` (local names) is complete.

    For deciding about a long document before reading it. ``data`` is UTF-8 already.
    """
    check(data, limits)
    check_doctype(data, PEEK_BYTES)
    parser = etree.XMLPullParser(events=("start",), **PARSER_OPTIONS)
    root: Node | None = None
    try:
        for at in range(0, len(data), PEEK_BYTES):
            parser.feed(data[at : at + PEEK_BYTES])
            if root is None:
                root = next((element for _, element in parser.read_events()), None)
                if root is not None and root.getroottree().docinfo.internalDTD is not None:
                    raise no_doctype()
            if root is not None and len(root) and (len(root) > 1 or name_of(root[0]) not in wait_for):
                return root
        parser.close()
    except etree.XMLSyntaxError as error:
        raise syntax_fault(error) from None
    if root is None:
        raise Malformed("the document has no root element", line=1)
    return root
