"""Our side of the comparisons: the hotel the datasets speak about, in a gateway of its own."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from benchmarks import conditions, templates
from benchmarks.datasets.ari import plan_codes, room_codes
from benchmarks.processes import durable_directory
from gateway.bootstrap import Gateway, gateway
from gateway.contract import Head, Reply
from gateway.engine import hotel_file
from gateway.flows.apply_hotel import apply_hotel
from gateway.flows.plan_hotel import plan_hotel
from gateway.flows.receive import receive
from gateway.serving import spare_the_collector
from gateway.settings import Settings
from gateway.wire.http_auth import compose_basic

T = TypeVar("T")

ROOMS_EACH = 400  # so many that no booking of a round meets a full house


def hotel_toml(rooms: Sequence[str], plans: Sequence[str], channels: int = 0) -> str:
    """A hotel whose PMS and channels use its own codes."""
    parts = [
        '[property]\nid = "bench"\nname = "Bench"\ncurrency = "EUR"\ntimezone = "UTC"\nprices = "gross"\n',
        *(_room_type(room) for room in rooms),
        *(f'[[rate_plans]]\ncode = "{plan}"\nname = "{plan}"\n' for plan in plans),
        _connection("bench-pms", "pms", rooms, plans, ""),
        *(_connection(f"channel{n}", "channel", rooms, plans, f"http://127.0.0.1:1/{n}") for n in range(channels)),
    ]
    return "\n".join(parts)


def _room_type(code: str) -> str:
    return f'[[room_types]]\ncode = "{code}"\nname = "{code}"\nunits = {ROOMS_EACH}\nadults_max = 2\n'


def _connection(name: str, role: str, rooms: Sequence[str], plans: Sequence[str], url: str) -> str:
    same_rooms = ", ".join(f'"{room}" = "{room}"' for room in rooms)
    same_plans = ", ".join(f'"{plan}" = "{plan}"' for plan in plans)
    login = f'{{ username = "{conditions.USERNAME}", password = "{conditions.PASSWORD}" }}'
    address = f'url = "{url}"\n' if url else ""
    return (
        f'[[connections]]\nid = "{name}"\nconnector = "opentravel"\nprofile = "ota-2015a"\nrole = "{role}"\n'
        f'hotel = "{conditions.HOTEL_CODE}"\n{address}inbound = {login}\noutbound = {login}\n'
        f"rooms = {{ {same_rooms} }}\nplans = {{ {same_plans} }}\n"
    )


def figures_document(rooms: Sequence[str], days: int) -> bytes:
    """A limit for every room type over the span of the bookings."""
    first = conditions.FIRST_DATE
    last = (first + timedelta(days=days)).isoformat()
    messages = [
        templates.limit_message(n, templates.room_control(first.isoformat(), last, room), ROOMS_EACH)
        for n, room in enumerate(rooms, 1)
    ]
    return templates.avail_document(conditions.HOTEL_CODE, messages)


class House:
    """A gateway without workers in this process, over a database on disk."""

    def __init__(self, directory: Path, toml: str, database_url: str = "") -> None:
        self._settings = Settings(data_dir=str(directory), database_url=database_url, log_level="error")
        self._toml = toml
        self._runner = asyncio.Runner()
        self._opened = AsyncExitStack()
        self.ours: Gateway

    def __enter__(self) -> Self:
        self._runner.run(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._opened.aclose())
        self._runner.close()

    async def _open(self) -> None:
        self.ours = await self._opened.enter_async_context(gateway(self._settings, workers=False))
        sealed, _ = await plan_hotel(self.ours.services, hotel_file.read(self._toml, {}))
        await apply_hotel(self.ours.services, sealed, "bench")
        spare_the_collector()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something of ours on this gateway's loop."""
        return self._runner.run(work)

    def post(self, connection: str, document: bytes) -> Reply:
        """One document through the whole inbound journey, as the endpoint gives it on."""
        return self.run(self.receive(connection, document))

    async def receive(self, connection: str, document: bytes) -> Reply:
        """The same, for several at once."""
        headers = {"authorization": compose_basic(conditions.USERNAME, conditions.PASSWORD), "content-type": "text/xml"}
        head = Head("POST", f"/opentravel/{connection}", headers)
        return await receive(self.ours.services, "opentravel", connection, head, [document])


@contextmanager
def standard_house() -> Iterator[House]:
    """The hotel of 20 room types × 10 plans."""
    with durable_directory() as directory, House(directory, hotel_toml(room_codes(), plan_codes())) as house:
        yield house


def apply_file(directory: Path, toml: str) -> dict[str, str]:
    """Sets up a data folder as an operator would; returns the environment for the gateway that uses it."""
    environment = {"GATEWAY_DATA_DIR": str(directory), "GATEWAY_LOG_LEVEL": "error"}
    file = directory / "hotel.toml"
    file.write_text(toml, encoding="utf-8")
    command = [sys.executable, "-m", "gateway", "apply", str(file)]
    subprocess.run(command, env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL)
    return environment
