"""The reader of a hotel file: takes tables for their shapes and values for their kinds, and collects what is wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from gateway.engine.file_table import Numeral, ShapeT, fields_of, place
from gateway.engine.readable import printable, shown
from gateway.model.money import digits_of
from gateway.model.property import Adjustment, Rounding

OPTIONS_DEEP = 8
HINTS_MAX = 100

_MAY_HOLD_SECRETS = frozenset({"password", "inbound", "outbound"})

# Active ISO 4217 codes a hotel can price in, and two that were withdrawn in 2025 and 2026 but still stand in systems.
_CODES = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP
    CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR
    ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT
    MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
    SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES
    VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
_CURRENCIES = frozenset(_CODES.split())
_NUMBER = re.compile(r"([+-]?)([0-9]{1,10})(?:\.([0-9]{1,10}))?")


class Adjusting(Protocol):
    """A table that turns one price into another."""

    @property
    def round_to(self) -> Numeral: ...

    @property
    def rounding(self) -> Rounding: ...


class FileReader:
    """Reads the tables of one file; ``problems`` has one line ``path: problem`` for each fault."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def wrong(self, path: str, text: str) -> None:
        self.problems.append(printable(f"{path}: {text}"))

    def meant(self, word: str, known: Collection[str]) -> str:
        """A suggestion; searching is slow, and nobody reads the hundredth."""
        return _near(word, known) if len(self.problems) < HINTS_MAX else ""

    def table(self, shape: type[ShapeT], raw: Mapping[str, Any], path: str) -> ShapeT:
        fields = fields_of(shape)
        values = {}
        for key, value in raw.items():
            if key not in fields:
                self.wrong(place(path, key), f"there is no such setting{self.meant(key, fields)}")
                continue
            kind, description = fields[key]
            try:
                values[key] = msgspec.convert(value, kind)
            except msgspec.ValidationError:
                said = "this" if key in _MAY_HOLD_SECRETS else shown(value)
                self.wrong(place(path, key), f"{said} is not {description}")
        for key in shape.required:
            if key not in raw:
                self.wrong(place(path, key), "is missing")
        return shape(**values)

    def currency(self, code: str, path: str) -> str:
        """The code, or "" if it is none, so that no amount is judged by it."""
        if not code or code in _CURRENCIES:
            return code
        self.wrong(path, f"{shown(code)} is not an ISO 4217 currency code{self.meant(code, _CURRENCIES)}")
        return ""

    def unique(self, codes: Iterable[str], path: str, key: str) -> None:
        first: dict[str, int] = {}
        for index, code in enumerate(codes):
            if code and first.setdefault(code, index) != index:
                self.wrong(f"{path}[{index}].{key}", f"{shown(code)} is already {path}[{first[code]}]")

    def number(self, value: object, places: int, path: str, what: str) -> int | None:
        """``value × 10^places`` exactly; None where there is no value or no such number."""
        if value is None:
            return None
        known = isinstance(value, str | Decimal) or (type(value) is int and value.bit_length() < 64)
        match = _NUMBER.fullmatch(str(value)) if known else None
        decimals = (match[3] or "").rstrip("0") if match else ""
        if match is None or len(decimals) > places:
            if places:
                self.wrong(path, f"{shown(value)} is not {what} with at most {places} decimals")
            else:
                self.wrong(path, f"{shown(value)} is not {what} without decimals")
            return None
        return int(match[1] + match[2] + decimals.ljust(places, "0"))

    def adjustment(self, table: Adjusting, path: str, prefix: str, currency: str) -> Adjustment:
        """The percent, amount and step of a table; amounts are left unread where the currency is not known."""
        percent = self.number(getattr(table, f"{prefix}percent"), 2, f"{path}.{prefix}percent", "a percentage")
        if percent is not None and not -10_000 < percent < 100_000:
            self.wrong(f"{path}.{prefix}percent", "is not between -100 and 1000")
        if not currency:
            return Adjustment(percent_bp=percent or 0, rounding=table.rounding)
        digits = digits_of(currency)
        amount = self.number(
            getattr(table, f"{prefix}amount"), digits, f"{path}.{prefix}amount", f"an amount of {currency}"
        )
        step = self.number(table.round_to, digits, f"{path}.round_to", f"an amount of {currency}")
        if step is not None and step <= 0:
            self.wrong(f"{path}.round_to", "must be more than 0")
        return Adjustment(
            percent_bp=percent or 0, amount=amount or 0, step=1 if step is None else step, rounding=table.rounding
        )

    def url(self, url: str, path: str) -> None:
        if not url:
            return
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            carries_login = "@" in parts.netloc
        except ValueError:
            usable = carries_login = False
        if carries_login:
            self.wrong(path, "must not hold a user name or password; write them in outbound = { … }")
        elif not usable or " " in url:
            self.wrong(path, "is not an address such as https://host.example/path")

    def option(self, value: Any, path: str, depth: int = 0) -> Any:
        """The value as JSON would give it back, so that what is stored equals what was read."""
        if depth > OPTIONS_DEEP:
            self.wrong(path, "is nested too deeply")
        elif isinstance(value, dict):
            return {key: self.option(inner, place(path, key), depth + 1) for key, inner in value.items()}
        elif isinstance(value, list):
            return [self.option(inner, f"{path}[{index}]", depth + 1) for index, inner in enumerate(value)]
        elif isinstance(value, Decimal) and math.isfinite(float(value)):
            return float(value)
        elif isinstance(value, str | bool) or (isinstance(value, int) and value.bit_length() < 54):
            return value
        else:
            self.wrong(path, "is not a text, a number, or true or false; put dates and long numbers in quotes")
        return None


def _near(word: str, known: Iterable[str]) -> str:
    """``; did you mean "DBL"?`` where something near exists."""
    by_fold = {name.casefold(): name for name in known}
    word = word[:64].casefold()
    near = get_close_matches(word, by_fold, 5)
    # Equally near names are common among short codes, and people rarely mistype the first letter.
    best = next((name for name in near if name[0] == word[0]), near[0] if near else None)
    return f"; did you mean {shown(by_fold[best])}?" if best else ""
