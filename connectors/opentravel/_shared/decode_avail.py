"""OTA_HotelAvailNotifRQ: limits and restrictions (sheet, sections 3.1 and 3.2)."""

from __future__ import annotations

from connectors.opentravel._shared.decode_ari import AriCollector, Said, Settings
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


class RestrictionsCollector(AriCollector[Said]):
    """Lengths of stay and statuses, wherever they stand. Statuses repeat endlessly: each is understood once."""

    def __init__(self, profile: Profile, currency: str) -> None:
        super().__init__(profile, currency)
        self._lengths = Lengths(profile)
        self._by_arrival = self._lengths.by_arrival
        self._settings: list[Setting] = []
        self._statuses: dict[tuple[tuple[str, str], ...], Settings] = {}

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
        self._by_arrival = self._lengths.begin(attributes.get("ArrivalDateBased"))

    def _take_length(self, attributes: Attributes) -> None:
        self._settings += self._lengths.read(attributes, self._by_arrival) or ()

    def _take_restriction(self, attributes: Attributes) -> None:
        key = tuple(attributes.items())
        if (settings := self._statuses.get(key)) is None:
            settings = self._statuses[key] = _read_restriction(attributes, self.profile)
        self._settings += settings

    def _take_settings(self) -> Settings:
        """What was said since the last call."""
        settings, self._settings, self._by_arrival = self._settings, [], self._lengths.by_arrival
        if self._lengths.open_by_nights is not None:
            settings += self._lengths.pattern()
        return self._shared(tuple(settings))


class AvailCollector(RestrictionsCollector[Settings]):
    """Limits are attributes of the items, restrictions stand inside of them."""

    root = AVAIL
    container = "AvailStatusMessages"
    item = "AvailStatusMessage"
    aspects = frozenset((Aspect.LIMIT, Aspect.RULES))

    def __init__(self, profile: Profile, currency: str) -> None:
        super().__init__(profile, currency)
        self._limits: dict[object, Settings] = {}

    def said(self) -> Settings:
        """The restrictions."""
        return self._take_settings()

    def end(self, said: Settings) -> None:
        item = self._item or {}
        # A LocatorID alone says nothing, and most items have nothing else.
        settings = said if len(item) == 1 and "LocatorID" in item else self._with_limit(said, item)
        room, plan, first, last, weekdays = self._targets.read(self._control)
        if not settings:
            raise Malformed("there is nothing to set", Reason.REQUIRED_MISSING, path="RestrictionStatus")
        self._add(AriUpdate(room, plan, first, last, settings, weekdays, "", False, item.get("LocatorID", "")))

    def _with_limit(self, said: Settings, item: Attributes) -> Settings:
        get = item.get
        key = (get("BookingLimit"), get("BookingLimitMessageType"), get("BookingThreshold"), id(said))
        if (settings := self._limits.get(key)) is None:
            settings = self._limits[key] = self._shared(_read_limit(item) + said)
        return settings


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
