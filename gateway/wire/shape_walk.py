"""Going through a document element by element, as a tree or as a stream, and saying where a fault is."""

from __future__ import annotations

from typing import Any, Protocol

from lxml import etree

from gateway.errors import Malformed, Reason, Refusal
from gateway.wire import xml, xml_streams
from gateway.wire.xml import Node


class Walker(Protocol):
    """Is shown every start and every end; :class:`Place` has been told before."""

    def start(self, node: Node) -> None: ...

    def end(self, node: Node) -> None: ...


class Place:
    """Where a walk is. In a stream earlier siblings are gone, so elements are known by the number of their start."""

    def __init__(self) -> None:
        self._root: Node | None = None
        self._keep = True
        self._started = 0
        self._numbers: list[int] = []
        self._depth = 0
        self.root_name = ""
        self._fault: tuple[int, str] | None = None

    def fault(self, node: Node, text: str, reason: Reason = Reason.SYNTAX, suffix: str = "") -> Malformed:
        """``suffix`` goes behind the path of the element: ``/@Name`` for an attribute."""
        if self._keep:
            path = path_of(node, self._root) + suffix
            return Malformed(text, reason, path=path, line=node.sourceline)
        self._fault = self._numbers[sum(1 for _ in node.iterancestors())], suffix
        return Malformed(text, reason, line=node.sourceline)

    def tree(self, root: Node, walker: Walker) -> None:
        """Shows a tree to ``walker``."""
        self._root = root
        self.root_name = xml.name_of(root)
        for event, node in etree.iterwalk(root, events=("start", "end")):
            if event == "start":
                walker.start(node)
            else:
                walker.end(node)

    def stream(self, data: bytes, walker: Walker, limits: xml.Limits, *, find: bool = True) -> None:
        """Shows a document in UTF-8, of which nothing is kept. To ``find`` the path of a fault it is read once more."""
        self._keep = False
        try:
            for event, node in xml_streams.events(data, limits):
                if event == "start":
                    self._enter(node)
                    walker.start(node)
                    if (before := node.getprevious()) is not None:
                        node.getparent().remove(before)  # type: ignore[union-attr]
                else:
                    self._depth -= 1
                    walker.end(node)
        except Refusal as error:
            if self._fault is not None and find:
                number, suffix = self._fault
                error.path = xml_streams.path_to(data, number) + suffix
            raise

    def _enter(self, node: Node) -> None:
        if not self._depth:
            self.root_name = xml.name_of(node)
        self._started += 1
        self._numbers[self._depth :] = [self._started]
        self._depth += 1


def path_of(node: Node, root: Node | None = None) -> str:
    """``/OTA_PingRQ/EchoData`` from ``root`` (or the document's) on, with ``[n]`` from the second equal sibling on."""
    parts: list[str] = []
    at: Node | None = node
    while at is not None:
        parent = at.getparent() if at is not root else None
        name = xml.name_of(at)
        tag: Any = at.tag
        number = 1 if parent is None else 1 + len(list(at.itersiblings(tag, preceding=True)))
        parts.append(f"{name}[{number}]" if number > 1 else name)
        at = parent
    return "/" + "/".join(reversed(parts))
