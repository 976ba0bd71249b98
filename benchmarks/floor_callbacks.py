"""The floor of a payment callback: the least that keeps the promise "proven and durable before the answer".

uvicorn and litestar, the HMAC of the raw body compared in constant time, the event's id read, and in SQLite (WAL,
synchronous=FULL) a deduplicating row with the raw body, committed for all waiting requests together. It knows one
account, looks at no timestamp, masks nothing and reads nothing of what the event says.
"""

import argparse
import asyncio
import hashlib
import hmac
import queue
import sqlite3
import threading
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar, Request, Response, get, post

from benchmarks.floor_server import BATCH_MAX, connect

SCHEMA = "create table inbox (event text primary key, body blob not null) without rowid"
SECRET = b"whsec_bench"


class Event(msgspec.Struct):
    """What recognises a repetition."""

    id: str


class Writer(threading.Thread):
    """Group commit: while one transaction reaches the disk, the next requests gather."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self._path = path
        self._waiting: queue.SimpleQueue[tuple[str, bytes, asyncio.Future[None]]] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()

    async def write(self, event: str, body: bytes) -> None:
        """Return once the event is durable."""
        written: asyncio.Future[None] = self._loop.create_future()
        self._waiting.put((event, body, written))
        await written

    def run(self) -> None:
        connection = connect(self._path)
        while True:
            batch = [self._waiting.get()]
            while len(batch) < BATCH_MAX and not self._waiting.empty():
                batch.append(self._waiting.get())
            connection.execute("begin immediate")
            connection.executemany("insert or ignore into inbox values (?, ?)", [each[:2] for each in batch])
            connection.execute("commit")
            self._loop.call_soon_threadsafe(_answer_all, [each[2] for each in batch])


def _answer_all(written: list[asyncio.Future[None]]) -> None:
    for each in written:
        # A client that went away has cancelled its wait.
        if not each.done():
            each.set_result(None)


@post("/payments/stripe/desk", status_code=200)
async def take_callback(request: Request[Any, Any, Any]) -> Response[bytes]:
    body = await request.body()
    sent, _, signature = request.headers["stripe-signature"].partition(",")
    expected = hmac.new(SECRET, f"{sent.removeprefix('t=')}.".encode() + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature.removeprefix("v1="), expected):
        return Response(b"", status_code=400)
    await request.app.state.writer.write(msgspec.json.decode(body, type=Event).id, body)
    return Response(b"")


@get("/ready")
async def ready() -> str:
    return "ready"


async def start_writer(app: Litestar) -> None:
    """The writer needs the running loop to answer to."""
    app.state.writer = Writer(app.state.path)
    app.state.writer.start()


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.floor_callbacks", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", type=Path, required=True)
    given = parser.parse_args()
    connection: sqlite3.Connection = connect(given.database)
    connection.execute(SCHEMA)
    connection.close()
    app = Litestar([take_callback, ready], on_startup=[start_writer], openapi_config=None)
    app.state.path = given.database
    uvicorn.run(app, port=given.port, loop="uvloop", http="httptools", access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
