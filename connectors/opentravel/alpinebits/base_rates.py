"""BaseRates: a client asks what rate plans cost, and is told static rates, prices and rules (sheet, section 7).

Of a plan's offers only who may come is told, adults, since nothing else is known of them here.
"""

from __future__ import annotations

from connectors.opentravel._shared.names import every, first, value
from connectors.opentravel.alpinebits.decode_rateplans import BASES
from connectors.opentravel.alpinebits.encode_ari import rates_of, rules_of
from connectors.opentravel.alpinebits.encode_requests import meals_of
from connectors.opentravel.alpinebits.faults import day
from connectors.opentravel.alpinebits.terms import V2018
from gateway.contract import Site
from gateway.errors import Reason, Unsupported
from gateway.messages import Described, PlansAsked, PlansFound
from gateway.model.ari import ASPECT_OF, AriUpdate, Aspect
from gateway.model.dates import FIRST_DAY, LAST_DAY, format_day
from gateway.wire.xml import Node
from gateway.wire.xmlwrite import element

_WHO = '<OfferRules><OfferRule><Occupancy AgeQualifyingCode="10"/></OfferRule></OfferRules>'
_OFFERS = f"<Offers><Offer>{_WHO}</Offer></Offers>"


def read_base_rates(root: Node, hotel: str) -> PlansAsked:
    """The question. A period may be open at either end; without one everything is told."""
    plan = first(root, "RatePlans", "RatePlan")
    dates = first(plan, "DateRange")
    begins = day(dates, "Start") if dates is not None and dates.get("Start") is not None else FIRST_DAY
    ends = day(dates, "End") if dates is not None and dates.get("End") is not None else LAST_DAY
    named = (value(one, "RatePlanCode") for one in every(plan, "RatePlanCandidates", "RatePlanCandidate"))
    asked_hotel = value(first(plan, "HotelRef"), "HotelCode") or hotel
    return PlansAsked(asked_hotel, tuple(dict.fromkeys(filter(None, named))), begins, ends)


def write_question(asked: PlansAsked) -> str:
    """The same question again."""
    bounds = {"Start": (asked.first, FIRST_DAY), "End": (asked.last, LAST_DAY)}
    days = {name: format_day(at) for name, (at, open_end) in bounds.items() if at is not None and at != open_end}
    dates = element("DateRange", "", **days) if days else ""
    plans = "".join(element("RatePlanCandidate", "", RatePlanCode=plan) for plan in asked.plans)
    candidates = element("RatePlanCandidates", plans) if plans else ""
    hotel = element("HotelRef", "", HotelCode=asked.hotel)
    return element("RatePlans", element("RatePlan", dates + candidates + hotel))


def write_base_rates(found: PlansFound, site: Site, version: str) -> str:
    """RatePlans; raises :class:`Unsupported` for what has no place in them."""
    if found.net:
        raise Unsupported("amounts before tax have no place in rate plans", Reason.PRICE)
    if version == V2018 and found.currency != "EUR":
        raise Unsupported("rate plans of 2018-10 are in EUR", Reason.CURRENCY)
    plans = "".join(_plan(plan, found, site) for plan in found.plans)
    if not plans:
        raise Unsupported("no rate plan of this hotel is mapped", Reason.RATE_PLAN)
    return element("RatePlans", plans, HotelCode=found.hotel)


def _plan(plan: Described, found: PlansFound, site: Site) -> str:
    updates = [update for update in found.updates if update.plan == plan.code]
    rules = "".join(rule for update in updates if not _is_price(update) for rule in rules_of(update))
    dated = "".join(rate for update in updates if _is_price(update) for rate in rates_of(update, site))
    body = (element("BookingRules", rules) if rules else "") + element("Rates", _static(plan, site) + dated) + _OFFERS
    return element("RatePlan", body, CurrencyCode=found.currency, RatePlanCode=plan.code)


def _static(plan: Described, site: Site) -> str:
    basis = BASES.get(str(site.options.get("rate_basis", "")))
    if basis is None:
        raise Unsupported("whether prices are per person or per room is not known: set rate_basis")
    amount = element("BaseByGuestAmts", element("BaseByGuestAmt", "", Type=basis))
    meals = element("MealsIncluded", "", MealPlanIndicator="true", MealPlanCodes=meals_of(plan.code, site))
    return element("Rate", amount + meals, RateTimeUnit="Day", UnitMultiplier="1")


def _is_price(update: AriUpdate) -> bool:
    return ASPECT_OF[update.settings[0].field] is Aspect.PRICES
