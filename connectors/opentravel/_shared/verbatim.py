"""An element written again as it was read, to stand in a message of ours: comments and instructions aside."""

from __future__ import annotations

from connectors.opentravel._shared.names import NAMESPACE
from gateway.wire.xml import LOCAL, Node
from gateway.wire.xmlwrite import attributes, text

_PREFIX = f"{{{NAMESPACE}}}"


def copied(node: Node, name: str = "") -> str:
    """XML without a declaration, in the namespace of our messages; ``name`` is another name for the element itself.

    Whatever is in a namespace of somebody else's says so itself. Attributes of other namespaces are left out.
    """
    tag = str(node.tag)
    foreign = tag[1:].partition("}")[0] if tag.startswith("{") and not tag.startswith(_PREFIX) else ""
    name = name or LOCAL[node.tag]
    given = {key: found for key, found in node.items() if not key.startswith("{")}
    told = attributes(xmlns=foreign or _back(node), **given)
    inside = text(node.text or "") + "".join(copied(child) + text(child.tail or "") for child in _elements(node))
    return f"<{name}{told}>{inside}</{name}>" if inside else f"<{name}{told}/>"


def _elements(node: Node) -> list[Node]:
    return [child for child in node if isinstance(child.tag, str)]


def _back(node: Node) -> str:
    """Our namespace again, below an element of somebody else's."""
    above = node.getparent()
    is_below = above is not None and str(above.tag).startswith("{") and not str(above.tag).startswith(_PREFIX)
    return NAMESPACE if is_below else ""
