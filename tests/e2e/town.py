"""A whole town on this machine: the gateway as real processes, the demo hotel's PMS and channels in threads of ours.

Nothing here knows how the gateway works inside: it is started, told its hotel file, sent HTTP and killed like by
anybody else, and looked at through its database file only where a test asks what survived.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import httpx

import gateway
from simulators import config
from simulators.build import make_app
from simulators.config import OtaConfig, PmsConfig
from simulators.endpoint import Login
from simulators.http import SimulatorApp
from simulators.opentravel.days import to_text
from simulators.serving import running_in_thread

T = TypeVar("T")
ROOT = Path(gateway.__file__).parents[1]
PATIENCE_S = 30.0
LOOK_AGAIN_S = 0.03
NS = "http://www.opentravel.org/OTA/2003/05"
FIGURE_DELAY = "figure_delay_s = 5\n"
HURRIED = "timeout_s = 4.0\nsettle_s = 2.0\n"
LOGINS = {
    "demo-pms": Login("miramar-pms", "demo-pms-in"),
    "sunbeds": Login("sunbeds", "demo-sunbeds-in"),
    "farfare": Login("farfare", "demo-farfare-in"),
}
KINDS = {"demo-pms": ("pms", "pms.toml"), "sunbeds": ("ota", "sunbeds.toml"), "farfare": ("ota", "farfare.toml")}
OUTBOUND = {
    "demo-pms": Login("gateway", "demo-pms-out"),
    "sunbeds": Login("miramar", "demo-sunbeds-out"),
    "farfare": Login("miramar", "demo-farfare-out"),
}


def eventually(check: Callable[[], T], patience_s: float = PATIENCE_S) -> T:
    """What ``check`` returns once it no longer fails."""
    end = time.monotonic() + patience_s
    while True:
        try:
            return check()
        except (AssertionError, httpx.TransportError):
            if time.monotonic() > end:
                raise
        time.sleep(LOOK_AGAIN_S)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def ahead(days: int) -> str:
    """An ISO date so many days from today."""
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


# --- counterparts -----------------------------------------------------------------------------------------------------


class Counterpart:
    """A simulator that is running; ``app.simulator`` is only read, and only where its HTTP views don't say enough."""

    def __init__(self, name: str, url: str, app: SimulatorApp) -> None:
        self.name, self.url, self.app = name, url, app
        self._client = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def tell(self, control: str, **body: Any) -> Any:
        reply = self._client.post(f"/control/{control}", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def look(self, view: str, **query: str) -> Any:
        reply = self._client.get(f"/{view}", params=query)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def close(self) -> None:
        self._client.close()

    # --- a channel's

    def holds(self, room: str, plan: str, day: str) -> dict[str, Any]:
        """What it holds for a product on a day; ``limit`` is the room type's. A pattern that allows all is none."""
        state = self.look("state", **{"from": day, "to": day})
        limits, products = state["limits"].get(room, []), state["products"].get(f"{room}/{plan}", [])
        found: dict[str, Any] = dict(products[0][2]) if products else {}
        if not found.get("pattern", "").strip("Y"):
            found.pop("pattern", None)
        return found | {"limit": limits[0][2] if limits else None}

    def limit(self, room: str, day: str) -> int | None:
        limit: int | None = self.holds(room, "", day)["limit"]
        return limit

    def book(self, room: str, plan: str, first: int, nights: int = 1, **more: Any) -> str:
        stay = {"room": room, "plan": plan, "arrival": ahead(first), "departure": ahead(first + nights)}
        return str(self.tell("book", stays=[stay | more.pop("stay", {})], **more)["booking_id"])

    def acknowledged(self, booking: str, revision: int = -1) -> str:
        """The gateway's number for the booking, once it has acknowledged that revision."""
        found = next(one for one in self.look("bookings") if one["booking_id"] == booking)
        ack = found["history"][revision]["ack"]
        assert ack["state"] == "acknowledged", ack
        return str(ack["ids"]["10"])

    # --- the PMS's

    def left(self, room: str, day: str) -> int:
        """Rooms left on a night, by its own count."""
        ((_, _, rooms),) = self.look("state", **{"from": day, "to": day})["left"][room]
        return int(rooms)

    def reservation(self, number: str) -> dict[str, Any]:
        """What it has applied for our number."""
        found = [one for one in self.look("reservations") if one["key"].endswith(number)]
        assert len(found) == 1, found
        assert found[0]["applied"] == found[0]["accepted"], "not applied yet"
        applied: dict[str, Any] = found[0]["applied"]
        return applied | {"deliveries": found[0]["deliveries"]}

    def nights(self, number: str) -> dict[tuple[str, str], int]:
        """Units by (room, night) of what it has applied."""
        applied = self.reservation(number)
        if applied["kind"] == "cancel":
            return {}
        found: dict[tuple[str, str], int] = {}
        for stay in applied["stays"]:
            for day in range(stay["arrival"], stay["departure"]):
                key = stay["room"], to_text(day)
                found[key] = found.get(key, 0) + stay["units"]
        return found


@contextlib.contextmanager
def counterpart(name: str, gateway_url: str) -> Iterator[Counterpart]:
    """The demo's simulator of that name."""
    kind, file = KINDS[name]
    found = config.load(kind, Path(str(resources.files("simulators") / "demo" / file)))
    assert isinstance(found, OtaConfig | PmsConfig)
    login = LOGINS[name]
    found.login = OUTBOUND[name]
    found.gateway = config.Gateway(gateway_url, name, login.user, login.password)
    # Quick to come back, since tests wait for it.
    found.retry.first_s, found.retry.max_s = 0.05, 0.5
    app = make_app(found)
    with running_in_thread(app) as url:
        running = Counterpart(name, url, app)
        try:
            yield running
        finally:
            running.close()


# --- the gateway ------------------------------------------------------------------------------------------------------


class Process:
    """One process of the gateway on a port of its own."""

    def __init__(self, environment: dict[str, str], log: Path, *arguments: str, port: int = 0) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = environment | {"GATEWAY_PORT": str(self.port)}
        self._arguments = arguments
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "gateway", "serve", *self._arguments]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=self._environment, cwd=self._log.parent, stdout=log, stderr=log, start_new_session=True
            )

    def wait_until_ready(self) -> None:
        def ready() -> None:
            if not self.running():
                raise RuntimeError(self.log())
            assert httpx.get(f"{self.url}/health/ready", trust_env=False).status_code == 200

        eventually(ready)

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        """As by kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def terminate(self, number: signal.Signals = signal.SIGTERM, within_s: float = PATIENCE_S) -> int:
        """The exit status after SIGTERM."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(within_s)

    def stop(self) -> None:
        if self.running():
            self.kill()


