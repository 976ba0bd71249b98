"""The load generator, a process of its own: distinct bookings over kept-alive connections, one in flight on each.

`python -m benchmarks.load --url http://127.0.0.1:8000/ota --pid 123` prints its result as JSON. With `--pid` it reads
that server's CPU exactly around the measured requests, so that neither start-up nor warm-up counts.
"""

import argparse
import asyncio
import base64
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from urllib.parse import urlsplit

import uvloop

from benchmarks import conditions
from benchmarks.datasets.bookings import BookingSet, booking_document
from benchmarks.load_client import Client, Exchange
from benchmarks.processes import cpu_s

RUN_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Where to send which bookings. `first_number` keeps bookings distinct when one server is measured repeatedly."""

    url: str
    pid: int | None = None
    bookings: BookingSet = field(default_factory=BookingSet)
    username: str = conditions.USERNAME
    password: str = conditions.PASSWORD
    connections: int = conditions.BOOKING_CONNECTIONS
    requests: int = conditions.BOOKING_REQUESTS
    warmup: int = conditions.BOOKING_WARMUP_REQUESTS
    first_number: int = 0


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Of the measured requests only. Latency is from the last byte written to the whole answer read."""

    requests: int
    failures: int
    first_failure: str
    per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    server_cpu_us: float | None
    client_cpu_percent: float


def requests_of(plan: LoadPlan) -> list[bytes]:
    """All requests, rendered before the clock runs."""
    target = urlsplit(plan.url)
    token = base64.b64encode(f"{plan.username}:{plan.password}".encode()).decode()
    head = (
        f"POST {target.path or '/'}{'?' + target.query if target.query else ''} HTTP/1.1\r\nHost: {target.netloc}\r\n"
        f"Authorization: Basic {token}\r\nContent-Type: text/xml; charset=utf-8\r\nAccept: text/xml\r\n"
    )
    last = plan.first_number + plan.warmup + plan.requests
    documents = (booking_document(plan.bookings, number) for number in range(plan.first_number, last))
    return [f"{head}Content-Length: {len(document)}\r\n\r\n".encode() + document for document in documents]


async def drive(plan: LoadPlan) -> LoadResult:
    """Warm up, then measure on the same connections."""
    requests = requests_of(plan)
    target = urlsplit(plan.url)
    client = await Client.connect(target.hostname or "", target.port or 80, plan.connections)
    # A collection in this process would look like latency of the server.
    gc.disable()
    warmup = await client.send_all(requests[: plan.warmup])
    server_before_s = cpu_s(plan.pid) if plan.pid else 0.0
    own_before_s, started_s = time.process_time(), time.perf_counter()
    exchanges = await client.send_all(requests[plan.warmup :])
    wall_s, own_s = time.perf_counter() - started_s, time.process_time() - own_before_s
    await asyncio.sleep(conditions.BOOKING_SETTLE_S)
    server_s = cpu_s(plan.pid) - server_before_s if plan.pid else None
    client.close()
    # A warm-up that fails means the wrong address or credentials, so it counts as failed too.
    return summary(exchanges, [*warmup, *exchanges], wall_s, own_s, server_s)


def _succeeded(answer: bytes) -> bool:
    return answer.startswith(b"HTTP/1.1 200 ") and b"<Success" in answer


def summary(
    exchanges: Sequence[Exchange],
    checked: Sequence[Exchange],
    wall_s: float,
    own_s: float,
    server_s: float | None,
    succeeded: Callable[[bytes], bool] = _succeeded,
) -> LoadResult:
    """Figures of `exchanges`, failures of `checked`."""
    latencies_ms = sorted(exchange.latency_ns / 1e6 for exchange in exchanges)
    failed = [exchange.answer for exchange in checked if not succeeded(exchange.answer)]
    return LoadResult(
        requests=len(exchanges),
        failures=len(failed),
        first_failure=failed[0][:2_000].decode(errors="replace") if failed else "",
        per_second=len(exchanges) / wall_s,
        p50_ms=percentile(latencies_ms, 50),
        p99_ms=percentile(latencies_ms, 99),
        max_ms=latencies_ms[-1],
        server_cpu_us=None if server_s is None else server_s / len(exchanges) * 1e6,
        client_cpu_percent=own_s / wall_s * 100,
    )


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The smallest value that at least `percent` of the ordered values do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def run(plan: LoadPlan) -> LoadResult:
    """Run the load in a process of its own, and refuse figures that would mean nothing."""
    output = subprocess.run(
        [sys.executable, "-m", "benchmarks.load", *_arguments(plan)],
        cwd=conditions.PROJECT_ROOT, check=True, stdout=subprocess.PIPE, timeout=RUN_TIMEOUT_S,
    )  # fmt: skip
    result = LoadResult(**json.loads(output.stdout))
    if result.failures:
        raise RuntimeError(f"{result.failures} bookings failed; the first answer:\n{result.first_failure}")
    if result.client_cpu_percent > conditions.CLIENT_CPU_PERCENT_MAX:
        raise RuntimeError(f"the load generator was the bottleneck: {result.client_cpu_percent:.0f} % of a core")
    return result


def _arguments(plan: LoadPlan) -> Iterator[str]:
    """The command line `main` turns back into the same plan."""
    yield from ("--url", plan.url, "--username", plan.username, "--password", plan.password)
    if plan.pid:
        yield from ("--pid", str(plan.pid))
    for name, codes in (
        ("--hotels", plan.bookings.hotel_codes),
        ("--rooms", plan.bookings.room_codes),
        ("--plans", plan.bookings.plan_codes),
    ):
        yield from (name, *codes)
    yield from ("--first-date", plan.bookings.first_date.isoformat(), "--span-days", str(plan.bookings.span_days))
    yield from ("--connections", str(plan.connections), "--requests", str(plan.requests))
    yield from ("--warmup", str(plan.warmup), "--first-number", str(plan.first_number))


def _plan(arguments: Sequence[str]) -> LoadPlan:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    bookings, plan = BookingSet(), LoadPlan("")
    parser.add_argument("--url", required=True)
    parser.add_argument("--pid", type=int, help="server process whose CPU is read")
    parser.add_argument("--username", default=plan.username)
    parser.add_argument("--password", default=plan.password)
    parser.add_argument("--hotels", nargs="+", default=bookings.hotel_codes)
    parser.add_argument("--rooms", nargs="+", default=bookings.room_codes)
    parser.add_argument("--plans", nargs="+", default=bookings.plan_codes)
    parser.add_argument("--first-date", type=date.fromisoformat, default=bookings.first_date)
    parser.add_argument("--span-days", type=int, default=bookings.span_days)
    for name in ("connections", "requests", "warmup", "first_number"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(plan, name))
    given = parser.parse_args(arguments)
    return LoadPlan(
        given.url, given.pid,
        BookingSet(tuple(given.hotels), tuple(given.rooms), tuple(given.plans), given.first_date, given.span_days),
        given.username, given.password, given.connections, given.requests, given.warmup, given.first_number,
    )  # fmt: skip


def main() -> None:
    """Run the plan of the command line."""
    print(json.dumps(asdict(uvloop.run(drive(_plan(sys.argv[1:]))))))


if __name__ == "__main__":
    main()
