"""LengthsOfStay: minimum, maximum and full-pattern lengths, by arrival or through the stay (sheet, section 3.2)."""

from __future__ import annotations

from connectors.opentravel._shared.numbers import parse_boolean, parse_count
from connectors.opentravel._shared.profile import Profile
from gateway.errors import Malformed, Reason, Unsupported
from gateway.model.ari import PATTERN_NIGHTS, STAY_MAX, Field, Setting
from gateway.wire.xml import Attributes

Settings = tuple[Setting, ...]

_BY_ARRIVAL = {"Min": Field.MIN_ARRIVAL, "Max": Field.MAX_ARRIVAL}
_THROUGH = {"Min": Field.MIN_THROUGH, "Max": Field.MAX_THROUGH}

# MinMaxMessageType → (edge, sets or removes). The forward types say stay-through by their name.
_EDGES = {
    "SetMinLOS": ("Min", True),
    "MinLOS": ("Min", True),
    "RemoveMinLOS": ("Min", False),
    "SetMaxLOS": ("Max", True),
    "MaxLOS": ("Max", True),
    "RemoveMaxLOS": ("Max", False),
}
_FORWARD = {
    "SetForwardMinStay": ("Min", True),
    "RemoveForwardMinStay": ("Min", False),
    "SetForwardMaxStay": ("Max", True),
    "RemoveForwardMaxStay": ("Max", False),
}
_LETTERS = {"Y": True, "1": True, "N": False, "0": False}


class Lengths:
    """Reads the lengths of one item after the other.

    ``open_by_nights`` is None until a pattern is met; then it holds which lengths are open.
    """

    def __init__(self, profile: Profile) -> None:
        self.by_arrival = profile.los_semantics == "arrival"
        self.open_by_nights: dict[int, bool] | None = None

    def begin(self, arrival_based: str | None) -> bool:
        """Whether lengths are by arrival: ArrivalDateBased of LengthsOfStay where it is present, else the profile."""
        return parse_boolean(arrival_based, "LengthsOfStay/@ArrivalDateBased") if arrival_based else self.by_arrival

    def read(self, attributes: Attributes, by_arrival: bool) -> Settings | None:
        """One LengthOfStay; None if it belongs to a pattern, which is kept until the item is complete."""
        given = {name: value.strip() for name, value in attributes.items() if value.strip()}
        kind = given.get("MinMaxMessageType", "")
        if kind == "FullPatternLOS" or (not kind and "OpenStatusIndicator" in given):
            self._take_listed(given)
            return None
        _check_open(given, kind)
        return _understand(given, kind, _BY_ARRIVAL if by_arrival else _THROUGH)

    def _take_listed(self, given: dict[str, str]) -> None:
        if self.open_by_nights is None:
            self.open_by_nights = {}
        if "OpenStatusIndicator" in given:
            nights = parse_count(given.get("Time", ""), "LengthOfStay/@Time", STAY_MAX)
            is_open = parse_boolean(given["OpenStatusIndicator"], "LengthOfStay/@OpenStatusIndicator")
            self.open_by_nights[nights] = is_open

    def take_pattern(self, attributes: Attributes) -> None:
        """LOS_Pattern: a letter for each length, from one night on."""
        letters = attributes.get("FullPatternLOS", "").strip().upper()
        path = "LengthOfStay/LOS_Pattern/@FullPatternLOS"
        if not letters or not set(letters) <= _LETTERS.keys():
            raise Malformed("a pattern is written with Y and N", Reason.INVALID_VALUE, path=path)
        self.open_by_nights = {nights: _LETTERS[letter] for nights, letter in enumerate(letters, start=1)}

    def pattern(self) -> Settings:
        """The closed lengths as bits, and forgets them; lengths nothing was said about are open."""
        listed, self.open_by_nights = self.open_by_nights or {}, None
        if not listed:
            path = "LengthOfStay/LOS_Pattern"
            raise Malformed("the pattern itself is missing", Reason.REQUIRED_MISSING, path=path)
        if min(listed) < 1 or any(nights > PATTERN_NIGHTS and not is_open for nights, is_open in listed.items()):
            text = f"lengths from 1 to {PATTERN_NIGHTS} nights are kept"
            raise Unsupported(text, path="LengthOfStay/@Time")
        return (Setting(Field.LOS_CLOSED, sum(1 << nights - 1 for nights, is_open in listed.items() if not is_open)),)


def _check_open(given: dict[str, str], kind: str) -> None:
    """A closed length belongs to a pattern: read as a limit it would say the opposite."""
    path = "LengthOfStay/@OpenStatusIndicator"
    if "OpenStatusIndicator" in given and not parse_boolean(given["OpenStatusIndicator"], path):
        raise Unsupported(f"a length is closed by a pattern only, not by {kind}", path=path)


def _understand(given: dict[str, str], kind: str, fields: dict[str, Field]) -> Settings:
    if given.get("TimeUnit", "Day").lower() != "day":
        raise Unsupported("lengths of stay are counted in days", path="LengthOfStay/@TimeUnit")
    if not kind:
        return _misspelt(given, fields)
    time = parse_count(given.get("Time", "0"), "LengthOfStay/@Time", STAY_MAX)
    if kind == "FixedLOS":
        return Setting(fields["Min"], time), Setting(fields["Max"], time)
    if kind in _FORWARD:
        edge, sets = _FORWARD[kind]
        return (Setting(_THROUGH[edge], time if sets else 0),)
    if kind in _EDGES:
        edge, sets = _EDGES[kind]
        return (Setting(fields[edge], time if sets else 0),)
    raise Malformed(f"{kind!r} is unknown", Reason.INVALID_VALUE, path="LengthOfStay/@MinMaxMessageType")


def _misspelt(given: dict[str, str], fields: dict[str, Field]) -> Settings:
    """``LenghtOfStay @MinLOS @MaxLOS`` without a message type (sheet, section 3.1, deviations)."""
    found = tuple(
        Setting(fields[edge], parse_count(given[name], f"LengthOfStay/@{name}", STAY_MAX))
        for name, edge in (("MinLOS", "Min"), ("MaxLOS", "Max"))
        if name in given
    )
    if not found:
        path = "LengthOfStay/@MinMaxMessageType"
        raise Malformed("MinMaxMessageType is missing", Reason.REQUIRED_MISSING, path=path)
    return found
