"""Reservations as their queue has them, said in the words the shared reader knows (other dialects, section 2.5).

Their rooms name no TimeSpan but a RoomRate for each night; a reservation names no status where its message says enough;
and a room's rate plan may change from night to night, for which the model has no place.
"""

from __future__ import annotations

from connectors.opentravel._shared.names import NAMESPACE, RES, RESERVATION_LISTS, every, first, kids, value
from connectors.opentravel._shared.target import read_day
from gateway.errors import Malformed
from gateway.model.dates import format_day
from gateway.wire.xml import Node, name_of

_GONE = frozenset(("Cancel", "Cancelled", "cancelled"))


def in_our_words(root: Node) -> Node:
    """The same tree, changed."""
    holder, item = RESERVATION_LISTS[name_of(root)]
    for node in every(root, holder, item):
        rooms = every(node, "RoomStays", "RoomStay")
        gone = [room for room in rooms if value(room, "RoomStayStatus") in _GONE]
        status = value(node, "ResStatus") or value(root, "ResStatus")
        if not status:
            node.set("ResStatus", "Commit" if name_of(root) == RES else "Modify")
        if rooms and len(gone) == len(rooms):
            node.set("ResStatus", "Cancel")
        else:
            for room in gone:
                parent = room.getparent()
                assert parent is not None
                parent.remove(room)
        for room in every(node, "RoomStays", "RoomStay"):
            _span(room)
            _one_plan(room)
    return root


def _rates(room: Node) -> list[Node]:
    return every(room, "RoomRates", "RoomRate")


def _span(room: Node) -> None:
    """From the first night to the day after the last. A date that is none is left to the reader to complain about."""
    dates = [value(rate, "EffectiveDate") for rate in _rates(room)]
    if first(room, "TimeSpan") is not None or not all(dates) or not dates:
        return
    try:
        days = [read_day(text, "RoomRates/RoomRate/@EffectiveDate") for text in dates]
    except Malformed:
        return
    span = room.makeelement(f"{{{NAMESPACE}}}TimeSpan", {"Start": min(dates), "End": format_day(max(days) + 1)})
    room.append(span)


def _one_plan(room: Node) -> None:
    """The first night's plan stands for all, and a remark tells the others."""
    nights = [(value(rate, "EffectiveDate"), value(rate, "RatePlanCode"), rate) for rate in _rates(room)]
    plans = list(dict.fromkeys(plan for _, plan, _ in sorted(nights, key=lambda night: night[0]) if plan))
    if len(plans) < 2:
        return
    for _, plan, rate in nights:
        if plan:
            rate.set("RatePlanCode", plans[0])
    for extra in every(room, "RatePlans", "RatePlan"):
        if value(extra, "RatePlanCode") != plans[0]:
            parent = extra.getparent()
            assert parent is not None
            parent.remove(extra)
    _remark(room, "Rate plans by night: " + ", ".join(f"{date} {plan}" for date, plan, _ in nights))


def _remark(room: Node, text: str) -> None:
    holder = kids(room).get("Comments", [None])[0]
    if holder is None:
        holder = room.makeelement(f"{{{NAMESPACE}}}Comments")
        room.append(holder)
    comment = holder.makeelement(f"{{{NAMESPACE}}}Comment")
    words = comment.makeelement(f"{{{NAMESPACE}}}Text")
    words.text = text
    comment.append(words)
    holder.append(comment)
