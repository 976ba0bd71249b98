"""Amounts in and out: exact, and anything doubtful refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Malformed, Reason
from gateway.model.money import MINOR_MAX, digits_of, format_minor, parse_minor

CURRENCIES = ("EUR", "JPY", "KWD", "CLF", "XXX")


@given(st.integers(-MINOR_MAX, MINOR_MAX), st.sampled_from(CURRENCIES))
def test_what_is_written_reads_back(minor: int, currency: str) -> None:
    text = format_minor(minor, currency)
    assert parse_minor(text, currency) == minor
    assert Decimal(text) == Decimal(minor).scaleb(-digits_of(currency))


@given(st.decimals(-(10**9), 10**9, places=5), st.sampled_from(CURRENCIES))
def test_places_beyond_the_minor_unit_are_refused_unless_zero(amount: Decimal, currency: str) -> None:
    exact = amount.scaleb(digits_of(currency))
    if exact == int(exact):
        assert parse_minor(f"{amount:f}", currency) == int(exact)
    else:
        with pytest.raises(Malformed):
            parse_minor(f"{amount:f}", currency)


@pytest.mark.parametrize(
    ("text", "minor"),
    [("1", 100), ("+.5", 50), ("-.05", -5), ("5.", 500), (" 2.50 ", 250), ("1.500", 150), ("00012.3", 1230), ("-0", 0)],
)
def test_spellings_of_an_amount(text: str, minor: int) -> None:
    assert parse_minor(text, "EUR") == minor


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "-", "+-5", "--5", "1,5", "1 .5", "1.005", "1e3", "1_0", "0x1", "٣", "1.٣", "²", "NaN", "9" * 5000),
        *("0." + "0" * 5000, "90071992547409.93", "-90071992547409.93"),
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_minor(text, "EUR")
    assert refused.value.reason is Reason.INVALID_VALUE
    assert len(refused.value.text) < 200
