"""OTA_HotelAvailNotifRQ: limits and restrictions (sheet, sections 3.1 and 3.2)."""

from __future__ import annotations

from operator import itemgetter

from connectors.opentravel._shared.decode_ari import AriCollector, Settings
from connectors.opentravel._shared.lengths import Lengths
from connectors.opentravel._shared.names import AVAIL
from connectors.opentravel._shared.numbers import parse_count, parse_signed
from connectors.opentravel._shared.profile import Profile
from connectors.opentravel._shared.times import parse_offset_h
from gateway.errors import Malformed, Reason, Unsupported
from gateway.model.ari import AriUpdate, Aspect, Field, Setting
from gateway.wire.xml import Attributes
from gateway.wire.xml_streams import Take

_ALL_FLAGS = (Field.CLOSED, Field.CTA, Field.CTD)
_FLAG_OF: dict[str, tuple[Field, ...]] = {"Master": (Field.CLOSED,), "Arrival": (Field.CTA,), "Departure": (Field.CTD,)}
_CLOSED_OF = {"Open": 0, "Close": 1}
_OFFSETS = (("MinAdvancedBookingOffset", Field.MIN_OFFSET_H), ("MaxAdvancedBookingOffset", Field.MAX_OFFSET_H))


# What nearly all of these elements have, and nothing else.
_LENGTH = ("Time", "TimeUnit", "MinMaxMessageType")
_RESTRICTION = ("Restriction", "Status")
_usual_length = itemgetter(*_LENGTH)
_usual_restriction = itemgetter(*_RESTRICTION)


class Said:
    """What an item has said so far; ``then`` leads on from here, by what its next element says."""

    __slots__ = ("by_arrival", "settings", "then")

    def __init__(self, settings: Settings, by_arrival: bool) -> None:
        self.settings = settings
        self.by_arrival = by_arrival
        self.then: dict[object, Said] = {}


class AvailCollector(AriCollector):
    """Items repeat endlessly, so each distinct sequence of elements is understood once and then walked along."""

    root = AVAIL
    container = "AvailStatusMessages"
    item = "AvailStatusMessage"
    aspects = frozenset((Aspect.LIMIT, Aspect.RULES))

    def __init__(self, profile: Profile, currency: str) -> None:
        super().__init__(profile, currency)
        self._lengths = Lengths(profile)
        self._nothing_said = self._said = Said((), self._lengths.by_arrival)

    def _parts(self) -> dict[str, Take]:
        revenue = "revenue controls are not kept"
        refused = {
            "DestinationSystemCodes": "a list of receivers is not kept",
            "BestAvailableRates": revenue,
            "HurdleRate": revenue,
            "Delta": revenue,
        }
        return {
            "LengthsOfStay": self._take_lengths,
            "LengthOfStay": self._take_length,
            # Both spellings occur (sheet, section 3.1, deviations).
            "LenghtsOfStay": self._take_lengths,
            "LenghtOfStay": self._take_length,
            "LOS_Pattern": self._lengths.take_pattern,
            "RestrictionStatus": self._take_restriction,
            **{name: self._refuse(name, why) for name, why in refused.items() if name not in self.profile.ignore},
        }

    def _take_lengths(self, attributes: Attributes) -> None:
        said, key = self._said, attributes.get("ArrivalDateBased")
        self._said = said.then.get(key) or self._learn(said, key, said.settings, self._lengths.begin(key))

    def _take_length(self, attributes: Attributes) -> None:
        if len(attributes) == len(_LENGTH):
            try:
                self._said = self._said.then[_usual_length(attributes)]
            except KeyError:
                pass
            else:
                return
        said, key = self._said, _key("LengthOfStay", _LENGTH, attributes)
        if key in said.then:
            self._said = said.then[key]
        elif (found := self._lengths.read(attributes, said.by_arrival)) is not None:
            self._said = self._learn(said, key, said.settings + found, said.by_arrival)

    def _take_restriction(self, attributes: Attributes) -> None:
        if len(attributes) == len(_RESTRICTION):
            try:
                self._said = self._said.then[_usual_restriction(attributes)]
            except KeyError:
                pass
            else:
                return
        said, key = self._said, _key("RestrictionStatus", _RESTRICTION, attributes)
        self._said = said.then.get(key) or self._learn(
            said, key, said.settings + _read_restriction(attributes, self.profile), said.by_arrival
        )

    def _learn(self, said: Said, key: object, settings: Settings, by_arrival: bool) -> Said:
        found = said.then[key] = Said(self._shared(settings), by_arrival)
        return found

    def _put_together(self, item: Attributes) -> None:
        said, self._said = self._said, self._nothing_said
        # A LocatorID alone says nothing, and most items have nothing else.
        if len(item) > 1 or "LocatorID" not in item:
            said = self._with_limit(said, item)
        settings = self._with_pattern(said.settings)
        room, plan, first, last, weekdays = self._targets.read(self._control)
        if not settings:
            raise Malformed("there is nothing to set", Reason.REQUIRED_MISSING, path="RestrictionStatus")
        record = item.get("LocatorID", "")
        self.updates.append(AriUpdate(room, plan, first, last, settings, weekdays, "", False, record))

    def _take_said(self) -> Settings:
        """What was said since the last call."""
        said, self._said = self._said, self._nothing_said
        return self._with_pattern(said.settings)

    def _with_pattern(self, settings: Settings) -> Settings:
        if self._lengths.open_by_nights is None:
            return settings
        return self._shared(settings + self._lengths.pattern())

    def _with_limit(self, said: Said, item: Attributes) -> Said:
        get = item.get
        key = ("BookingLimit", get("BookingLimit"), get("BookingLimitMessageType"), get("BookingThreshold"))
        return said.then.get(key) or self._learn(said, key, _read_limit(item) + said.settings, said.by_arrival)


