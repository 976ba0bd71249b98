"""Booking rules of a rate plan (AlpineBits HotelData, chapter RatePlans; protocol sheet, section 6.3, rule 7)."""

from __future__ import annotations

from decimal import Decimal

from connectors.opentravel._shared.names import every, first
from connectors.opentravel.alpinebits.faults import broken, missing, need, period
from connectors.opentravel.alpinebits.periods import Periods
from connectors.opentravel.alpinebits.terms import RATE_PLANS, Terms
from gateway.errors import Reason
from gateway.wire.xml import Node

ROOM_TYPE = "ROOMTYPE"
_LEAST = frozenset(("SetMinLOS", "SetForwardMinStay"))
_GENERIC, _BY_ROOM, _MIXED = "RatePlan_BookingRule", "RatePlan_RoomType_BookingRule", "RatePlan_mixed_BookingRule"


def check_booking_rules(plan: Node, terms: Terms) -> None:
    """All of a plan."""
    kinds: set[bool] = set()
    periods = Periods("booking rule")
    for rule in every(plan, "BookingRules", "BookingRule"):
        room = _room_of(rule)
        kinds.add(room is not None)
        _check_kind(rule, room, kinds, terms)
        periods.add(room, rule, *period(rule))
        if (lengths := first(rule, "LengthsOfStay")) is not None:
            check_lengths(every(lengths, "LengthOfStay"))
        for name, capability in (("Arrival", "ArrivalDOW"), ("Departure", "DepartureDOW")):
            days = first(rule, "DOW_Restrictions", f"{name}DaysOfWeek")
            if days is not None and not terms.allows(RATE_PLANS, capability):
                raise broken(days, f"this is not allowed while {RATE_PLANS}{capability} is off")
    periods.check()


def check_lengths(lengths: list[Node]) -> None:
    """Each kind once, and no minimum above a maximum."""
    found: dict[str, Decimal] = {}
    for length in lengths:
        kind = need(length, "MinMaxMessageType")
        if kind in found:
            raise broken(length, f"{kind} is there twice", attribute="MinMaxMessageType")
        found[kind] = Decimal(need(length, "Time"))
    least = max((time for kind, time in found.items() if kind in _LEAST), default=Decimal(0))
    most = min((time for kind, time in found.items() if kind not in _LEAST), default=least)
    if least > most:
        raise broken(lengths[0], f"the minimum stay of {least} is above the maximum of {most}", attribute="Time")


def _room_of(rule: Node) -> str | None:
    """The room type a rule is for; None for a generic one."""
    code = rule.get("Code")
    if rule.get("CodeContext") is None:
        if code is not None:
            raise missing(rule, "@CodeContext")
        return None
    if code is None:
        raise missing(rule, "@Code")
    return code


def _check_kind(rule: Node, room: str | None, kinds: set[bool], terms: Terms) -> None:
    """Which kinds of rule there may be, and whether both in one plan."""
    if not terms.says(RATE_PLANS) or terms.has(RATE_PLANS + _MIXED):
        return
    capability = _GENERIC if room is None else _BY_ROOM
    if not terms.has(RATE_PLANS + capability):
        reason = Reason.REQUIRED_MISSING if room is None and terms.has(RATE_PLANS + _BY_ROOM) else Reason.BUSINESS_RULE
        raise broken(rule, f"this booking rule is not allowed while {RATE_PLANS}{capability} is off", reason)
    if len(kinds) > 1:
        raise broken(rule, f"both kinds of booking rule are not allowed while {RATE_PLANS}{_MIXED} is off")
