"""The simulators' own hardened XML reading, and the few helpers that look elements up by local name.

Peers prefix, un-prefix or forget the namespace, so nothing here compares namespaces on input.
"""

from collections.abc import Iterator
from typing import Any

from lxml import etree

NAMESPACE = "http://www.opentravel.org/OTA/2003/05"
BODY_BYTES_MAX = 16 * 1024 * 1024

Node = etree._Element


class Malformed(ValueError):
    """The bytes are not a well-formed document, are too long, or carry a DOCTYPE."""


def parse(body: bytes) -> Node:
    """The root element of `body`; entities, network and DOCTYPE are refused."""
    if len(body) > BODY_BYTES_MAX:
        raise Malformed(f"document is longer than {BODY_BYTES_MAX} bytes")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Malformed(str(error)) from error
    docinfo: Any = root.getroottree().docinfo
    if docinfo.doctype:
        raise Malformed("a DOCTYPE is not accepted")
    return root


def name(node: Node) -> str:
    """Local name of an element."""
    tag = str(node.tag)
    return tag.rpartition("}")[2]


def children(node: Node | None, *names: str) -> Iterator[Node]:
    """Direct children whose local name is one of `names`, in document order."""
    if node is None:
        return
    for item in node:
        if name(item) in names:
            yield item


def child(node: Node | None, *path: str) -> Node | None:
    """The first element down `path`, one local name per level."""
    for step in path:
        node = next(children(node, step), None)
    return node


def attr(node: Node | None, key: str) -> str | None:
    """A trimmed attribute; empty counts as absent (sheet, section 9 rule 3)."""
    if node is None:
        return None
    value = node.get(key)
    return (value.strip() or None) if value is not None else None


def text(node: Node | None) -> str | None:
    """Trimmed text content, or None where there is none."""
    if node is None or node.text is None:
        return None
    return node.text.strip() or None


def flag(value: str | None) -> bool | None:
    """An xs:boolean; None when absent. Raises ValueError for anything else."""
    if value is None:
        return None
    if value in ("true", "1"):
        return True
    if value in ("false", "0"):
        return False
    raise ValueError(f"{value!r} is not a boolean")


def root_node(root: str, echo: str | None, stamp: str, version: str = "1.0", **attributes: str) -> Node:
    """A new message root with its standard attributes."""
    prefixes: dict[Any, str] = {None: NAMESPACE}
    node = etree.Element(f"{{{NAMESPACE}}}{root}", nsmap=prefixes)
    if echo:
        node.set("EchoToken", echo[:128])
    node.set("TimeStamp", stamp)
    node.set("Version", version)
    for key, value in attributes.items():
        node.set(key, value)
    return node


def add(parent: Node, tag: str, attributes: dict[str, str] | None = None, content: str | None = None) -> Node:
    """Append a child element in the message namespace."""
    node = etree.SubElement(parent, f"{{{NAMESPACE}}}{tag}", attributes or {})
    if content is not None:
        node.text = content
    return node


def to_bytes(node: Node) -> bytes:
    return etree.tostring(node, xml_declaration=True, encoding="UTF-8")
