"""Spellings of times and durations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.opentravel._shared.times import (
    format_instant_ms,
    format_offset,
    parse_instant,
    parse_nights,
    parse_offset_h,
)
from gateway.errors import Malformed

EIGHT = 1_925_366_400_000  # 2031-01-05T08:00:00Z


@pytest.mark.parametrize(
    "text",
    [
        "2031-01-05T08:00:00Z",
        "2031-01-05T08:00Z",
        "2031-01-05T08:00:00.0000000Z",
        "2031-01-05T09:00:00+01:00",
        "2031-01-05T09:00:00+0100",
        "2031-01-05T09:00:00+1",
        "2031-01-05T03:00:00-05",
        " 2031-01-05T09:00:00 ",
    ],
)
def test_zones(text: str) -> None:
    assert parse_instant(text, "Europe/Berlin") == EIGHT


def test_fractions_are_cut_to_milliseconds() -> None:
    assert parse_instant("2031-01-05T08:00:00.1239999Z") == EIGHT + 123


@pytest.mark.parametrize(
    "text", ["", "2031-01-05", "2031-02-30T08:00:00Z", "2031-01-05T25:00:00Z", "2031-01-05T08:00:00+99"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse_instant(text)


@given(st.integers(0, 4_000_000_000_000))
def test_instants_survive_to_the_millisecond(at_ms: int) -> None:
    assert parse_instant(format_instant_ms(at_ms)) == at_ms


@given(st.integers(0, 100_000))
def test_offsets_survive(hours: int) -> None:
    assert parse_offset_h(format_offset(hours)) == hours


@pytest.mark.parametrize("text", ["", "P", "PT", "P1DT", "-P1D", "P1Y", "1.5", "tomorrow"])
def test_what_is_no_offset_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse_offset_h(text)


def test_nights() -> None:
    assert (parse_nights("P3N"), parse_nights("P3D")) == (3, 3)
    with pytest.raises(Malformed):
        parse_nights("3")
