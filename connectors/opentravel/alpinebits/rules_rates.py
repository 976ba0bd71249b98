"""Rates of a rate plan: the static one that comes first, and the dated ones.

Sources: AlpineBits HotelData, chapter RatePlans; protocol sheet, section 6.3, rules 8 and 9.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from connectors.opentravel._shared.names import every
from connectors.opentravel.alpinebits.faults import (
    SMALL,
    broken,
    missing,
    need,
    need_child,
    no_attributes,
    no_children,
    period,
    span,
    truth,
    whole,
)
from connectors.opentravel.alpinebits.periods import Periods
from connectors.opentravel.alpinebits.rules_offers import ADULT, CHILD, Ages
from gateway.errors import Reason
from gateway.model.dates import ALL_WEEK, Weekdays
from gateway.wire.xml import LOCAL, Node

PER_PERSON, PER_ROOM = "7", "25"
WEEKDAYS = ("Mon", "Tue", "Weds", "Thur", "Fri", "Sat", "Sun")
_OPEN_AGE = 1000
_DAYS = frozenset(WEEKDAYS)
_DATED = frozenset(("InvTypeCode", "Start", "End"))


class StaticRate(msgspec.Struct):
    """What holds for all dated rates: ``kind`` is per person (7) or per room (25), ``meals`` the meal plan code."""

    node: Node
    kind: str
    meals: str


def read_static_rate(rate: Node) -> StaticRate:
    """Rule 8."""
    no_attributes(rate, ("InvTypeCode", "Start", "End"), "on the first rate of a plan, which is static")
    no_children(rate, frozenset(("AdditionalGuestAmounts",)), "in a static rate")
    if (rate.get("RateTimeUnit") is None) != (rate.get("UnitMultiplier") is None):
        raise broken(rate, "RateTimeUnit and UnitMultiplier come together", Reason.REQUIRED_MISSING)
    amounts = every(rate, "BaseByGuestAmts", "BaseByGuestAmt")
    if len(amounts) != 1:
        raise broken(rate, "a static rate has exactly one BaseByGuestAmt")
    kind = need(amounts[0], "Type")
    no_attributes(amounts[0], ("NumberOfGuests", "AgeQualifyingCode", "AmountAfterTax"), "in a static rate")
    return StaticRate(rate, kind, need_child(rate, "MealsIncluded").get("MealPlanCodes", ""))


def check_dated_rates(rates: Sequence[Node], ages: Ages | None, *, new: bool) -> None:
    """Rule 9. ``ages`` is None where the plan's offers are not in the message.

    Thousands of these stand in one message, so each is looked at once, and the usual is told from the rest quickly.
    """
    periods = Periods("rate")
    for rate in rates:
        given = dict(rate.items())
        plain = len(given) == len(_DATED) and _DATED.issuperset(given)
        if not plain:
            no_attributes(rate, ("RateTimeUnit", "UnitMultiplier"), "on a dated rate")
        parts = {LOCAL[child.tag]: child for child in rate}
        if "MealsIncluded" in parts:
            no_children(rate, frozenset(("MealsIncluded",)), "in a dated rate")
        room = given.get("InvTypeCode") or need(rate, "InvTypeCode")
        days = span(given.get("Start"), given.get("End")) or period(rate)
        weekdays = ALL_WEEK if plain else weekdays_of(rate)
        periods.add(room, rate, *days, weekdays)
        _check_amounts(rate, parts.get("BaseByGuestAmts"), new=new)
        if "AdditionalGuestAmounts" in parts:
            _check_additional(parts["AdditionalGuestAmounts"], ages)
    periods.check()


def weekdays_of(node: Node) -> Weekdays:
    """The days that are true; the whole week where no day is named."""
    if _DAYS.isdisjoint(node.keys()):
        return ALL_WEEK
    return sum(1 << number for number, name in enumerate(WEEKDAYS) if truth(node, name))


def _check_amounts(rate: Node, holder: Node | None, *, new: bool) -> None:
    if new and (holder is None or not len(holder)):
        raise missing(rate, "BaseByGuestAmts")
    seen: set[int] = set()
    # The schema lets nothing else be in there.
    for amount in () if holder is None else holder:
        value = amount.get
        if value("Type") is not None:
            no_attributes(amount, ("Type",), "in a dated rate")
        guests = SMALL.get(value("NumberOfGuests"))
        if guests is None:
            guests = whole(amount, "NumberOfGuests")
        if value("AgeQualifyingCode") != ADULT and need(amount, "AgeQualifyingCode"):
            text = f"the AgeQualifyingCode of a base amount is {ADULT}"
            raise broken(amount, text, Reason.INVALID_VALUE, "AgeQualifyingCode")
        if value("AmountAfterTax") is None:
            raise missing(amount, "@AmountAfterTax")
        if guests in seen:
            raise broken(amount, f"there are two amounts for {guests} guests", attribute="NumberOfGuests")
        seen.add(guests)


def _check_additional(amounts: Iterable[Node], ages: Ages | None) -> None:
    """At most one for adults; those for children by age, without overlap."""
    adults = 0
    brackets: list[tuple[int, int]] = []
    for amount in amounts:
        whom = amount.get("AgeQualifyingCode")
        if whom is None or amount.get("Amount") is None:
            need(amount, "Amount")
            whom = need(amount, "AgeQualifyingCode")
        if whom == CHILD:
            low, high = _bracket(amount, ages)
            if any(low < end and start < high for start, end in brackets):
                raise broken(amount, "the ages overlap those of another amount", attribute="AgeQualifyingCode")
            brackets.append((low, high))
            continue
        adults += whom == ADULT
        if whom != ADULT or adults > 1:
            text = "there is one amount for adults, and others for children"
            raise broken(amount, text, Reason.INVALID_VALUE, "AgeQualifyingCode")


def _bracket(amount: Node, ages: Ages | None) -> tuple[int, int]:
    """The ages from, up to but not including, that an amount is for."""
    youngest = whole(amount, "MinAge") if amount.get("MinAge") is not None else None
    oldest = whole(amount, "MaxAge") if amount.get("MaxAge") is not None else None
    if youngest is None and oldest is None:
        raise missing(amount, "@MinAge")
    low, high = youngest or 0, _OPEN_AGE if oldest is None else oldest
    if low >= high:
        raise broken(amount, f"MinAge {low} is not below MaxAge {high}", Reason.INVALID_VALUE, "MinAge")
    if ages is not None:
        if not ages.children:
            raise broken(amount, "the plan takes no children", Reason.OCCUPANCY, "AgeQualifyingCode")
        if youngest is not None and ages.child_min is not None and youngest < ages.child_min:
            raise broken(amount, f"children are taken from {ages.child_min} years", Reason.OCCUPANCY, "MinAge")
        if oldest is not None and ages.adult_min is not None and oldest > ages.adult_min:
            raise broken(amount, f"guests are adults from {ages.adult_min} years", Reason.OCCUPANCY, "MaxAge")
    return low, high
