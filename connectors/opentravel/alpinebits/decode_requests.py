"""Guest requests to revisions (protocol sheet, sections 4.4 and 10): a request for an offer is never a booking."""

from __future__ import annotations

from connectors.opentravel._shared.decode_cards import read_cards
from connectors.opentravel._shared.decode_guests import Guests, card_mask, comments_of
from connectors.opentravel._shared.names import content, every, first, kids, value
from connectors.opentravel._shared.times import parse_instant
from connectors.opentravel.alpinebits.faults import broken, day, need_child, whole
from connectors.opentravel.alpinebits.rules_guests import CANCELLED, MODIFY, RESERVED, is_alternative
from gateway.contract import Site
from gateway.errors import Malformed, Reason
from gateway.messages import DeliveriesReported, DeliveryReport, ReservationReceived
from gateway.model.money import parse_minor
from gateway.model.reservation import Content, Revision, RevisionKind, RoomStay, Service
from gateway.wire.redact import mask_text
from gateway.wire.xml import Node

KIND_OF = {RESERVED: RevisionKind.NEW, MODIFY: RevisionKind.MODIFY, CANCELLED: RevisionKind.CANCEL}
CANCEL_ID = "15"


def read_requests(root: Node, site: Site) -> list[ReservationReceived]:
    """Every HotelReservation of a push or of an answer to a pull."""
    return [_received(node, site) for node in root.iter("{*}HotelReservation")]


def read_reports(root: Node, hotel: str) -> DeliveriesReported:
    """OTA_NotifReportRQ: what was taken, and what was refused and why."""
    taken = [
        DeliveryReport(value(number, "ID"), RevisionKind.CANCEL if value(number, "Type") == CANCEL_ID else None)
        for number in root.iter("{*}UniqueID")
    ]
    refused = [
        DeliveryReport(value(warning, "RecordID"), error=mask_text(content(warning)) or f"refused, {_codes(warning)}")
        for warning in every(root, "Warnings", "Warning")
    ]
    return DeliveriesReported(hotel, (*taken, *refused))


def _codes(warning: Node) -> str:
    return f"type {value(warning, 'Type')}, code {value(warning, 'Code')}"


def _received(node: Node, site: Site) -> ReservationReceived:
    zone = str(site.options.get("timezone", "UTC"))
    unique = need_child(node, "UniqueID")
    changed = value(node, "LastModifyDateTime")
    hotel = value(first(node, "ResGlobalInfo", "BasicPropertyInfo"), "HotelCode")
    booking = value(unique, "ID")
    return ReservationReceived(
        hotel or site.hotel,
        Revision(
            booking_id=booking,
            kind=KIND_OF.get(value(node, "ResStatus"), RevisionKind.IGNORE),
            content=_content(node, site),
            channel=value(
                first(node, "ResGlobalInfo", "Profiles", "ProfileInfo", "Profile", "CompanyInfo", "CompanyName"), "Code"
            ),
            version=parse_instant(changed, zone) if changed else None,
            created_ms=parse_instant(value(node, "CreateDateTime"), zone),
            record=booking,
        ),
        read_cards(node) if site.cards else (),
    )


def _content(node: Node, site: Site) -> Content:
    stays = [stay for stay in every(node, "RoomStays", "RoomStay") if not is_alternative(stay)]
    read = [_stay(stay, site.currency) for stay in stays if first(stay, "TimeSpan") is not None]
    totals = [stay.total for stay in read if stay.total is not None]
    services = [_service(service, site.currency) for service in every(node, "Services", "Service")]
    extra = [service.total for service in services if service.total is not None]
    parts = kids(node)
    currencies = {value(total, "CurrencyCode") for total in node.iter("{*}Total")}
    if len(currencies) > 1:
        raise broken(node, "there are amounts in several currencies", Reason.CURRENCY)
    return Content(
        currency=next(iter(currencies), ""),
        total=sum(totals) + sum(extra) if totals and len(totals) == len(read) else None,
        stays=tuple(read),
        booker=Guests.read(parts).booker(),
        services=tuple(services),
        comments=_comments(first(node, "ResGlobalInfo")),
        card_mask=card_mask(stays),
    )


def _comments(info: Node | None) -> tuple[str, ...]:
    """Line by line, as :mod:`connectors.opentravel.alpinebits.encode_requests` joins them."""
    found = comments_of(kids(info)) if info is not None else ()
    return tuple(line for comment in found for line in comment.splitlines() if line)


def _stay(stay: Node, currency: str) -> RoomStay:
    counts = every(stay, "GuestCounts", "GuestCount")
    ages = [whole(one, "Age") for one in counts if one.get("Age") is not None for _ in range(whole(one, "Count"))]
    span = need_child(stay, "TimeSpan")
    window = first(span, "StartDateWindow")
    arrival = day(span, "Start") if window is None else day(window, "EarliestDate")
    departure = day(span, "End") if window is None else day(window, "LatestDate")
    total = first(stay, "Total")
    return RoomStay(
        room=value(first(stay, "RoomTypes", "RoomType"), "RoomTypeCode"),
        plan=value(first(stay, "RatePlans", "RatePlan"), "RatePlanCode"),
        arrival=arrival,
        departure=departure,
        adults=sum(whole(one, "Count") for one in counts if one.get("Age") is None),
        children=len(ages),
        child_ages=tuple(sorted(ages)),
        total=_minor(total, value(total, "CurrencyCode") or currency) if total is not None else None,
    )


def _service(node: Node, currency: str) -> Service:
    total = first(node, "ServiceDetails", "Total")
    return Service(
        value(node, "ServiceInventoryCode"),
        whole(node, "Quantity"),
        _minor(total, value(total, "CurrencyCode") or currency) if total is not None else None,
        mask_text(content(first(node, "ServiceDetails", "ServiceDescription", "Text"))),
    )


def _minor(total: Node, currency: str) -> int:
    try:
        return parse_minor(value(total, "AmountAfterTax"), currency)
    except Malformed as error:
        raise broken(total, error.text, Reason.INVALID_VALUE, "AmountAfterTax") from None
