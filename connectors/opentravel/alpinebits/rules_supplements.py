"""Supplements of a rate plan: what they are once, and what they cost when.

Sources: AlpineBits HotelData, chapter RatePlans; protocol sheet, section 6.3, rule 10.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from connectors.opentravel._shared.names import every, first
from connectors.opentravel.alpinebits.faults import broken, need, no_attributes, period, truth
from connectors.opentravel.alpinebits.periods import Periods
from connectors.opentravel.alpinebits.rules_bookingrules import ROOM_TYPE
from connectors.opentravel.alpinebits.terms import RATE_PLANS, Terms
from gateway.errors import Reason
from gateway.wire.xml import Node

DAYS_OF_WEEK = "ALPINEBITSDOW"
_MASK = re.compile(r"[01]{7}")
_STATIC_ONLY = ("AddToBasicRateIndicator", "MandatoryIndicator", "ChargeTypeCode")


def split_supplements(plan: Node, terms: Terms) -> tuple[list[Node], list[Node]]:
    """The static ones, which define a supplement, and the dated ones, which give its price."""
    found = every(plan, "Supplements", "Supplement")
    if found and not terms.allows(RATE_PLANS, "Supplements"):
        raise broken(found[0], f"supplements are not allowed while {RATE_PLANS}Supplements is off")
    fixed = [one for one in found if one.get("Start") is None and one.get("End") is None]
    return fixed, [one for one in found if one.get("Start") is not None or one.get("End") is not None]


def check_static_supplements(supplements: Sequence[Node]) -> frozenset[str]:
    """The codes they define."""
    codes: set[str] = set()
    for supplement in supplements:
        code = need(supplement, "InvCode")
        if code in codes:
            raise broken(supplement, f"the supplement {code[:20]!r} is there twice", attribute="InvCode")
        codes.add(code)
        for name in _STATIC_ONLY:
            need(supplement, name)
        if not truth(supplement, "AddToBasicRateIndicator"):
            text = "the amount is added to the rate, nothing else"
            raise broken(supplement, text, Reason.INVALID_VALUE, "AddToBasicRateIndicator")
        no_attributes(supplement, ("Amount",), "where a supplement is defined")
        days = _prerequisite(supplement, DAYS_OF_WEEK)
        if days is not None and not _MASK.fullmatch(need(days, "InvCode")):
            raise broken(days, "the days are seven digits 0 or 1, Monday first", Reason.INVALID_VALUE, "InvCode")
    return frozenset(codes)


def check_dated_supplements(supplements: Sequence[Node], known: frozenset[str] | None) -> None:
    """``known`` are the codes that are defined; None where they are not in the message."""
    periods = Periods("supplement")
    for supplement in supplements:
        code = need(supplement, "InvCode")
        if known is not None and code not in known:
            raise broken(supplement, f"the supplement {code[:20]!r} is not defined", attribute="InvCode")
        start, end = period(supplement)
        need(supplement, "Amount")
        no_attributes(supplement, _STATIC_ONLY, "where a supplement has dates")
        room = _prerequisite(supplement, ROOM_TYPE)
        periods.add((code, room.get("InvCode") if room is not None else None), supplement, start, end)
    periods.check()


def _prerequisite(supplement: Node, kind: str) -> Node | None:
    """PrerequisiteInventory, which may only be of this kind."""
    found = first(supplement, "PrerequisiteInventory")
    if found is not None and need(found, "InvType") != kind:
        raise broken(found, f"the InvType is {kind} here", Reason.INVALID_VALUE, "InvType")
    return found
