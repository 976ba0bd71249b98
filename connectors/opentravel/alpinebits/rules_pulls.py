"""Requests for data, and handshakes (protocol sheet, sections 1.3, 4.1, 5.4 and 7)."""

from __future__ import annotations

from connectors.opentravel._shared.names import content, every, first
from connectors.opentravel.alpinebits.faults import broken, missing, need_child, period
from connectors.opentravel.alpinebits.handshake import HANDSHAKE_STATUS, Offer, read_offer
from connectors.opentravel.alpinebits.hotels import check_hotel
from gateway.errors import Malformed, Reason
from gateway.wire.xml import Node


def check_read(root: Node) -> None:
    """OTA_ReadRQ."""
    check_hotel(need_child(root, "ReadRequests", "HotelReadRequest"))


def check_descriptive_info(root: Node) -> None:
    """OTA_HotelDescriptiveInfoRQ."""
    check_hotel(need_child(root, "HotelDescriptiveInfos", "HotelDescriptiveInfo"))


def check_base_rates(root: Node) -> None:
    """OTA_HotelRatePlanRQ. Without a period everything is sent, which is always allowed."""
    plan = need_child(root, "RatePlans", "RatePlan")
    for dates in every(plan, "DateRange"):
        if dates.get("Start") is not None and dates.get("End") is not None:
            period(dates)
    hotels = every(plan, "HotelRef")
    if not hotels:
        raise missing(plan, "HotelRef")
    for hotel in hotels:
        check_hotel(hotel)


def check_ping(root: Node) -> Offer:
    """OTA_PingRQ: what the client offers."""
    return _read(need_child(root, "EchoData"))


def check_pong(root: Node) -> None:
    """OTA_PingRS: the intersection is readable where there is one."""
    for warning in every(root, "Warnings", "Warning"):
        if warning.get("Status") == HANDSHAKE_STATUS:
            _read(warning)


def _read(node: Node) -> Offer:
    try:
        return read_offer(content(node))
    except Malformed as error:
        raise broken(node, error.text, Reason.INVALID_VALUE) from None


def asked_hotel(root: Node) -> str:
    """The code of the hotel a pull asks about; empty where only its name is given."""
    found = first(root, "ReadRequests", "HotelReadRequest")
    return "" if found is None else (found.get("HotelCode") or "").strip()
