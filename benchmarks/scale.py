"""`python -m benchmarks.scale`: the first view of every page and list over five million reservations and a long log.

Fills a SQLite file, or with --postgres a PostgreSQL of its own, in a directory of its own under the user's cache (10 to
20 GB, some minutes), asks each page of a process that has just started, first with the files evicted from the page
cache, then warm, and prints milliseconds from the request to the last byte and the bytes read from disk. The directory
is deleted unless it was named with --keep.

Exit status: 0 measured, 2 something took longer than MS_MAX.
"""

import argparse
import http.client
import os
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import psutil

from benchmarks import scale_stores
from benchmarks.datasets import told, years
from benchmarks.datasets.ari import plan_codes, room_codes
from benchmarks.house import House, hotel_toml
from benchmarks.processes import Server, cpu_s, free_port, serving
from gateway.flows.access.identity import key_digest
from gateway.flows.access.rights import Wanted, create_key
from gateway.model.access import EVERY_PROPERTY, AccessRole, Grant, Principal, PrincipalKind
from gateway.model.dates import format_day
from gateway.store import access
from gateway.store.tables_access import SessionRow
from gateway.web.callers import SESSION_COOKIE

MS_MAX = 300.0
RESERVATIONS, MESSAGE_BYTES = 5_000_000, 2_050_000_000
FREE_BYTES_MIN = 30_000_000_000
WARM_REQUESTS = 5
PROPERTY = "bench"
NIGHT = format_day(years.LAST_DAY)

