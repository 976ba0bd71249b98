"""What answers a pushed OTA_HotelResNotifRQ: its message's number, and ours for the reservation (sheet, 2.4)."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.opentravel._shared import names
from connectors.opentravel._shared.message_id import ID_CHARS_MAX, MESSAGE_CONTEXT, numbered
from connectors.opentravel._shared.names import every, value
from gateway.messages import Result, Taken
from gateway.wire.xml import Node
from gateway.wire.xmlwrite import attributes, element


def write_taken(root: Node, results: Sequence[Result]) -> str:
    """HotelReservations, in the order they came in."""
    pairs = zip(every(root, *names.RESERVATION_LISTS[names.RES]), results, strict=False)
    written = "".join(_one(node, result) for node, result in pairs if isinstance(result, Taken))
    return f"<HotelReservations>{written}</HotelReservations>" if written else ""


def _one(node: Node, taken: Taken) -> str:
    numbers = (value(one, "ID") for one in every(node, "UniqueID") if value(one, "ID_Context") == MESSAGE_CONTEXT)
    number = next(numbers, "")[:ID_CHARS_MAX]
    unique = f'<UniqueID Type="{names.RESERVATION_ID}"{attributes(ID=taken.booking_id[:ID_CHARS_MAX])}/>'
    if number:
        unique += numbered(number)
    ours = element("HotelReservationID", "", ResID_Type=names.RESERVATION_ID, ResID_Value=taken.reservation_id)
    ids = f"<ResGlobalInfo><HotelReservationIDs>{ours}</HotelReservationIDs></ResGlobalInfo>"
    return f"<HotelReservation>{unique}{ids}</HotelReservation>"
