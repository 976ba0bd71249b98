"""Which connections this process may call. Two processes that both sent to one channel would undo each other's work."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Protocol
from zlib import crc32

import structlog

from gateway.errors import GatewayError
from gateway.io.clock import Clock
from gateway.model.dates import Instant
from gateway.store import leasing
from gateway.store.database import Database

log = structlog.get_logger(__name__)

RENEW_S = 5.0
LEASE_S = 90.0
# How far the clocks of two processes may be apart.
SKEW_S = 2.0


def shard_of(connection: str) -> int:
    """The shard a connection belongs to."""
    return crc32(connection.encode()) % leasing.SHARDS


class Leases(Protocol):
    """The right to call a connection. ``taken`` grows whenever this process gains rights that it did not have."""

    taken: int

    def owns(self, connection: str, for_s: float) -> bool:
        """Whether a call that takes up to ``for_s`` would end before anybody else may call."""


class NotOurs(GatewayError):
    """The right to call ran out before the call left. Nothing was sent, and nothing is written: it is its owner's."""


def insist(leases: Leases, connection: str, for_s: float) -> None:
    """Raises :class:`NotOurs` unless the connection may be called; asked right before a call leaves.

    Between being chosen and being called lies the wait for a turn. A process that was suspended in it wakes up with
    what it knew then, and somebody else may have told the counterpart newer things since.
    """
    if not leases.owns(connection, for_s):
        raise NotOurs(f"the right to call {connection!r} has run out")


class WholeHouse:
    """The only process there is, as on SQLite, owns everything."""

    taken = 1

    def owns(self, connection: str, for_s: float) -> bool:
        return True


class SharedLeases:
    """A fair share of the shards, renewed while this process lives. ``in_use``: the connections being called."""

    def __init__(self, database: Database, clock: Clock, in_use: Callable[[], set[str]]) -> None:
        self._database = database
        self._clock = clock
        self._in_use = in_use
        self._owner = secrets.token_hex(8)
        self._held: set[int] = set()
        self.taken = 0
        self._until_ms: Instant = 0
        self._task: asyncio.Task[None] | None = None

    def owns(self, connection: str, for_s: float) -> bool:
        ends_ms = self._clock.now_ms() + int((for_s + SKEW_S) * 1000)
        return ends_ms < self._until_ms and shard_of(connection) in self._held

    async def start(self) -> None:
        await self.renew()
        self._task = asyncio.create_task(self._keep(), name="leases")

    async def stop(self) -> None:
        """Gives up everything; what is under way has to have ended."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._held = set()
        await self._database.write(lambda tx: leasing.release(tx, self._owner))

    async def renew(self) -> None:
        """One round."""
        now_ms = self._clock.now_ms()
        until_ms = now_ms + int(LEASE_S * 1000)
        held, surplus = await self._database.write(lambda tx: leasing.renew(tx, self._owner, now_ms, until_ms))
        self.taken += bool(held - self._held)
        # Only now, and without waiting for anything: a call may have begun while the database was asked. Whatever
        # becomes of the second write, nothing is begun any more on what it frees.
        given_up = self._idle(held, surplus)
        self._held, self._until_ms = held - given_up, until_ms
        if given_up:
            await self._database.write(lambda tx: leasing.give_up(tx, self._owner, given_up))

    def _idle(self, held: set[int], count: int) -> set[int]:
        """So many of the shards, or fewer: none on which a call is under way."""
        in_use = {shard_of(connection) for connection in self._in_use()}
        return set(sorted(held - in_use, reverse=True)[:count])

    async def _keep(self) -> None:
        while True:
            await self._clock.sleep(RENEW_S)
            try:
                await self.renew()
            except Exception:
                # Not renewed is safe: the rights run out by themselves, and another round follows.
                log.exception("leases_not_renewed")
