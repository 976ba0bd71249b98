"""The databases that `benchmarks.scale` fills and asks: a file of SQLite, or a PostgreSQL of our own."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.datasets.loading import Tables, into_postgres, into_sqlite
from tests import servers

_POSTGRES_OPTIONS = ("-c", "shared_buffers=512MB", "-c", "max_wal_size=16GB")
_DATABASE = "scale"


@contextmanager
def sqlite(directory: Path) -> Iterator[str]:
    """The address of a file in the directory."""
    yield f"sqlite:///{directory / 'gateway.sqlite'}"


@contextmanager
def postgres(directory: Path) -> Iterator[str]:
    """The address of a database of a server that runs for so long, and begins with nothing in its own memory."""
    home = directory / "postgres"
    is_new = not home.exists()
    home.mkdir(exist_ok=True)
    # What is measured are reads; it is only filled sooner.
    with servers.postgres_at(home, fsync=False, options=_POSTGRES_OPTIONS) as server:
        if is_new:
            servers.run_sql(server.url, f"CREATE DATABASE {_DATABASE}")
        yield server.database_url(_DATABASE)


def load(url: str, tables: Tables) -> None:
    """The rows, into tables that have none of them."""
    if url.startswith("sqlite:"):
        into_sqlite(Path(url.removeprefix("sqlite:///")), tables)
    else:
        asyncio.run(into_postgres(url, tables))


def server_pids(directory: Path) -> list[int]:
    """The processes of the PostgreSQL that runs there, if one does."""
    status = directory / "postgres" / "data" / "postmaster.pid"
    if not status.exists():
        return []
    root = psutil.Process(int(status.read_text().split()[0]))
    return [root.pid, *(each.pid for each in root.children())]


def evict(directory: Path) -> None:
    """Everything below it out of the page cache; what a hypervisor below keeps is out of reach."""
    for each in directory.rglob("*"):
        if each.is_file():
            descriptor = os.open(each, os.O_RDONLY)
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)
