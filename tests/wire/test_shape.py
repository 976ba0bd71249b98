"""The shape checker on a small table: what it accepts, what it refuses, and where it says the fault is."""

from __future__ import annotations

import json

import pytest

from gateway.errors import Malformed, Reason, Refusal, Unsupported
from gateway.wire import shape, xml

NAMESPACE = "urn:test"
TABLE = {
    "source": "a small table",
    "namespace": NAMESPACE,
    "roots": {"Order": "Order"},
    "types": {
        "Order": {
            "content": "(Head:Head?, (Line:Line{1,3} | None:xs:string), Note:Note*, Any:Any?, Free:xs:anyType?)",
            "attributes": "Day:xs:date!, Kind:Kind, Count:Small",
        },
        "Head": {"attributes": "Name:xs:string"},
        "Line": {"text": "xs:decimal", "attributes": "Code:Code!"},
        "LongLine": {"text": "xs:decimal", "attributes": "Code:Code!, More:xs:string", "extends": "Line"},
        "Note": {"mixed": True, "content": "Bold:xs:string*"},
        "Any": {"content": "<##any skip>*", "attributes": "<##any lax>, <##any strict>"},
    },
    "values": {
        "Kind": {"base": "xs:string", "enumeration": ["new", "old"]},
        "Code": {"base": "xs:string", "patterns": ["[A-Z]{2}"], "length_min": 2},
        "Small": {"base": "xs:integer", "min": "1", "max": "9"},
    },
}
SCHEMA = shape.Schema(json.dumps(TABLE).encode())
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def order(content: str, attributes: str = 'Day="2031-02-01"') -> bytes:
    return f'<Order xmlns="{NAMESPACE}" {attributes}>\n{content}\n</Order>'.encode()


def by_tree(data: bytes) -> None:
    shape.check(xml.read_tree(data), SCHEMA)


def by_stream(data: bytes) -> None:
    assert shape.check_stream(data, SCHEMA) == "Order"


READERS = pytest.mark.parametrize("check", [by_tree, by_stream])

VALID = [
    order('<Line Code="AB">1.50</Line>'),
    order('<Head/><Line Code="AB"> 1 </Line><Line Code="AB">1</Line><Line Code="AB">1</Line>'),
    order("<None/><Note>a <Bold>b</Bold> c</Note><Note/>"),
    order('<None/><Any><x xmlns="urn:other" y="1">text</x></Any>'),
    order('<None/><Free a="1">text<Unknown/></Free>'),
    order("<None/>", 'Day="2032-02-29Z" Kind="old" Count=" 9 "'),
    order("<None/>", f'Day="2031-02-01" {XSI} xsi:schemaLocation="urn:test order.xsd"'),
    order(f'<Line Code="AB" More="x" {XSI} xsi:type="LongLine">1</Line>'),
    order("<!-- a comment --><None/>"),
]

INVALID = [
    (order(""), "/Order", 1, Reason.REQUIRED_MISSING),
    (order("<None/>", ""), "/Order/@Day", 1, Reason.REQUIRED_MISSING),
    (order("<None/>", 'Day="2031-02-29"'), "/Order/@Day", 1, Reason.INVALID_DATE),
    (order("<None/>", 'Day="2031-02-01" Kind="odd"'), "/Order/@Kind", 1, Reason.INVALID_VALUE),
    (order("<None/>", 'Day="2031-02-01" Count="10"'), "/Order/@Count", 1, Reason.INVALID_VALUE),
    (order("<None/>", 'Day="2031-02-01" Other="1"'), "/Order/@Other", 1, Reason.SYNTAX),
    (order("<None/>", f'Day="2031-02-01" {XSI} xsi:nil="false"'), "/Order/@nil", 1, Reason.SYNTAX),
    (order('<Line Code="AB">1</Line>\n<Line Code="A">1</Line>'), "/Order/Line[2]/@Code", 3, Reason.INVALID_VALUE),
    (order('<Line Code="AB">1</Line>\n<Line Code="AB">one</Line>'), "/Order/Line[2]", 3, Reason.INVALID_VALUE),
    (order('<Line Code="AB">1</Line>' * 4), "/Order/Line[4]", 2, Reason.SYNTAX),
    (order('<Line Code="AB">1</Line><None/>'), "/Order/None", 2, Reason.SYNTAX),
    (order("<None/>\n<Head/>"), "/Order/Head", 3, Reason.SYNTAX),
    (order("<None/><Other/>"), "/Order/Other", 2, Reason.SYNTAX),
    (order('<None/><Note xmlns=""/>'), "/Order/Note", 2, Reason.SYNTAX),
    (order("<None/>stray"), "/Order", 1, Reason.SYNTAX),
    (order("<Head> </Head><None/>"), "/Order/Head", 2, Reason.SYNTAX),
    (order('<Line Code="AB"><Head/></Line>'), "/Order/Line/Head", 2, Reason.SYNTAX),
    (order("<None/><Note/><Note><Italic/></Note>"), "/Order/Note[2]/Italic", 2, Reason.SYNTAX),
    (order('<None/><Any y="1"/>'), "/Order/Any/@y", 2, Reason.SYNTAX),
    (order(f'<Head {XSI} xsi:type="LongLine"/><None/>'), "/Order/Head/@type", 2, Reason.SYNTAX),
]


@READERS
@pytest.mark.parametrize("data", VALID)
def test_what_is_valid_passes(check: object, data: bytes) -> None:
    assert callable(check)
    check(data)


@READERS
@pytest.mark.parametrize(("data", "path", "line", "reason"), INVALID)
def test_what_is_not_is_refused_at_its_place(check: object, data: bytes, path: str, line: int, reason: Reason) -> None:
    assert callable(check)
    with pytest.raises(Malformed) as caught:
        check(data)
    assert (caught.value.path, caught.value.line, caught.value.reason) == (path, line, reason)


@READERS
@pytest.mark.parametrize("root", ["Other", "order", "Order/>", "x:Order"])
def test_a_root_the_table_lacks_is_unsupported(check: object, root: str) -> None:
    assert callable(check)
    data = f'<{root} xmlns:x="urn:other"/>'.replace("/>/>", "/>").encode()
    with pytest.raises(Unsupported):
        check(data.replace(b'Order/> xmlns:x="urn:other"', b"Order"))


def test_what_may_come_is_said() -> None:
    with pytest.raises(Refusal, match="Other is not known here; expected is one of Head, Line, None"):
        by_tree(order("<Other/>"))


def test_a_message_inside_another_document_has_paths_of_its_own() -> None:
    envelope = xml.read_tree(b"<Envelope><Body>" + order("<None/><Other/>") + b"</Body></Envelope>")
    with pytest.raises(Malformed) as caught:
        shape.check(envelope[0][0], SCHEMA)
    assert caught.value.path == "/Order/Other"


def test_a_stream_need_not_look_for_the_path() -> None:
    with pytest.raises(Malformed) as caught:
        shape.check_stream(order("<None/>\n<Other/>"), SCHEMA, find=False)
    assert (caught.value.path, caught.value.line) == (None, 3)


def test_names_that_strangers_invent_are_not_kept() -> None:
    state = SCHEMA.type("Order").begin
    for number in range(50):
        with pytest.raises(Malformed):
            by_tree(order(f"<Other{number}/>"))
    assert not any(name.startswith("Other") for name in state._next)
