"""FreeRooms: the rules of OTA_HotelAvailNotifRQ (2018-10) and OTA_HotelInvCountNotifRQ (since 2020-10).

Sources: AlpineBits HotelData, chapter FreeRooms (OTA_HotelAvailNotif, OTA_HotelInvCountNotif); protocol sheet,
sections 3.1 and 3.2. Both are checked after the schema, in the order of the sheet.
"""

from __future__ import annotations

from connectors.opentravel._shared.names import every, first
from connectors.opentravel.alpinebits.faults import (
    broken,
    missing,
    need,
    need_child,
    no_attributes,
    no_children,
    period,
    truth,
    whole,
)
from connectors.opentravel.alpinebits.hotels import check_hotel
from connectors.opentravel.alpinebits.periods import Periods
from connectors.opentravel.alpinebits.terms import FREE_ROOMS, FREE_ROOMS_2018, Terms
from gateway.errors import Reason
from gateway.model.dates import Day
from gateway.wire.xml import Node, name_of

COMPLETE_SET = "CompleteSet"
BOOKABLE, OUT_OF_ORDER, OFF_MARKET = "2", "6", "9"
_CAPABILITY_OF = {OUT_OF_ORDER: "out_of_order", OFF_MARKET: "out_of_market"}
_COUNTS_MAX = 3


def is_complete(root: Node) -> bool:
    """Whether what is not mentioned is no longer available."""
    unique = first(root, "UniqueID")
    return unique is not None and unique.get("Instance") == COMPLETE_SET


# --- 2018-10 ----------------------------------------------------------------------------------------------------------


def check_avail(root: Node, terms: Terms) -> None:
    """Section 3.1."""
    _check_unique_id(root, terms, FREE_ROOMS_2018)
    holder = need_child(root, "AvailStatusMessages")
    check_hotel(holder)
    messages = every(holder, "AvailStatusMessage")
    if not messages:
        raise missing(holder, "AvailStatusMessage")
    if is_complete(root) and len(messages) == 1 and is_avail_reset(messages[0]):
        return
    levels = _Levels(terms, FREE_ROOMS_2018)
    # A day that ends one period and begins the next is tolerated in this version.
    periods = Periods("period", shared_day=True)
    for message in messages:
        _check_avail_message(message, terms, levels, periods)
    periods.check()


def is_avail_reset(message: Node) -> bool:
    """An AvailStatusMessage that says nothing, which in a complete set of one means: nothing is available."""
    named = ("BookingLimit", "BookingThreshold", "BookingLimitMessageType")
    return all(message.get(name) is None for name in named) and first(message, "StatusApplicationControl") is None


def _check_avail_message(message: Node, terms: Terms, levels: _Levels, periods: Periods) -> None:
    limit = whole(message, "BookingLimit")
    need(message, "BookingLimitMessageType")
    if not terms.has(FREE_ROOMS_2018 + "BookingThreshold"):
        no_attributes(message, ("BookingThreshold",), f"while {FREE_ROOMS_2018}BookingThreshold is off")
    elif whole(message, "BookingThreshold") > limit:
        text = f"BookingThreshold is above the BookingLimit of {limit}"
        raise broken(message, text, Reason.INVALID_VALUE, "BookingThreshold")
    control = need_child(message, "StatusApplicationControl")
    key = levels.key(control)
    if levels.rooms and limit > 1:
        raise broken(message, "the BookingLimit of a single room is 0 or 1", Reason.INVALID_VALUE, "BookingLimit")
    periods.add(key, control, *period(control))


# --- since 2020-10 ----------------------------------------------------------------------------------------------------


def check_inv_count(root: Node, terms: Terms) -> tuple[str, ...]:
    """Section 3.2; gives warnings."""
    _check_unique_id(root, terms, FREE_ROOMS)
    holder = need_child(root, "Inventories")
    check_hotel(holder)
    inventories = every(holder, "Inventory")
    if not inventories:
        raise missing(holder, "Inventory")
    complete = is_complete(root)
    if not (complete and len(inventories) == 1 and is_inventory_reset(inventories[0])):
        _check_inventories(inventories, complete, terms)
    if complete and terms.says(FREE_ROOMS) and terms.version >= "2022" and not terms.has(FREE_ROOMS + "complete_set"):
        return (f"a complete set was sent while {FREE_ROOMS}complete_set is off",)
    return ()


def is_inventory_reset(inventory: Node) -> bool:
    """An Inventory that says nothing, which in a complete set of one means: nothing is available."""
    return first(inventory, "StatusApplicationControl") is None and first(inventory, "InvCounts") is None


def is_closing_season(control: Node | None) -> bool:
    """Whether the StatusApplicationControl of a complete set says that the hotel is closed."""
    if control is None or control.get("AllInvCode") is None:
        return False
    return truth(control, "AllInvCode") and control.get("Start") is not None and control.get("End") is not None


