"""Restrictions as LengthsOfStay and RestrictionStatus elements (sheet, section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.opentravel._shared.profile import Profile
from connectors.opentravel._shared.times import format_offset
from gateway.errors import Unsupported
from gateway.model.ari import Field, Setting
from gateway.wire.xmlwrite import attributes

_FLAGS = ((Field.CLOSED, "Master"), (Field.CTA, "Arrival"), (Field.CTD, "Departure"))
_OFFSETS = ((Field.MIN_OFFSET_H, "MinAdvancedBookingOffset"), (Field.MAX_OFFSET_H, "MaxAdvancedBookingOffset"))

# (field, type that sets, type that takes back), in the schema's order of thought: minimum before maximum.
_PLAIN = ("SetMinLOS", "RemoveMinLOS"), ("SetMaxLOS", "RemoveMaxLOS")
_FORWARD = ("SetForwardMinStay", "RemoveForwardMinStay"), ("SetForwardMaxStay", "RemoveForwardMaxStay")
_Kinds = tuple[tuple[str, str], ...]
# Where nothing takes a limit back, one that never bites stands for none.
_NIGHTS_MAX = 99
_OFFSET_H_MAX = 24 * 730
_ARRIVAL_FIELDS = (Field.MIN_ARRIVAL, Field.MAX_ARRIVAL)
_THROUGH_FIELDS = (Field.MIN_THROUGH, Field.MAX_THROUGH)


def lengths_of(settings: tuple[Setting, ...], profile: Profile) -> list[str]:
    """The LengthsOfStay elements needed: more than one where ArrivalDateBased has to differ, or for a pattern."""
    values = {setting.field: setting.value for setting in settings}
    arrival: _Kinds
    through: _Kinds
    if profile.los_semantics == "arrival":
        arrival, through = _PLAIN, _FORWARD
    else:
        # Nothing in such a dialect says "by arrival": a profile that lists those fields is mistaken.
        if not values.keys().isdisjoint(_ARRIVAL_FIELDS):
            raise Unsupported("lengths of stay by arrival have no place in this dialect")
        arrival, through = (), _PLAIN
    by_arrival = _listed(values, _ARRIVAL_FIELDS, arrival, profile)
    by_night = _listed(values, _THROUGH_FIELDS, through, profile)
    if profile.los_attribute:
        groups = [_group(by_arrival, ' ArrivalDateBased="true"'), _group(by_night, ' ArrivalDateBased="false"')]
    else:
        groups = [_group(by_arrival + by_night, "")]
    if Field.LOS_CLOSED in values:
        groups.append(_pattern(values[Field.LOS_CLOSED], profile))
    return [group for group in groups if group]


def _listed(values: Mapping[Field, int], fields: tuple[Field, ...], kinds: _Kinds, profile: Profile) -> str:
    return "".join(
        _length(values[field], *kind, profile) for field, kind in zip(fields, kinds, strict=False) if field in values
    )


def _length(nights: int, sets: str, removes: str, profile: Profile) -> str:
    if nights == 0 and profile.los_clear == "bound":
        nights = 1 if "Min" in sets else _NIGHTS_MAX
    if nights == 0 and profile.los_clear != "zero":
        return f'<LengthOfStay MinMaxMessageType="{removes if profile.los_clear == "remove" else sets}"/>'
    return f'<LengthOfStay Time="{nights}" TimeUnit="Day" MinMaxMessageType="{sets}"/>'


def _group(lengths: str, based: str) -> str:
    return f"<LengthsOfStay{based}>{lengths}</LengthsOfStay>" if lengths else ""


def _pattern(closed: int, profile: Profile) -> str:
    nights = profile.pattern_nights
    if closed >> nights:
        raise Unsupported(f"lengths of more than {nights} nights cannot be written in a pattern")
    is_open = [not closed >> night & 1 for night in range(nights)]
    if profile.fplos_style == "list":
        listed = "".join(
            f'<LengthOfStay Time="{night}" TimeUnit="Day" OpenStatusIndicator="{"true" if one else "false"}"/>'
            for night, one in enumerate(is_open, start=1)
        )
        return f'<LengthsOfStay FixedPatternLength="{nights}">{listed}</LengthsOfStay>'
    letters = "".join("Y" if one else "N" for one in is_open)
    return (
        f'<LengthsOfStay FixedPatternLength="{nights}"><LengthOfStay MinMaxMessageType="FullPatternLOS">'
        f'<LOS_Pattern FullPatternLOS="{letters}"/></LengthOfStay></LengthsOfStay>'
    )


def restrictions_of(settings: tuple[Setting, ...], profile: Profile) -> list[str]:
    """One RestrictionStatus per flag; offsets stand on the first of them, or alone."""
    values = {setting.field: setting.value for setting in settings}
    if profile.los_clear == "bound" and values.get(Field.MAX_OFFSET_H) == 0:
        values[Field.MAX_OFFSET_H] = _OFFSET_H_MAX
    offsets = attributes(**{name: format_offset(values[field]) for field, name in _OFFSETS if field in values})
    found: list[str] = []
    for field, restriction in _FLAGS:
        if field in values:
            status = "Close" if values[field] else "Open"
            named = attributes(
                Restriction=None if field is Field.CLOSED and profile.master == "absent" else restriction
            )
            found.append(f'<RestrictionStatus{named} Status="{status}"{offsets}/>')
            offsets = ""
    if offsets:
        found.append(f"<RestrictionStatus{offsets}/>")
    return found
