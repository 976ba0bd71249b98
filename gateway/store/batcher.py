"""Many messages, one transaction: lock, load, decide one by one, write, commit, then answer all.

Whatever waits is taken together, so under load the price of the commit is shared, and an idle gateway answers at once.
A decision that refuses undoes only its own changes. If the write as a whole fails, each message runs again in a
transaction of its own, so one that cannot be written never takes others down with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextvars import copy_context
from time import perf_counter
from typing import Any, Protocol

import structlog

from gateway.store.batch import Job, Kept, Outcome, keep, run_batch
from gateway.store.database import Database, Unavailable
from gateway.store.hotels import Hotels
from gateway.store.row_cache import RowCache

log = structlog.get_logger(__name__)

BATCH_MAX = 100
SKIPS_MAX = 2
LIGHT_WEIGHT_MAX = 200
# From how many messages under way on a batch waits for them, how long for the next of them, and how often.
CROWD_MIN = 3
JOINING_S = 0.003
JOININGS_MAX = 8


class Clock(Protocol):
    """What the batcher asks of time: milliseconds since 1970 UTC, and waiting for an event, so many seconds at most."""

    def now_ms(self) -> int: ...

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool: ...


class _Waiting:
    __slots__ = ("answer", "context", "is_heavy", "is_passed", "job", "skips")

    def __init__(self, job: Job, answer: asyncio.Future[Any], *, is_heavy: bool) -> None:
        self.job = job
        self.answer = answer
        self.context = copy_context()
        self.is_heavy = is_heavy
        self.is_passed = False
        self.skips = 0


class Batcher:
    """Runs jobs. ``after`` is told the scopes a committed batch has changed, before the answers go out.

    ``committed`` is told how many jobs shared a transaction, and the seconds it took.
    """

    def __init__(
        self,
        database: Database,
        hotels: Hotels,
        clock: Clock,
        after: Callable[[set[str]], None],
        committed: Callable[[int, float], None] = lambda jobs, seconds: None,
    ) -> None:
        self._database = database
        self._kept = Kept(hotels, RowCache())
        self._clock = clock
        self._after = after
        self._committed = committed
        self._queue: list[_Waiting] = []
        self._running: list[_Waiting] = []
        self._heavy = 0
        self._wake = asyncio.Event()
        self._enough = 1  # so many in the queue wake the batcher
        self._is_closing = False
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many jobs have no answer yet and are not being run."""
        return len(self._queue)

    def start(self) -> None:
        self._task = asyncio.create_task(self._serve(), name="batcher")

    async def stop(self) -> None:
        """Finishes what was submitted, then ends; from now on nothing more is taken."""
        self._is_closing = True
        self._wake.set()
        if self._task is None:
            self._end()
        else:
            await self._task

    async def submit(self, job: Job, *, weight: int = 1) -> Any:
        """The job's answer once it is durable.

        Raises what the job refused with, :class:`gateway.store.database.Unavailable`, LookupError for an unknown scope,
        or what the database said of the job's rows. ``weight`` is the number of cells of its document: a job over 200
        has a batch to itself, after a batch of the light ones that wait behind it. A caller that is cancelled does not
        take its job back.
        """
        if self._is_closing:
            raise RuntimeError("the batcher is closed")
        waiting = _Waiting(job, asyncio.get_running_loop().create_future(), is_heavy=weight > LIGHT_WEIGHT_MAX)
        self._heavy += waiting.is_heavy
        self._queue.append(waiting)
        if len(self._queue) >= self._enough:
            self._wake.set()
        return await waiting.answer

    # --- whose turn it is -------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        crowd = 0
        try:
            while self._queue or not self._is_closing:
                if self._queue:
                    await self._gather(crowd)
                    self._running = self._next()
                    await self._run(self._running)
                    # Whoever has just been answered may come again; with them, and who waits already, all are here.
                    crowd = min(len(self._running) + len(self._queue), BATCH_MAX)
                    self._running = []
                else:
                    self._wake.clear()
                    await self._wake.wait()
        finally:
            self._end()

    def _end(self) -> None:
        self._is_closing = True
        for waiting in (*self._running, *self._queue):
            _answer(waiting, Unavailable("the batcher has ended"))

    async def _gather(self, crowd: int) -> None:
        """Waits until a crowd is here that may be on its way, ``JOININGS_MAX * JOINING_S`` at most.

        SQLite's thread contends for the interpreter with a loop that still reads messages, which makes both slower. So
        the loop reads first what is coming, and the batch is larger too.
        """
        if crowd < CROWD_MIN or self._database.dialect != "sqlite":
            return
        self._enough = crowd
        for _ in range(JOININGS_MAX):
            waiting = len(self._queue)
            if waiting >= crowd or self._is_closing:
                break
            self._wake.clear()
            await self._clock.wait(self._wake, JOINING_S)
            if len(self._queue) == waiting:
                break
        self._enough = 1

    def _next(self) -> list[_Waiting]:
        if not self._heavy:
            batch, self._queue = self._queue[:BATCH_MAX], self._queue[BATCH_MAX:]
            return batch
        first = self._queue[0]
        batch = [] if first.is_heavy and first.is_passed else self._light()
        if not batch:
            self._heavy -= 1
            batch, self._queue = [first], self._queue[1:]
        return batch

    def _light(self) -> list[_Waiting]:
        """Takes the first light jobs, once past each heavy one, but never past one of their own scope."""
        batch: list[_Waiting] = []
        rest: list[_Waiting] = []
        held: set[str | None] = set()
        passing: list[_Waiting] = []
        for waiting in self._queue:
            scope_id = waiting.job.scope_id
            if waiting.is_heavy:
                passing.append(waiting)
                held.add(scope_id)
            if waiting.is_heavy or len(batch) == BATCH_MAX or (scope_id is not None and scope_id in held):
                rest.append(waiting)
            else:
                batch.append(waiting)
                for heavy in passing:
                    heavy.is_passed = True
                passing.clear()
        self._queue = rest
        return batch

    # --- running ----------------------------------------------------------------------------------------------------

    async def _run(self, batch: list[_Waiting]) -> None:
        for waiting in batch:
            if waiting.skips >= SKIPS_MAX:
                await self._try([waiting], wait=True)
        batch = [waiting for waiting in batch if waiting.skips < SKIPS_MAX]
        if batch and not await self._try(batch, wait=False):
            for waiting in batch:
                await self._try([waiting], wait=True)

    async def _try(self, batch: list[_Waiting], *, wait: bool) -> bool:
        """Whether every one has its answer or its place in the queue; if not, nothing has happened."""
        jobs = [waiting.job for waiting in batch]
        contexts = [waiting.context for waiting in batch]
        began = perf_counter()
        try:
            outcome = await self._database.write(
                lambda tx: run_batch(tx, jobs, self._kept, self._clock.now_ms(), wait=wait, contexts=contexts)
            )
        except Unavailable as error:
            # None of them is to blame, so running them one by one would only be slower.
            for waiting in batch:
                away = Unavailable(*error.args)
                away.__cause__ = error
                _answer(waiting, away)
        except Exception as error:
            log.warning("batch_failed", messages=len(batch), error=repr(error))
            if len(batch) > 1:
                return False
            _answer(batch[0], error)
        else:
            self._committed(len(outcome.answers), perf_counter() - began)
            self._finish(batch, outcome)
        return True

    def _finish(self, batch: Sequence[_Waiting], outcome: Outcome) -> None:
        keep(self._kept, outcome.state)
        if outcome.changed:
            self._tell(outcome.changed)
        skipped = []
        for index, waiting in enumerate(batch):
            if index in outcome.answers:
                _answer(waiting, outcome.answers[index])
            else:
                waiting.skips += 1
                self._heavy += waiting.is_heavy
                skipped.append(waiting)
        self._queue[:0] = skipped

    def _tell(self, changed: set[str]) -> None:
        try:
            self._after(changed)
        except Exception:
            # The changes are committed, and will be found by whoever looks; the answers must go out all the same.
            log.exception("after_commit_failed", scopes=len(changed))


def _answer(waiting: _Waiting, answer: Any) -> None:
    if waiting.answer.done():  # its caller was cancelled
        return
    if isinstance(answer, BaseException):
        waiting.answer.set_exception(answer)
    else:
        waiting.answer.set_result(answer)
