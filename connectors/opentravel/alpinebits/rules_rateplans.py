"""RatePlans: the rules of OTA_HotelRatePlanNotif:RatePlans.

Sources: AlpineBits HotelData, chapter RatePlans; protocol sheet, sections 6.2 and 6.3. What depends on a hotel's own
rooms and on plans sent earlier is not a rule of the message and is decided where they are known. Booking rules,
rates, supplements and offers have files of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from connectors.opentravel._shared.names import every, first
from connectors.opentravel.alpinebits.faults import broken, missing, need, need_child, no_children, truth
from connectors.opentravel.alpinebits.hotels import check_hotel_code
from connectors.opentravel.alpinebits.rules_bookingrules import check_booking_rules
from connectors.opentravel.alpinebits.rules_freerooms import is_complete
from connectors.opentravel.alpinebits.rules_media import check_plain
from connectors.opentravel.alpinebits.rules_offers import Ages, ages_of, check_offers
from connectors.opentravel.alpinebits.rules_rates import StaticRate, check_dated_rates, read_static_rate
from connectors.opentravel.alpinebits.rules_supplements import (
    check_dated_supplements,
    check_static_supplements,
    split_supplements,
)
from connectors.opentravel.alpinebits.terms import RATE_PLANS, Terms
from gateway.errors import Reason
from gateway.wire.xml import Node

NEW, FULL, OVERLAY, REMOVE = "New", "Full", "Overlay", "Remove"
_JOIN = "RatePlanJoin"
_MASTER_ONLY = frozenset(("Offers", "Description"))
_PARTS = frozenset(("BookingRules", "Rates", "Supplements", "Offers", "Description"))
_ONE_TEXT_EACH = frozenset(("title", "intro", "description"))


class Master(msgspec.Struct):
    """What derived plans of the same RatePlanID are held against."""

    rate: StaticRate
    ages: Ages
    supplements: frozenset[str]
    meals: set[str]


def check(root: Node, terms: Terms) -> None:
    """Rule 1, then each plan by its kind of message."""
    holder = need_child(root, "RatePlans")
    check_hotel_code(holder)
    plans = every(holder, "RatePlan")
    if not plans:
        raise missing(holder, "RatePlan")
    masters: dict[str, Master] = {}
    for plan in plans:
        need(plan, "RatePlanCode")
        if not is_complete(root):
            need(plan, "CurrencyCode")
            _check_plan(plan, terms, masters)


def is_master(plan: Node) -> bool:
    """Whether a plan holds all its parts itself, which is so unless it is joined to another one."""
    return plan.get("RatePlanQualifier") is None or truth(plan, "RatePlanQualifier")


def _check_plan(plan: Node, terms: Terms, masters: dict[str, Master]) -> None:
    kind = need(plan, "RatePlanNotifType")
    _check_join(plan, terms, defining=kind in (NEW, FULL))
    if kind == REMOVE:
        no_children(plan, _PARTS, "in a plan that is removed")
    elif kind == OVERLAY:
        _check_overlay(plan, terms)
    elif is_master(plan):
        _check_master(plan, terms, masters)
    else:
        _check_derived(plan, terms, masters.get(plan.get("RatePlanID", "")))


def _check_join(plan: Node, terms: Terms, *, defining: bool) -> None:
    """Rule 2."""
    for name in ("RatePlanID", "RatePlanQualifier"):
        given = plan.get(name) is not None
        if given and not terms.allows(RATE_PLANS, _JOIN):
            raise broken(plan, f"{name} is not allowed while {RATE_PLANS}{_JOIN} is off", attribute=name)
        if not given and defining and terms.has(RATE_PLANS + _JOIN):
            raise missing(plan, f"@{name}")


def _check_master(plan: Node, terms: Terms, masters: dict[str, Master]) -> None:
    """Rules 3 to 10, in this order."""
    offers = check_offers(plan, terms)
    ages = ages_of(offers)
    _check_descriptions(every(plan, "Description"))
    check_booking_rules(plan, terms)
    static = _check_rates(plan, ages)
    fixed, dated = split_supplements(plan, terms)
    known = check_static_supplements(fixed)
    check_dated_supplements(dated, known)
    if plan.get("RatePlanQualifier") is not None:
        masters[plan.get("RatePlanID", "")] = Master(static, ages, known, {static.meals})


def _check_derived(plan: Node, terms: Terms, master: Master | None) -> None:
    """Rule 11. A master that is not in the message may have come in an earlier one."""
    no_children(plan, _MASTER_ONLY, "in a plan derived from another")
    check_booking_rules(plan, terms)
    static = _check_rates(plan, master.ages if master else None)
    if master is not None:
        if static.kind != master.rate.kind:
            text = f"Type {static.kind} of the rates is not the {master.rate.kind} of the master plan"
            raise broken(static.node, text, Reason.INVALID_VALUE)
        if static.meals in master.meals:
            raise broken(static.node, "another plan under the same master has these meals", Reason.INVALID_VALUE)
        master.meals.add(static.meals)
    fixed, dated = split_supplements(plan, terms)
    if fixed:
        raise broken(fixed[0], "supplements are defined by the master plan")
    check_dated_supplements(dated, master.supplements if master else None)


def _check_overlay(plan: Node, terms: Terms) -> None:
    """Rule 12: only what has dates."""
    if not terms.allows(RATE_PLANS, "overlay"):
        text = f"Overlay is not allowed while {RATE_PLANS}overlay is off"
        raise broken(plan, text, attribute="RatePlanNotifType")
    no_children(plan, _MASTER_ONLY, "in an overlay")
    check_booking_rules(plan, terms)
    check_dated_rates(every(plan, "Rates", "Rate"), None, new=False)
    fixed, dated = split_supplements(plan, terms)
    if fixed:
        raise broken(fixed[0], "a supplement without dates is not allowed in an overlay")
    check_dated_supplements(dated, None)


def _check_rates(plan: Node, ages: Ages | None) -> StaticRate:
    """Rules 8 and 9."""
    rates = every(plan, "Rates", "Rate")
    if not rates:
        raise missing(plan if first(plan, "Rates") is None else need_child(plan, "Rates"), "Rate")
    static = read_static_rate(rates[0])
    check_dated_rates(rates[1:], ages, new=True)
    return static


def _check_descriptions(descriptions: Sequence[Node]) -> None:
    """Rule 6. A gallery's texts belong to its pictures, so several may be alike."""
    seen: set[str] = set()
    for description in descriptions:
        name = need(description, "Name")
        if name in seen:
            raise broken(description, f"there are two descriptions {name!r}", attribute="Name")
        seen.add(name)
        if name in _ONE_TEXT_EACH:
            _check_texts(every(description, "Text"))


def _check_texts(texts: Sequence[Node]) -> None:
    found: dict[tuple[str, str], Node] = {}
    for text in texts:
        key = (text.get("Language", ""), need(text, "TextFormat"))
        if key in found:
            raise broken(text, f"there are two texts in {key[0]} as {key[1]}", attribute="Language")
        found[key] = text
    check_plain(found)
