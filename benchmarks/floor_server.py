"""The floor of a booking over HTTP: the least that keeps the promise "durable before the answer", and nothing else.

uvicorn and litestar, one hardened parse, one walk into a dict, then in SQLite (WAL, synchronous=FULL) a deduplicating
inbox row with the raw body, three inventory rows and five outbox rows, committed for all waiting requests together.
It checks no credentials, maps no codes and refuses nothing: what our gateway does beyond this is what the ratio shows.
"""

import argparse
import asyncio
import queue
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from litestar import Litestar, Request, get, post
from lxml import etree

from benchmarks import conditions
from benchmarks.templates import NAMESPACE, TIME_STAMP, attribute

SCHEMA = """
create table inbox (hotel text, booking text, body blob not null, primary key (hotel, booking)) without rowid;
create table inventory (
    hotel text, room text, day text, free integer not null, primary key (hotel, room, day)
) without rowid;
create table outbox (id integer primary key, hotel text not null, booking text not null, channel integer not null);
"""
BATCH_MAX = 100
FREE_AT_START = 1_000_000

# Attribute pairs and text, as lxml gives them: copying them into types of our own would cost half as much again.
Facts = dict[object, list[tuple[Any, Any]]]


def hardened_parser() -> etree.XMLParser:
    """No entities, no network, no DTD. A new one costs 1 µs, so none is shared between documents."""
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip


def facts_of(body: bytes) -> Facts:
    """One walk: each element's attributes and text, by qualified name."""
    facts: Facts = {}
    for element in etree.fromstring(body, hardened_parser()).iter():
        facts.setdefault(element.tag, []).append((element.items(), element.text))
    return facts


def attributes(facts: Facts, name: str) -> dict[str, str]:
    """The attributes of the first element with this name."""
    return dict(facts[f"{{{NAMESPACE}}}{name}"][0][0])


@dataclass(frozen=True, slots=True)
class Booking:
    """What the floor's rows need of a document."""

    hotel: str
    booking: str
    room: str
    days: tuple[str, ...]
    echo_token: str
    body: bytes


def booking_of(body: bytes) -> Booking:
    """Read one booking."""
    facts = facts_of(body)
    span = attributes(facts, "TimeSpan")
    start, end = date.fromisoformat(span["Start"]), date.fromisoformat(span["End"])
    return Booking(
        hotel=attributes(facts, "BasicPropertyInfo")["HotelCode"],
        booking=attributes(facts, "UniqueID")["ID"],
        room=attributes(facts, "RoomType")["RoomTypeCode"],
        days=tuple((start + timedelta(days=night)).isoformat() for night in range((end - start).days)),
        echo_token=attributes(facts, "OTA_HotelResNotifRQ")["EchoToken"],
        body=body,
    )


def answer_to(booking: Booking) -> bytes:
    """A small OTA_HotelResNotifRS."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<OTA_HotelResNotifRS xmlns="{NAMESPACE}" '
        f'EchoToken="{attribute(booking.echo_token)}" TimeStamp="{TIME_STAMP}" Version="1.0" '
        'ResResponseType="Committed"><Success/><HotelReservations><HotelReservation>'
        f'<UniqueID Type="14" ID="{attribute(booking.booking)}"/>'
        "</HotelReservation></HotelReservations></OTA_HotelResNotifRS>"
    ).encode()


def create_database(path: Path) -> None:
    """Tables, and an inventory row for each room and night of the default dataset."""
    first, days = conditions.FIRST_DATE, conditions.BOOKING_SPAN_DAYS + conditions.BOOKING_NIGHTS
    nights = [(first + timedelta(days=day)).isoformat() for day in range(days)]
    rows = [(conditions.HOTEL_CODE, room, night, FREE_AT_START) for room in ("DBL", "SGL") for night in nights]
    connection = connect(path)
    connection.executescript(SCHEMA)
    with connection:
        connection.execute("begin")
        connection.executemany("insert into inventory values (?, ?, ?, ?)", rows)
    connection.close()


def connect(path: Path) -> sqlite3.Connection:
    """As durable as SQLite can be."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    return connection


def write_batch(connection: sqlite3.Connection, bookings: Sequence[Booking]) -> None:
    """One transaction for all; a booking already in the inbox has no second effect."""
    take = "insert or ignore into inbox values (?, ?, ?)"
    connection.execute("begin immediate")
    new = [each for each in bookings if connection.execute(take, (each.hotel, each.booking, each.body)).rowcount]
    connection.executemany(
        "update inventory set free = free - 1 where hotel = ? and room = ? and day = ?",
        [(each.hotel, each.room, day) for each in new for day in each.days],
    )
    connection.executemany(
        "insert into outbox (hotel, booking, channel) values (?, ?, ?)",
        [(each.hotel, each.booking, channel) for each in new for channel in range(conditions.BOOKING_OUTBOX_ROWS)],
    )
    connection.execute("commit")


class Writer(threading.Thread):
    """Group commit: while one transaction reaches the disk, the next requests gather."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self._path = path
        self._waiting: queue.SimpleQueue[tuple[Booking, asyncio.Future[None]]] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()

    async def write(self, booking: Booking) -> None:
        """Return once the booking is durable."""
        written: asyncio.Future[None] = self._loop.create_future()
        self._waiting.put((booking, written))
        await written

    def run(self) -> None:
        connection = connect(self._path)
        while True:
            batch = [self._waiting.get()]
            while len(batch) < BATCH_MAX and not self._waiting.empty():
                batch.append(self._waiting.get())
            write_batch(connection, [booking for booking, _ in batch])
            self._loop.call_soon_threadsafe(_answer_all, [written for _, written in batch])


def _answer_all(futures: Sequence[asyncio.Future[None]]) -> None:
    for written in futures:
        # A client that went away has cancelled its wait.
        if not written.done():
            written.set_result(None)


@post("/ota", status_code=200, media_type="text/xml")
async def take_booking(request: Request[Any, Any, Any]) -> bytes:
    booking = booking_of(await request.body())
    await request.app.state.writer.write(booking)
    return answer_to(booking)


@get("/ready")
async def ready() -> str:
    return "ready"


async def start_writer(app: Litestar) -> None:
    """The writer needs the running loop to answer to."""
    app.state.writer = Writer(app.state.path)
    app.state.writer.start()


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.floor_server", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", type=Path, required=True)
    given = parser.parse_args()
    create_database(given.database)
    app = Litestar([take_booking, ready], on_startup=[start_writer], openapi_config=None)
    app.state.path = given.database
    uvicorn.run(app, port=given.port, loop="uvloop", http="httptools", access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
