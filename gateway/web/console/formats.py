"""Days, instants and amounts as people read them, by the data of CLDR (babel)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers

from gateway.model.dates import Day, Instant
from gateway.model.money import format_minor
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
        return _day(day, _LOCALES[self.language])

    def long_day(self, day: Day) -> str:
        return dates.format_date(date.fromordinal(day), "full", self._locale)

    def days(self, first: Day, last: Day) -> str:
        """A range, both ends included."""
        return self.day(first) if first == last else _days(first, last, _LOCALES[self.language])

    def weekday(self, day: Day) -> str:
        return dates.format_date(date.fromordinal(day), "ccc", self._locale)

    def month(self, day: Day) -> str:
        return dates.format_date(date.fromordinal(day), "LLL", self._locale)

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
        return _money(minor, code, _LOCALES[self.language]) if code else str(minor)

    def amount(self, minor: int, currency: str = "") -> str:
        """Without the currency, and without places that are all zero: for a grid."""
        return _amount(minor, currency or self.currency, _LOCALES[self.language])

    def number(self, number: int | float) -> str:
        return numbers.format_decimal(number, locale=self._locale)


# What stands in hundreds of lines of a page takes 15 to 70 µs each time; a hotel has only so many prices and nights.


@lru_cache(maxsize=8192)
def _day(day: Day, locale: str) -> str:
    return dates.format_date(date.fromordinal(day), "medium", locale)


@lru_cache(maxsize=8192)
def _days(first: Day, last: Day, locale: str) -> str:
    ends = date.fromordinal(first), date.fromordinal(last)
    return str(dates.format_interval(*ends, "yMMMd", locale=locale))


@lru_cache(maxsize=8192)
def _money(minor: int, currency: str, locale: str) -> str:
    return numbers.format_currency(Decimal(format_minor(minor, currency)), currency, locale=locale)


@lru_cache(maxsize=8192)
def _amount(minor: int, currency: str, locale: str) -> str:
    amount = Decimal(format_minor(minor, currency))
    if amount == amount.to_integral_value():
        return numbers.format_decimal(amount, locale=locale)
    return numbers.format_currency(amount, currency, format="#,##0.00", locale=locale)
