"""Lists read by their text: the same items as from the parser, however the document is written, and less work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Malformed
from gateway.wire import xml, xml_lists, xml_streams
from gateway.wire.xml import Attributes

Heard = tuple[tuple[str, dict[str, str]], ...]
Item = tuple[dict[str, str], dict[str, str] | None, Heard]

NAMESPACE = "urn:n"


class Listed:
    """Keeps what it is told; ``shown`` counts the elements behind heads."""

    item = "Item"
    head = "Head"

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.frame: list[dict[str, str]] = []
        self.shown = 0
        self._heard: list[tuple[str, dict[str, str]]] = []
        self._item: dict[str, str] | None = None
        self._head: dict[str, str] | None = None

    @property
    def takes(self) -> Mapping[str, xml_streams.Take]:
        known: dict[str, xml_streams.Take] = {
            "Root": self._take_frame,
            "List": self._take_frame,
            "Item": self._take_item,
            "Head": self._take_head,
            **{name: self._hear(name) for name in ("A", "B")},
        }
        return known | {f"{{{NAMESPACE}}}{name}": take for name, take in known.items()}

    def begin(self, item: Attributes, head: Attributes | None = None) -> None:
        self._item, self._head = dict(item), None if head is None else dict(head)

    def said(self) -> Heard:
        heard, self._heard = tuple(self._heard), []
        return heard

    def end(self, said: Heard) -> None:
        assert self._item is not None
        self.items.append((self._item, self._head, said))

    def finish(self) -> None:
        if self._item is not None:
            self.end(self.said())
            self._item = None

    def _take_frame(self, attributes: Attributes) -> None:
        self.frame.append(dict(attributes))

    def _take_item(self, attributes: Attributes) -> None:
        self.finish()
        self.begin(attributes)

    def _take_head(self, attributes: Attributes) -> None:
        self._head = dict(attributes)

    def _hear(self, name: str) -> xml_streams.Take:
        def take(attributes: Attributes) -> None:
            self.shown += 1
            self._heard.append((name, dict(attributes)))

        return take


def by_text(data: bytes) -> Listed:
    data = xml.utf8(data)
    xml.check(data, xml.DEFAULT_LIMITS)
    return xml_lists.collect(data, Listed)


def by_parser(data: bytes) -> Listed:
    found = xml_streams.collect(data, Listed)
    found.finish()
    return found


@pytest.fixture(autouse=True)
def _short_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_lists, "_LONG_BYTES", 0)
    # So that the cuts between windows fall between any two items.
    monkeypatch.setattr(xml_lists, "_WINDOW_BYTES", 150)


def document(items: str, *, frame: str = "<Root><List L='1'>{}</List></Root>") -> bytes:
    return frame.format(items).encode()


def plain(number: int, rest: str = '<A a="1"/>\n') -> str:
    return f'<Item n="{number}">\n  <Head h="{number}" k="é>"/>{rest}</Item>\n'


def test_what_is_behind_a_head_is_shown_once_for_each_text() -> None:
    data = document("".join(plain(number, f'<A a="{number % 3}"><B/></A>') for number in range(90)))
    found = by_text(data)
    # Two elements for each of three texts, and those of the first item, which may have been told more.
    assert found.shown == 8
    assert found.items == by_parser(data).items
    assert found.frame == [{}, {"L": "1"}]


def test_a_list_whose_items_are_not_alike_is_left_to_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_lists, "_WINDOW_BYTES", 1 << 18)
    data = document("".join(plain(number, f'<A a="{number}"/>') for number in range(90)))
    assert by_text(data).shown == 90
    assert by_text(data).items == by_parser(data).items


def test_a_short_document_is_left_to_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    data = document(plain(1) * 9)
    assert by_text(data).shown == 2
    monkeypatch.setattr(xml_lists, "_LONG_BYTES", len(data) + 1)
    assert by_text(data).shown == 9


ITEMS = {
    "plain": plain(1),
    "the same element, other blanks": '<Item\tn="1"\n><Head   h="2"\r\n/></Item>',
    "no attributes": "<Item><Head/></Item>",
    "single quotes": "<Item n='1\"'><Head h='2'/></Item>",
    "a blank other than a space in a value": '<Item n="1"><Head h="a\tb\nc"/></Item>',
    "a blank other than a space in a value behind": plain(1, '<A a="a\tb\nc"/>'),
    "a reference": '<Item n="&#65;&amp;"><Head/></Item>',
    "a reference behind": plain(1, '<A a="&lt;"/>'),
    "a comment": plain(1, '<!-- <A a="2"/></Item> --><A/>'),
    "a comment in the list": '<!-- <Item n="9"/> -->' + plain(1),
    "CDATA": plain(1, "<A><![CDATA[</Item><Item>]]></A>"),
    "an instruction": plain(1, "<?x </Item>?>"),
    "no head": '<Item n="1"><A/></Item>',
    "an empty item": '<Item n="1"/>',
    "a head with something in it": '<Item n="1"><Head h="1"><A/></Head><B/></Item>',
    "two heads": plain(1, '<Head h="3"/>'),
    "an item in an item": plain(1, plain(2)),
    "something nobody takes": plain(1, '<C><A a="1"/></C>'),
    "something nobody takes in the list": f"<C>{plain(1)}</C>",
    "text": "x" + plain(1, "text > and more<A/>text"),
    "a prefix": plain(1, '<n:A a="1"/>'),
    "a prefixed attribute": plain(1, '<A xml:lang="en" n:a="1"/>'),
    "a prefixed item": '<n:Item n="1"><n:Head/></n:Item>',
    "another namespace": '<Item n="1" xmlns="urn:other"><Head/></Item>',
    "another namespace behind": plain(1, '<A xmlns="urn:other"/>'),
    "a name that is longer": '<Items><Item n="1"><Head/></Item></Items>',
    "an end tag with a blank": plain(1).replace("</Item>", "</Item >"),
    "letters outside of ASCII": '<Item n="Zimmer Ü"><Head h="大床房"/><A a="大"/></Item>',
    "an attribute twice": '<Item n="1"><Head h="1" h="2"/></Item>',
    "an attribute twice behind": plain(1, '<A a="1" a="2"/>'),
    "what looks like an attribute in a value": '<Item n="m="><Head h="a="/></Item>',
    "a tag in a value": '<Item n="1"><Head h="<"/></Item>',
    "an open element": plain(1, "<A>"),
    "elements that cross": plain(1, "<A><B></A></B>"),
    "an item that ends twice": plain(1) + "</Item>",
    "an unknown prefix": plain(1, "<m:A/>"),
    "a control character": '<Item n="\x01"><Head/></Item>',
    "no blank between attributes": '<Item n="1"m="2"><Head/></Item>',
    "what holds a part": plain(1, '<_part><A a="1"/></_part>'),
    "out of a part": plain(1, "</_part><_part>"),
}

FRAMES = {
    "plain": "<Root><List>{}</List></Root>",
    "declared": "<?xml version='1.0' encoding='UTF-8'?>\n<Root><List>{}</List></Root>\n",
    "a namespace": f'<Root xmlns="{NAMESPACE}"><List>{{}}</List></Root>',
    "a prefix for all": f'<n:Root xmlns:n="{NAMESPACE}"><n:List>{{}}</n:List></n:Root>',
    "a prefix for others": f'<Root xmlns="{NAMESPACE}" xmlns:n="{NAMESPACE}"><List>{{}}</List></Root>',
    "the other namespace": f'<n:Root xmlns:n="{NAMESPACE}" xmlns="urn:other"><n:List>{{}}</n:List></n:Root>',
    "nobody's namespace": '<Root xmlns="urn:other"><List>{}</List></Root>',
    "nobody's list": "<Root><Lists><List/>{}</Lists></Root>",
    "a list in a value": '<Root r="&lt;Item &gt;"><List>{}</List></Root>',
    "said before the first item": '<Root><List><A a="0"/>{}</List></Root>',
    "elements behind": "<Root><List>{}</List><A/></Root>",
    "behind the root": "<Root><List/></Root>{}",
    "two lists": "<Root><List>{0}</List><List>{0}</List></Root>",
    "open": "<Root><List>{}</List>",
    "text behind": "<Root><List>{}</List></Root>x",
}


def outcome(read: Any, data: bytes) -> object:
    try:
        found = read(data)
    except Malformed as error:
        return error.reason, error.line, str(error)
    return found.items, found.frame


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("item", ITEMS)
def test_however_a_document_is_written_both_ways_read_the_same(item: str, frame: str) -> None:
    for items in (plain(7) * 3 + ITEMS[item] + plain(8) + ITEMS[item] * 2 + plain(9), ITEMS[item] + plain(1)):
        data = FRAMES[frame].format(items).encode()
        assert outcome(by_text, data) == outcome(by_parser, data)


DAMAGE = (b"", b"<A/>", b"</Item>", b"&#9;")


@given(st.data())
def test_a_document_damaged_anywhere_is_read_the_same(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(ITEMS)), min_size=1, max_size=6))
    whole = FRAMES[data.draw(st.sampled_from(sorted(FRAMES)))].format("".join(map(ITEMS.__getitem__, names))).encode()
    at = data.draw(st.integers(0, len(whole)))
    gone = data.draw(st.integers(0, 8))
    put = data.draw(
        st.sampled_from([b"", b"\xff", b"<A/>", b"</Item>", b"\0", *(bytes([one]) for one in b"<>\"'/& =")])
    )
    damaged = whole[:at] + put + whole[at + gone :]
    assert outcome(by_text, damaged) == outcome(by_parser, damaged)
