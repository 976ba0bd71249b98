"""Offers of a rate plan: who may come, free nights and families.

Sources: AlpineBits HotelData, chapter RatePlans; protocol sheet, section 6.3, rules 4 and 5.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from connectors.opentravel._shared.names import every, first
from connectors.opentravel.alpinebits.faults import broken, missing, need, need_child, no_attributes, no_children, whole
from connectors.opentravel.alpinebits.rules_bookingrules import check_lengths
from connectors.opentravel.alpinebits.terms import RATE_PLANS, Terms
from gateway.errors import Reason
from gateway.wire.xml import Node

ADULT, CHILD = "10", "8"
_OCCUPANCY_MAX = 99
_LENGTHS = frozenset(("SetMinLOS", "SetMaxLOS"))


class Ages(msgspec.Struct, frozen=True):
    """From which age guests count as adults and children are taken; ``children`` says whether they are at all."""

    adult_min: int | None = None
    child_min: int | None = None
    children: bool = False


def check_offers(plan: Node, terms: Terms) -> Sequence[Node]:
    """All of a plan; the first holds the rule."""
    offers = every(plan, "Offers", "Offer")
    if not offers:
        raise missing(plan, "Offers")
    _check_rule(need_child(offers[0], "OfferRules", "OfferRule"), terms)
    ages = ages_of(offers)
    free_nights = families = 0
    for offer in offers:
        if first(offer, "Guests") is not None:
            families += 1
            _check_family(offer, terms, ages)
        elif first(offer, "Discount") is not None:
            free_nights += 1
            _check_free_nights(need_child(offer, "Discount"), terms)
        if free_nights > 1 or families > 1:
            raise broken(offer, "there is at most one offer of free nights and one for families")
    return offers


def ages_of(offers: Sequence[Node]) -> Ages:
    """The ages in the rule of the first offer."""
    who = {one.get("AgeQualifyingCode"): one for one in every(offers[0], "OfferRules", "OfferRule", "Occupancy")}
    adult, child = who.get(ADULT), who.get(CHILD)
    return Ages(_age(adult), _age(child), child is not None)


def _age(occupancy: Node | None) -> int | None:
    if occupancy is None or occupancy.get("MinAge") is None:
        return None
    return whole(occupancy, "MinAge")


def _check_rule(rule: Node, terms: Terms) -> None:
    if not terms.allows(RATE_PLANS, "OfferRule_BookingOffset"):
        offsets = ("MinAdvancedBookingOffset", "MaxAdvancedBookingOffset")
        no_attributes(rule, offsets, f"while {RATE_PLANS}OfferRule_BookingOffset is off")
    if not terms.allows(RATE_PLANS, "OfferRule_DOWLOS"):
        names = frozenset(("LengthsOfStay", "DOW_Restrictions"))
        no_children(rule, names, f"while {RATE_PLANS}OfferRule_DOWLOS is off")
    lengths = every(rule, "LengthsOfStay", "LengthOfStay")
    for length in lengths:
        if need(length, "MinMaxMessageType") not in _LENGTHS:
            raise broken(length, "an offer knows SetMinLOS and SetMaxLOS only", attribute="MinMaxMessageType")
    check_lengths(lengths)
    _check_occupancies(rule, every(rule, "Occupancy"))


def _check_occupancies(rule: Node, occupancies: Sequence[Node]) -> None:
    """Exactly one for adults and at most one for children, whose ages meet."""
    adults = [one for one in occupancies if one.get("AgeQualifyingCode") == ADULT]
    children = [one for one in occupancies if one.get("AgeQualifyingCode") == CHILD]
    if len(adults) != 1 or len(children) > 1:
        raise broken(rule, "there is one Occupancy for adults, and at most one for children", Reason.OCCUPANCY)
    for one in occupancies:
        for name in ("MinOccupancy", "MaxOccupancy"):
            if one.get(name) is not None and whole(one, name) > _OCCUPANCY_MAX:
                raise broken(one, f"{name} is above {_OCCUPANCY_MAX}", Reason.OCCUPANCY, name)
    no_attributes(adults[0], ("MaxAge",), "for adults")
    if children:
        age = whole(adults[0], "MinAge")
        if children[0].get("MaxAge") is not None and whole(children[0], "MaxAge") > age:
            raise broken(children[0], f"guests are adults from {age} years", Reason.OCCUPANCY, "MaxAge")


def _check_free_nights(discount: Node, terms: Terms) -> None:
    if not terms.allows(RATE_PLANS, "FreeNightsOffers"):
        raise broken(discount, f"free nights are not allowed while {RATE_PLANS}FreeNightsOffers is off")
    required, free = whole(discount, "NightsRequired"), whole(discount, "NightsDiscounted")
    if not 1 <= free <= required:
        text = f"{free} of {required} nights cannot be free"
        raise broken(discount, text, Reason.INVALID_VALUE, "NightsDiscounted")
    pattern = discount.get("DiscountPattern")
    if pattern is not None and pattern != "0" * (required - free) + "1" * free:
        text = f"the pattern is not that of {free} free nights after {required - free} others"
        raise broken(discount, text, Reason.INVALID_VALUE, "DiscountPattern")


def _check_family(offer: Node, terms: Terms, ages: Ages) -> None:
    guest = need_child(offer, "Guests", "Guest")
    if not terms.allows(RATE_PLANS, "FamilyOffers"):
        raise broken(guest, f"offers for families are not allowed while {RATE_PLANS}FamilyOffers is off")
    if need(guest, "AgeQualifyingCode") != CHILD:
        text = f"the AgeQualifyingCode of a family offer is {CHILD}"
        raise broken(guest, text, Reason.INVALID_VALUE, "AgeQualifyingCode")
    if ages.child_min is not None and whole(guest, "MaxAge") <= ages.child_min:
        raise broken(guest, f"children are taken from {ages.child_min} years", Reason.INVALID_VALUE, "MaxAge")
    if whole(guest, "LastQualifyingPosition") > whole(guest, "MinCount"):
        text = "more children are free than have to come"
        raise broken(guest, text, Reason.INVALID_VALUE, "LastQualifyingPosition")
    discount = need_child(offer, "Discount")
    no_attributes(discount, ("NightsRequired", "NightsDiscounted", "DiscountPattern"), "in a family offer")
