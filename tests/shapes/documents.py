"""Documents invented from a shape table: valid ones by walking its types, and the same with one thing wrong."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable

from lxml import etree

from gateway.wire.shape import Schema, Type
from gateway.wire.shape_values import Value
from gateway.wire.xml import Node

# Something for every simple type there is, and values at their edges.
WORDS = (
    *("A", "ab", "abc", "X1", "EUR", "en", "en-US", "DE", "Some words", "a_b-c.d", "x" * 65, "x" * 300, "", " ", " 1 "),
    *(
        "0",
        "1",
        "2",
        "10",
        "14",
        "99",
        "100",
        "1000",
        "-1",
        "+1",
        "007",
        "1.5",
        "1.2345",
        "1.500000",
        "12.",
        ".5",
        "1e3",
    ),
    *("18446744073709551616", "1,5", "true", "false", "TRUE", "NaN", "INF", "101.EQP", "1.EQP.X", "50.00", "100.5"),
    *(
        "2031-02-01",
        "2031-02-29",
        "2032-02-29",
        "2031-13-01",
        "2031-2-1",
        "0000-01-01",
        "2031-02-01Z",
        "2031-02-01+14:00",
    ),
    *(
        "2031-02-01+15:00",
        "-2031-02-01",
        "12031-02-01",
        "02031-02-01",
        "2031-02-01T10:00:00",
        "2031-02-01T10:00:00.123456Z",
    ),
    *("2031-02-01T24:00:00", "2031-02-01T24:00:01", "2031-02-01T10:00", "2031-02-30T10:00:00Z", "10:00:00", "25:00:00"),
    *("10:00:00+01:00", "P3N", "P3D", "PT6H", "P", "PT", "P1Y2M3DT4H5M6.7S", "-P1D", "P0D", "P1.5D", "2031", "2031-02"),
    *(
        "--12-31",
        "--02-29",
        "--02-30",
        "---31",
        "--07",
        "http://example.org/a?b=c#d",
        "mailto:a@example.org",
        "a b",
        "%zz",
        "a@b",
        "https://x",
        "1:2",
        "[x]",
        "é",
    ),
    *(
        "1 2 3",
        "US DE",
        "01 02",
        "ABCDEFGH",
        "1234",
        "12345678",
        "1234567890123456",
        "0112",
        "1301",
        "Yes",
        "a\nb",
        "YNYN",
    ),
    *("catalog:yes", "newsletter:no", "+39123456", "ABCD", "3", "11", "0111", "01.02", "QUJD", "é" * 16, "\u00a01"),
)
_DEPTH_MAX = 7
_WANTED_CHILDREN = 4


class Author:
    """Writes documents of one schema with the choices of one seed."""

    def __init__(self, schema: Schema, seed: int) -> None:
        self._schema = schema
        self._random = random.Random(seed)
        self._sizes: dict[str, int] = {}

    def document(self, root: str) -> Node:
        node = etree.Element(f"{{{self._schema.namespace}}}{root}", nsmap={None: self._schema.namespace})
        self._fill(node, self._schema.type(self._schema.table.roots[root]), 0)
        return node

    def _fill(self, node: Node, kind: Type, depth: int) -> None:
        for name, value in kind.attributes.items():
            if name in kind.required or self._random.random() < 0.25:
                node.set(name, self.valid(value))
        if kind.text is not None:
            node.text = self.valid(kind.text)
            return
        state = kind.begin
        while True:
            wanted = len(node) < _WANTED_CHILDREN and depth < _DEPTH_MAX
            if state.complete and (not wanted or self._random.random() < 0.2):
                return
            names = state.expected() if not state.missing() or wanted else state.missing()
            if not names:
                return
            name = self._random.choice(names)
            following = state.after(name)
            assert following is not None
            state = following
            tag = f"{{{self._schema.namespace}}}{name}"
            self._fill(etree.SubElement(node, tag), kind.children[tag][1], depth + 1)

    def valid(self, value: Value) -> str:
        """A value that fits; where no word of ours does, an empty one."""
        row = self._schema.table.values.get(value.name, {})
        words = [*row.get("enumeration", ()), *WORDS]
        for member in row.get("union", ()):
            words += self._schema.table.values.get(member, {}).get("enumeration", ())
        fitting = [word for word in words if value.fault(word) is None]
        return self._random.choice(fitting) if fitting else ""

    # --- one thing changed --------------------------------------------------------------------------------------------

    def changed(self, document: Node) -> Node:
        """A copy with one to three changes, each of which may or may not make it invalid."""
        found = copy.deepcopy(document)
        for _ in range(self._random.choice((1, 1, 2, 3))):
            nodes = list(found.iter())
            self._random.choice(_CHANGES)(self, self._random.choice(nodes), nodes)
        return found

    def _drop(self, node: Node, nodes: list[Node]) -> None:
        parent = node.getparent()
        if parent is not None:
            parent.remove(node)

    def _repeat(self, node: Node, nodes: list[Node]) -> None:
        for _ in range(self._random.choice((1, 1, 5, 12))):
            node.addnext(copy.deepcopy(node)) if node.getparent() is not None else None

    def _move(self, node: Node, nodes: list[Node]) -> None:
        if len(node) > 1:
            node.append(node[0])

    def _rename(self, node: Node, nodes: list[Node]) -> None:
        node.tag = self._random.choice((str(self._random.choice(nodes).tag), str(node.tag) + "x", "plain", "{urn:x}A"))

    def _adopt(self, node: Node, nodes: list[Node]) -> None:
        node.insert(self._random.randrange(len(node) + 1), copy.deepcopy(self._random.choice(nodes)))

    def _retext(self, node: Node, nodes: list[Node]) -> None:
        node.text = self._random.choice((None, " \n ", *WORDS))

    def _retail(self, node: Node, nodes: list[Node]) -> None:
        if node.getparent() is not None:
            node.tail = self._random.choice((" \n ", "x"))

    def _revalue(self, node: Node, nodes: list[Node]) -> None:
        if node.attrib:
            node.set(self._random.choice(list(node.attrib)), self._random.choice(WORDS))

    def _unset(self, node: Node, nodes: list[Node]) -> None:
        if node.attrib:
            del node.attrib[self._random.choice(list(node.attrib))]

    def _set(self, node: Node, nodes: list[Node]) -> None:
        donor = self._random.choice(nodes)
        foreign = ("Foreign", "{urn:x}a", "{http://www.w3.org/2001/XMLSchema-instance}nil", "Code", "ID", "Type")
        name = self._random.choice((*map(str, donor.attrib), *foreign))
        node.set(name, self._random.choice(WORDS))


_CHANGES: tuple[Callable[[Author, Node, list[Node]], None], ...] = (
    Author._drop,
    Author._repeat,
    Author._move,
    Author._rename,
    Author._adopt,
    Author._retext,
    Author._retail,
    Author._revalue,
    Author._revalue,
    Author._revalue,
    Author._unset,
    Author._set,
)
