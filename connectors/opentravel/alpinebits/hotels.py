"""Which hotel a message is about: by code, or up to 2022-10 by name alone (protocol sheet, section 1.5)."""

from __future__ import annotations

from connectors.opentravel.alpinebits.faults import broken, missing
from gateway.errors import Reason
from gateway.wire.xml import Node


def check_hotel(node: Node) -> None:
    """HotelCode or HotelName is there, and a code that is there is not blank."""
    code = node.get("HotelCode")
    if code is None:
        if node.get("HotelName") is None:
            raise missing(node, "@HotelCode")
    elif not code.strip():
        raise broken(node, "HotelCode is blank", Reason.HOTEL, "HotelCode")


def check_hotel_code(node: Node) -> None:
    """HotelCode is there and not blank."""
    if node.get("HotelCode") is None:
        raise missing(node, "@HotelCode")
    check_hotel(node)
