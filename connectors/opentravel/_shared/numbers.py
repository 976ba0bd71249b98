"""Whole numbers, booleans and amounts as OpenTravel writes them. Nothing is rounded, no comma is a decimal point."""

from __future__ import annotations

from gateway.errors import Malformed, Reason
from gateway.model.money import digits_of, parse_minor

_SMALL = {str(number): number for number in range(100)}


def parse_count(text: str, path: str, most: int = 99_999) -> int:
    """A whole number from 0 to ``most``."""
    small = _SMALL.get(text)
    if small is not None and small <= most:
        return small
    text = text.strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) > most:
        raise Malformed(f"{text!r} is not a whole number from 0 to {most}", Reason.INVALID_VALUE, path=path)
    return int(text)


def parse_signed(text: str, path: str) -> int:
    """A whole number of either sign."""
    text = text.strip()
    return -parse_count(text[1:], path) if text.startswith("-") else parse_count(text.removeprefix("+"), path)


def parse_boolean(text: str, path: str) -> bool:
    """xs:boolean."""
    found = {"true": True, "1": True, "false": False, "0": False}.get(text.strip())
    if found is None:
        raise Malformed(f"{text!r} is not true or false", Reason.INVALID_VALUE, path=path)
    return found


def parse_amount(text: str, places: str, currency: str, path: str) -> int:
    """An amount in minor units.

    ``places`` is DecimalPlaces: it scales an amount written without a point, and means nothing for one that has a
    point (sheet, section 4.1).
    """
    text, places = text.strip(), places.strip()
    if not currency:
        raise Malformed(f"the amount {text[:40]!r} has no currency", Reason.CURRENCY, path=path)
    if places and "." not in text:
        scale = parse_count(places, path, most=9)
        sign = "-" if text.startswith("-") else ""
        digits = text.removeprefix("-").rjust(scale + 1, "0")
        text = f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale else text
    if len(text) > 32:
        raise Malformed("the amount is too long", Reason.INVALID_VALUE, path=path)
    try:
        return parse_minor(text, currency)
    except Malformed as error:
        error.path = path
        raise


# The spelling nearly all amounts have is digits, a point and two digits, in one of the currencies in daily use that
# have two decimal places. Any other amount or currency is read with the general rule.
PLAIN_DIGITS_MAX = 13
_DAILY = (
    "AED ARS AUD BGN BRL CAD CHF CNY COP CZK DKK EGP EUR GBP GEL HKD HUF IDR ILS INR KES LKR MAD MUR MXN MYR NOK NZD "
    "PEN PHP PKR PLN QAR RON RSD SAR SEK SGD THB TRY TWD TZS UAH USD ZAR"
)
TWO_PLACES = frozenset(code for code in _DAILY.split() if digits_of(code) == 2)
