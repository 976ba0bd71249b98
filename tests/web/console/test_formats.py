"""Amounts as CLDR has them, without asking for its data each time."""

from __future__ import annotations

from decimal import Decimal

import pytest
from babel import numbers
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.money import MINOR_MAX, digits_of, format_minor
from gateway.web.console.formats import _LOCALES, Formats
from gateway.web.texts import CHINESE, ENGLISH, LANGUAGES

# With no, two and three places, and with a sign, a letter more, or only a code.
CURRENCIES = ("EUR", "USD", "CNY", "JPY", "KWD", "CHF", "THB")


@given(st.integers(-MINOR_MAX, MINOR_MAX), st.sampled_from(CURRENCIES), st.sampled_from(LANGUAGES))
def test_an_amount_is_what_babel_makes_of_it(minor: int, currency: str, language: str) -> None:
    fmt, locale = Formats(language, currency=currency), _LOCALES[language]
    amount = Decimal(format_minor(minor, currency))
    assert fmt.money(minor) == numbers.format_currency(amount, currency, locale=locale)
    places = digits_of(currency) if amount % 1 else 0
    pattern = "#,##0" + ("." + "0" * places if places else "")
    assert fmt.amount(minor) == numbers.format_decimal(amount, format=pattern, locale=locale)


@pytest.mark.parametrize(
    ("language", "shown"),
    [(ENGLISH, ("€1,234.50", "-€0.05", "CN¥10.00")), (CHINESE, ("€1,234.50", "-€0.05", "¥10.00"))],
)
def test_amounts_as_people_read_them(language: str, shown: tuple[str, ...]) -> None:
    fmt = Formats(language, currency="EUR")
    assert (fmt.money(123_450), fmt.money(-5), fmt.money(1_000, "CNY")) == shown


@pytest.mark.parametrize("code", ["X1", "101", "1.00", "A\n1", "<b>", "é"])
def test_whatever_a_channel_calls_a_currency_is_shown(code: str) -> None:
    shown = Formats(ENGLISH).money(123_450, code)
    assert code in shown
    assert shown.endswith("1,234.50")


def test_no_place_of_a_currency_is_rounded_away() -> None:
    """CLDR gives some currencies fewer places than ISO 4217."""
    assert Formats(ENGLISH).money(1_250, "AFN").endswith("12.50")
    assert Formats(ENGLISH).amount(1_250, "AFN") == "12.50"


def test_without_a_currency_there_are_only_numbers() -> None:
    assert Formats(ENGLISH).money(1_250) == "1250"
    assert Formats(ENGLISH).number(1_234_567) == "1,234,567"
