"""Days, instants and amounts as people read them, by the data of CLDR (babel)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers

from gateway.model.dates import Day, Instant
from gateway.model.money import digits_of
from gateway.web.texts import CHINESE, ENGLISH

# Day before month and 24 hours, which hotels around the world read alike.
_LOCALES = {ENGLISH: "en_GB", CHINESE: "zh_Hans_CN"}


class Formats:
    """For one language, and the time zone and currency of one property."""

    def __init__(self, language: str, zone: str = "UTC", currency: str = "") -> None:
        self.language = language
        self.zone = zone
        self.currency = currency

    @cached_property
    def _locale(self) -> Locale:
        return Locale.parse(_LOCALES[self.language])

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def day(self, day: Day) -> str:
        return _day(day, _LOCALES[self.language], "medium")

    def long_day(self, day: Day) -> str:
        return _day(day, _LOCALES[self.language], "full")

    def days(self, first: Day, last: Day) -> str:
        """A range, both ends included."""
        return self.day(first) if first == last else _days(first, last, _LOCALES[self.language])

    def weekday(self, day: Day) -> str:
        return _day(day, _LOCALES[self.language], "ccc")

    def month(self, day: Day) -> str:
        return _day(day, _LOCALES[self.language], "LLL")

    def weekdays(self) -> list[str]:
        """Monday first."""
        names = dates.get_day_names("abbreviated", "stand-alone", self._locale)
        return [names[number] for number in range(7)]

    def instant(self, at_ms: Instant) -> str:
        """On the property's clock."""
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        return dates.format_datetime(at, "medium", tzinfo=self._zone, locale=self._locale)

    def iso(self, at_ms: Instant) -> str:
        """For machines: the ``datetime`` of a ``time`` element."""
        return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")

    def ago(self, at_ms: Instant, now_ms: Instant) -> str:
        return dates.format_timedelta(
            timedelta(milliseconds=at_ms - now_ms), add_direction=True, locale=self._locale, threshold=1.1
        )

    def money(self, minor: int, currency: str = "") -> str:
        code = currency or self.currency
        if not code:
            return str(minor)
        locale = _LOCALES[self.language]
        before, after = _around(code, minor < 0, locale)
        return f"{before}{_grouped(abs(minor), digits_of(code), locale)}{after}"

    def amount(self, minor: int, currency: str = "") -> str:
        """Without the currency, and without places that are all zero: for a grid."""
        locale, places = _LOCALES[self.language], digits_of(currency or self.currency)
        if minor % 10**places == 0:
            minor, places = minor // 10**places, 0
        sign = _symbols(locale).minus if minor < 0 else ""
        return sign + _grouped(abs(minor), places, locale)

    def number(self, number: int | float) -> str:
        return _number(number, _LOCALES[self.language])


def warm() -> None:
    """Loads CLDR's data of every language, some 20 ms each, and what babel works out of it once."""
    for language in _LOCALES:
        fmt = Formats(language)
        fmt.number(0)
        fmt.instant(0)
        fmt.ago(0, 1)
        fmt.days(1, 40)


# What stands in hundreds of lines of a page takes babel 15 to 70 µs each time. A hotel has only so many nights; prices
# are put together from the same data, a hundred times as fast.


class _Symbols(NamedTuple):
    minus: str
    group: str
    point: str


@cache
def _symbols(locale: str) -> _Symbols:
    known = Locale.parse(locale).number_symbols["latn"]
    return _Symbols(known["minusSign"], known["group"], known["decimal"])


@lru_cache(maxsize=1024)
def _around(currency: str, is_negative: bool, locale: str) -> tuple[str, str]:
    """What stands before and after an amount; what a channel calls a currency may be anything, digits included."""
    shown = numbers.format_currency(-1 if is_negative else 1, currency, locale=locale)
    found = re.fullmatch(r"(.*)1(?:\D0+)?(\D*)", shown, re.DOTALL)
    assert found is not None, shown
    return found[1], found[2]


def _grouped(minor: int, places: int, locale: str) -> str:
    """At least 0, in groups of three digits, which is what both languages have."""
    whole, rest = divmod(minor, 10**places)
    _, group, point = _symbols(locale)
    digits = f"{whole:,}".replace(",", group)
    return f"{digits}{point}{rest:0{places}}" if places else digits


@lru_cache(maxsize=8192)
def _number(number: int | float, locale: str) -> str:
    return numbers.format_decimal(number, locale=locale)


@lru_cache(maxsize=8192)
def _day(day: Day, locale: str, pattern: str) -> str:
    return dates.format_date(date.fromordinal(day), pattern, locale)


@lru_cache(maxsize=8192)
def _days(first: Day, last: Day, locale: str) -> str:
    ends = date.fromordinal(first), date.fromordinal(last)
    return str(dates.format_interval(*ends, "yMMMd", locale=locale))
