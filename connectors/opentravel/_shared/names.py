"""Names of OpenTravel 2003/05, the same namespace for every release since."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from gateway.errors import Malformed, Reason
from gateway.wire.xml import LOCAL, Node
from mappings import Unmapped, look_up

NAMESPACE = "http://www.opentravel.org/OTA/2003/05"

AVAIL = "OTA_HotelAvailNotifRQ"
RATES = "OTA_HotelRateAmountNotifRQ"
INV_COUNT = "OTA_HotelInvCountNotifRQ"
BOOKING_RULE = "OTA_HotelBookingRuleNotifRQ"
RES = "OTA_HotelResNotifRQ"
RES_MODIFY = "OTA_HotelResModifyNotifRQ"
RES_CHANGE = "OTA_HotelResModifyRQ"
CANCEL = "OTA_CancelRQ"
OFFERS = "OTA_HotelAvailRQ"
BOOK = "OTA_HotelResRQ"
PING = "OTA_PingRQ"
READ = "OTA_ReadRQ"
RETRIEVED = "OTA_ResRetrieveRS"
NOTIF_REPORT = "OTA_NotifReportRQ"
RATE_PLANS = "OTA_HotelRatePlanNotifRQ"
INVENTORY = "OTA_HotelInvNotifRQ"
DESCRIPTIVE = "OTA_HotelDescriptiveContentNotifRQ"
STATISTICS = "OTA_HotelStatsNotifRQ"
PROFILE_CREATE = "OTA_ProfileCreateRQ"
PROFILE_MODIFY = "OTA_ProfileModifyRQ"
PROFILE_FOUND = "OTA_ProfileReadRS"
PLANS_ASKED = "OTA_HotelRatePlanRQ"
DESCRIPTION_ASKED = "OTA_HotelDescriptiveInfoRQ"
ERROR = "OTA_ErrorRS"

ARI_ROOTS = frozenset((AVAIL, RATES, INV_COUNT, BOOKING_RULE))
RESERVATION_ROOTS = frozenset((RES, RES_MODIFY, RES_CHANGE, CANCEL))

# What a seller asks of us; the last two mean something else where a channel tells of what it has sold.
SELLER_ROOTS = frozenset((OFFERS, BOOK, RES_CHANGE, CANCEL))

# What a house tells about its guests and figures, and what it is asked about itself.
HOUSE_ROOTS = frozenset((STATISTICS, PROFILE_CREATE, PROFILE_MODIFY, PLANS_ASKED, DESCRIPTION_ASKED))

# Messages for which there is no place here, whatever the dialect.
NOT_TAKEN = frozenset(("OTA_HotelAvailGetRQ", "OTA_HotelInvBlockNotifRQ", "OTA_HotelPostEventNotifRQ"))

# Where the reservations of a message stand.
RESERVATION_LISTS = {
    RES: ("HotelReservations", "HotelReservation"),
    RES_MODIFY: ("HotelResModifies", "HotelResModify"),
    RES_CHANGE: ("HotelResModifies", "HotelResModify"),
    BOOK: ("HotelReservations", "HotelReservation"),
    RETRIEVED: ("ReservationsList", "HotelReservation"),
}

# UniqueID and ResID types (code list UIT).
HOTEL_ID = "10"
RESERVATION_ID = "14"
CANCELLATION_ID = "15"
REFERENCE_ID = "16"
PROFILE_ID = "21"
SYSTEM_ID = "22"

# Instance of the UniqueID of a message that replaces all there was.
COMPLETE_SET = "CompleteSet"

WEEKDAYS = ("Mon", "Tue", "Weds", "Thur", "Fri", "Sat", "Sun")

T = TypeVar("T")


def answer_to(root: str) -> str:
    """The message that answers a request."""
    return RETRIEVED if root == READ else root.removesuffix("RQ") + "RS"


def both(takes: dict[str, Callable[[T], object]]) -> dict[str, Callable[[T], object]]:
    """The handlers by full tag: with the namespace, and without it, as some peers send (sheet, section 9)."""
    return {**{f"{{{NAMESPACE}}}{name}": take for name, take in takes.items()}, **takes}


def is_ours(node: Node) -> bool:
    """Whether an element is in the namespace or in none."""
    tag: Any = node.tag
    return bool(tag.startswith(f"{{{NAMESPACE}}}") or not tag.startswith("{"))


def kids(node: Node | None) -> dict[str, list[Node]]:
    """The children by local name, in order; empty for None, so that paths can be followed without asking."""
    found: dict[str, list[Node]] = {}
    for child in () if node is None else node:
        name = LOCAL[child.tag]
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
        for child in node:
            if LOCAL[child.tag] == name:
                node = child
                break
        else:
            return None
    return node


def every(node: Node | None, *path: str) -> list[Node]:
    """All children named by the last step, below the first child of each step before."""
    parent = first(node, *path[:-1]) if len(path) > 1 else node
    name = path[-1]
    return [] if parent is None else [child for child in parent if LOCAL[child.tag] == name]


def values(node: Node) -> dict[str, str]:
    """All attributes as :func:`value` gives them; absent ones are missing."""
    return {name: trimmed for name, found in node.items() if (trimmed := found.strip())}


def at_most(most: int, nodes: list[Node], path: str) -> list[Node]:
    """The same nodes; raises :class:`Malformed` where they are more, as each of them takes work of its own."""
    if len(nodes) > most:
        text = f"{len(nodes)} in one message, at most {most} are taken"
        raise Malformed(text, Reason.TOO_LARGE, path=path, line=nodes[most].sourceline)
    return nodes


def value(node: Node | None, name: str) -> str:
    """An attribute, trimmed; empty is the same as absent (sheet, section 9)."""
    found = None if node is None else node.get(name)
    return found.strip() if found else ""


def content(node: Node | None) -> str:
    """The text of an element, trimmed."""
    return (node.text or "").strip() if node is not None else ""


def is_complete(root: Node) -> bool:
    """Whether a message says all there is to say (sheet, section 3.1)."""
    return any(value(node, "Instance") == COMPLETE_SET for node in every(root, "UniqueID"))


def described(table: str, code: str) -> str:
    """A code with what its list says it is, for texts that people read."""
    try:
        return f"{code} ({look_up(table, code)})"
    except Unmapped:
        return repr(code)
