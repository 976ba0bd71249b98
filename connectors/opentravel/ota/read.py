"""What a message says: one reader for each root (sheet, sections 3 to 6).

Lists of availability and prices are streamed where they are long; everything else is read as a tree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from connectors.opentravel._shared import decode_ari, names
from connectors.opentravel._shared.decode_ari import AnyCollector
from connectors.opentravel._shared.decode_avail import AvailCollector
from connectors.opentravel._shared.decode_booking_rules import BookingRulesCollector
from connectors.opentravel._shared.decode_counts import CountsCollector
from connectors.opentravel._shared.decode_rates import RatesCollector
from connectors.opentravel._shared.decode_reservation import Reader
from connectors.opentravel._shared.names import content, first
from connectors.opentravel._shared.notif_report import by_any_id, read_report
from connectors.opentravel._shared.profile import Profile
from connectors.opentravel.ota import describe, plans, profiles, rate_plans, retrieve, statistics
from connectors.opentravel.ota.document import OtaDocument
from connectors.opentravel.ota.selling import read_selling
from gateway.contract import Site
from gateway.errors import Malformed, Reason, Unsupported
from gateway.messages import AriReceived, Event, PingReceived, Query
from gateway.wire.xml import Node, read_tree

Read = Callable[[OtaDocument, Node, Site, Profile], Sequence[Event | Query]]

_COLLECTORS: Mapping[str, type[AnyCollector]] = {
    names.AVAIL: AvailCollector,
    names.RATES: RatesCollector,
    names.INV_COUNT: CountsCollector,
    names.BOOKING_RULE: BookingRulesCollector,
}


def read_message(document: OtaDocument, site: Site, profile: Profile) -> Sequence[Event | Query]:
    """Raises :class:`gateway.errors.Refusal`, also for what the profile does not declare."""
    found = _read(document, site, profile)
    for one in found:
        if type(one).__name__ not in profile.limits.events:
            raise Unsupported(f"{document.root} is not taken in this dialect", path=f"/{document.root}", line=1)
    return found


def sells(profile: Profile) -> bool:
    """Whether its counterpart books from us, so that its messages ask for something instead of telling it."""
    return "SaleAsked" in profile.limits.events


def zone_of(site: Site) -> str:
    """The time zone of times that name none."""
    return str(site.options.get("timezone", "UTC"))


def _read(document: OtaDocument, site: Site, profile: Profile) -> Sequence[Event | Query]:
    if document.root in names.SELLER_ROOTS and sells(profile):
        return read_selling(_tree_of(document), site.hotel, site.currency, zone_of(site), cards=site.cards)
    if document.root in _COLLECTORS:
        return [_read_ari(document, site, profile)]
    reader = _READERS.get(document.root)
    if reader is None:
        raise Unsupported(f"{document.root} is not taken here", path=f"/{document.root}", line=1)
    return reader(document, _tree_of(document), site, profile)


def _tree_of(document: OtaDocument) -> Node:
    if document.tree is None:
        document.tree = read_tree(document.data, document.limits)
    return document.tree


def _read_ari(document: OtaDocument, site: Site, profile: Profile) -> AriReceived:
    collector = _COLLECTORS[document.root]
    if document.tree is not None:
        found = decode_ari.decode_tree(document.tree, collector, profile, site.currency)
    else:
        found = decode_ari.decode(document.data, collector, profile, site.currency, document.limits)
    if not found.hotel and profile.hotel_code_on_list:
        path = f"/{found.root}/{found.container}/@HotelCode"
        raise Malformed("HotelCode is missing", Reason.REQUIRED_MISSING, path=path)
    decode_ari.check_items(found, lambda: _tree_of(document))
    clears = decode_ari.clearings(found)
    return AriReceived(found.hotel or site.hotel, tuple(found.updates), document.asked.token, clears, found.bands)


def _ping(document: OtaDocument, root: Node, site: Site, profile: Profile) -> Sequence[Event | Query]:
    return [PingReceived(content(first(root, "EchoData")))]


def _reservations(document: OtaDocument, root: Node, site: Site, profile: Profile) -> Sequence[Event | Query]:
    return Reader(site.hotel, site.currency, zone_of(site), site.cards).read(root)


def _questions(document: OtaDocument, root: Node, site: Site, profile: Profile) -> Sequence[Event | Query]:
    if document.asked.answer == names.PROFILE_FOUND:
        return profiles.read_asked(root, site.hotel)
    return [question.asked for question in retrieve.read_questions(root, site.hotel, zone_of(site))]


def _report(document: OtaDocument, root: Node, site: Site, profile: Profile) -> Sequence[Event | Query]:
    return [read_report(root, site.hotel, by_any_id)]


def _rate_plans(document: OtaDocument, root: Node, site: Site, profile: Profile) -> Sequence[Event | Query]:
    return rate_plans.read_rate_plans(document, root, site, profile)


def _inventory(document: OtaDocument, root: Node, site: Site, profile: Profile) -> Sequence[Event | Query]:
    return [describe.read_inventory(root, site.hotel)]


def _descriptive(document: OtaDocument, root: Node, site: Site, profile: Profile) -> Sequence[Event | Query]:
    return describe.read_descriptive(root, site.hotel)


def _statistics(document: OtaDocument, root: Node, site: Site, profile: Profile) -> Sequence[Event | Query]:
    return statistics.read_statistics(root, site.hotel, site.currency)


def _profile(document: OtaDocument, root: Node, site: Site, profile: Profile) -> Sequence[Event | Query]:
    return [profiles.read_profile(root, document.root, site.hotel)]


def _plans_asked(document: OtaDocument, root: Node, site: Site, profile: Profile) -> Sequence[Event | Query]:
    return plans.read_plans_asked(root, site.hotel)


def _description_asked(document: OtaDocument, root: Node, site: Site, profile: Profile) -> Sequence[Event | Query]:
    return plans.read_description_asked(root, site.hotel)


_READERS: Mapping[str, Read] = {
    names.PING: _ping,
    names.READ: _questions,
    names.NOTIF_REPORT: _report,
    names.RATE_PLANS: _rate_plans,
    names.INVENTORY: _inventory,
    names.DESCRIPTIVE: _descriptive,
    names.STATISTICS: _statistics,
    names.PROFILE_CREATE: _profile,
    names.PROFILE_MODIFY: _profile,
    names.PLANS_ASKED: _plans_asked,
    names.DESCRIPTION_ASKED: _description_asked,
    **dict.fromkeys(names.RESERVATION_ROOTS, _reservations),
}
