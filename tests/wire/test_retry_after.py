"""A wish to be left alone is a time, or none."""

from __future__ import annotations

import pytest

from gateway.wire.retry_after import RETRY_AFTER_S_MAX, retry_after

SENT = "Fri, 31 Dec 1999 23:59:49 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("0000000120", 120.0),
        ("90000", RETRY_AFTER_S_MAX),
        ("9" * 400, RETRY_AFTER_S_MAX),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 10.0),
        ("Fri, 31 Dec 1999 23:59:59 -0000", 10.0),
        ("Fri, 31 Dec 1999 23:59:00 GMT", 0.0),
        ("Fri, 31 Dec 2099 23:59:00 GMT", RETRY_AFTER_S_MAX),
        ("soon", None),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", None),
        ("-5", None),
        ("٣", None),
        ("", None),
    ],
)
def test_it_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value, "date": SENT}) == seconds


@pytest.mark.parametrize("headers", [{}, {"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}])
def test_without_a_wish_or_a_date_to_count_from_there_is_none(headers: dict[str, str]) -> None:
    assert retry_after(headers) is None
