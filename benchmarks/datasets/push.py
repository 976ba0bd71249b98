"""What a channel should hold for 200 products over 500 days: as arrays to compare, and as date ranges to write.

Array axes are room, plan, day (and occupancy for prices); prices are minor units; ranges are inclusive day numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks import conditions
from benchmarks.datasets.ari import plan_codes, room_codes


@dataclass(frozen=True, slots=True)
class PushSet:
    """Which calendar to make: seasons with one price each, or (`nightly`) another price every night."""

    hotel_code: str = conditions.HOTEL_CODE
    room_codes: tuple[str, ...] = room_codes()
    plan_codes: tuple[str, ...] = plan_codes()
    first_date: date = conditions.FIRST_DATE
    days: int = conditions.PUSH_DAYS
    seasons: int = conditions.PUSH_SEASONS
    nightly: bool = False

    def iso_dates(self) -> list[str]:
        """The ISO date of each day number."""
        return [(self.first_date + timedelta(days=day)).isoformat() for day in range(self.days)]


@dataclass(frozen=True, slots=True)
class Calendar:
    """One view of the hotel; `limits` has no plan axis, `prices` is for one and for two adults."""

    prices_minor: NDArray[np.int32]
    min_stay_nights: NDArray[np.int16]
    closed: NDArray[np.bool_]
    limits: NDArray[np.int16]


class RateRange(NamedTuple):
    room_code: str
    plan_code: str
    start_day: int
    end_day: int
    single_minor: int
    double_minor: int


class StayRange(NamedTuple):
    room_code: str
    plan_code: str
    start_day: int
    end_day: int
    min_stay_nights: int
    closed: bool


class LimitRange(NamedTuple):
    room_code: str
    start_day: int
    end_day: int
    rooms: int


@dataclass(frozen=True, slots=True)
class Ranges:
    """The fewest ranges that say what a calendar says."""

    rates: list[RateRange]
    stays: list[StayRange]
    limits: list[LimitRange]


def full_calendar(wanted: PushSet) -> Calendar:
    """Values change at every season (prices, stays) and every 20 days (limits), never in between."""
    rooms = np.arange(len(wanted.room_codes))[:, None, None]
    plans = np.arange(len(wanted.plan_codes))[None, :, None]
    days = np.arange(wanted.days)[None, None, :]
    seasons = days * wanted.seasons // wanted.days
    single = 8_000 + rooms * 500 + plans * 250 + seasons * 5 % 8 * 1_100
    if wanted.nightly:
        # 13 has no common factor with 29, and a season's step is no multiple of 10: neighbouring nights always differ.
        single = single + days * 13 % 29 * 10 + seasons
    runs = np.arange(wanted.days)[None, :] // conditions.PUSH_LIMIT_RUN_DAYS
    return Calendar(
        prices_minor=np.stack([single, single + 3_050], axis=-1).astype(np.int32),
        min_stay_nights=np.broadcast_to(1 + seasons % 3, single.shape).astype(np.int16),
        closed=(rooms + plans + seasons) % 11 == 0,
        limits=((rooms[:, :, 0] * 3 + runs * 7) % 9 + 1).astype(np.int16),
    )


def empty_calendar(wanted: PushSet) -> Calendar:
    """What a counterpart holds before the first push."""
    full = full_calendar(wanted)
    return Calendar(
        prices_minor=np.zeros_like(full.prices_minor),
        min_stay_nights=np.zeros_like(full.min_stay_nights),
        closed=np.zeros_like(full.closed),
        limits=np.zeros_like(full.limits),
    )


def _runs(values: NDArray[Any]) -> Iterator[tuple[int, int]]:
    """First and last day of each run of equal values along the first axis."""
    changed = values[1:] != values[:-1]
    steps = changed if changed.ndim == 1 else changed.any(axis=1)
    starts = [0, *(int(day) + 1 for day in np.flatnonzero(steps))]
    ends = [*(start - 1 for start in starts[1:]), len(values) - 1]
    return zip(starts, ends, strict=True)


def full_ranges(wanted: PushSet) -> Ranges:
    """Ranges of `full_calendar(wanted)`; with the defaults 1,600 rates, 1,600 stays and 500 limits."""
    calendar, ranges = full_calendar(wanted), Ranges([], [], [])
    for room, room_code in enumerate(wanted.room_codes):
        for start, end in _runs(calendar.limits[room]):
            ranges.limits.append(LimitRange(room_code, start, end, int(calendar.limits[room, start])))
        for plan, plan_code in enumerate(wanted.plan_codes):
            prices = calendar.prices_minor[room, plan]
            for start, end in _runs(prices):
                ranges.rates.append(RateRange(room_code, plan_code, start, end, *map(int, prices[start])))
            stays, closed = calendar.min_stay_nights[room, plan], calendar.closed[room, plan]
            for start, end in _runs(np.stack([stays, closed], axis=1)):
                ranges.stays.append(StayRange(room_code, plan_code, start, end, int(stays[start]), bool(closed[start])))
    return ranges