class Town:
    """A gateway with its counterparts; with ``hurried``, of the dialects in :func:`_hurry`."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None, *, hurried: bool = True) -> None:
        self.folder = folder
        if hurried:
            _hurry(folder)
        self.data = folder / "data"
        self.environment = _clean_environment() | {
            "GATEWAY_DATA_DIR": str(self.data),
            "GATEWAY_ALLOW_PRIVATE": "127.0.0.0/8",
            "GATEWAY_LOG_LEVEL": "info",
            **(environment or {}),
        }
        self.gateway = Process(self.environment, folder / "gateway.log")
        self.pms: Counterpart
        self.sunbeds: Counterpart
        self.farfare: Counterpart

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``gateway …`` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "gateway", *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def hotel_file(self, change: Callable[[str], str] = lambda text: text) -> Path:
        """The demo hotel's file with the addresses of this town, and a PMS whose figures are quick."""
        text = (resources.files("mappings") / "hotels" / "demo.toml").read_text(encoding="utf-8")
        for running in (self.pms, self.sunbeds, self.farfare):
            head, connection, rest = text.partition(f'id = "{running.name}"\n')
            text = head + connection + re.sub(r'url = "[^"]*"', f'url = "{running.url}/ota"', rest, count=1)
            assert running.url in text
        assert FIGURE_DELAY in text
        text = text.replace(FIGURE_DELAY, "figure_delay_s = 1\n")
        path = self.folder / "hotel.toml"
        path.write_text(change(text))
        return path

    def apply(self, change: Callable[[str], str] = lambda text: text, *options: str) -> None:
        done = self.command("apply", str(self.hotel_file(change)), *options)
        assert done.returncode == 0, done.stderr

    def post(self, connection: str, body: bytes, login: Login | None = None, **more: Any) -> httpx.Response:
        """Post a message to the gateway as that counterpart."""
        given = login or LOGINS[connection]
        headers = {"content-type": "text/xml", "authorization": given.header(), **more.pop("headers", {})}
        url = f"{self.gateway.url}/opentravel/{connection}"
        return httpx.post(url, content=body, headers=headers, timeout=60, trust_env=False, **more)

    def rows(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Read the gateway's own file."""
        path = self.data / "gateway.sqlite"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(sql, params).fetchall()

    def ledger(self) -> dict[str, list[tuple[Any, ...]]]:
        """What a refused message must not touch."""
        tables = ("scope", "calendar", "stock", "reservation", "revision", "delivery")
        return {table: self.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables}

    def check_channels_agree_with_the_pms(self, first: int, last: int) -> None:
        """Rooms left on each night, as the hotel file says each channel sees them."""
        for day in range(first, last + 1):
            for room, sun, far in (("DZ", "10", "DOUBLE"), ("FZ", "20", "FAMILY")):
                left = self.pms.left(room, ahead(day))
                assert self.sunbeds.limit(sun, ahead(day)) == min(left, 6), f"{ahead(day)} {room}: {left} left"
                assert self.farfare.limit(far, ahead(day)) == max(left - 1, 0), f"{ahead(day)} {room}: {left} left"

    def check_is_open(self) -> None:
        """Both channels could sell, now and a month from now."""
        for day in (1, 30):
            self.check_channels_agree_with_the_pms(day, day)
            for channel, room, plan in ((self.sunbeds, "10", "STD"), (self.farfare, "DOUBLE", "FLEX")):
                stay = {"room": room, "plan": plan, "arrival": ahead(day), "departure": ahead(day + 1)}
                found = channel.look("sellable", **stay)
                assert found["sellable"], found


@contextlib.contextmanager
def town(folder: Path, environment: dict[str, str] | None = None, *, hurried: bool = True) -> Iterator[Town]:
    """The counterparts are there and the hotel file is applied; the gateway is yet to be started."""
    built = Town(folder, environment, hurried=hurried)
    with contextlib.ExitStack() as stack:
        stack.callback(built.gateway.stop)
        built.pms = stack.enter_context(counterpart("demo-pms", built.gateway.url))
        built.sunbeds = stack.enter_context(counterpart("sunbeds", built.gateway.url))
        built.farfare = stack.enter_context(counterpart("farfare", built.gateway.url))
        built.apply()
        yield built


def _hurry(folder: Path) -> None:
    """Dialects in which an answer that stays out is given up after seconds rather than minutes.

    Python looks for modules in the folder where it is started first, so these stand before the project's own.
    """
    shutil.copytree(ROOT / "mappings", folder / "mappings", ignore=shutil.ignore_patterns("__pycache__"))
    for profile in (folder / "mappings" / "profiles").glob("ota-*.toml"):
        text = profile.read_text(encoding="utf-8")
        assert "\n[limits]\n" in text
        profile.write_text(text.replace("\n[limits]\n", f"\n[limits]\n{HURRIED}"), encoding="utf-8")


def _clean_environment() -> dict[str, str]:
    """This process's environment without settings of ours.

    Where Python may not keep compiled modules, a start takes three times as long, and there are many starts here: then
    they are kept in a folder of this test run.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    if kept.pop("PYTHONDONTWRITEBYTECODE", ""):
        kept["PYTHONPYCACHEPREFIX"] = _compiled_modules()
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


@cache
def _compiled_modules() -> str:
    """One folder for all processes of a parallel run; whoever ends first empties it, which costs others only time."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", secrets.token_hex(16))
    folder = Path(tempfile.gettempdir(), f"gateway-pycache-{run}")
    folder.mkdir(mode=0o700, exist_ok=True)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return str(folder)
