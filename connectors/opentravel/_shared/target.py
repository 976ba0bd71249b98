"""StatusApplicationControl: which product and which nights a message speaks about (sheet, sections 2 and 3.1).

Thousands of these stand in one document, so the two usual spellings (codes and dates, with or without all seven
weekdays) are recognised by their number of attributes and everything else takes the careful way.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter

from connectors.opentravel._shared.names import WEEKDAYS
from connectors.opentravel._shared.numbers import parse_boolean
from connectors.opentravel._shared.profile import Profile
from connectors.opentravel._shared.times import parse_nights
from gateway.errors import Malformed, Reason, Unsupported
from gateway.model.dates import ALL_WEEK, Day, Weekdays, parse_day

RANGE_DAYS_MAX = 1100

Target = tuple[str, str, Day, Day, Weekdays]

_CONTROL = "StatusApplicationControl"
_seven = itemgetter(*WEEKDAYS)

# What narrows the target in a way an update has no place for.
_NARROWER = ("RatePlanCategory", "RatePlanID", "PromotionCode", "RatePlanCodeType", "InvBlockCode", "QuoteID")


class _Trimmed(dict[str, str]):
    """Codes as sent → trimmed, so that each is trimmed, and kept, once a document."""

    def __missing__(self, code: str) -> str:
        trimmed = self[code] = code.strip()
        return trimmed


class _Days(dict[tuple[str | None, str | None], tuple[Day, Day] | None]):
    """Start and End as sent → first and last night; None where they have to be read carefully."""

    def __missing__(self, span: tuple[str | None, str | None]) -> tuple[Day, Day] | None:
        start, end = span
        try:
            first, last = parse_day(start or ""), parse_day(end or "")
        except Malformed:
            # The careful way says where the fault is, or forgives it.
            first, last = 1, 0
        days = self[span] = (first, last) if 0 <= last - first < RANGE_DAYS_MAX else None
        return days


class Targets:
    """Reads controls of one document."""

    def __init__(self, profile: Profile) -> None:
        self._room_attr = profile.room_attr
        self._codes = _Trimmed()
        self._days = _Days()
        self._weekdays: dict[tuple[str, ...], Weekdays] = {}

    def read(self, control: Mapping[str, str] | None) -> Target:
        """Room type, plan (empty: the room type itself), first and last night, weekdays."""
        if control is None:
            raise Malformed(f"{_CONTROL} is missing", Reason.REQUIRED_MISSING, path=_CONTROL)
        get = control.get
        room, plan = get(self._room_attr), get("RatePlanCode")
        days = self._days[get("Start"), get("End")]
        if room and days:
            extra = len(control) - (4 if plan else 3)
            weekdays = ALL_WEEK if extra == 0 else self._seven_days(control) if extra == 7 else None
            if weekdays is not None and (room := self._codes[room]):
                return room, self._codes[plan] if plan else "", days[0], days[1], weekdays
        return self._read_carefully({name: value.strip() for name, value in control.items() if value.strip()})

    def _seven_days(self, control: Mapping[str, str]) -> Weekdays | None:
        try:
            seven: tuple[str, ...] = _seven(control)
        except KeyError:
            return None
        known = self._weekdays.get(seven)
        if known is None:
            known = self._weekdays[seven] = read_weekdays(control, _CONTROL)
        return known

    def _read_carefully(self, control: Mapping[str, str]) -> Target:
        for name in _NARROWER:
            if name in control:
                raise Unsupported(f"{name} narrows the target further than is kept here", path=f"{_CONTROL}/@{name}")
        start, end = control.get("Start"), control.get("End")
        if start is None or (end is None and "Duration" not in control):
            raise Malformed("Start and End are missing", Reason.REQUIRED_MISSING, path=f"{_CONTROL}/@Start")
        if end is None:
            nights = parse_nights(control["Duration"])
            last = read_day(start, f"{_CONTROL}/@Start") + nights - 1
        else:
            last = read_day(end, f"{_CONTROL}/@End")
        first = read_day(start, f"{_CONTROL}/@Start")
        if not 0 <= last - first < RANGE_DAYS_MAX:
            raise _bad_range(start, end or control["Duration"], first > last)
        return self._room(control), self._plan(control), first, last, read_weekdays(control, _CONTROL)

    def _room(self, control: Mapping[str, str]) -> str:
        room = control.get(self._room_attr, "")
        every_room = parse_boolean(control.get("AllInvCode", "false"), f"{_CONTROL}/@AllInvCode")
        if bool(room) == every_room:
            text = f"either {self._room_attr} or AllInvCode is needed"
            raise Malformed(text, Reason.REQUIRED_MISSING, path=f"{_CONTROL}/@{self._room_attr}")
        other = "InvCode" if self._room_attr == "InvTypeCode" else "InvTypeCode"
        if control.get(other, room) != room:
            raise Unsupported(f"{other} beside {self._room_attr}: rooms are kept by type", path=f"{_CONTROL}/@{other}")
        return room

    def _plan(self, control: Mapping[str, str]) -> str:
        plan = control.get("RatePlanCode", "")
        if plan and parse_boolean(control.get("AllRateCode", "false"), f"{_CONTROL}/@AllRateCode"):
            path = f"{_CONTROL}/@AllRateCode"
            raise Malformed("RatePlanCode and AllRateCode exclude each other", Reason.INVALID_VALUE, path=path)
        return plan


def read_day(text: str, path: str) -> Day:
    """A date; the time of a dateTime at midnight is passed over."""
    try:
        return parse_day(text)
    except Malformed as error:
        trimmed = text.strip().removesuffix("T00:00:00")
        if trimmed != text:
            return read_day(trimmed, path)
        error.path = path
        raise


def read_weekdays(attributes: Mapping[str, str], path: str) -> Weekdays:
    """The weekday mask. If any weekday is true the missing ones are false; if all given are false they are true."""
    given = {name: parse_boolean(attributes[name], f"{path}/@{name}") for name in WEEKDAYS if attributes.get(name)}
    missing = not any(given.values())
    mask = sum(1 << day for day, name in enumerate(WEEKDAYS) if given.get(name, missing))
    if mask == 0:
        raise Malformed("no day of the week is left", Reason.INVALID_VALUE, path=f"{path}/@Mon")
    return mask


def _bad_range(start: str, end: str, reversed_: bool) -> Malformed:
    text = f"{start} to {end} is {'no range' if reversed_ else f'more than {RANGE_DAYS_MAX} days'}"
    return Malformed(text, Reason.DATE_COMBINATION, path=f"{_CONTROL}/@End")
