"""A database whose commits can be held back, to look at what happens before one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.store.database import Database, Transaction

T = TypeVar("T")


class Gated:
    """Stops each writing transaction just before its COMMIT, until ``release``."""

    def __init__(self, database: Database) -> None:
        self.dialect = database.dialect
        self.counter = database.counter
        self.read = database.read
        self.open = database.open
        self.close = database.close
        self.reached = asyncio.Event()
        self._database = database
        self._gate = threading.Event()
        self._loop = asyncio.get_running_loop()

    def release(self) -> None:
        self._gate.set()

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        async def gated(tx: Transaction) -> T:
            result = await work(tx)
            self._loop.call_soon_threadsafe(self.reached.set)
            if tx.dialect == "sqlite":
                self._gate.wait()
            else:
                await asyncio.to_thread(self._gate.wait)
            return result

        return await self._database.write(gated)
