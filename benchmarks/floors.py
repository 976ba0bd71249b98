"""The floors: what the least possible code costs that does the same outward work. Registered in the order of the table.

Our own measures attach themselves from booking.py, ari.py, push.py and serve.py (`harness.ours`).
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial

import numpy as np
from lxml import etree

from benchmarks import conditions, templates
from benchmarks.datasets.ari import AriSet, avail_document, rate_document
from benchmarks.datasets.push import Calendar, PushSet, Ranges, empty_calendar, full_calendar, full_ranges
from benchmarks.floor_server import hardened_parser
from benchmarks.harness import Bench, Figures, Metric, cpu_and_wall, register
from benchmarks.load import LoadPlan, LoadResult, run
from benchmarks.processes import Server, durable_directory, free_port, rss_mb, serving

CHILD_MINOR = 2_500


def booking_figures(result: LoadResult) -> Figures:
    """The metrics of the booking bench from one load."""
    assert result.server_cpu_us is not None, "the load was not told the server's pid"
    return {
        "server_cpu_us": result.server_cpu_us,
        "p50_ms": result.p50_ms,
        "p99_ms": result.p99_ms,
        "max_ms": result.max_ms,
        "per_second": result.per_second,
        "client_cpu_percent": result.client_cpu_percent,
    }


def serve_figures(server: Server) -> Figures:
    """The metrics of the serve bench, once the server has come to rest."""
    time.sleep(conditions.SERVE_REST_S)
    return {"startup_s": server.startup_s, "rss_mb": rss_mb(server.pid)}


@contextmanager
def floor_server() -> Iterator[Server]:
    """The bare server on a new database."""
    port = free_port()
    with durable_directory() as directory:
        database = str(directory / "floor.db")
        command = [sys.executable, "-m", "benchmarks.floor_server", "--port", str(port), "--database", database]
        with serving(command, port=port, ready_path="/ready") as server:
            yield server


def booking_floor() -> Figures:
    """The standard load on the bare server."""
    with floor_server() as server:
        return booking_figures(run(LoadPlan(url=f"{server.url}/ota", pid=server.pid)))


def serve_floor() -> Figures:
    """Start-up and memory of the bare server."""
    with floor_server() as server:
        return serve_figures(server)


@cache
def ari_document(kind: str) -> bytes:
    """The standard document of 5,000 messages, made once; `kind` is avail or rates."""
    return avail_document(AriSet()) if kind == "avail" else rate_document(AriSet())


def ari_floor(kind: str) -> Figures:
    """Parsing alone: no code that reads the document can cost less than building its tree."""
    document = ari_document(kind)
    return cpu_and_wall(lambda: etree.fromstring(document, hardened_parser()))


def differing_cells(view: Calendar, held: Calendar) -> int:
    """How many cells of two calendars differ, prices of all occupancies counting as one cell."""
    prices = view.prices_minor != held.prices_minor
    return int(
        np.count_nonzero(prices[..., 0] | prices[..., 1])
        + np.count_nonzero((view.min_stay_nights != held.min_stay_nights) | (view.closed != held.closed))
        + np.count_nonzero(view.limits != held.limits)
    )


def _avail_messages(ranges: Ranges, dates: list[str]) -> Iterator[str]:
    for locator, limit in enumerate(ranges.limits, 1):
        control = templates.room_control(dates[limit.start_day], dates[limit.end_day], limit.room_code)
        yield templates.limit_message(locator, control, limit.rooms)
    for locator, stay in enumerate(ranges.stays, len(ranges.limits) + 1):
        control = templates.product_control(dates[stay.start_day], dates[stay.end_day], stay.room_code, stay.plan_code)
        status = "Close" if stay.closed else "Open"
        yield templates.stay_message(locator, control, stay.min_stay_nights, 30, status)


def _rate_messages(ranges: Ranges, dates: list[str]) -> Iterator[str]:
    for locator, rate in enumerate(ranges.rates, 1):
        control = templates.product_control(dates[rate.start_day], dates[rate.end_day], rate.room_code, rate.plan_code)
        yield templates.rate_message(locator, control, rate.single_minor, rate.double_minor, CHILD_MINOR)


def _chunks(messages: Iterator[str]) -> Iterator[list[str]]:
    everything = list(messages)
    for first in range(0, len(everything), conditions.PUSH_MESSAGES_PER_DOCUMENT):
        yield everything[first : first + conditions.PUSH_MESSAGES_PER_DOCUMENT]


def write_push(hotel_code: str, ranges: Ranges, dates: list[str]) -> list[bytes]:
    """All documents of a full push, availability first."""
    return [
        *(templates.avail_document(hotel_code, chunk) for chunk in _chunks(_avail_messages(ranges, dates))),
        *(templates.rate_document(hotel_code, chunk) for chunk in _chunks(_rate_messages(ranges, dates))),
    ]


def push_floor(wanted: PushSet) -> Figures:
    """Comparing two calendars and writing ranges somebody else has already found."""
    view, held, ranges, dates = full_calendar(wanted), empty_calendar(wanted), full_ranges(wanted), wanted.iso_dates()

    def work() -> list[bytes]:
        assert differing_cells(view, held)
        return write_push(wanted.hotel_code, ranges, dates)

    return cpu_and_wall(work)


def register_floors() -> None:
    """Every comparison that has a floor, with its targets."""
    rounds = conditions.BOOKING_ROUNDS
    cpu, wall = Metric("cpu_ms", "min"), Metric("wall_ms", "min")
    booking = (
        Metric("server_cpu_us", "min", ratio_max=conditions.BOOKING_CPU_RATIO_MAX),
        Metric("p50_ms"),
        Metric("p99_ms", value_max=conditions.BOOKING_P99_MS_MAX),
        Metric("max_ms"),
        Metric("per_second"),
        Metric("client_cpu_percent"),
    )
    pushed = Metric("cpu_ms", "min", value_max=conditions.PUSH_CPU_MS_MAX)
    seasons, nightly = partial(push_floor, PushSet()), partial(push_floor, PushSet(nightly=True))
    register(Bench("booking", "a booking over HTTP, durable before its answer", booking, booking_floor, rounds=rounds))
    register(Bench("ari-avail", "5,000 availability messages", (cpu, wall), partial(ari_floor, "avail")))
    register(Bench("ari-rates", "5,000 rate messages", (cpu, wall), partial(ari_floor, "rates")))
    register(Bench("push-seasons", "full push of 200 products × 500 days, 8 seasons", (pushed, wall), seasons))
    register(Bench("push-nightly", "the same with a price per night", (cpu, wall), nightly))
    register(Bench("push-read", "the first, with reading the calendar from the database", (cpu, wall)))
    register(Bench("serve", "start-up and memory", (Metric("startup_s", "min"), Metric("rss_mb")), serve_floor))
