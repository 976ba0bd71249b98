"""The examples of every action in every version, and changes to them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path

from lxml import etree

from connectors.opentravel.alpinebits.terms import VERSIONS
from gateway.wire.xml import Node, read_tree

FOLDER = Path(__file__).parents[4] / "fixtures" / "opentravel" / "alpinebits"

FREE_ROOMS_2018 = "OTA_HotelAvailNotif_accept_"
FREE_ROOMS = "OTA_HotelInvCountNotif_accept_"
INVENTORY = "OTA_HotelDescriptiveContentNotif_Inventory_"
RATE_PLANS = "OTA_HotelRatePlanNotif_accept_"

# All but BookingThreshold, which demands an attribute, and RatePlanJoin, which demands two.
EVERYTHING = frozenset(
    [FREE_ROOMS_2018 + name for name in ("rooms", "categories", "deltas")]
    + [
        FREE_ROOMS + name
        for name in (
            "rooms",
            "categories",
            "deltas",
            "out_of_order",
            "out_of_market",
            "closing_seasons",
            "complete_set",
        )
    ]
    + [INVENTORY + name for name in ("use_rooms", "occupancy_children")]
    + [
        RATE_PLANS + name
        for name in (
            "ArrivalDOW",
            "DepartureDOW",
            "RatePlan_BookingRule",
            "RatePlan_RoomType_BookingRule",
            "RatePlan_mixed_BookingRule",
            "Supplements",
            "FreeNightsOffers",
            "FamilyOffers",
            "overlay",
            "OfferRule_BookingOffset",
            "OfferRule_DOWLOS",
            "full",
        )
    ]
)
_EXTRA = {"threshold": FREE_ROOMS_2018 + "BookingThreshold", "joined": RATE_PLANS + "RatePlanJoin"}
_NAMESPACES = {"o": "http://www.opentravel.org/OTA/2003/05"}

Change = Callable[[Node], None]


def examples() -> list[str]:
    """``<version>/<root>/<case>`` of each, whether our server takes it or something else is done with it."""
    return sorted(_files())


@cache
def _files() -> dict[str, Path]:
    found = {}
    for path in FOLDER.rglob("*.xml"):
        version, _, root, case = path.relative_to(FOLDER).with_suffix("").parts
        found[f"{version}/{root}/{case}"] = path
    return found


def version_of(example: str) -> str:
    return example.partition("/")[0]


def capabilities_of(example: str) -> frozenset[str]:
    """What has to be on for it."""
    extra = _EXTRA.get(example.rpartition("/")[2])
    return EVERYTHING | {extra} if extra else EVERYTHING


def body_of(example: str) -> bytes:
    return _files()[example].read_bytes()


def tree_of(example: str) -> Node:
    return read_tree(body_of(example))


def in_all(name: str, since: str = "2018-10", until: str = "2024-10") -> list[str]:
    """The example in each version that has it."""
    return [f"{version}/{name}" for version in VERSIONS if since <= version <= until]


def changed(example: str, path: str, *changes: Change) -> Node:
    """A copy with changes to the first element a path finds (``o:`` is the namespace)."""
    root = copy.deepcopy(tree_of(example))
    found = root.xpath(path, namespaces=_NAMESPACES)
    assert isinstance(found, list)
    assert found, f"{path} is not in {example}"
    for change in changes:
        change(found[0])
    return read_tree(etree.tostring(root))


def put(name: str, value: str) -> Change:
    return lambda node: node.set(name, value)


def drop(*names: str) -> Change:
    def change(node: Node) -> None:
        for name in names:
            del node.attrib[name]

    return change


def without(*names: str) -> Change:
    """Without the children of these names."""

    def change(node: Node) -> None:
        for name in names:
            for child in node.findall(f"o:{name}", _NAMESPACES):
                node.remove(child)

    return change


def gone(node: Node) -> None:
    parent = node.getparent()
    assert parent is not None
    parent.remove(node)


def twice(node: Node) -> None:
    node.addnext(copy.deepcopy(node))


def in_place_of_next(node: Node) -> None:
    """A copy where its next sibling was."""
    neighbour = node.getnext()
    assert neighbour is not None
    gone(neighbour)
    twice(node)


def last(node: Node) -> None:
    """At the end of its list."""
    parent = node.getparent()
    assert parent is not None
    parent.append(node)


def added(text: str, at: int | None = None) -> Change:
    """A child written as XML."""

    def change(node: Node) -> None:
        child = etree.fromstring(f'<x xmlns="{_NAMESPACES["o"]}">{text}</x>')[0]
        node.insert(len(node) if at is None else at, child)

    return change
