"""Simple types of XML Schema: values at their edges."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import Reason
from gateway.wire.shape_values import Value, builtin, compile_value

VALID = {
    "boolean": ("true", "0", " 1 "),
    "decimal": ("1", "-1.50", "+.5", "1."),
    "integer": ("007", "-0", "+1", "9" * 300),
    "positiveInteger": ("1", "18446744073709551616"),
    "nonNegativeInteger": ("0", "-0"),
    "date": ("2032-02-29", "2031-12-31Z", "2031-01-01+14:00", "12031-01-01", "-0001-01-01"),
    "dateTime": ("2031-02-01T24:00:00", "2031-02-01T10:00:00.123456789-05:00"),
    "time": ("23:59:59", "10:00:00.5Z"),
    "gMonthDay": ("--02-29",),
    "duration": ("P1Y", "-P1DT2H", "PT0.5S", "P0D"),
    "anyURI": ("", "a/b?c#d", "http://[::1]/", "mailto:a@b", "é", "http://example.org/a b.jpg"),
    "language": ("en", "zh-Hans"),
    "NMTOKENS": ("a b-1", "x"),
    "base64Binary": ("", "QUJD", "QQ==", " QU JD "),
}
INVALID = {
    "boolean": ("TRUE", "yes", "", "01"),
    "decimal": ("1,5", "1e3", "", ".", "INF", "١"),
    "integer": ("1.0", "", "9" * 401),
    "positiveInteger": ("0", "-1"),
    "nonNegativeInteger": ("-1", "1.5"),
    "date": (
        "2031-02-29",
        "2031-13-01",
        "31-01-01",
        "0000-01-01",
        "2031-01-01+14:01",
        "2031-01-01T10:00:00",
        "01.02.2031",
    ),
    "dateTime": ("2031-02-01", "2031-02-01T24:00:01", "2031-02-01T10:00:00+01", "2031-02-30T10:00:00Z"),
    "time": ("24:00:01", "10:00", "9:00:00"),
    "gMonthDay": ("--02-30", "--13-01"),
    "duration": ("P", "PT", "P1DT", "P1.5D", "P3N", "1D"),
    "anyURI": ("%zz", "1:2", "a#b#c"),
    "language": ("english9x", "", "de_DE"),
    "NMTOKENS": ("", "a,b"),
    "base64Binary": ("QUJ", "QR==", "Q==="),
}


def pairs(table: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(name, text) for name, texts in table.items() for text in texts]


@pytest.mark.parametrize(("name", "text"), pairs(VALID))
def test_builtin_values_that_fit(name: str, text: str) -> None:
    assert builtin(name).fault(text) is None


@pytest.mark.parametrize(("name", "text"), pairs(INVALID))
def test_builtin_values_that_do_not(name: str, text: str) -> None:
    assert builtin(name).fault(text) is not None


def look_up(name: str) -> Value:
    return builtin(name.removeprefix("xs:"))


ROWS: list[tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]] = [
    ({"base": "xs:string", "length_min": 1, "length_max": 3}, ("a", "éé", " "), ("", "abcd")),
    ({"base": "xs:token", "length_max": 3}, (" abc ",), ("abcd",)),
    ({"base": "xs:string", "enumeration": ["Open", "Close"]}, ("Open",), ("open", " Open")),
    ({"base": "xs:string", "patterns": ["[A-Z]{3}|[0-9]{2}"]}, ("EUR", "12"), ("EUR1", "xEUR", "1")),
    ({"base": "xs:string", "patterns": ["[A-Z]+", ".{3}"]}, ("EUR",), ("EURO", "eur")),
    ({"base": "xs:integer", "min": "0", "max": "99"}, ("0", "99", "-0"), ("-1", "100", "x")),
    ({"base": "xs:decimal", "above": "0", "below": "1"}, ("0.5",), ("0", "1")),
    ({"base": "xs:decimal", "fraction_digits": "3"}, ("1.123", "1.1230"), ("1.1234",)),
    ({"union": ["xs:date", "xs:time"]}, ("2031-01-01", "10:00:00"), ("2031-02-29", "x")),
    ({"list": "xs:integer"}, ("1 2\n3", ""), ("1 x",)),
    ({"list": "xs:integer", "length_min": 2}, ("1 2",), ("1",)),
]


@pytest.mark.parametrize(("row", "fitting", "failing"), ROWS)
def test_derived_values(row: dict[str, Any], fitting: tuple[str, ...], failing: tuple[str, ...]) -> None:
    value = compile_value("it", row, look_up)
    assert [text for text in fitting if value.fault(text) is not None] == []
    assert [text for text in failing if value.fault(text) is None] == []


def test_a_date_that_could_be_a_time_is_still_called_a_date() -> None:
    fault = compile_value("it", {"union": ["xs:date", "xs:boolean"]}, look_up).fault("2031-02-29")
    assert fault is not None
    assert fault[0] is Reason.INVALID_DATE


def test_only_valid_and_short_values_are_remembered() -> None:
    value = builtin("integer")
    for text in ("1", "x", "1" * 100):
        value.fault(text)
    assert value.seen == {"1"}


def test_values_that_strangers_invent_are_not_kept_for_ever() -> None:
    value = builtin("integer")
    for number in range(10_000):
        value.fault(str(number))
    assert len(value.seen) <= 4096