def _key(element: str, usual: tuple[str, ...], attributes: Attributes) -> tuple[object, ...]:
    """The values alone for the usual attributes, which no other element has; else everything with its names."""
    if len(attributes) == len(usual) and all(name in attributes for name in usual):
        return tuple(attributes[name] for name in usual)
    return (element, *attributes.items())


def _read_limit(item: Attributes) -> Settings:
    limit, kind = item.get("BookingLimit", "").strip(), item.get("BookingLimitMessageType", "").strip()
    if item.get("BookingThreshold", "").strip() not in ("", "0"):
        raise Unsupported("an on-request border is not kept", path="@BookingThreshold")
    if kind == "RemoveLimit":
        raise Unsupported("a limit cannot be removed: rooms are always counted here", path="@BookingLimitMessageType")
    if not limit:
        return ()
    if kind in ("", "SetLimit"):
        return (Setting(Field.FIGURE, parse_count(limit, "@BookingLimit")),)
    if kind == "AdjustLimit":
        return (Setting(Field.FIGURE_BY, parse_signed(limit, "@BookingLimit")),)
    raise Malformed(f"{kind!r} is unknown", Reason.INVALID_VALUE, path="@BookingLimitMessageType")


def _read_restriction(attributes: Attributes, profile: Profile) -> Settings:
    given = {name: value.strip() for name, value in attributes.items() if value.strip()}
    settings = _read_status(given, profile)
    for name, field in _OFFSETS:
        if name in given:
            settings += (Setting(field, _read_offset(given[name], name)),)
    if not settings:
        raise Malformed("Status is missing", Reason.REQUIRED_MISSING, path="RestrictionStatus/@Status")
    return settings


def _read_status(given: dict[str, str], profile: Profile) -> Settings:
    status, restriction = given.get("Status", ""), given.get("Restriction", "")
    if "SellThroughOpenIndicator" in given:
        raise Unsupported("sell-through is not kept", path="RestrictionStatus/@SellThroughOpenIndicator")
    if not status:
        return ()
    if status == "ClosedOnArrival":
        return (Setting(Field.CTA, 1),)
    if status not in _CLOSED_OF:
        raise Unsupported(f"Status {status!r} has no place here", path="RestrictionStatus/@Status")
    if restriction:
        fields = _FLAG_OF.get(restriction, ())
        if not fields:
            path = "RestrictionStatus/@Restriction"
            raise Unsupported(f"Restriction {restriction!r} has no place here", path=path)
    else:
        fields = _ALL_FLAGS if profile.restriction_absent == "all" else _FLAG_OF["Master"]
    return tuple(Setting(field, _CLOSED_OF[status]) for field in fields)


def _read_offset(text: str, name: str) -> int:
    try:
        return parse_offset_h(text)
    except Malformed as error:
        error.path = f"RestrictionStatus/@{name}"
        raise
