"""FreeRooms to figures (protocol sheet, sections 3 and 10). The message has kept its rules.

A complete set takes away everything it does not mention, so a closing season is what it leaves closed.
"""

from __future__ import annotations

from connectors.opentravel._shared.names import every, first
from connectors.opentravel.alpinebits.faults import day, need, need_child, whole
from connectors.opentravel.alpinebits.rules_freerooms import (
    BOOKABLE,
    is_avail_reset,
    is_closing_season,
    is_complete,
    is_inventory_reset,
)
from gateway.messages import AriReceived, Clearing
from gateway.model.ari import AriUpdate, Aspect, Field, Setting
from gateway.wire.xml import Node


def read_avail(root: Node, hotel: str) -> AriReceived:
    """OTA_HotelAvailNotifRQ, 2018-10."""
    holder = need_child(root, "AvailStatusMessages")
    found = [
        _update(need_child(message, "StatusApplicationControl"), whole(message, "BookingLimit"))
        for message in every(holder, "AvailStatusMessage")
        if not is_avail_reset(message)
    ]
    return _received(root, holder, hotel, found)


def read_inv_count(root: Node, hotel: str) -> AriReceived:
    """OTA_HotelInvCountNotifRQ, since 2020-10."""
    holder = need_child(root, "Inventories")
    complete = is_complete(root)
    found = [
        _update(need_child(inventory, "StatusApplicationControl"), _bookable(inventory))
        for inventory in every(holder, "Inventory")
        if not (
            is_inventory_reset(inventory)
            or (complete and is_closing_season(first(inventory, "StatusApplicationControl")))
        )
    ]
    return _received(root, holder, hotel, found)


def _bookable(inventory: Node) -> int:
    """Without counts, or without this one, nothing is."""
    counts = every(first(inventory, "InvCounts"), "InvCount")
    return next((whole(count, "Count") for count in counts if count.get("CountType") == BOOKABLE), 0)


def _update(control: Node, rooms: int) -> AriUpdate:
    first_day, last_day = day(control, "Start"), day(control, "End")
    return AriUpdate(need(control, "InvTypeCode"), "", first_day, last_day, (Setting(Field.FIGURE, rooms),))


def _received(root: Node, holder: Node, hotel: str, updates: list[AriUpdate]) -> AriReceived:
    clears = (Clearing(Aspect.LIMIT),) if is_complete(root) else ()
    return AriReceived((holder.get("HotelCode") or "").strip() or hotel, tuple(updates), clears=clears)
