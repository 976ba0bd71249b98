"""Days as integers: what is read, what is refused, and that no time zone moves them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Malformed, Reason
from gateway.model.dates import (
    ALL_WEEK,
    BLOCK_DAYS,
    FIRST_DAY,
    LAST_DAY,
    blocks_of,
    day_start_ms,
    days_in,
    format_day,
    format_instant,
    local_day,
    parse_day,
    weekday,
)

DAYS = st.integers(FIRST_DAY, LAST_DAY)
# Clocks that change at midnight, by half an hour, across the date line, and not at all.
ZONES = ("Europe/Vienna", "America/Havana", "Africa/Cairo", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia")


@given(DAYS)
def test_days_read_back_and_know_their_weekday(day: int) -> None:
    assert parse_day(format_day(day)) == day
    assert weekday(day) == date.fromordinal(day).weekday()
    assert [day // BLOCK_DAYS] == list(blocks_of(day, day))


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026-02-29", "2026-13-01", "2026-00-10", "2026-1-1", "20260101", "2026-W01-1", "2026-001", "2026/01/01"),
        *(" 2026-01-1", "2026-01-01 ", "2026-01-01T00:00", "２０２６-01-01", "1989-12-31", "2200-01-01", "2" * 5000),
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_day(text)
    assert refused.value.reason is Reason.INVALID_DATE
    assert len(refused.value.text) < 200


@given(DAYS, st.integers(0, 90), st.integers(0, ALL_WEEK))
def test_days_and_blocks_of_a_range(first: int, length: int, mask: int) -> None:
    last = first + length
    chosen = [day for day in range(first, last + 1) if mask & 1 << date.fromordinal(day).weekday()]
    assert list(days_in(first, last, mask)) == chosen
    assert list(blocks_of(first, last)) == sorted({day // BLOCK_DAYS for day in range(first, last + 1)})


@given(st.integers(date(2015, 1, 1).toordinal(), date(2035, 1, 1).toordinal()), st.sampled_from(ZONES))
def test_a_local_day_begins_where_the_one_before_ends(day: int, zone: str) -> None:
    start = day_start_ms(day, zone)
    assert local_day(start, zone) == day
    assert local_day(start - 1, zone) == day - 1
    assert 22 <= (day_start_ms(day + 1, zone) - start) / 3_600_000 <= 26


@given(st.integers(0, 2**41), st.sampled_from(ZONES))
def test_an_instant_lies_in_its_local_day(at_ms: int, zone: str) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    assert local_day(at_ms, zone) == at.astimezone(ZoneInfo(zone)).date().toordinal()
    assert format_instant(at_ms) == at.strftime("%Y-%m-%dT%H:%M:%SZ")
