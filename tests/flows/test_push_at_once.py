"""Two looks at one property at once: neither plans with what the other is just writing down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from gateway.flows.record import Record
from gateway.store.database import Transaction
from gateway.store.tables_connections import ShadowRow
from tests.flows.house import House, update

T = TypeVar("T")


class Latecomer:
    """Looks at the property just before the first answer is written down, and hears of what it read once it was.

    That is when whoever wrote it looks again: the two plans are made from before and after the answer.
    """

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch, first: Callable[[], Awaitable[object]]) -> None:
        self._house = house
        self._patch = monkeypatch
        self._first = first
        self._submit = house.services.batcher.submit
        self._read = house.services.database.read
        self._has_read, self._written = asyncio.Event(), asyncio.Event()
        self.look: asyncio.Task[None] | None = None
        monkeypatch.setattr(house.services.batcher, "submit", self._submitted)

    async def _submitted(self, job: Any, **more: Any) -> Any:
        if self.look is None and isinstance(job, Record) and self._house.wire.sent:
            self._patch.setattr(self._house.services.batcher, "submit", self._submit)
            await self._first()
            self._patch.setattr(self._house.services.database, "read", self._late)
            self.look = asyncio.create_task(self._house.pusher.round("h"))
            await self._has_read.wait()
            self._patch.setattr(self._house.services.database, "read", self._after)
        return await self._submit(job, **more)

    async def _late(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        found = await self._read(work)
        self._has_read.set()
        await self._written.wait()
        return found

    async def _after(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        self._patch.setattr(self._house.services.database, "read", self._read)
        self._written.set()
        assert self.look is not None
        await asyncio.wait([self.look])
        return await self._read(work)


async def test_a_plan_that_was_read_before_an_answer_was_written_is_made_anew(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.open_for_sale()
    await house.push()
    house.wire.sent.clear()
    latecomer = Latecomer(house, monkeypatch, lambda: house.ari(update("pDBL", "", 1, 1, figure=1)))
    await house.ari(update("pDBL", "", 1, 1, figure=2))
    await house.push()
    assert latecomer.look is not None
    await latecomer.look
    await house.pusher.errands.idle()
    assert [one.settings[0].value for command in house.wire.pushes("ota") for one in command.updates] == [2, 1]
    # Otherwise it would still be in doubt about the first, and say the second again when that may have landed.
    assert await house.rows(ShadowRow, "due_ms IS NOT NULL") == []
