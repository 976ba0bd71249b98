"""A restarted simulator goes on where it was; a process starts and ends quickly; nothing of the gateway is imported."""

import ast
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import simulators
from simulators import config, persist
from simulators.build import make_app
from simulators.config import Hotel, OtaConfig
from simulators.ota import OtaSimulator
from simulators.serving import running
from tests.simulators.support import (
    HEADERS,
    LOGIN,
    ROOMS,
    FakeClock,
    avail,
    book,
    left,
    limit,
    loaded,
    ok,
    ota,
    pms,
    post,
    rule,
    send_all,
    status,
)

ROOT = Path(simulators.__file__).parents[1]
CONFIG = """
name = "WEB"
[hotel]
code = "DEMO01"
days_ahead = 9000
[[rooms]]
code = "DBL"
plans = ["FLEX"]
[login]
user = "sim"
password = "secret"
[options]
partial = true
"""


def test_a_channel_continues() -> None:
    clock = FakeClock()
    before = loaded(ota(clock))
    post(before, avail(rule("02-05", "02-06", status("Master")), rule("02-05", "02-05", status("Arrival"), plan="")))
    first, second = book(before, card=True), book(before, deliver=False)
    send_all(before, lambda _: None)
    after = ota(clock)
    after.restore(before.snapshot())
    assert after.cells.digest() == before.cells.digest()
    assert after.snapshot() == before.snapshot()
    clock.pass_s(60)
    assert [item.attempts for item in send_all(after, ok)] == [1]
    acks = {one: after.sales.bookings.by_id[one].history[0].ack.state for one in (first, second)}
    assert acks == {first: "acknowledged", second: "pending"}
    assert book(after) not in (first, second)


def test_a_pms_continues() -> None:
    clock = FakeClock()
    before, channel = pms(clock, apply_delay_s=30), loaded(ota(clock))
    before.controls["block"]({"room": "DBL", "first": "2031-02-03", "last": "2031-02-04", "units": 2})
    before.controls["compute_figure"]({"first": "2031-02-03", "last": "2031-02-04"})
    book(channel)
    send_all(channel, lambda body: before.handle(body, HEADERS))
    after = pms(clock, apply_delay_s=30)
    after.restore(before.snapshot())
    assert after.snapshot() == before.snapshot()
    assert left(after, "02-03", "02-05") == [3, 3, 5]
    clock.pass_s(30)
    after.advance(clock())
    assert left(after, "02-03", "02-05") == [2, 2, 5]
    assert len(after.publisher.parked) == 1


def test_a_failed_save_leaves_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.json"
    assert persist.load(path) is None
    persist.save(path, b"old")

    def broken(*_: Any) -> None:
        raise OSError("disk gone")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        with pytest.raises(OSError, match="disk gone"):
            persist.save(path, b"new")
    assert persist.load(path) == b"old"


async def test_a_stopped_app_has_saved(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    settings = OtaConfig(Hotel("DEMO01", days_ahead=9000), ROOMS, login=LOGIN)
    async with running(make_app(settings, path)) as url, httpx.AsyncClient(trust_env=False) as client:
        await client.post(f"{url}/ota", content=avail(limit("02-01", "02-01", 4)), headers=HEADERS)
    again = make_app(settings, path).simulator
    assert isinstance(again, OtaSimulator)
    assert again.cells.view()["limits"] == {"DBL": [["2031-02-01", "2031-02-01", 4]]}


def test_misspelt_options_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ota.toml"
    path.write_text(CONFIG)
    found = config.load("ota", path)
    assert isinstance(found, OtaConfig)
    assert (found.hotel.code, found.options.partial) == ("DEMO01", True)
    path.write_text(CONFIG.replace("partial", "partiall"))
    with pytest.raises(ValueError, match="partiall"):
        config.load("ota", path)


@pytest.mark.parametrize("kind", ["ota", "pms"])
def test_the_example_files_are_right(kind: str) -> None:
    app = make_app(config.load(kind, ROOT / "simulators" / "examples" / f"{kind}.toml"))
    assert app.simulator.handle(b"<OTA_PingRQ/>", {}).status == 401


@contextmanager
def process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A simulator process and its URL."""
    command = [sys.executable, "-m", "simulators", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        ready = json.loads(child.stdout.readline())
        try:
            assert ready["ready"] is True
            yield child, ready["url"]
        finally:
            child.kill()


@contextmanager
def held_request(url: str) -> Iterator[None]:
    """A connection on which a message was sent and no answer comes."""
    body = avail(limit("02-01", "02-01", 1))
    head = f"POST /ota HTTP/1.1\r\nHost: sim\r\nContent-Length: {len(body)}\r\n"
    head += f"Authorization: {HEADERS['authorization']}\r\n\r\n"
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + body)
        while not httpx.get(f"{url}/control/faults", trust_env=False).json()["held"]:
            time.sleep(0.01)
        yield


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_starts_sells_stops_and_continues(tmp_path: Path, number: signal.Signals) -> None:
    settings, state = tmp_path / "ota.toml", tmp_path / "state.json"
    settings.write_text(CONFIG)
    arguments = ("ota", "--config", str(settings), "--state", str(state))
    body = {"room": "DBL", "plan": "FLEX", "arrival": "2031-02-03", "departure": "2031-02-05", "force": True}
    with process(*arguments) as (child, url):
        booked = httpx.post(f"{url}/control/book", json=body, trust_env=False).json()
        httpx.post(f"{url}/control/faults", json={"kind": "late", "hold_s": 60}, trust_env=False)
        # A request held for a minute, whose sender still waits, must not keep the process alive as long.
        with held_request(url):
            child.send_signal(number)
            assert child.wait(30) == 0
    with process(*arguments) as (child, url):
        bookings = httpx.get(f"{url}/bookings", trust_env=False).json()
    assert [one["booking_id"] for one in bookings] == [booked["booking_id"]]


def test_the_pms_runs_without_a_file() -> None:
    with process("pms") as (_, url):
        assert httpx.get(f"{url}/state", trust_env=False).json()["units"] == {"SGL": 4, "DBL": 10}


async def test_the_gateway_can_be_named_later() -> None:
    settings = OtaConfig(Hotel("DEMO01"), ROOMS, login=LOGIN)
    app = make_app(settings)
    received: list[bytes] = []
    bookings: list[Any] = []

    async def fake(scope: Any, receive: Any, send: Any) -> None:
        received.append((await receive())["body"])
        reply = ok(received[-1])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": reply.body})

    stay = {"room": "DBL", "plan": "FLEX", "arrival": "2031-02-03", "departure": "2031-02-05", "force": True}
    async with running(fake) as gateway, running(app) as url, httpx.AsyncClient(trust_env=False) as client:
        await client.post(f"{url}/control/book", json=stay)
        await client.post(f"{url}/control/gateway", json={"url": gateway, "connection": "c"})
        async with asyncio.timeout(30):
            while not bookings:
                bookings = (await client.get(f"{url}/bookings", params={"state": "acknowledged"})).json()
    assert (len(bookings), len(received)) == (1, 1)


def test_nothing_of_the_gateway_is_imported() -> None:
    """Two ends that share one misreading would agree with each other and be wrong."""
    files = list((ROOT / "simulators").rglob("*.py"))
    assert len(files) > 30
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            tops = {name.partition(".")[0] for name in names}
            assert not tops & {"gateway", "connectors", "mappings"}, path
