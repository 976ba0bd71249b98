"""What a text or an attribute may say: simple types of W3C XML Schema 1.0 part 2, as the shape tables use them.

A test of a type gives None for a valid value, otherwise what is wrong with it. Where libxml2 is known to differ from
the recommendation it is followed, since it is what counterparts validate with.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from gateway.errors import Reason

Fault = tuple[Reason, str]
Test = Callable[[str], Fault | None]
Row = Mapping[str, Any]

BLANK = " \t\r\n"

# Values repeat; those found valid are remembered, but whoever sends can invent new ones.
_SEEN_MAX = 4096
_QUOTED_MAX = 60


class Value:
    """A simple type. ``seen`` holds values known to be valid, so that most are looked up and not read again."""

    __slots__ = ("_test", "name", "seen")

    def __init__(self, name: str, test: Test) -> None:
        self.name = name
        self.seen: set[str] = set()
        self._test = test

    def fault(self, text: str) -> Fault | None:
        """None if ``text`` is valid."""
        found = self._test(text)
        if found is None and len(text) <= _QUOTED_MAX:
            if len(self.seen) >= _SEEN_MAX:
                self.seen.clear()
            self.seen.add(text)
        return found


def quoted(text: str) -> str:
    return repr(text if len(text) <= _QUOTED_MAX else text[:_QUOTED_MAX] + "…")


def compile_value(name: str, row: Row, look_up: Callable[[str], Value]) -> Value:
    """The type a row of a table describes; ``look_up`` gives others by name."""
    if "union" in row:
        return Value(name, _with_facets(_union([look_up(member) for member in row["union"]]), row, "string"))
    if "list" in row:
        return Value(name, _with_facets(_list(look_up(row["list"])), row, "token"))
    base = str(row["base"]).removeprefix("xs:")
    return Value(name, _with_facets(_PRIMITIVES[base], row, base))


def builtin(name: str) -> Value:
    """A type of XML Schema itself, by its name without prefix."""
    return Value(f"xs:{name}", _PRIMITIVES[name])


# --- derived types ----------------------------------------------------------------------------------------------------


def _with_facets(test: Test, row: Row, base: str) -> Test:
    checks = [*_text_facets(row), *_number_facets(row)]
    if not checks:
        return test
    normal = _normaliser(base)

    def derived(text: str) -> Fault | None:
        found = test(text)
        if found is not None:
            return found
        text = normal(text)
        for check, what in checks:
            if not check(text):
                return Reason.INVALID_VALUE, f"{quoted(text)} {what}"
        return None

    return derived


_Check = tuple[Callable[[str], object], str]


def _text_facets(row: Row) -> list[_Check]:
    checks: list[_Check] = []
    low, high = row.get("length_min", 0), row.get("length_max")
    if "enumeration" in row:
        allowed = frozenset(row["enumeration"])
        shown = ", ".join(sorted(allowed)[:12]) + (", …" if len(allowed) > 12 else "")
        checks.append((allowed.__contains__, f"is not one of {shown}"))
    if "length_min" in row or high is not None:
        bounds = f"{low} to {high}" if high is not None else f"at least {low}"
        if "list" in row:
            checks.append(
                (lambda text: low <= len(text.split()) <= (high or len(text)), f"does not hold {bounds} items")
            )
        else:
            checks.append((lambda text: low <= len(text) <= (high or len(text)), f"has not {bounds} characters"))
    for pattern in row.get("patterns", ()):
        checks.append((re.compile(f"(?:{pattern})").fullmatch, f"does not match {pattern}"))
    return checks


def _number_facets(row: Row) -> list[_Check]:
    checks: list[_Check] = []
    if "min" in row:
        least = Decimal(row["min"])
        checks.append((lambda text: Decimal(text) >= least, f"is less than {least}"))
    if "max" in row:
        most = Decimal(row["max"])
        checks.append((lambda text: Decimal(text) <= most, f"is more than {most}"))
    if "above" in row:
        above = Decimal(row["above"])
        checks.append((lambda text: Decimal(text) > above, f"is not more than {above}"))
    if "below" in row:
        below = Decimal(row["below"])
        checks.append((lambda text: Decimal(text) < below, f"is not less than {below}"))
    if "fraction_digits" in row:
        digits = int(row["fraction_digits"])
        fits = re.compile(rf"[^.]*(?:\.[0-9]{{0,{digits}}}0*)?").fullmatch
        checks.append((fits, f"has more than {digits} digits after the point"))
    return checks


def _union(members: list[Value]) -> Test:
    def any_of(text: str) -> Fault | None:
        worst: Fault | None = None
        for member in members:
            found = member.fault(text)
            if found is None:
                return None
            worst = worst if worst and worst[0] is Reason.INVALID_DATE else found
        return worst

    return any_of


def _list(item: Value) -> Test:
    def all_of(text: str) -> Fault | None:
        return next((found for part in _split(text) if (found := item.fault(part)) is not None), None)

    return all_of


def _split(text: str) -> list[str]:
    return [part for part in re.split(f"[{BLANK}]+", text) if part]


def _normaliser(base: str) -> Callable[[str], str]:
    if base == "string":
        return str
    if base == "normalizedString":
        return lambda text: re.sub(f"[{BLANK}]", " ", text)
    return _collapsed


def _collapsed(text: str) -> str:
    return " ".join(_split(text))


# --- primitive types --------------------------------------------------------------------------------------------------


def _any_text(text: str) -> Fault | None:
    return None


def _pattern(pattern: str, what: str) -> Test:
    fits = re.compile(pattern).fullmatch

    def matches(text: str) -> Fault | None:
        return None if fits(text.strip(BLANK)) else (Reason.INVALID_VALUE, f"{quoted(text)} is not {what}")

    return matches


def _integer(least: int | None, most: int | None, what: str) -> Test:
    fits = re.compile(r"[+-]?[0-9]+").fullmatch

    def whole(text: str) -> Fault | None:
        text = text.strip(BLANK)
        # More digits than any hotel needs are no number; int() of a million digits would take minutes.
        if fits(text) and len(text) <= 400:
            number = int(text)
            if (least is None or number >= least) and (most is None or number <= most):
                return None
        return Reason.INVALID_VALUE, f"{quoted(text)} is not {what}"

    return whole


_ZONE = r"(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?"
_DAY = r"(?P<year>-?(?:[1-9][0-9]{4,8}|[0-9]{4}))-(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12][0-9]|3[01])"
_TIME = r"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?|24:00:00(?:\.0+)?)"


def _moment(pattern: str, what: str) -> Test:
    """Dates that the calendar has, and times that the clock shows."""
    fits = re.compile(pattern).fullmatch

    def shown(text: str) -> Fault | None:
        found = fits(text.strip(BLANK))
        if found is not None:
            parts = found.groupdict()
            year = int(parts.get("year") or _LEAP_YEAR)
            if year and int(parts.get("day") or 1) <= _month_days(year, int(parts.get("month") or 1)):
                return None
        return Reason.INVALID_DATE, f"{quoted(text)} is not {what}"

    return shown


_LEAP_YEAR = 2000  # a month and day without a year may be 29 February


def _month_days(year: int, month: int) -> int:
    return 29 if month == 2 and calendar.isleap(year) else (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


_DURATION = (
    r"-?P(?=[0-9T])(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+D)?"
    r"(?:T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:\.[0-9]+)?S)?)?"
)
_DECIMAL = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_FLOAT = rf"{_DECIMAL}(?:[eE][+-]?[0-9]+)?|-?INF|NaN"
# RFC 3986, where everything outside its alphabet may stand for itself, as in the recommendation; even blanks between.
_URI_CHARACTER = r"(?:%[0-9A-Fa-f]{2}|[^%#\[\]])"
_URI = (
    rf"(?:[A-Za-z][A-Za-z0-9+.\-]*:(?:\[[0-9A-Fa-f:.]*\]|{_URI_CHARACTER})*"
    rf"|(?![^/?#]*:){_URI_CHARACTER}*)(?:#{_URI_CHARACTER}*)?"
)
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?")


def _base64(text: str) -> Fault | None:
    fits = _BASE64.fullmatch("".join(_split(text)))
    return None if fits else (Reason.INVALID_VALUE, f"{quoted(text)} is not base64")


_START = r"A-Za-z_\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u02FF\u0370-\u037D\u037F-\u1FFF\u200C\u200D\u3001-\uD7FF"
_NAME = _START + r"0-9.\-\u00B7\u0300-\u036F\u203F-\u2040"

_PRIMITIVES: dict[str, Test] = {
    "anySimpleType": _any_text,
    "string": _any_text,
    "normalizedString": _any_text,
    "token": _any_text,
    "boolean": _pattern("true|false|1|0", "true or false"),
    "decimal": _pattern(_DECIMAL, "a number"),
    "float": _pattern(_FLOAT, "a number"),
    "double": _pattern(_FLOAT, "a number"),
    "integer": _integer(None, None, "a whole number"),
    "nonNegativeInteger": _integer(0, None, "a whole number from 0"),
    "positiveInteger": _integer(1, None, "a whole number from 1"),
    "nonPositiveInteger": _integer(None, 0, "a whole number up to 0"),
    "negativeInteger": _integer(None, -1, "a whole number up to -1"),
    "long": _integer(-(2**63), 2**63 - 1, "a whole number"),
    "int": _integer(-(2**31), 2**31 - 1, "a whole number"),
    "short": _integer(-(2**15), 2**15 - 1, "a whole number"),
    "byte": _integer(-(2**7), 2**7 - 1, "a whole number"),
    "unsignedInt": _integer(0, 2**32 - 1, "a whole number"),
    "unsignedShort": _integer(0, 2**16 - 1, "a whole number"),
    "unsignedByte": _integer(0, 2**8 - 1, "a whole number"),
    "date": _moment(_DAY + _ZONE, "a date"),
    "dateTime": _moment(f"{_DAY}T{_TIME}{_ZONE}", "a date with a time"),
    "time": _moment(_TIME + _ZONE, "a time"),
    "gYear": _moment(r"(?P<year>-?(?:[1-9][0-9]{4,8}|[0-9]{4}))" + _ZONE, "a year"),
    "gYearMonth": _moment(r"(?P<year>-?(?:[1-9][0-9]{4,8}|[0-9]{4}))-(?P<month>0[1-9]|1[0-2])" + _ZONE, "a month"),
    "gMonthDay": _moment(r"--(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12][0-9]|3[01])" + _ZONE, "a month and day"),
    "gMonth": _moment(r"--(?P<month>0[1-9]|1[0-2])" + _ZONE, "a month"),
    "gDay": _moment(r"---(?P<day>0[1-9]|[12][0-9]|3[01])" + _ZONE, "a day of a month"),
    "duration": _pattern(_DURATION, "a duration"),
    "anyURI": _pattern(_URI, "an address (URI)"),
    "language": _pattern(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*", "a language"),
    "NMTOKEN": _pattern(f"[:{_NAME}]+", "a name token"),
    "NMTOKENS": _pattern(f"[:{_NAME}]+(?:[{BLANK}]+[:{_NAME}]+)*", "a list of name tokens"),
    "NCName": _pattern(f"[{_START}][{_NAME}]*", "a name"),
    "ID": _pattern(f"[{_START}][{_NAME}]*", "a name"),
    "QName": _pattern(f"(?:[{_START}][{_NAME}]*:)?[{_START}][{_NAME}]*", "a qualified name"),
    "base64Binary": _base64,
}
