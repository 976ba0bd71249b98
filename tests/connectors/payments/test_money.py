"""Amounts between ISO 4217 and the gateways, exactly or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mappings
from connectors.payments._shared.money import from_gateway, to_gateway
from connectors.payments._shared.profile import Amounts, profile_of
from gateway.errors import Malformed, Rejected, Unmapped

STRIPE = profile_of("stripe", "stripe").amounts
ADYEN = profile_of("adyen", "adyen").amounts
CODES = sorted(mappings.load("codes", "currencies_in_use", mappings.CodeTable).entries)


@pytest.mark.parametrize(
    ("amounts", "currency", "amount", "value"),
    [
        (STRIPE, "EUR", 24100, 24100),
        (STRIPE, "JPY", 24100, 24100),
        (STRIPE, "CLP", 24100, 24100),
        (STRIPE, "ISK", 241, 24100),
        (STRIPE, "UGX", 241, 24100),
        (STRIPE, "MGA", 24100, 241),
        (STRIPE, "KWD", 24100, 24100),
        (STRIPE, "HUF", 24100, 24100),
        (ADYEN, "CLP", 241, 24100),
        (ADYEN, "ISK", 241, 24100),
        (ADYEN, "CVE", 24100, 241),
        (ADYEN, "IDR", 24100, 241),
        (ADYEN, "UGX", 241, 241),
        (ADYEN, "MGA", 24100, 24100),
        (ADYEN, "TND", 24101, 24101),
        (ADYEN, "LYD", 24101, 24101),
    ],
)
def test_exponents(amounts: Amounts, currency: str, amount: int, value: int) -> None:
    assert to_gateway(amount, currency, amounts) == value
    assert from_gateway(value, currency, amounts) == amount


@pytest.mark.parametrize(
    ("amounts", "currency", "amount"),
    [
        (STRIPE, "MGA", 24101),
        (STRIPE, "KWD", 24101),
        (STRIPE, "EUR", 0),
        (STRIPE, "EUR", -1),
        (STRIPE, "EUR", 100_000_000),
        (ADYEN, "IDR", 24150),
        (ADYEN, "CVE", 1),
        (ADYEN, "EUR", 10**16),
    ],
)
def test_what_cannot_be_said_exactly_is_refused(amounts: Amounts, currency: str, amount: int) -> None:
    with pytest.raises(Rejected):
        to_gateway(amount, currency, amounts)


@pytest.mark.parametrize("currency", ["IQD", "LYD", "XXX", "eur", "", "BTC"])
def test_a_currency_nobody_is_sure_of_is_refused(currency: str) -> None:
    with pytest.raises(Unmapped):
        to_gateway(100, currency, STRIPE)


def test_digits_below_the_minor_unit_are_not_read() -> None:
    with pytest.raises(Malformed):
        from_gateway(24155, "ISK", STRIPE)


@given(st.sampled_from([STRIPE, ADYEN]), st.sampled_from(CODES), st.integers(1, 10**6))
def test_round_trip(amounts: Amounts, currency: str, hundreds: int) -> None:
    if currency not in amounts.refused:
        amount = hundreds * 100
        try:
            value = to_gateway(amount, currency, amounts)
        except Rejected:
            assert amounts is STRIPE  # up to eight digits
            return
        assert from_gateway(value, currency, amounts) == amount
        assert from_gateway(-value, currency, amounts) == -amount
