"""Names of OpenTravel 2003/05, the same namespace for every release since."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeVar

from gateway.wire.xml import Node, local

NAMESPACE = "http://www.opentravel.org/OTA/2003/05"

AVAIL = "OTA_HotelAvailNotifRQ"
RATES = "OTA_HotelRateAmountNotifRQ"
INV_COUNT = "OTA_HotelInvCountNotifRQ"
RES = "OTA_HotelResNotifRQ"
RES_MODIFY = "OTA_HotelResModifyNotifRQ"
CANCEL = "OTA_CancelRQ"
PING = "OTA_PingRQ"
ERROR = "OTA_ErrorRS"

ARI_ROOTS = frozenset((AVAIL, RATES, INV_COUNT))
RESERVATION_ROOTS = frozenset((RES, RES_MODIFY, CANCEL))

# UniqueID and ResID types (code list UIT).
HOTEL_ID = "10"
RESERVATION_ID = "14"
REFERENCE_ID = "16"

WEEKDAYS = ("Mon", "Tue", "Weds", "Thur", "Fri", "Sat", "Sun")

T = TypeVar("T")


def both(takes: dict[str, Callable[[T], None]]) -> dict[str, Callable[[T], None]]:
    """The handlers by full tag: with the namespace, and without it, as some peers send (sheet, section 9)."""
    return {**{f"{{{NAMESPACE}}}{name}": take for name, take in takes.items()}, **takes}


@lru_cache(maxsize=1024)
def is_ours(tag: str) -> bool:
    """Whether a tag is in the namespace or in none."""
    return tag.startswith(f"{{{NAMESPACE}}}") or not tag.startswith("{")


def kids(node: Node | None) -> dict[str, list[Node]]:
    """The children by local name, in order; empty for None, so that paths can be followed without asking."""
    found: dict[str, list[Node]] = {}
    for child in () if node is None else node:
        name = local(child.tag)
        if name in found:
            found[name].append(child)
        else:
            found[name] = [child]
    return found


def first(node: Node | None, *path: str) -> Node | None:
    """The first child at each step of the path."""
    for name in path:
        if node is None:
            return None
        node = next((child for child in node if local(child.tag) == name), None)
    return node


def every(node: Node | None, *path: str) -> Iterable[Node]:
    """All children named by the last step, below the first child of each step before."""
    parent = first(node, *path[:-1])
    return () if parent is None else [child for child in parent if local(child.tag) == path[-1]]


def value(node: Node | None, name: str) -> str:
    """An attribute, trimmed; empty is the same as absent (sheet, section 9)."""
    found = None if node is None else node.get(name)
    return found.strip() if found else ""


def content(node: Node | None) -> str:
    """The text of an element, trimmed."""
    return (node.text or "").strip() if node is not None else ""
