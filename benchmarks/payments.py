"""Ours and the floor: callbacks of a payment gateway over HTTP, proven and on disk before they are acknowledged.

Like the floor, the process under measure takes callbacks and does nothing with them: what they mean is the work of
other processes, or of the same one where that is wanted. `python -m benchmarks.payments --url …` is the load generator,
a process of its own as for bookings.
"""

import argparse
import asyncio
import gc
import hashlib
import hmac
import json
import subprocess
import sys
import time
from dataclasses import asdict
from urllib.parse import urlsplit

import uvloop

from benchmarks import conditions
from benchmarks.floor_callbacks import SECRET
from benchmarks.floors import booking_figures
from benchmarks.harness import Bench, Figures, Metric, register
from benchmarks.house import apply_file, hotel_toml
from benchmarks.load import RUN_TIMEOUT_S, LoadResult, summary
from benchmarks.load_client import Client
from benchmarks.processes import cpu_s, durable_directory, free_port, serving

PATH = "/payments/stripe/desk"
EVENT = conditions.PROJECT_ROOT / "fixtures" / "payments" / "stripe" / "payment_intent" / "paid.json"


def account_toml() -> str:
    """The account whose callbacks are taken."""
    return (
        '\n[[payments]]\nid = "desk"\ngateway = "stripe"\nprofile = "stripe"\nsecret = "sk_test_bench"\n'
        f'[[payments.keys]]\nuse = "callback"\nid = "s1"\nsecret = "{SECRET.decode()}"\n'
    )


def callbacks(host: str, count: int) -> list[bytes]:
    """So many different events, signed now and rendered before the clock runs."""
    event = json.loads(EVENT.read_bytes())
    found = []
    for number in range(count):
        event["id"] = f"evt_bench{number:012d}"
        event["data"]["object"]["id"] = f"pi_bench{number:012d}"
        body = json.dumps(event, indent=2).encode()
        sent = int(time.time())
        mac = hmac.new(SECRET, f"{sent}.".encode() + body, hashlib.sha256).hexdigest()
        head = f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json; charset=utf-8\r\n"
        head += f"Stripe-Signature: t={sent},v1={mac}\r\nContent-Length: {len(body)}\r\n\r\n"
        found.append(head.encode() + body)
    return found


async def drive(url: str, pid: int) -> LoadResult:
    """Warm up, then measure on the same connections."""
    target = urlsplit(url)
    requests = callbacks(target.netloc, conditions.BOOKING_WARMUP_REQUESTS + conditions.BOOKING_REQUESTS)
    client = await Client.connect(target.hostname or "", target.port or 80, conditions.BOOKING_CONNECTIONS)
    # A collection in this process would look like latency of the server.
    gc.disable()
    warmup = await client.send_all(requests[: conditions.BOOKING_WARMUP_REQUESTS])
    server_before_s, own_before_s, started_s = cpu_s(pid), time.process_time(), time.perf_counter()
    exchanges = await client.send_all(requests[conditions.BOOKING_WARMUP_REQUESTS :])
    wall_s, own_s = time.perf_counter() - started_s, time.process_time() - own_before_s
    await asyncio.sleep(conditions.BOOKING_SETTLE_S)
    server_s = cpu_s(pid) - server_before_s
    client.close()
    return summary(exchanges, [*warmup, *exchanges], wall_s, own_s, server_s, _acknowledged)


def _acknowledged(answer: bytes) -> bool:
    return answer.startswith(b"HTTP/1.1 200 ")


def load(url: str, pid: int) -> LoadResult:
    """The load from a process of its own; refuses figures that would mean nothing."""
    command = [sys.executable, "-m", "benchmarks.payments", "--url", url, "--pid", str(pid)]
    output = subprocess.run(
        command, cwd=conditions.PROJECT_ROOT, check=True, stdout=subprocess.PIPE, timeout=RUN_TIMEOUT_S
    )
    result = LoadResult(**json.loads(output.stdout))
    if result.failures:
        raise RuntimeError(f"{result.failures} callbacks failed; the first answer:\n{result.first_failure}")
    if result.client_cpu_percent > conditions.CLIENT_CPU_PERCENT_MAX:
        raise RuntimeError(f"the load generator was the bottleneck: {result.client_cpu_percent:.0f} % of a core")
    return result


def ours() -> Figures:
    """Our gateway, without its workers."""
    port = free_port()
    with durable_directory() as directory:
        environment = apply_file(directory, hotel_toml(("DBL",), ("BAR",)) + account_toml())
        command = [sys.executable, "-m", "gateway", "serve", "--no-workers", "--port", str(port)]
        with serving(command, port=port, ready_path="/health/ready", environment=environment) as server:
            # What it does once after its start is no cost of a callback.
            time.sleep(conditions.SERVE_REST_S)
            return booking_figures(load(server.url, server.pid))


def floor() -> Figures:
    """The bare server."""
    port = free_port()
    with durable_directory() as directory:
        database = str(directory / "floor.db")
        command = [sys.executable, "-m", "benchmarks.floor_callbacks", "--port", str(port), "--database", database]
        with serving(command, port=port, ready_path="/ready") as server:
            return booking_figures(load(server.url, server.pid))


def register_bench() -> None:
    """CPU against the floor; the rest is told beside it."""
    metrics = (
        Metric("server_cpu_us", "min", ratio_max=conditions.CALLBACK_CPU_RATIO_MAX),
        *(Metric(key) for key in ("p50_ms", "p99_ms", "max_ms", "per_second", "client_cpu_percent")),
    )
    title = "a payment callback over HTTP, proven and durable before its answer"
    register(Bench("callback", title, metrics, floor, ours, rounds=conditions.BOOKING_ROUNDS))


def main() -> None:
    """Run the load of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.payments", description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--pid", type=int, required=True, help="server process whose CPU is read")
    given = parser.parse_args()
    print(json.dumps(asdict(uvloop.run(drive(given.url, given.pid)))))


if __name__ == "__main__":
    main()
else:
    register_bench()
