"""Booking rules to restrictions (protocol sheet, sections 6.1, 6.4-5 and 10).

A generic rule and one for a room type hold together. The gateway has one value for each product and night, so where
both name a day the stricter of the two is set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from connectors.opentravel._shared.names import every, first
from connectors.opentravel.alpinebits.faults import broken, day, truth, whole
from connectors.opentravel.alpinebits.rules_rates import WEEKDAYS
from gateway.errors import Reason
from gateway.model.ari import STAY_MAX, AriUpdate, Field, Setting
from gateway.model.dates import ALL_WEEK, Day, Weekdays
from gateway.wire.xml import Node

_LENGTHS = {
    "SetMinLOS": Field.MIN_ARRIVAL,
    "SetForwardMinStay": Field.MIN_THROUGH,
    "SetMaxLOS": Field.MAX_ARRIVAL,
    "SetForwardMaxStay": Field.MAX_THROUGH,
}
_MAXIMA = (Field.MAX_ARRIVAL, Field.MAX_THROUGH)


class Rule(msgspec.Struct, frozen=True):
    """``lengths`` in nights, 0 for none; ``arrivals`` and ``departures`` are the weekdays on which they are allowed."""

    room: str
    first: Day
    last: Day
    closed: bool
    arrivals: Weekdays
    departures: Weekdays
    lengths: tuple[int, ...]

    def with_(self, other: Rule) -> Rule:
        """Both at once."""
        return Rule(
            self.room,
            self.first,
            self.last,
            self.closed or other.closed,
            self.arrivals & other.arrivals,
            self.departures & other.departures,
            tuple(
                min(filter(None, pair), default=0) if field in _MAXIMA else max(pair)
                for field, *pair in zip(_LENGTHS.values(), self.lengths, other.lengths, strict=True)
            ),
        )


def read_booking_rules(plan: Node, code: str, *, overlay: bool) -> Iterator[AriUpdate]:
    """All rules of a plan. In an overlay every field is set, since what a rule does not say is not so."""
    rules = [_rule(node) for node in every(plan, "BookingRules", "BookingRule")]
    generic = sorted((rule for rule in rules if not rule.room), key=lambda rule: rule.first)
    for rule in generic:
        yield from _updates(rule, code, overlay=overlay)
    for rule in rules:
        if rule.room:
            for piece in _pieces(rule, generic):
                yield from _updates(piece, code, overlay=overlay)


def _pieces(rule: Rule, generic: Sequence[Rule]) -> Iterator[Rule]:
    """The rule cut where generic rules, which don't overlap each other, begin and end."""
    at = rule.first
    for other in generic:
        first_day, last_day = max(other.first, at), min(other.last, rule.last)
        if first_day > last_day:
            continue
        if at < first_day:
            yield msgspec.structs.replace(rule, first=at, last=first_day - 1)
        yield msgspec.structs.replace(rule, first=first_day, last=last_day).with_(other)
        at = last_day + 1
    if at <= rule.last:
        yield msgspec.structs.replace(rule, first=at)


def _rule(node: Node) -> Rule:
    status = first(node, "RestrictionStatus")
    lengths = dict.fromkeys(_LENGTHS.values(), 0)
    for length in every(node, "LengthsOfStay", "LengthOfStay"):
        lengths[_LENGTHS[length.get("MinMaxMessageType", "")]] = _nights(length)
    return Rule(
        room=node.get("Code", ""),
        first=day(node, "Start"),
        last=day(node, "End"),
        closed=status is not None and status.get("Status") == "Close",
        arrivals=_allowed(first(node, "DOW_Restrictions", "ArrivalDaysOfWeek")),
        departures=_allowed(first(node, "DOW_Restrictions", "DepartureDaysOfWeek")),
        lengths=tuple(lengths.values()),
    )


def _nights(length: Node) -> int:
    nights = whole(length, "Time")
    if nights > STAY_MAX:
        raise broken(length, f"stays are kept up to {STAY_MAX} nights", Reason.INVALID_VALUE, "Time")
    return nights


def _allowed(days: Node | None) -> Weekdays:
    """Days that are named true are the only ones; where none is, all but those named false."""
    if days is None:
        return ALL_WEEK
    yes = sum(1 << n for n, name in enumerate(WEEKDAYS) if truth(days, name))
    no = sum(1 << n for n, name in enumerate(WEEKDAYS) if days.get(name) is not None and not truth(days, name))
    return yes or ALL_WEEK & ~no


def _updates(rule: Rule, plan: str, *, overlay: bool) -> Iterator[AriUpdate]:
    """One for what holds on all days, and one for each kind of weekday."""
    settings = [
        Setting(field, nights)
        for field, nights in zip(_LENGTHS.values(), rule.lengths, strict=True)
        if nights or overlay
    ]
    if rule.closed or overlay:
        settings.append(Setting(Field.CLOSED, int(rule.closed)))
    if settings:
        yield AriUpdate(rule.room, plan, rule.first, rule.last, tuple(settings))
    for field, allowed in ((Field.CTA, rule.arrivals), (Field.CTD, rule.departures)):
        if allowed != ALL_WEEK:
            closed = (Setting(field, 1),)
            yield AriUpdate(rule.room, plan, rule.first, rule.last, closed, ALL_WEEK & ~allowed)
        if overlay and allowed:
            yield AriUpdate(rule.room, plan, rule.first, rule.last, (Setting(field, 0),), allowed)
