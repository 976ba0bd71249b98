"""The XML entrance: what is hostile or broken ends as a typed refusal, on both readers, without being expanded."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.errors import Malformed, Reason
from gateway.wire import xml, xml_streams

BOMB = (
    b'<!DOCTYPE a [<!ENTITY b0 "'
    + b"x" * 1000
    + b'">'
    + b"".join(b'<!ENTITY b%d "%s">' % (n, b"&b%d;" % (n - 1) * 10) for n in range(1, 9))
    + b"]><a>&b8;</a>"
)


class Everything:
    """Takes every ``a`` and counts them; ``seen`` holds their attributes."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        self.takes: dict[str, xml_streams.Take] = {
            "a": lambda attributes: self.seen.append(dict(attributes)),
            "r": bool,
        }


def by_tree(data: bytes, limits: xml.Limits = xml.DEFAULT_LIMITS) -> object:
    return xml.read_tree(data, limits)


def by_stream(data: bytes, limits: xml.Limits = xml.DEFAULT_LIMITS) -> object:
    return xml_streams.collect(data, Everything, limits)


def by_peek(data: bytes, limits: xml.Limits = xml.DEFAULT_LIMITS) -> object:
    return xml.peek(xml.utf8(data), frozenset(("a",)), limits)


READERS = [by_tree, by_stream, by_peek]
Reader = Callable[..., object]

HOSTILE = {
    "doctype": (b"<!DOCTYPE a><a/>", Reason.FORBIDDEN_CONTENT),
    "entity bomb": (BOMB, Reason.FORBIDDEN_CONTENT),
    "external entity": (
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
        Reason.FORBIDDEN_CONTENT,
    ),
    "doctype in UTF-16": ("<!DOCTYPE a><a/>".encode("utf-16"), Reason.FORBIDDEN_CONTENT),
    "doctype in UTF-16 without BOM": ("<!DOCTYPE a><a/>".encode("utf-16-be"), Reason.FORBIDDEN_CONTENT),
    "doctype after a comment": (b"<?xml version='1.0'?><!-- c --><!DOCTYPE a><a/>", Reason.FORBIDDEN_CONTENT),
    "undeclared entity": (b"<a>&x;</a>", Reason.SYNTAX),
    "deep": (b"<a>" * 300 + b"</a>" * 300, Reason.SYNTAX),
    "200,000 namespaces": (
        b"<a " + b" ".join(b'xmlns:n%d="u%d"' % (n, n) for n in range(200_000)) + b"/>",
        Reason.TOO_LARGE,
    ),
    "200,000 attributes": (b"<a " + b" ".join(b'n%d=""' % n for n in range(200_000)) + b"/>", Reason.TOO_LARGE),
    "a text without end": (b"<a>" + b"x" * 100_000, Reason.TOO_LARGE),
    "a long text": (b"<a>" + b"x" * 100_000 + b"</a>", Reason.TOO_LARGE),
    "a long tag behind a long text": (b"<a>" + b"x" * 50_000 + b"<b " + b"x" * 100_000 + b"/></a>", Reason.TOO_LARGE),
    "a long tag that is never closed": (b"<a>" + b'<b c="' + b"x" * 100_000 + b"<d/></a>", Reason.TOO_LARGE),
    "U+0000": (b"<a>\0</a>", Reason.SYNTAX),
    "U+0000 as a reference": (b"<a>&#0;</a>", Reason.SYNTAX),
    "empty": (b"", Reason.SYNTAX),
    "blank": (b"  \n", Reason.SYNTAX),
    "cut off": (b"<a><a/>", Reason.SYNTAX),
    "two roots": (b"<a/><a/>", Reason.SYNTAX),
    "attribute twice": (b'<a b="1" b="2"/>', Reason.SYNTAX),
    "latin-1 as UTF-8": ("<a>é</a>".encode("latin-1"), Reason.SYNTAX),
    "UTF-8 as ASCII": ('<?xml version="1.0" encoding="US-ASCII"?><a>é</a>'.encode(), Reason.SYNTAX),
    "half a UTF-16": ("<a>é</a>".encode("utf-16")[:-1], Reason.SYNTAX),
    "UTF-7": (b'<?xml version="1.0" encoding="UTF-7"?>+ADw-a/+AD4-', Reason.SYNTAX),
    "EBCDIC by name": (b'<?xml version="1.0" encoding="cp037"?><a/>', Reason.SYNTAX),
    "EBCDIC": ("<?xml version='1.0'?><a/>".encode("cp037"), Reason.SYNTAX),
    "UTF-16 by name only": (b'<?xml version="1.0" encoding="UTF-16"?><a/>', Reason.SYNTAX),
    "a BOM against the declaration": (b'\xef\xbb\xbf<?xml version="1.0" encoding="latin-1"?><a/>', Reason.SYNTAX),
    "a codec that is no text": (b'<?xml version="1.0" encoding="zlib"?><a/>', Reason.SYNTAX),
}


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_and_broken_documents_are_refused(read: Reader, name: str) -> None:
    data, reason = HOSTILE[name]
    if read is by_peek and name in ("two roots", "cut off", "deep"):
        pytest.skip("peeking stops before it meets the fault; whoever reads on meets it")
    with pytest.raises(Malformed) as refused:
        read(data)
    assert refused.value.reason is reason


