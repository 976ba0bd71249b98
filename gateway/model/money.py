"""Money as whole minor units of a currency. No float, no rounding on the way in.

Minor-unit digits follow ISO 4217, table A.1; currencies not listed have two.
"""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.errors import Malformed, Reason

MINOR_MAX = 2**53  # stays exact in JSON readers that only know doubles
_TEXT_MAX = 64
# ASCII digits only: \d and str.isdigit know hundreds of others, and XML may hold them all.
_AMOUNT = re.compile(r"([+-]?)(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?")

_DIGITS: dict[str, int] = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}


def digits_of(currency: str) -> int:
    """How many decimal places the currency's minor unit has."""
    return _DIGITS.get(currency, 2)


@lru_cache(maxsize=8192)
def parse_minor(text: str, currency: str) -> int:
    """``("120.50", "EUR") -> 12050``. Extra zero places are fine, other extra places and commas are refused."""
    digits = digits_of(currency)
    amount = _AMOUNT.fullmatch(text.strip()) if len(text) <= _TEXT_MAX else None
    sign, whole, places = amount.groups(default="") if amount else ("", "", "")
    if amount is None or places[digits:].strip("0"):
        raise Malformed(f"{text[:_TEXT_MAX]!r} is not an amount of {currency}", Reason.INVALID_VALUE)
    minor = int(f"{sign}0{whole}{places[:digits].ljust(digits, '0')}")
    if abs(minor) > MINOR_MAX:
        raise Malformed(f"the amount {text} {currency} is too large", Reason.INVALID_VALUE)
    return minor


@lru_cache(maxsize=8192)
def format_minor(minor: int, currency: str) -> str:
    """``(12050, "EUR") -> "120.50"``."""
    digits = digits_of(currency)
    if digits == 0:
        return str(minor)
    text = str(abs(minor)).rjust(digits + 1, "0")
    return f"{'-' if minor < 0 else ''}{text[:-digits]}.{text[-digits:]}"
