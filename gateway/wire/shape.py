"""Checks the shape of a message: elements, their order and number, attributes and values, as a table describes them.

A table says in our own notation what an official schema says (see ``mappings/shapes/README.md``); the verdict is the
one a validating parser with that schema gives. One walk serves both ways in: :func:`check` for a tree that is there
anyway, and :func:`check_stream` for a document too long to be kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec

from gateway.errors import Malformed, Reason, Unsupported
from gateway.wire import xml
from gateway.wire.shape_content import Model, State, Wildcard, parse, start
from gateway.wire.shape_values import BLANK, Value, builtin, compile_value, quoted
from gateway.wire.shape_walk import Place, path_of
from gateway.wire.xml import Node

__all__ = ["Schema", "Type", "check", "check_stream", "one_of", "path_of"]

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_XSI_TYPE = _XSI + "type"
XSI_HINTS = frozenset((_XSI + "schemaLocation", _XSI + "noNamespaceSchemaLocation"))
_ANYTHING = "xs:anyType"
_SHOWN_MAX = 12


class Table(msgspec.Struct, frozen=True):
    """A table as it is written. ``roots`` and ``elements`` (global elements that are no messages): name → type."""

    source: str
    namespace: str
    roots: Mapping[str, str]
    types: Mapping[str, Mapping[str, Any]]
    values: Mapping[str, Mapping[str, Any]]
    elements: Mapping[str, str] = {}


# --- types ------------------------------------------------------------------------------------------------------------


class Type:
    """A complex type, or an element with a plain value. Its parts are worked out when they are first needed."""

    def __init__(self, name: str, row: Mapping[str, Any], schema: Schema) -> None:
        self.name = name
        self.namespace = schema.namespace
        self.mixed = bool(row.get("mixed"))
        self.empty = not row.get("content") and not row.get("text") and not self.mixed
        self.text: Value | None = schema.value(row["text"]) if row.get("text") else None
        self.extends = str(row.get("extends", ""))
        self._row = row
        self._schema = schema
        self.attributes: dict[str, Value] = {}
        self.required: list[str] = []
        self.wildcard = False
        for part in filter(None, str(row.get("attributes", "")).split(", ")):
            self._add_attribute(part)

    def _add_attribute(self, part: str) -> None:
        if part.startswith("<"):
            # No table has attributes of their own standing, so a strict wildcard knows none; it is the last of two.
            self.wildcard = not part.endswith("strict>")
            return
        name, _, kind = part.partition(":")
        self.attributes[name] = self._schema.value(kind.removesuffix("!"))
        if kind.endswith("!"):
            self.required.append(name)

    @cached_property
    def content(self) -> tuple[Model, dict[str, str]]:
        """The content model, and the type of each child by name."""
        return parse(self._row.get("content", ""))

    @cached_property
    def begin(self) -> State:
        """Before the first child."""
        return start(self.content[0])

    @cached_property
    def children(self) -> dict[str, tuple[str, Type]]:
        """The children there can be, by their full tag: local name and type."""
        namespace = self._schema.namespace
        return {f"{{{namespace}}}{name}": (name, self._schema.type(kind)) for name, kind in self.content[1].items()}


class Schema:
    """A table ready to check with. Made once for each table; what it learns while checking makes it faster."""

    def __init__(self, table: bytes) -> None:
        self.table = msgspec.json.decode(table, type=Table)
        self.namespace = self.table.namespace
        self._types: dict[str, Type] = {}
        self._values: dict[str, Value] = {}

    def root(self, tag: str, line: int | None = None) -> Type:
        """The type of a message; raises :class:`gateway.errors.Unsupported` if the table has no such message."""
        name = xml.LOCAL[tag]
        if tag != f"{{{self.namespace}}}{name}" or name not in self.table.roots:
            raise Unsupported(f"{self.table.source} has no message {quoted(tag)}", path=f"/{name}", line=line)
        return self.type(self.table.roots[name])

    def known(self, tag: str) -> Type | None:
        """The type of an element that may stand anywhere, if this is one."""
        name = tag.removeprefix(f"{{{self.namespace}}}")
        kind = self.table.roots.get(name) or self.table.elements.get(name)
        return self.type(kind) if kind else None

    def type(self, name: str) -> Type:
        """The type of that name; plain values are types of elements, too."""
        known = self._types.get(name)
        if known is None:
            known = self._types[name] = Type(name, self._row(name), self)
        return known

    def _row(self, name: str) -> Mapping[str, Any]:
        if name == _ANYTHING:
            return {"mixed": True, "content": "<##any lax>*", "attributes": "<##any lax>"}
        return self.table.types.get(name) or ({"text": name} if name not in self.table.types else {})

    def value(self, name: str) -> Value:
        """The simple type of that name."""
        known = self._values.get(name)
        if known is None:
            if name.startswith("xs:"):
                known = builtin(name.removeprefix("xs:"))
            else:
                known = compile_value(name, self.table.values[name], self.value)
            self._values[name] = known
        return known

    def extends(self, kind: Type, name: str) -> bool:
        """Whether a type is the one of that name or built on it."""
        while kind.name != name and kind.extends:
            kind = self.type(kind.extends)
        return kind.name == name


# --- checking ---------------------------------------------------------------------------------------------------------


def check(root: Node, schema: Schema) -> None:
    """Whether ``root`` (of a document, or the message inside an envelope) is a valid message of the schema.

    Raises :class:`gateway.errors.Malformed` with the path from ``root`` on and the line of the first fault, and
    :class:`gateway.errors.Unsupported` for a message the schema does not have.
    """
    place = Place()
    place.tree(root, _Checker(schema, place))


def check_stream(data: bytes, schema: Schema, limits: xml.Limits = xml.DEFAULT_LIMITS, *, find: bool = True) -> str:
    """The same for a document in UTF-8 of which nothing is kept; gives the local name of its root.

    ``find`` False leaves the path of a fault out, which takes another reading, for a caller who has other schemas.
    """
    place = Place()
    place.stream(data, _Checker(schema, place), limits, find=find)
    return place.root_name


class _Checker:
    """The types of the open elements, and what is left of their content. None: not looked at."""

    def __init__(self, schema: Schema, place: Place) -> None:
        self._schema = schema
        self._place = place
        self._types: list[Type | None] = []
        self._states: list[State | None] = []

    def start(self, node: Node) -> None:
        tag: Any = node.tag
        kind = self._child(node, tag) if self._types else self._schema.root(tag, node.sourceline)
        if kind is not None:
            if node.attrib or kind.required:
                kind = self._attributes(node, kind)
            self._states.append(None if kind.text is not None else kind.begin)
        else:
            self._states.append(None)
        self._types.append(kind)

    def end(self, node: Node) -> None:
        kind = self._types.pop()
        state = self._states.pop()
        if kind is None:
            return
        if kind.text is not None:
            text = node.text or ""
            if text not in kind.text.seen and (fault := kind.text.fault(text)) is not None:
                raise self._place.fault(node, fault[1], fault[0])
            return
        if state is not None and not state.complete:
            raise self._place.fault(node, f"{one_of(state.missing())} is missing", Reason.REQUIRED_MISSING)
        if not kind.mixed:
            self._blank(node, node.text, kind)
            if len(node):
                self._blank(node, node[-1].tail, kind)

    # --- content ------------------------------------------------------------------------------------------------------

    def _child(self, node: Node, tag: str) -> Type | None:
        """The type of a child element, which has to be allowed at this place."""
        parent = self._types[-1]
        if parent is None:
            return None
        if not parent.mixed and (before := node.getprevious()) is not None:
            self._blank(node.getparent(), before.tail, parent)
        state = self._states[-1]
        if state is None:
            raise self._place.fault(node, f"{xml.name_of(node)} stands where only text may be")
        found = parent.children.get(tag)
        if found is not None and (following := state.after(found[0])) is not None:
            self._states[-1] = following
            return found[1]
        other = state.after_other(tag.startswith(f"{{{self._schema.namespace}}}"))
        if other is None:
            raise self._misplaced(node, state, known=found is not None)
        self._states[-1], wildcard = other
        return self._wild(node, tag, wildcard)

    def _blank(self, node: Node | None, text: str | None, kind: Type) -> None:
        """Between elements only white space may stand, and in an element that has to be empty not even that."""
        if node is not None and text and (text.strip(BLANK) or (kind.empty and not len(node))):
            raise self._place.fault(node, f"{quoted(text.strip(BLANK))} is text where none may be")

    def _wild(self, node: Node, tag: str, wildcard: Wildcard) -> Type | None:
        if wildcard.process == "skip":
            return None
        kind = self._schema.known(tag)
        if kind is None and wildcard.process == "strict":
            raise self._place.fault(node, f"{xml.name_of(node)} is not known")
        return kind or self._schema.type(_ANYTHING)

    def _misplaced(self, node: Node, state: State, *, known: bool) -> Malformed:
        what = "may not stand at this place, or not once more" if known else "is not known here"
        expected = one_of(state.expected())
        text = f"{xml.name_of(node)} {what}" + (f"; expected is {expected}" if expected else "")
        return self._place.fault(node, text)

    # --- attributes ---------------------------------------------------------------------------------------------------

    def _attributes(self, node: Node, kind: Type) -> Type:
        """Gives the type to go on with: the document may name one that is built on the one it has to be."""
        attributes: Any = node.attrib
        if _XSI_TYPE in attributes:
            kind = self._own_type(node, kind, attributes[_XSI_TYPE])
        known = kind.attributes
        for name, text in attributes.items():
            value = known.get(name)
            if value is None:
                self._other_attribute(node, kind, name)
            elif text not in value.seen and (fault := value.fault(text)) is not None:
                raise self._place.fault(node, f"{name}: {fault[1]}", fault[0], f"/@{name}")
        for name in kind.required:
            if name not in attributes:
                raise self._place.fault(node, f"{name} is missing", Reason.REQUIRED_MISSING, f"/@{name}")
        return kind

    def _other_attribute(self, node: Node, kind: Type, name: str) -> None:
        if name in XSI_HINTS or name == _XSI_TYPE or (kind.wildcard and name != _XSI + "nil"):
            return
        shown = xml.LOCAL[name]
        raise self._place.fault(node, f"the attribute {shown} is not known here", suffix=f"/@{shown}")

    def _own_type(self, node: Node, kind: Type, text: str) -> Type:
        prefix, _, name = text.strip(BLANK).rpartition(":")
        namespace = node.nsmap.get(prefix or None)
        if namespace == "http://www.w3.org/2001/XMLSchema":
            name = f"xs:{name}"
        elif namespace != self._schema.namespace:
            name = ""
        if name and name == kind.name:
            return kind
        own = self._schema.type(name) if name in self._schema.table.types else None
        if own is None or not (kind.name == _ANYTHING or self._schema.extends(own, kind.name)):
            raise self._place.fault(node, f"the type {quoted(text)} does not fit here", suffix="/@type")
        return own


def one_of(names: tuple[str, ...]) -> str:
    """The names for a text, the first of them if there are many."""
    shown = ", ".join(names[:_SHOWN_MAX]) + (", …" if len(names) > _SHOWN_MAX else "")
    return shown if len(names) < 2 else f"one of {shown}"