@pytest.mark.parametrize("read", READERS)
def test_a_document_over_the_cap_is_refused_unread(read: Reader) -> None:
    with pytest.raises(Malformed) as refused:
        read(b"<a>" + b" " * 100 + b"<", xml.Limits(bytes_max=100))
    assert refused.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize("read", [by_tree, by_stream])
def test_a_long_text_is_read_wherever_it_begins(read: Reader) -> None:
    for before in (0, 16_000, 32_000, 48_000):
        data = b"<r>" + b"<a/>" * (before // 4) + b"x" * 900_000 + b"<a/></r>" + b" " * 1000
        read(data, xml.Limits(text_max=1_000_000))
        with pytest.raises(Malformed):
            read(data, xml.Limits(text_max=800_000))


def test_a_tree_of_too_many_elements_is_refused() -> None:
    limits = xml.Limits(elements_max=1000)
    assert len(xml.read_tree(b"<r>" + b"<a/>" * 999 + b"</r>", limits)) == 999
    with pytest.raises(Malformed) as refused:
        xml.read_tree(b"<r>" + b"<a/>" * 1000 + b"</r>", limits)
    assert refused.value.reason is Reason.TOO_LARGE


def test_a_tree_of_too_many_attributes_is_refused() -> None:
    limits = xml.Limits(attributes_max=1000)
    pair = b'<b c="%s" d=""/>' % (b"x" * 20)
    assert len(xml.read_tree(b"<r>" + pair * 500 + b"</r>", limits)) == 500
    with pytest.raises(Malformed) as refused:
        xml.read_tree(b"<r>" + pair * 501 + b"</r>", limits)
    assert refused.value.reason is Reason.TOO_LARGE


def test_the_line_of_a_fault_is_named() -> None:
    for data, line in ((b"<a>\n<b>\n</a>", 3), (b"<a/>\n\n<!DOCTYPE a>", 3), ("<a>\n\xe9</a>".encode("latin-1"), 2)):
        with pytest.raises(Malformed) as refused:
            xml.read_tree(data)
        assert refused.value.line == line


def test_xinclude_stays_untouched() -> None:
    root = xml.read_tree(
        b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/hostname" parse="text"/></a>'
    )
    assert [child.tag for child in root] == ["{http://www.w3.org/2001/XInclude}include"]
    assert root[0].text is None


def test_a_comment_does_not_change_a_value() -> None:
    assert xml.read_tree(b"<a>1<!--x-->2<?p i?>3</a>").text == "123"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1", "cp1252"])
def test_every_encoding_in_use_reads_the_same(codec: str) -> None:
    declared = "utf-8" if codec.startswith("utf-8") else "utf-16" if codec.startswith("utf-16") else codec
    data = f'<?xml version="1.0" encoding="{declared}"?>\n<a n="ü">é</a>'.encode(codec)
    root = xml.read_tree(data)
    assert (root.text, root.get("n")) == ("é", "ü")
    assert xml_streams.collect(data, Everything).seen == [{"n": "ü"}]


def test_a_collector_passes_over_what_it_does_not_take_with_all_inside() -> None:
    data = b'<r><a n="1"/><x><a n="2"/><r><a n="3"/></r></x><a n="4"><y/><a n="5"/></a></r>'
    assert [seen["n"] for seen in xml_streams.collect(data, Everything).seen] == ["1", "4", "5"]
    replayed = Everything()
    xml_streams.replay(xml.read_tree(data), replayed)
    assert [seen["n"] for seen in replayed.seen] == ["1", "4", "5"]


def test_what_a_collector_raises_comes_through() -> None:
    class Picky:
        def __init__(self) -> None:
            self.takes = {"a": lambda attributes: int(attributes["n"])}

    with pytest.raises(ValueError, match="invalid literal"):
        xml_streams.collect(b'<a n="x"/>', Picky)


def test_peeking_reads_no_further_than_the_head() -> None:
    long = b"<r id='1'><POS><s p='x'/></POS><a/>" + b" " * 10_000 + b"<a>" * 20_000
    root = xml.peek(long, frozenset(("POS",)))
    assert root.get("id") == "1"
    assert root[0][0].get("p") == "x"


def test_peeking_waits_for_a_head_longer_than_one_bite() -> None:
    head = b"<POS>" + b"<s/>" * 10_000 + b"<s last='1'/></POS>"
    root = xml.peek(b"<r>" + head + b"<a/>" * 10_000 + b"</r>", frozenset(("POS",)))
    assert root[0][-1].get("last") == "1"
