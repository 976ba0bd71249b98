"""OTA_HotelRatePlanNotifRQ: prices and rules of whole plans, and their names (sheet, section 4.2).

Rates and booking rules are those of the lists of prices and of rules, and are read by the same collectors: a plan
gives them its code, its dates and its currency. A new plan, and one that is removed, first loses what it had; an
overlay and a change set what they name. What else a plan may have is not kept, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.opentravel._shared import names
from connectors.opentravel._shared.decode_ari import AnyCollector
from connectors.opentravel._shared.decode_booking_rules import BookingRulesCollector
from connectors.opentravel._shared.decode_rates import RatesCollector
from connectors.opentravel._shared.names import every, first, is_complete, kids, value
from connectors.opentravel._shared.notif_report import line_of
from connectors.opentravel._shared.profile import Profile
from connectors.opentravel.ota.describe import name_in, sellable_rooms
from connectors.opentravel.ota.document import OtaDocument
from gateway.contract import Site
from gateway.errors import Malformed, Reason, Refusal, Unsupported
from gateway.messages import AgeBand, AriReceived, Clearing, ContentReceived, Described, Event
from gateway.model.ari import AriUpdate, Aspect
from gateway.wire import xml_streams
from gateway.wire.xml import Node

_PATH = f"/{names.RATE_PLANS}/RatePlans"
_WHOLE_PLAN = (Aspect.PRICES, Aspect.RULES)
_FIRST_CLEARED = frozenset(("New", "Full", "Remove"))
_KINDS = _FIRST_CLEARED | {"Delta", "Overlay", "Activate", ""}
_NOT_KEPT = ("Supplements", "Offers", "RatePlanShoulders", "RatePlanLevelFee", "RatePlanInclusions")
_SPAN = ("Start", "End", "Duration")
# Prices that are worked out from those of another plan, or from an amount that is changed by a part of itself.
_DERIVED = ("AdjustedAmount", "AdjustedPercentage", "YieldDeltaAmount")


def read_rate_plans(document: OtaDocument, root: Node, site: Site, profile: Profile) -> Sequence[Event]:
    """What is set, and the names that help to map it; a note in ``document`` for what was not kept."""
    holder = first(root, "RatePlans")
    hotel = value(holder, "HotelCode")
    if holder is None or (not hotel and profile.hotel_code_on_list):
        raise Malformed("HotelCode is missing", Reason.REQUIRED_MISSING, path=f"{_PATH}/@HotelCode", line=line_of(root))
    plans = every(holder, "RatePlan")
    if not plans and (len(holder) or not is_complete(root)):
        path = f"{_PATH}/RatePlan"
        raise Malformed("there is no RatePlan", Reason.REQUIRED_MISSING, path=path, line=line_of(holder))
    updates: list[AriUpdate] = []
    bands: list[AgeBand] = []
    clears = [Clearing(aspect) for aspect in _WHOLE_PLAN] if is_complete(root) else []
    for number, node in enumerate(plans, start=1):
        plan = _Plan(node, f"{_PATH}/RatePlan[{number}]", site, profile)
        clears += plan.clears() if not is_complete(root) else ()
        updates += plan.updates()
        bands += plan.bands()
        document.notes += plan.not_kept()
    described = ContentReceived(hotel or site.hotel, _rooms(plans), _names(plans))
    event = AriReceived(hotel or site.hotel, tuple(updates), document.asked.token, tuple(clears), tuple(bands))
    return [event, described] if updates or clears else [described]


class _Plan:
    """One RatePlan."""

    def __init__(self, node: Node, path: str, site: Site, profile: Profile) -> None:
        self._node = node
        self._path = path
        self._code = value(node, "RatePlanCode")
        currency = value(node, "CurrencyCode") or site.currency
        self._prices = RatesCollector(profile, currency)
        self._rules = BookingRulesCollector(profile, currency)
        self._kind = value(node, "RatePlanNotifType")
        if not self._code:
            raise self._fault(Malformed("RatePlanCode is missing", Reason.REQUIRED_MISSING), "@RatePlanCode")
        if self._kind not in _KINDS:
            told = f"{self._kind!r} is unknown"
            raise self._fault(Malformed(told, Reason.INVALID_VALUE), "@RatePlanNotifType")
        for name in _DERIVED:
            if value(node, name):
                raise self._fault(Unsupported("a plan derived from another is configured here, not sent"), f"@{name}")

    def clears(self) -> tuple[Clearing, ...]:
        """All prices and rules of the plan, where it begins or ends."""
        if self._kind not in _FIRST_CLEARED and value(self._node, "RatePlanStatusType") != "Deactivated":
            return ()
        return tuple(Clearing(aspect, plan=self._code) for aspect in _WHOLE_PLAN)

    def updates(self) -> Sequence[AriUpdate]:
        """Prices, then rules."""
        if self._kind == "Remove":
            return ()
        for number, rate in enumerate(every(self._node, "Rates", "Rate"), start=1):
            path = f"Rates/Rate[{number}]"
            self._collect(self._prices, rate, self._room_of(rate, path), path)
        rules = first(self._node, "BookingRules")
        room = _codes(first(rules, "InventoryInfo"))
        for number, rule in enumerate(every(rules, "BookingRule"), start=1):
            self._collect(self._rules, rule, room, f"BookingRules/BookingRule[{number}]")
        return [*self._prices.updates, *self._rules.updates]

    def bands(self) -> Sequence[AgeBand]:
        """Prices of children by age that stand behind the updates."""
        return self._prices.bands

    def not_kept(self) -> list[str]:
        """What the gateway has no field for."""
        listed = [name for name in _NOT_KEPT if name in kids(self._node)]
        return [f"rate plan {self._code}: {', '.join(listed)} not kept"] if listed else []

    def _room_of(self, rate: Node, path: str) -> dict[str, str]:
        """The room type of a Rate. One that names none is for every room type of the plan."""
        for name in _DERIVED:
            if value(rate, name):
                raise self._fault(Unsupported("a derived price is configured here, not sent"), f"{path}/@{name}")
        return _codes(rate) or {"AllInvCode": "true"}

    def _collect(self, collector: AnyCollector, node: Node, target: dict[str, str], path: str) -> None:
        """One Rate or BookingRule, read by the collector of its list."""
        plan = {name: value(self._node, name) for name in _SPAN if value(self._node, name)}
        own = {name: value(node, name) for name in _SPAN if value(node, name)}
        try:
            collector.begin({}, {**(own or plan), **target, "RatePlanCode": self._code})
            xml_streams.replay(node, collector)
            collector.finish()
        except Refusal as error:
            inner = _inner(error.path or "")
            raise self._fault(error, f"{path}/{inner}" if inner else path, node) from None

    def _fault(self, error: Refusal, inner: str, node: Node | None = None) -> Refusal:
        error.path = f"{self._path}/{inner}"
        error.line = line_of(self._node if node is None else node)
        error.record = error.record or self._code or None
        return error


def _inner(path: str) -> str:
    """The place of a fault below its Rate or BookingRule; a control is made up of what stands there."""
    for holder in ("Rates/Rate/", "BookingRule/", "StatusApplicationControl/"):
        path = path.removeprefix(holder)
    return path


def _codes(node: Node | None) -> dict[str, str]:
    return {name: value(node, name) for name in ("InvTypeCode", "InvCode") if value(node, name)}


def _rooms(plans: Sequence[Node]) -> tuple[Described, ...]:
    found = {one.code: one for plan in plans for one in sellable_rooms(first(plan, "SellableProducts"))}
    return tuple(found.values())


def _names(plans: Sequence[Node]) -> tuple[Described, ...]:
    kept = (plan for plan in plans if value(plan, "RatePlanNotifType") != "Remove")
    found = {value(plan, "RatePlanCode"): Described(value(plan, "RatePlanCode"), _name(plan)) for plan in kept}
    return tuple(found.values())


def _name(plan: Node) -> str:
    return name_in(every(plan, "Description"))
