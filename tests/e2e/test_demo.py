"""`gateway demo`: it comes up by itself, goes on with its data, and leaves nothing behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.town import PATIENCE_S, Town, ahead, eventually, free_port

STARTING_S = 4 * PATIENCE_S  # four processes, each with its imports, on a machine that may have much else to do


class Demo:
    """One run, with its output in a file."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self._output = folder / "output.txt"
        environment = Town(folder, hurried=False).environment | {
            "GATEWAY_PORT": str(port),
            "GATEWAY_DATA_DIR": str(folder / "data"),
        }
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "demo"],
                cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def said(self) -> str:
        return self._output.read_text()

    def wait_until_open(self) -> None:
        eventually(lambda: _in("is open", self.said()), STARTING_S)

    def url(self, name: str) -> str:
        line = next(line for line in self.said().splitlines() if line.strip().startswith(name) and "/state" in line)
        return line.split()[1].removesuffix("/state")

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self._process.pid).children(recursive=True)

    def end(self, number: signal.Signals) -> int:
        self._process.send_signal(number)
        return self._process.wait(PATIENCE_S)

    def sweep(self) -> None:
        """Whatever is left of it after a failed test."""
        if self._process.poll() is None:
            for process in (*self.family(), psutil.Process(self._process.pid)):
                process.kill()
            self._process.wait()


@contextmanager
def demo(folder: Path, port: int) -> Iterator[Demo]:
    run = Demo(folder, port)
    try:
        yield run
    finally:
        run.sweep()


def _in(part: str, whole: str) -> None:
    assert part in whole, whole


def book(channel: str) -> str:
    stay = {"room": "10", "plan": "STD", "arrival": ahead(30), "departure": ahead(32)}
    reply = httpx.post(f"{channel}/control/book", content=json.dumps({"stays": [stay]}), trust_env=False)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["booking_id"])


def reservations(pms: str) -> list[str]:
    return [one["key"] for one in httpx.get(f"{pms}/reservations", trust_env=False).json()]


def arrived(pms: str) -> str:
    found = reservations(pms)
    assert len(found) == 1
    return found[0]


def on_sale(channel: str) -> None:
    stay = {"room": "10", "plan": "STD", "arrival": ahead(30), "departure": ahead(32)}
    assert httpx.get(f"{channel}/sellable", params=stay, trust_env=False).json()["sellable"]


def account_of(till: str) -> dict[str, object]:
    found: dict[str, object] = httpx.get(f"{till}/account", trust_env=False).json()
    return found


def test_two_runs(tmp_path: Path) -> None:
    port = free_port()
    with demo(tmp_path, port) as first:
        first.wait_until_open()
        eventually(lambda: on_sale(first.url("sunbeds")))
        book(first.url("sunbeds"))
        key = eventually(lambda: arrived(first.url("demo-pms")))
        family = first.family()
        assert len(family) >= 4
        notify_url = f"http://127.0.0.1:{port}/payments/stripe/demo-stripe"
        assert account_of(first.url("demo-stripe"))["options"] == {"notify_url": notify_url}
        assert first.end(signal.SIGINT) == 0
    assert [process for process in family if process.is_running()] == []
    with demo(tmp_path, port) as second:
        second.wait_until_open()
        assert reservations(second.url("demo-pms")) == [key]
        bookings = httpx.get(f"{second.url('sunbeds')}/bookings", trust_env=False).json()
        assert [one["delivery"] for one in bookings] == ["acknowledged"]
        on_sale(second.url("sunbeds"))
        family = second.family()
        assert second.end(signal.SIGTERM) == 0
    assert [process for process in family if process.is_running()] == []


@pytest.fixture(params=["in the foreground", "in the background"])
def _interrupts(request: pytest.FixtureRequest) -> Iterator[None]:
    """A shell without job control has what it starts in the background ignore Ctrl-C, as long as nobody asks for it."""
    in_background = request.param == "in the background"
    before = signal.signal(signal.SIGINT, signal.SIG_IGN if in_background else signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interrupts")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ended_before_it_is_open(tmp_path: Path, number: signal.Signals) -> None:
    """The last simulator is begun when the others are there already, and the gateway itself is not."""
    with demo(tmp_path, free_port()) as run:
        family = eventually(lambda: _all_four(run.family()))
        run.end(number)
    _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
    assert alive == []


def _all_four(family: list[psutil.Process]) -> list[psutil.Process]:
    assert len(family) == 4
    return family


def test_a_taken_port_is_named(tmp_path: Path, running_town: Town) -> None:
    with demo(tmp_path, running_town.gateway.port) as run:
        assert run._process.wait(PATIENCE_S) == 1
        assert str(running_town.gateway.port) in run.said()