def _check_inventories(inventories: list[Node], complete: bool, terms: Terms) -> None:
    levels = _Levels(terms, FREE_ROOMS)
    periods = Periods("period")
    seasons: list[tuple[Day, Day]] = []
    bookable: list[tuple[Day, Day, Node]] = []
    for number, inventory in enumerate(inventories):
        parts = {name_of(child): child for child in inventory}
        control = parts.get("StatusApplicationControl")
        if complete and is_closing_season(control):
            seasons.append(_check_season(inventory, terms, first_ones=number == len(seasons), before=seasons))
            continue
        if control is None:
            raise missing(inventory, "StatusApplicationControl")
        key = levels.key(control)
        counts = _check_counts(parts.get("InvCounts"), terms, levels.rooms)
        start, end = period(control)
        periods.add(key, control, start, end)
        if counts.get(BOOKABLE):
            bookable.append((start, end, control))
    periods.check()
    for start, end, control in bookable:
        if any(start <= last and begin <= end for begin, last in seasons):
            raise broken(control, "rooms are bookable while the hotel is closed", Reason.DATE_COMBINATION, "Start")


def _check_season(inventory: Node, terms: Terms, *, first_ones: bool, before: list[tuple[Day, Day]]) -> tuple[Day, Day]:
    """Rules 3 and 4. A common boundary day of two seasons is accepted, as the reference implementation does."""
    if not terms.has(FREE_ROOMS + "closing_seasons"):
        raise broken(inventory, f"a closing season is not allowed while {FREE_ROOMS}closing_seasons is off")
    if not first_ones:
        raise broken(inventory, "closing seasons come before all other inventories")
    no_children(inventory, frozenset(("InvCounts",)), "in a closing season")
    control = need_child(inventory, "StatusApplicationControl")
    start, end = period(control)
    if any(begin < end and start < last for begin, last in before):
        raise broken(control, "the closing season overlaps another", Reason.DATE_COMBINATION, "Start")
    return start, end


def _check_counts(holder: Node | None, terms: Terms, rooms: bool) -> dict[str, int]:
    """Rule 7: the counts by type; none at all where nothing is available."""
    if holder is None:
        return {}
    found: dict[str, int] = {}
    counts = list(holder)
    if not 1 <= len(counts) <= (1 if rooms else _COUNTS_MAX):
        raise broken(holder, f"{len(counts)} InvCount elements are too few or too many", Reason.INVALID_VALUE)
    for count in counts:
        kind = need(count, "CountType")
        if kind not in (BOOKABLE, OUT_OF_ORDER, OFF_MARKET):
            raise broken(count, f"CountType {kind[:20]!r} is none of 2, 6 and 9", Reason.INVALID_VALUE, "CountType")
        if kind in found:
            raise broken(count, f"CountType {kind} is there twice", attribute="CountType")
        capability = _CAPABILITY_OF.get(kind)
        if capability and not terms.has(FREE_ROOMS + capability):
            text = f"CountType {kind} is not allowed while {FREE_ROOMS}{capability} is off"
            raise broken(count, text, attribute="CountType")
        found[kind] = whole(count, "Count")
        if rooms and found[kind] > 1:
            raise broken(count, "the Count of a single room is 0 or 1", Reason.INVALID_VALUE, "Count")
    return found


# --- both -------------------------------------------------------------------------------------------------------------


def _check_unique_id(root: Node, terms: Terms, family: str) -> None:
    """Rules 1 and 2: without a UniqueID the message is a delta."""
    unique = first(root, "UniqueID")
    if unique is None:
        if not terms.has(family + "deltas"):
            raise broken(root, f"UniqueID is missing, and {family}deltas is off", Reason.REQUIRED_MISSING)
        return
    if need(unique, "Type") not in ("16", "35"):
        raise broken(unique, "the Type is neither 16 nor 35", Reason.INVALID_VALUE, "Type")
    need(unique, "ID")
    if need(unique, "Instance") != COMPLETE_SET:
        raise broken(unique, f"the Instance is not {COMPLETE_SET}", Reason.INVALID_VALUE, "Instance")


class _Levels:
    """Rules 6 to 8 (7 and 8 in 2018-10): a message speaks of categories or of single rooms, not of both."""

    def __init__(self, terms: Terms, family: str) -> None:
        self._categories = terms.has(family + "categories")
        self._rooms = terms.has(family + "rooms")
        self._family = family
        self._single: bool | None = None

    @property
    def rooms(self) -> bool:
        """Whether the message is about single rooms."""
        return self._single is True

    def key(self, control: Node) -> tuple[str, str]:
        """The category, and the room where it is one."""
        category = need(control, "InvTypeCode")
        room = control.get("InvCode")
        single = room is not None
        if not (self._rooms if single else self._categories):
            name = "rooms" if single else "categories"
            attribute = "InvCode" if single else "InvTypeCode"
            raise broken(control, f"{name} are not allowed while {self._family}{name} is off", attribute=attribute)
        if self._single is not None and self._single is not single:
            raise broken(control, "categories and single rooms are mixed in one message", attribute="InvTypeCode")
        self._single = single
        return category, room or ""
