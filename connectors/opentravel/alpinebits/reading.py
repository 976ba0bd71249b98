"""What a message of AlpineBits says, by its action. It has kept the rules."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.opentravel._shared.names import first, value
from connectors.opentravel._shared.times import parse_instant
from connectors.opentravel.alpinebits import actions
from connectors.opentravel.alpinebits.base_rates import read_base_rates
from connectors.opentravel.alpinebits.decode_freerooms import read_avail, read_inv_count
from connectors.opentravel.alpinebits.decode_inventory import read_inventory
from connectors.opentravel.alpinebits.decode_rateplans import read_rate_plans
from connectors.opentravel.alpinebits.decode_requests import read_reports, read_requests
from connectors.opentravel.alpinebits.rules_pulls import asked_hotel
from gateway.contract import Site
from gateway.errors import Unsupported
from gateway.messages import Event, Query, ReservationsAsked
from gateway.wire.xml import Node


def read_message(root: Node, action: str, site: Site, notes: list[str]) -> Sequence[Event | Query]:
    """``notes`` are put down for the sender: what there is no field for."""
    hotel = site.hotel
    match action:
        case actions.FREE_ROOMS_2018:
            return [read_avail(root, hotel)]
        case actions.FREE_ROOMS:
            return [read_inv_count(root, hotel)]
        case actions.RATE_PLANS:
            return [read_rate_plans(root, hotel, str(site.options.get("rate_basis", "")), notes)]
        case actions.INVENTORY:
            return [read_inventory(root, hotel)]
        case actions.READ:
            start = value(first(root, "ReadRequests", "HotelReadRequest", "SelectionCriteria"), "Start")
            zone = str(site.options.get("timezone", "UTC"))
            return [ReservationsAsked(asked_hotel(root) or hotel, parse_instant(start, zone) if start else None)]
        case actions.BASE_RATES:
            return [read_base_rates(root, hotel)]
        case actions.NOTIF_REPORT:
            return [read_reports(root, hotel)]
        case actions.RES_NOTIF:
            return read_requests(root, site)
    raise Unsupported(f"the action {action} is not taken here")
