"""Between ISO 4217 minor units and a gateway's. Exact in both directions: a digit that would be lost is refused."""

from __future__ import annotations

import mappings
from connectors.payments._shared.profile import Amounts
from gateway.errors import Malformed, Reason, Rejected, Unmapped
from gateway.model.money import digits_of


def to_gateway(amount: int, currency: str, amounts: Amounts) -> int:
    """The value to send; raises :class:`Unmapped` for a currency and :class:`Rejected` for an amount that has none."""
    places = _places(currency, amounts)
    value, lost = _shift(amount, places - digits_of(currency))
    if lost or value % amounts.multiples.get(currency, 1):
        raise Rejected(f"{amount} minor units of {currency} cannot be said exactly here", Reason.INVALID_VALUE)
    if not amounts.minimum <= value <= amounts.maximum:
        raise Rejected(f"the amount {amount} {currency} is outside what can be sent", Reason.INVALID_VALUE)
    return value


def from_gateway(value: int, currency: str, amounts: Amounts) -> int:
    """The amount meant by a value of theirs, of either sign; raises :class:`Unmapped` and :class:`Malformed`."""
    amount, lost = _shift(value, digits_of(currency) - _places(currency, amounts))
    if lost:
        raise Malformed(f"the value {value} {currency} has digits below the minor unit", Reason.INVALID_VALUE)
    return amount


def _places(currency: str, amounts: Amounts) -> int:
    if currency in amounts.refused or (amounts.only and currency not in amounts.only):
        raise Unmapped(Reason.CURRENCY, currency)
    try:
        mappings.look_up("currencies_in_use", currency)
    except mappings.Unmapped:
        raise Unmapped(Reason.CURRENCY, currency) from None
    return amounts.exponents.get(currency, digits_of(currency))


def _shift(value: int, places: int) -> tuple[int, bool]:
    """``value × 10^places``, and whether a digit was lost."""
    if places >= 0:
        return value * 10**places, False
    whole, rest = divmod(abs(value), 10**-places)
    return (whole if value >= 0 else -whole), bool(rest)
