"""Reads W3C XML Schemas (1.0) and says them in the notation of the shape tables.

Only what the schemas of the hotel world use is understood; any other construct is an error, never passed over. The
notation is described in ``README.md`` beside this file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lxml import etree

Node = etree._Element
Row = dict[str, Any]

XS = "{http://www.w3.org/2001/XMLSchema}"
_SKIPPED = frozenset((XS + "annotation", XS + "include", XS + "import"))
_BOUNDS = {
    "minInclusive": "min",
    "maxInclusive": "max",
    "minExclusive": "above",
    "maxExclusive": "below",
    "fractionDigits": "fraction_digits",
    "totalDigits": "digits",
}


class NotUnderstood(ValueError):
    """A construct the notation has no word for; to be added, not ignored."""


class Reader:
    """All definitions of one namespace, from any number of schema documents; a definition seen again is the same."""

    def __init__(self, schemas: Iterable[Node]) -> None:
        self._found: dict[tuple[str, str], Node] = {}
        for schema in schemas:
            for node in children(schema):
                self._found.setdefault((local(node), str(node.get("name"))), node)
        self.types: dict[str, Row] = {}
        self.values: dict[str, Row] = {}
        self._anonymous: dict[str, str] = {}

    def elements(self, wanted: Callable[[str], bool]) -> dict[str, str]:
        """Global elements that are wanted, with their types; what they need is in ``types`` and ``values`` then."""
        names = sorted(name for kind, name in self._found if kind == "element" and wanted(name))
        return {name: self._type_of(self._found["element", name], name) for name in names}

    # --- types --------------------------------------------------------------------------------------------------------

    def _type_of(self, node: Node, place: str) -> str:
        """The name of an element's or attribute's type, which is described on the way."""
        if node.get("ref"):
            kind, name = local(node), str(node.get("ref")).rpartition(":")[2]
            return self._type_of(self._found[kind, name], name)
        if node.get("type"):
            return self._named(node, str(node.get("type")))
        for child in children(node):
            if local(child) == "complexType":
                return self._anonymous_name(self._complex(child, place), place, self.types)
            if local(child) == "simpleType":
                return self._anonymous_name(self._simple(child, place), place, self.values)
        return "xs:anyType" if local(node) == "element" else "xs:string"

    def _named(self, node: Node, name: str) -> str:
        prefix, _, short = name.rpartition(":")
        if node.nsmap.get(prefix or None) == XS[1:-1]:
            return f"xs:{short}"
        if short in self.types or short in self.values:
            return short
        if ("complexType", short) in self._found:
            self.types[short] = {}  # A type may contain itself.
            self.types[short] = self._complex(self._found["complexType", short], short)
        else:
            self.values[short] = self._simple(self._found["simpleType", short], short)
        return short

    def _anonymous_name(self, row: Row, place: str, rows: dict[str, Row]) -> str:
        """Equal nameless types share the name of the first place they are found at."""
        kind = "t" if rows is self.types else "v"
        key = kind + repr(row)
        if key in self._anonymous:
            return self._anonymous[key]
        name, number = place, 1
        while name in self.types or name in self.values:
            number += 1
            name = f"{place}~{number}"
        rows[name] = row
        self._anonymous[key] = name
        return name

    def _complex(self, node: Node, place: str) -> Row:
        row: Row = {"mixed": node.get("mixed") == "true", "content": "", "attributes": [], "text": ""}
        self._fill(row, node, place)
        attributes = ", ".join(sorted(set(row["attributes"])))
        return {key: value for key, value in (row | {"attributes": attributes}).items() if value}

    def _fill(self, row: Row, node: Node, place: str) -> None:
        """Adds what stands in a complexType, an extension or a group of attributes to ``row``."""
        for child in children(node):
            kind = local(child)
            if kind in ("complexContent", "simpleContent"):
                row["mixed"] = row["mixed"] or child.get("mixed") == "true"
                (extension,) = children(child)
                self._extend(row, extension, place)
            elif kind in ("sequence", "choice", "group"):
                row["content"] = _joined(row["content"], self._particle(child, place))
            elif kind == "attribute":
                row["attributes"].append(self._attribute(child, place))
            elif kind == "attributeGroup":
                self._fill(row, self._found["attributeGroup", _ref(child)], _ref(child))
            elif kind == "anyAttribute":
                row["attributes"].append(_wildcard(child))
            else:
                raise NotUnderstood(f"{kind} in {place}")

    def _extend(self, row: Row, extension: Node, place: str) -> None:
        if local(extension) != "extension":
            raise NotUnderstood(f"{local(extension)} in {place}")
        base = self._named(extension, str(extension.get("base")))
        if base == "xs:anyType":
            row |= {"mixed": True, "content": "<##any lax>*"}
            row["attributes"].append("<##any lax>")
        elif base in self.types:
            inner = self.types[base]
            row |= {"content": inner.get("content", ""), "text": inner.get("text", ""), "extends": base}
            row["mixed"] = row["mixed"] or inner.get("mixed", False)
            row["attributes"] += [part for part in inner.get("attributes", "").split(", ") if part]
        else:
            row["text"] = base
        self._fill(row, extension, place)

    def _attribute(self, node: Node, place: str) -> str:
        if node.get("use") == "prohibited":
            raise NotUnderstood(f"a prohibited attribute in {place}")
        name = node.get("name") or _ref(node)
        return f"{name}:{self._type_of(node, f'{place}@{name}')}{'!' if node.get('use') == 'required' else ''}"

    def _particle(self, node: Node, place: str) -> str:
        kind = local(node)
        if kind == "element":
            name = node.get("name") or _ref(node)
            return f"{name}:{self._type_of(node, f'{place}/{name}')}{_times(node)}"
        if kind == "any":
            return _wildcard(node) + _times(node)
        if kind == "group" and node.get("ref"):
            (inner,) = children(self._found["group", _ref(node)])
            return _grouped(self._particle(inner, place), _times(node))
        if kind not in ("sequence", "choice"):
            raise NotUnderstood(f"{kind} in {place}")
        mark = ", " if kind == "sequence" else " | "
        parts = [self._particle(child, place) for child in children(node)]
        if kind == "choice" and "" in parts:
            parts = [part or "()" for part in parts]
        written = mark.join(part for part in parts if part)
        return _grouped(f"({written})" if len(parts) > 1 else written, _times(node))

    # --- values -------------------------------------------------------------------------------------------------------

    def _simple(self, node: Node, place: str) -> Row:
        (child,) = children(node)
        kind = local(child)
        if kind == "list":
            return {"list": self._named(child, str(child.get("itemType")))}
        if kind == "union":
            members = [self._named(child, name) for name in str(child.get("memberTypes") or "").split()]
            for inner in children(child):
                members.append(self._anonymous_name(self._simple(inner, place), f"{place}~part", self.values))
            return {"union": members}
        return self._restricted(child, place)

    def _restricted(self, node: Node, place: str) -> Row:
        """A restriction with those it restricts folded in; patterns of several steps must all fit."""
        base = self._named(node, str(node.get("base")))
        row: Row = dict(self.values[base]) if base in self.values else {"base": base}
        enumeration: list[str] = []
        patterns: list[str] = []
        for facet in children(node):
            kind, value = local(facet), str(facet.get("value"))
            if kind == "enumeration":
                enumeration.append(value)
            elif kind == "pattern":
                patterns.append(python_pattern(value))
            elif kind in ("length", "minLength", "maxLength"):
                row |= {end: int(value) for end in _ENDS[kind]}
            elif kind in _BOUNDS:
                row[_BOUNDS[kind]] = value
            else:
                raise NotUnderstood(f"{kind} in {place}")
        if enumeration:
            row["enumeration"] = enumeration
        if patterns:
            row["patterns"] = [*row.get("patterns", []), "|".join(patterns)]
        return row


_ENDS = {"length": ("length_min", "length_max"), "minLength": ("length_min",), "maxLength": ("length_max",)}


# --- small parts of the notation --------------------------------------------------------------------------------------


def children(node: Node) -> Iterator[Node]:
    """Definitions below a node, without documentation."""
    for child in node:
        if isinstance(child.tag, str) and child.tag.startswith(XS) and child.tag not in _SKIPPED:
            yield child


def local(node: Node) -> str:
    return str(node.tag).removeprefix(XS)


def python_pattern(pattern: str) -> str:
    r"""XSD 1.0 appendix F as far as the schemas use it: ``^`` and ``$`` are ordinary, no classes but ``\s``."""
    if re.search(r"\\[icICpPdDwW]|\[[^]]*-\[", pattern) or "^" in pattern.replace("[^", "") or "$" in pattern:
        raise NotUnderstood(f"the pattern {pattern}")
    # Only these four are white space in XML, and Python's \s knows many more.
    return pattern.replace(r"\S", "[^ \\t\\n\\r]").replace(r"\s", "[ \\t\\n\\r]")


def _ref(node: Node) -> str:
    return str(node.get("ref")).rpartition(":")[2]


def _wildcard(node: Node) -> str:
    return f"<{node.get('namespace') or '##any'} {node.get('processContents') or 'strict'}>"


def _times(node: Node) -> str:
    low, high = int(node.get("minOccurs") or 1), str(node.get("maxOccurs") or 1)
    short = {(0, "1"): "?", (1, "1"): "", (0, "unbounded"): "*", (1, "unbounded"): "+"}
    if (low, high) in short:
        return short[low, high]
    return f"{{{low},{'' if high == 'unbounded' else high}}}"


def _grouped(content: str, times: str) -> str:
    if not times or not content:
        return content
    return content + times if content.startswith("(") and _closes_at_end(content) else f"({content}){times}"


def _closes_at_end(content: str) -> bool:
    depth = 0
    for at, character in enumerate(content):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if not depth:
            return at == len(content) - 1
    return False


def _joined(before: str, after: str) -> str:
    """One after the other; alternatives keep their brackets."""
    return ", ".join(part for part in (before, after) if part)
