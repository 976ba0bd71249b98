"""OTA_HotelBookingRuleNotifRQ: restrictions by rule, one update or more for each BookingRule (sheet, section 3.4)."""

from __future__ import annotations

from typing import NamedTuple

from connectors.opentravel._shared.decode_ari import PASS, Settings
from connectors.opentravel._shared.decode_avail import RestrictionsCollector
from connectors.opentravel._shared.names import BOOKING_RULE
from connectors.opentravel._shared.profile import Profile
from connectors.opentravel._shared.target import read_weekdays
from connectors.opentravel._shared.times import parse_offset_h
from gateway.errors import Malformed, Reason, Unsupported
from gateway.model.ari import AriUpdate, Aspect, Field, Setting
from gateway.model.dates import ALL_WEEK, Weekdays
from gateway.wire.xml import Attributes
from gateway.wire.xml_streams import Take

_OFFSETS = {"MinAdvancedBookingOffset": Field.MIN_OFFSET_H, "MaxAdvancedBookingOffset": Field.MAX_OFFSET_H}
_PLAIN = frozenset(("Code", "CodeContext", "Start", "End", *_OFFSETS))
_NO_PLACE = {
    **dict.fromkeys(("AcceptableGuarantees", "CancelPenalties", "RequiredPaymts"), "conditions are not kept"),
    **dict.fromkeys(("Viewerships", "AddtionalRules", "CheckoutCharge"), "there is no place for it here"),
    **dict.fromkeys(("AvailableDaysOfWeek", "RequiredDaysOfWeek"), "only days of arrival and departure are kept"),
}


class Rule(NamedTuple):
    """What a BookingRule says, but for the product: its attributes, and settings with their days of the week."""

    rule: Attributes
    said: tuple[tuple[Settings, Weekdays], ...]


class BookingRulesCollector(RestrictionsCollector[tuple[Rule, ...]]):
    """A rule is complete when the next one, or the next message, begins."""

    root = BOOKING_RULE
    container = "RuleMessages"
    item = "RuleMessage"
    aspects = frozenset((Aspect.RULES,))

    def __init__(self, profile: Profile, currency: str) -> None:
        super().__init__(profile, currency)
        self._rule: Attributes | None = None
        self._rules: list[Rule] = []
        self._days: dict[Field, Weekdays] = {}

    def _parts(self) -> dict[str, Take]:
        return {
            **super()._parts(),
            **{name: self._refuse(name, why) for name, why in _NO_PLACE.items()},
            "BookingRules": PASS,
            "BookingRule": self._take_rule,
            "DOW_Restrictions": PASS,
            "ArrivalDaysOfWeek": self._take_arrivals,
            "DepartureDaysOfWeek": self._take_departures,
        }

    def _take_rule(self, attributes: Attributes) -> None:
        self._end_rule()
        self._rule = attributes

    def _take_arrivals(self, attributes: Attributes) -> None:
        self._days[Field.CTA] = read_weekdays(attributes, "DOW_Restrictions/ArrivalDaysOfWeek")

    def _take_departures(self, attributes: Attributes) -> None:
        self._days[Field.CTD] = read_weekdays(attributes, "DOW_Restrictions/DepartureDaysOfWeek")

    def _end_rule(self) -> None:
        if (rule := self._rule) is None:
            return
        settings = self._take_settings() + _attributes(rule)
        days, self._days = self._days, {}
        if {setting.field for setting in settings} & days.keys():
            path = "BookingRule/DOW_Restrictions"
            raise Unsupported("days of the week beside a status of the same kind", path=path)
        if not settings and not days:
            raise Malformed("there is nothing to set", Reason.REQUIRED_MISSING, path="BookingRule")
        said: list[tuple[Settings, Weekdays]] = [(settings, ALL_WEEK)] if settings else []
        for field, open_days in days.items():
            said += [((Setting(field, 0),), open_days), ((Setting(field, 1),), ALL_WEEK & ~open_days)]
        self._rules.append(Rule(rule, tuple(said)))
        self._rule = None

    def said(self) -> tuple[Rule, ...]:
        """Its rules."""
        self._end_rule()
        if not self._rules:
            raise Malformed("there is no rule", Reason.REQUIRED_MISSING, path="BookingRules/BookingRule")
        said, self._rules = self._rules, []
        return tuple(said)

    def end(self, said: tuple[Rule, ...]) -> None:
        for rule, parts in said:
            room, plan, first, last, weekdays = self._targets.read(self._target(rule))
            for settings, days in parts:
                if weekdays & days:
                    self._add(AriUpdate(room, plan, first, last, self._shared(settings), weekdays & days))

    def _target(self, rule: Attributes) -> Attributes:
        """The rule's own dates win. Without a room type, or without any target, the rule is for the whole house."""
        control = {**(self._control or {}), **{name: rule[name] for name in ("Start", "End") if rule.get(name)}}
        if not control.get(self.profile.room_attr) and not control.get("AllInvCode"):
            control["AllInvCode"] = "true"
        return control


def _attributes(rule: Attributes) -> Settings:
    given = {name: value.strip() for name, value in rule.items() if value.strip()}
    for name in given.keys() - _PLAIN:
        raise Unsupported(f"{name} is not kept", path=f"BookingRule/@{name}")
    found: list[Setting] = []
    for name, field in _OFFSETS.items():
        if name in given:
            try:
                found.append(Setting(field, parse_offset_h(given[name])))
            except Malformed as error:
                error.path = f"BookingRule/@{name}"
                raise
    return tuple(found)
