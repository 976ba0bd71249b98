"""Races for the last room over real HTTP: on SQLite in one process, on PostgreSQL in several.

``GATEWAY_RACES`` is how many confirmations race; the usual number keeps the suite quick.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.town import Process, Town, ahead

RACES = int(os.environ.get("GATEWAY_RACES", "200"))
RIVALS = 20 if RACES > 1_000 else 8
NIGHTS = max(1, RACES // RIVALS)
FIRST = 2
CONNECTIONS = 32
ATTEMPTS = 4

HOTEL = """
[property]
id = "races"
name = "Races"
currency = "EUR"
timezone = "UTC"

[[room_types]]
code = "DBL"
units = 1

[[room_types]]
code = "TWN"
made_of = { DBL = 1 }

[[room_types]]
code = "ONE"
units = 2

[[room_types]]
code = "STE"
made_of = { ONE = 2 }

[[rate_plans]]
code = "BAR"

[[connections]]
id = "site"
role = "direct"
"""
NAMES = ("DBL", "TWN")  # the one room under both its names
HALVES = ("ONE", "STE")  # two rooms, by themselves and as a suite


@contextmanager
def serving(folder: Path, processes: int, **environment: str) -> Iterator[tuple[list[str], str]]:
    """The addresses of so many processes, and a key that may do everything."""
    built = Town(folder, environment, hurried=False)
    (folder / "hotel.toml").write_text(HOTEL)
    applied = built.command("apply", str(folder / "hotel.toml"))
    assert applied.returncode == 0, applied.stderr
    key = json.loads(built.command("key", "create", "races", "--role", "owner", "--json").stdout)["secret"]
    running = [Process(built.environment, folder / f"{number}.log") for number in range(processes)]
    with ExitStack() as stack:
        for process in running:
            stack.callback(process.stop)
            process.start()
        for process in running:
            process.wait_until_ready()
        yield [process.url for process in running], key


class Rivals:
    """Clients of all processes at once."""

    def __init__(self, urls: list[str], key: str) -> None:
        limits = httpx.Limits(max_connections=CONNECTIONS)
        headers = {"authorization": f"Bearer {key}"}
        self._clients = [
            httpx.AsyncClient(base_url=f"{url}/v1/properties/races", headers=headers, limits=limits, timeout=120)
            for url in urls
        ]
        self._slots = asyncio.Semaphore(CONNECTIONS)

    async def ask(self, method: str, path: str, body: Any = None, **query: str) -> httpx.Response:
        async with self._slots:
            reply = await self._answered(method, path, json=body, params=query or None)
        assert reply.status_code < 500, reply.text
        return reply

    async def _answered(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A server closes connections that were idle. Each step has one effect, so it may be asked again."""
        for _ in range(ATTEMPTS):
            with suppress(httpx.TransportError):
                return await random.choice(self._clients).request(method, path, **more)
        raise AssertionError(f"no answer to {method} {path}")

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()

    # --- the race

    async def open_for_sale(self) -> None:
        """One room on every night."""
        nights = {"first": ahead(FIRST), "last": ahead(FIRST + NIGHTS + 1)}
        figures = [{**nights, "room": room, "set": {"figure": count}} for room, count in (("DBL", 1), ("ONE", 2))]
        prices = {"prices": [{"guests": 0, "amount": 10_000}]}
        bulk = {"rooms": [*NAMES, *HALVES], "plans": ["BAR"], "ranges": [nights], "set": prices}
        reply = await self.ask("PATCH", "/calendar", {"updates": figures, "bulk": [bulk]})
        assert reply.status_code == 200, reply.text

    async def quote(self, night: int, room: str) -> str:
        line = {"room": room, "plan": "BAR"}
        stay = {"arrival": ahead(night), "departure": ahead(night + 1), "rooms": [line]}
        reply = await self.ask("POST", "/quotes", stay)
        assert reply.status_code == 201, reply.text
        return str(reply.json()["sale_id"])

    async def take(self, sale: str, *, hold_first: bool) -> bool:
        """Whether it became a reservation; a refusal must say that there is no room."""
        for step in ("hold", "confirm") if hold_first else ("confirm",):
            reply = await self.ask("POST", f"/sales/{sale}/{step}", {})
            if reply.status_code == 409:
                assert "sold out" in reply.text
                return False
            assert reply.status_code == 200, reply.text
        return True


async def race(urls: list[str], key: str) -> None:
    rivals = Rivals(urls, key)
    try:
        await rivals.open_for_sale()
        nights = [night for night in range(FIRST, FIRST + NIGHTS) for _ in range(RIVALS)]
        rooms = [NAMES[place % 2] for place in range(len(nights))]
        sales = await asyncio.gather(*map(rivals.quote, nights, rooms))
        # By night, so that those who want the same room ask at the same time.
        runs = [rivals.take(sale, hold_first=place % 3 == 0) for place, sale in enumerate(sales)]
        won = await asyncio.gather(*runs)
        winners = Counter(night for night, is_won in zip(nights, won, strict=True) if is_won)
        assert winners == dict.fromkeys(range(FIRST, FIRST + NIGHTS), 1)
        last = ahead(FIRST + min(NIGHTS, 550) - 1)
        left = (await rivals.ask("GET", "/availability", first=ahead(FIRST), last=last)).json()
        assert {each["room"]: set(each["left"]) for each in left["rooms"] if each["room"] in NAMES} == {
            "DBL": {0},
            "TWN": {0},
        }
        await race_for_halves(rivals)
        oversold = (await rivals.ask("GET", "/reservations", oversold="true")).json()
        assert oversold["items"] == []
    finally:
        await rivals.close()


async def race_for_halves(rivals: Rivals) -> None:
    """On each night either the suite is sold or one of its rooms or both, and never more than there is."""
    nights = [night for night in range(FIRST, FIRST + min(NIGHTS, 10)) for _ in range(4)]
    rooms = [HALVES[place % 4 == 0] for place in range(len(nights))]
    sales = await asyncio.gather(*map(rivals.quote, nights, rooms))
    won = await asyncio.gather(*(rivals.take(sale, hold_first=place % 3 == 0) for place, sale in enumerate(sales)))
    taken: Counter[int] = Counter()
    for night, room, is_won in zip(nights, rooms, won, strict=True):
        taken[night] += is_won * (2 if room == "STE" else 1)
    # One room is asked for often enough that both are gone, by whoever came first.
    assert taken == dict.fromkeys(nights, 2)


@pytest.mark.slow
async def test_the_last_room_is_sold_once_on_sqlite(tmp_path: Path) -> None:
    with serving(tmp_path, 1) as (urls, key):
        await race(urls, key)


@pytest.mark.slow
async def test_the_last_room_is_sold_once_by_several_processes(tmp_path: Path, postgres_url: str) -> None:
    with serving(tmp_path, 4 if RACES > 1_000 else 2, GATEWAY_DATABASE_URL=postgres_url) as (urls, key):
        await race(urls, key)
