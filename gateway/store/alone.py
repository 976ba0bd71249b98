"""Work that one process at a time may do on a database.

On PostgreSQL leases say who pushes and delivers (:mod:`gateway.flows.leases`). On SQLite one process does, and holds a
lock on a file beside the database: the system gives it up with the process, however that ends.
"""

from __future__ import annotations

import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from gateway.model.dates import now_ms
from gateway.store import leasing
from gateway.store.database import Unavailable
from gateway.store.migrating import revision_of
from gateway.store.opening import open_database, sqlite_path


class Occupied(Unavailable):
    """A gateway is at work on this database. Nothing was done; it may be once that one has ended."""


@contextmanager
def working_on(url: str) -> Iterator[None]:
    """Holds a SQLite database, as the one that pushes and delivers; :class:`Occupied` where another one does."""
    path = sqlite_path(url)
    if path is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with Path(f"{path}.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Occupied(f"a gateway is already running on {path}: one process pushes and delivers for it") from None
        yield


@asynccontextmanager
async def alone(url: str) -> AsyncIterator[None]:
    """For what replaces rows under everybody's feet; :class:`Occupied` while a gateway pushes and delivers.

    A gateway that only serves the web leaves no trace, and has to be stopped by whoever knows of it.
    """
    if sqlite_path(url) is None:
        await _no_leases(url)
    with working_on(url):
        yield


async def _no_leases(url: str) -> None:
    if await revision_of(url) is None:
        return
    database = open_database(url)
    await database.open()
    try:
        until_ms = await database.read(leasing.held_until)
    finally:
        await database.close()
    if (left_ms := until_ms - now_ms()) > 0:
        raise Occupied(
            f"a gateway is running on this database: stop it first. One that was killed is forgotten in "
            f"{left_ms // 1000 + 1} s"
        )