_PAGES = (
    "calendar",
    f"calendar?from={NIGHT}&days=31",
    f"calendar/night/{NIGHT}",
    "bookings",
    "bookings?parked=1",
    "bookings?oversold=1",
    "bookings?parked=1&status=cancelled",
    "bookings?status=cancelled",
    "bookings?connection=channel1",
    "bookings?connection=nobody",
    "bookings?order=arrival",
    f"bookings?order=arrival&arrival_first={NIGHT}",
    f"bookings?arrival_first={NIGHT}&arrival_last={NIGHT}",
    "bookings?text=keller",
    "bookings?text=wu77",
    "bookings?text=wu77&order=arrival",
    "bookings?text=wu&status=cancelled",
    "bookings?text=wu&parked=1",
    "bookings?text=00",
    "bookings?text=nobody",
    "bookings/{reservation}",
    "channels",
    "channels/channel0",
    "channels/channel0/audit",
    "mappings/channel0",
    "messages",
    "messages/{message}",
    "messages?connection=nobody",
    "messages?outcome=refused",
    "messages?outcome=unknown",
    "messages?connection=channel1&direction=in",
    "messages?kind=nothing",
    "messages?text=needle",
    "held",
    "payments",
    "alerts",
)
_LISTS = (
    "",
    "/reservations",
    "/reservations?parked=true",
    "/reservations?oversold=true",
    "/reservations?status=cancelled",
    "/reservations?connection=nobody",
    f"/reservations?order=arrival&arrival_first={NIGHT}",
    f"/reservations?arrival_first={NIGHT}&arrival_last={NIGHT}",
    "/reservations?text=keller",
    "/reservations/{reservation}",
    "/trouble",
    "/messages",
    "/messages/{message}",
    "/messages?connection=nobody",
    "/messages?outcome=refused",
    "/messages?text=needle",
    f"/calendar?first={NIGHT}&last={NIGHT}",
    f"/calendar/changes?day={NIGHT}",
    "/connections",
    "/connections/channel0/audit",
    "/sync-errors",
    "/held",
    "/configuration/versions",
    "/payments",
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One address: its status, the first view with nothing in memory, and the median of the next ones.

    ``cpu_ms`` is what a view costs the server, whatever else the machine is doing; exact to some milliseconds.
    """

    path: str
    status: int
    cold_ms: float
    cold_read: int
    warm_ms: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything is, and what is in it."""

    directory: Path
    is_postgres: bool
    reservations: int
    message_bytes: int

    @contextmanager
    def opened(self) -> Iterator[str]:
        """The address of the database while it is used."""
        with (scale_stores.postgres if self.is_postgres else scale_stores.sqlite)(self.directory) as url:
            yield url

    def paths(self) -> Iterator[str]:
        """What is asked."""
        messages = years.message_count(self.message_bytes)
        names = {
            "reservation": years.number(self.reservations // 2),
            "message": str(years.message_id(messages // 2, messages)),
        }
        yield from (f"/hotels/{PROPERTY}/{each.format(**names)}" for each in _PAGES)
        yield from (f"/v1/properties/{PROPERTY}{each.format(**names)}" for each in _LISTS)
        yield from ("/v1/properties", "/metrics")


def main() -> int:
    """Fills what is not there yet, measures, and tells."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--postgres", action="store_true", help="a PostgreSQL instead of SQLite")
    parser.add_argument("--keep", type=Path, help="a directory to fill, or one that is filled already; stays")
    parser.add_argument("--reservations", type=int, default=RESERVATIONS)
    parser.add_argument("--message-bytes", type=int, default=MESSAGE_BYTES)
    parser.add_argument("--only", default="", help="addresses that contain this")
    given = parser.parse_args()
    with _directory(given.keep) as directory:
        place = Place(directory, given.postgres, given.reservations, given.message_bytes)
        login = fill(place)
        figures = list(measure(place, login, given.only))
    slow = [each for each in figures if max(each.cold_ms, each.warm_ms) > MS_MAX]
    print(f"{len(figures)} addresses, {len(slow)} over {MS_MAX:g} ms")
    return 2 if slow else 0


@contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    cache.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(cache).free < FREE_BYTES_MIN:
        raise SystemExit(f"{cache} has less than {FREE_BYTES_MIN // 10**9} GB left")
    with tempfile.TemporaryDirectory(prefix="gateway-scale-", dir=cache) as name:
        yield Path(name)


def fill(place: Place) -> Mapping[str, str]:
    """The rows, unless they are there; returns the headers of somebody who may see everything."""
    filled = place.directory / "filled"
    with place.opened() as url:
        with House(place.directory, hotel_toml(room_codes(), plan_codes(), 3), url) as house:
            login = house.run(_log_in(house))
            ahead = [] if filled.exists() else house.run(told.tables(house.ours.services, PROPERTY))
        if not filled.exists():
            print(f"filling {place.directory}", file=sys.stderr)
            grown = years.tables(PROPERTY, room_codes(), place.reservations, place.message_bytes)
            scale_stores.load(url, chain(ahead, grown))
            filled.touch()
    return login


async def _log_in(house: House) -> Mapping[str, str]:
    services = house.ours.services
    now_ms, token = services.clock.now_ms(), secrets.token_urlsafe(16)
    grants = (Grant(AccessRole.OWNER, EVERY_PROPERTY),)
    key = await create_key(services, None, Wanted(name=f"scale {now_ms}", grants=grants))
    number = f"{services.ids.message():016x}"
    person = Principal(number, PrincipalKind.PERSON, f"scale{now_ms}", grants, created_ms=now_ms)
    session = SessionRow(key_digest(token), number, now_ms, now_ms, now_ms + years.DAY_MS, "")
    await services.database.write(lambda tx: access.add(tx, access.to_row(person, "none")))
    await services.database.write(lambda tx: access.begin_session(tx, session))
    return {"authorization": f"Bearer {key.secret}", "cookie": f"{SESSION_COOKIE}={token}"}


def measure(place: Place, login: Mapping[str, str], only: str = "") -> Iterator[Figure]:
    """Each address of a fresh process; printed as they come."""
    for path in place.paths():
        if only not in path:
            continue
        with place.opened() as url:
            figure = _first_view(place.directory, url, login, path)
        print(
            f"{figure.status}  cold {figure.cold_ms:7.0f} ms {figure.cold_read / 1e6:7.1f} MB   "
            f"warm {figure.warm_ms:6.1f} ms {figure.cpu_ms:5.0f} ms CPU   {path}",
            flush=True,
        )
        yield figure


def _first_view(directory: Path, url: str, login: Mapping[str, str], path: str) -> Figure:
    port = free_port()
    environment = {
        "GATEWAY_DATA_DIR": str(directory),
        "GATEWAY_DATABASE_URL": url,
        "GATEWAY_LOG_LEVEL": "error",
        "GATEWAY_WORKERS": "false",
    }
    command = [sys.executable, "-m", "gateway", "serve", "--port", str(port)]
    with serving(command, port=port, ready_path="/health/ready", environment=environment, timeout_s=120.0) as server:
        _ask(server, "/sign-in", {})
        _rest(server.pid)
        scale_stores.evict(directory)
        readers = [server.pid, *scale_stores.server_pids(directory)]
        before = _read_bytes(readers)
        status, cold_ms = _ask(server, path, login)
        read = _read_bytes(readers) - before
        spent_s = cpu_s(server.pid)
        warm = [_ask(server, path, login)[1] for _ in range(WARM_REQUESTS)]
        cpu_ms = (cpu_s(server.pid) - spent_s) * 1_000 / WARM_REQUESTS
    return Figure(path, status, cold_ms, read, statistics.median(warm), cpu_ms)


def _read_bytes(pids: Sequence[int]) -> int:
    """From disk, by these processes, as far as they are still there: a worker of PostgreSQL's may have ended."""
    read = 0
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            read += psutil.Process(pid).io_counters().read_bytes
    return read


def _rest(pid: int) -> None:
    """Until everything a start leaves for later, like compiling templates, has been done."""
    process, spent = psutil.Process(pid), -1.0
    while (now := sum(process.cpu_times()[:2])) != spent:
        spent = now
        time.sleep(0.2)


def _ask(server: Server, path: str, headers: Mapping[str, str]) -> tuple[int, float]:
    connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2]), timeout=60)
    begun = time.perf_counter()
    connection.request("GET", path, headers={**headers, "accept-language": "en"})
    reply = connection.getresponse()
    reply.read()
    taken_ms = (time.perf_counter() - begun) * 1_000
    connection.close()
    return reply.status, taken_ms


if __name__ == "__main__":
    sys.exit(main())
