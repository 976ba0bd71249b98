"""OTA_HotelResNotifRS: writing it (the PMS answers), and reading any RS for its acknowledgement."""

from collections.abc import Sequence

import msgspec

from simulators.opentravel import answers, xml
from simulators.opentravel.xml import add, attr, child, children, to_bytes

_RESPONSES = {"new": "Committed", "modify": "Modified", "cancel": "Cancelled"}
CONFIRMATION, RESERVATION = "10", "14"


class Confirmed(msgspec.Struct, frozen=True):
    """One reservation taken: kind of revision, its UniqueID (with context), and our confirmation number."""

    kind: str
    booking_id: str
    confirmation: str
    context: str = ""


class Acknowledgement(msgspec.Struct, frozen=True):
    """What an answer says: taken or not, the ids it returned by ResID type, and why not (or its warnings)."""

    taken: bool
    ids: dict[str, str] = {}
    why: str = ""


def confirm(echo: str | None, stamp: str, hotel: str, source: str, taken: Sequence[Confirmed]) -> bytes:
    """Success with one confirmation number (ResID_Type 10) per reservation."""
    kind = taken[0].kind if taken else "new"
    root = answers.success("OTA_HotelResNotifRQ", echo, stamp, ResResponseType=_RESPONSES[kind])
    holder = add(root, "HotelReservations")
    for one in taken:
        node = add(holder, "HotelReservation")
        unique = {"Type": RESERVATION, "ID": one.booking_id}
        add(node, "UniqueID", {**unique, "ID_Context": one.context} if one.context else unique)
        info = add(node, "ResGlobalInfo")
        about = {"ResID_Type": CONFIRMATION, "ResID_Value": one.confirmation, "ResID_Source": source}
        add(add(info, "HotelReservationIDs"), "HotelReservationID", about)
        add(info, "BasicPropertyInfo", {"HotelCode": hotel})
    return to_bytes(root)


def read_acknowledgement(body: bytes) -> Acknowledgement:
    """Success without Errors is an acknowledgement; anything else, silence included, is not."""
    try:
        root = xml.parse(body)
    except xml.Malformed as error:
        return Acknowledgement(False, why=f"unreadable answer: {error}")
    problems = list(children(child(root, "Errors"), "Error"))
    if child(root, "Success") is None or child(root, "Errors") is not None:
        return Acknowledgement(False, why="; ".join(_describe(one) for one in problems) or "no Success")
    ids: dict[str, str] = {}
    for reservation in children(child(root, "HotelReservations"), "HotelReservation"):
        for one in children(child(reservation, "ResGlobalInfo", "HotelReservationIDs"), "HotelReservationID"):
            ids[attr(one, "ResID_Type") or ""] = attr(one, "ResID_Value") or ""
    warnings = children(child(root, "Warnings"), "Warning")
    return Acknowledgement(True, ids, "; ".join(_describe(one) for one in warnings))


def _describe(problem: xml.Node) -> str:
    said = xml.text(problem) or attr(problem, "ShortText") or "no text"
    return f"Type {attr(problem, 'Type')} Code {attr(problem, 'Code')}: {said}"
