"""Many messages, one transaction: lock, load, decide one by one, write, commit, then answer all.

Whatever waits is taken together, so under load the price of the commit is shared, and an idle gateway answers at
once. A decision that refuses undoes only its own changes. If the write as a whole fails, each message runs again in a transaction
of its own, so one that cannot be written never takes others down with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import structlog

from gateway.errors import Refusal
from gateway.store.database import Database, Transaction
from gateway.store.hotels import Hotels
from gateway.store.sql import Lookup, Params
from gateway.store.state import Decision, Needs, State

log = structlog.get_logger(__name__)

BATCH_MAX = 100
ROUNDS_MAX = 3
SKIPS_MAX = 2

A = TypeVar("A")


class Job(Protocol):
    """A state-changing step of a flow.

    ``scope_id`` is locked first; None is for records that only their owner writes and that need no lock.
    """

    scope_id: str | None

    def needs(self, state: State, now_ms: int) -> Needs:
        """The rows to load, given what is loaded; called until it names nothing new, three times at most."""

    def decide(self, state: State, now_ms: int) -> Decision:
        """Pure. Raises :class:`gateway.errors.Refusal` to answer with it and change nothing."""


class _Waiting(Generic[A]):
    __slots__ = ("answer", "job", "skips")

    def __init__(self, job: Job, answer: asyncio.Future[A]) -> None:
        self.job = job
        self.answer = answer
        self.skips = 0


class Batcher:
    """Runs jobs. ``after`` is told the scopes a committed batch has changed, before the answers go out."""

    def __init__(
        self,
        database: Database,
        hotels: Hotels,
        now_ms: Callable[[], int],
        after: Callable[[set[str]], None],
    ) -> None:
        self._database = database
        self._hotels = hotels
        self._now_ms = now_ms
        self._after = after
        self._queue: list[_Waiting[Any]] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._serve(), name="batcher")

    async def stop(self) -> None:
        """Finishes what was submitted, then ends."""
        while self._queue:
            await asyncio.sleep(0.01)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def submit(self, job: Job) -> Any:
        """The job's answer once it is durable; raises what the job refused with, or what the database failed with."""
        waiting: _Waiting[Any] = _Waiting(job, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._wake.set()
        return await waiting.answer

    async def _serve(self) -> None:
        while True:
            await self._wake.wait()
            batch, self._queue = self._queue[:BATCH_MAX], self._queue[BATCH_MAX:]
            if not self._queue:
                self._wake.clear()
            if batch:
                await self._run(batch)

    async def _run(self, batch: list[_Waiting[Any]]) -> None:
        stuck = [waiting for waiting in batch if waiting.skips >= SKIPS_MAX]
        for waiting in stuck:
            await self._alone(waiting)
        batch = [waiting for waiting in batch if waiting.skips < SKIPS_MAX]
        if not batch:
            return
        try:
            outcome = await self._database.write(lambda tx: self._batch(tx, batch, wait=False))
        except Exception as error:
            if len(batch) == 1:
                _answer(batch[0], error)
                return
            log.warning("batch_failed", messages=len(batch), error=repr(error))
            for waiting in batch:
                await self._alone(waiting)
            return
        self._finish(batch, *outcome)

    async def _alone(self, waiting: _Waiting[Any]) -> None:
        try:
            outcome = await self._database.write(lambda tx: self._batch(tx, [waiting], wait=True))
        except Exception as error:
            _answer(waiting, error)
        else:
            self._finish([waiting], *outcome)

    def _finish(self, batch: list[_Waiting[Any]], answers: dict[int, Any], changed: set[str]) -> None:
        if changed:
            self._after(changed)
        skipped = []
        for index, waiting in enumerate(batch):
            if index in answers:
                _answer(waiting, answers[index])
            else:
                waiting.skips += 1
                skipped.append(waiting)
        if skipped:
            self._queue[:0] = skipped
            self._wake.set()

    async def _batch(
        self, tx: Transaction, batch: Sequence[_Waiting[Any]], *, wait: bool
    ) -> tuple[dict[int, Any], set[str]]:
        now_ms = self._now_ms()
        state = State()
        wanted = {waiting.job.scope_id for waiting in batch if waiting.job.scope_id is not None}
        if wanted:
            wait = wait or tx.dialect == "sqlite"
            state.scopes = {scope.scope_id: scope for scope in await tx.lock(sorted(wanted), wait=wait)}
            if wait and wanted - state.scopes.keys():
                raise LookupError(f"no such scope: {', '.join(sorted(wanted - state.scopes.keys()))}")
            state.hotels = await self._hotels.current(tx, state.scopes.values())
        ready = {
            index: waiting.job
            for index, waiting in enumerate(batch)
            if waiting.job.scope_id is None or waiting.job.scope_id in state.scopes
        }
        await _load(tx, state, ready.values(), now_ms)
        answers: dict[int, Any] = {}
        changed: set[str] = set()
        for index, job in ready.items():
            try:
                decision = job.decide(state, now_ms)
            except Refusal as refusal:
                answers[index] = refusal
                continue
            state.apply(decision, job.scope_id)
            answers[index] = decision.answer
            if decision.advances and job.scope_id is not None:
                changed.add(job.scope_id)
        for row, writes, deletes in state.changes():
            if writes:
                await tx.upsert(row, writes)
            if deletes:
                await tx.delete(row, deletes)
        return answers, changed


async def _load(tx: Transaction, state: State, jobs: Any, now_ms: int) -> None:
    for _ in range(ROUNDS_MAX):
        asked: dict[Lookup, list[Params]] = {}
        for job in jobs:
            for lookup, key in job.needs(state, now_ms):
                asked.setdefault(lookup, []).append(key)
        more = False
        for lookup, keys in asked.items():
            missing = state.missing(lookup, keys)
            if missing:
                more = True
                state.loaded(await tx.lookup(lookup, missing))
        if not more:
            return


def _answer(waiting: _Waiting[Any], answer: Any) -> None:
    if waiting.answer.done():
        return
    if isinstance(answer, BaseException):
        waiting.answer.set_exception(answer)
    else:
        waiting.answer.set_result(answer)
