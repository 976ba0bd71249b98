"""A program that is killed while it writes: once for each folder named on its command line.

It prints, for each of them, the numbers that were acknowledged before its end, as JSON. It runs with the library made
of ``power.c``, whose copies the test then looks at. The first argument is what SQLite's ``synchronous`` is set to.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
import time
from pathlib import Path
from random import Random

from gateway.flows.record import Record
from gateway.store import sqlite
from tests.store.jobs import batcher, message

CALLERS = 4
NO_SHIM = 3


async def write(path: Path, acknowledge: int) -> None:
    database = sqlite.SqliteDatabase(path)
    await database.open()
    running = batcher(database)
    running.start()
    numbers = itertools.count(1)

    async def call() -> None:
        for number in numbers:
            await running.submit(Record([message("system", number, raw=bytes(5_000))]))
            os.write(acknowledge, b"%d\n" % number)

    await asyncio.gather(*(call() for _ in range(CALLERS)))


def cut(path: Path, heard_min: int, random: Random) -> list[int]:
    """The numbers acknowledged by a process that ended at some moment, after it was heard of often enough."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        asyncio.run(write(path, writing))
    os.close(writing)
    with os.fdopen(reading) as lines:
        heard = [next(lines) for _ in range(heard_min)]
        time.sleep(random.uniform(0, 0.005))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        heard += lines.readlines()
    return [int(line) for line in heard if line.endswith("\n")]


def has_shim(live: Path, kept: Path) -> bool:
    with (live / "probe").open("w+") as file:
        os.fsync(file.fileno())
    return (kept / "probe").exists()


def main() -> None:
    synchronous, seed, *folders = sys.argv[1:]
    if not has_shim(Path(os.environ["POWER_LIVE"]), Path(os.environ["POWER_KEPT"])):
        sys.exit(NO_SHIM)
    pragmas = dict(pragma.split("=") for pragma in sqlite.PRAGMAS)
    if synchronous:
        pragmas["synchronous"] = synchronous
    sqlite.PRAGMAS = tuple(f"{name}={value}" for name, value in pragmas.items())
    random = Random(seed)
    # By the end SQLite has copied its log into the database and begun it anew.
    moments = [1, *sorted(random.sample(range(2, 400), len(folders) - 2)), 480]
    cuts = zip(folders, moments, strict=True)
    print(json.dumps({folder: cut(Path(folder, "gateway.sqlite3"), heard, random) for folder, heard in cuts}))


if __name__ == "__main__":
    main()
