"""One transaction for many jobs: lock, load, decide one by one, write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import structlog

from gateway.errors import Refusal
from gateway.store.database import Transaction
from gateway.store.hotels import Hotels
from gateway.store.sql import Lookup, Params
from gateway.store.state import Decision, Needs, NotLoaded, State

log = structlog.get_logger(__name__)

ROUNDS_MAX = 3


class Job(Protocol):
    """A state-changing step of a flow. Its methods may be called again, in another transaction.

    ``scope_id`` is locked first; None is for records that only their owner writes and that need no lock.
    """

    scope_id: str | None

    def needs(self, state: State, now_ms: int) -> Needs:
        """The rows to load, given what is loaded; called until it names nothing new, three times at most."""

    def decide(self, state: State, now_ms: int) -> Decision:
        """Pure. Raises :class:`gateway.errors.Refusal` to answer with it and change nothing."""


class Outcome(NamedTuple):
    """What became of a batch.

    ``answers`` are by the job's place, an exception being what its caller gets raised; a job without one was skipped.
    ``changed`` are the scopes whose revision has risen.
    """

    answers: dict[int, Any]
    changed: set[str]


async def run_batch(tx: Transaction, jobs: Sequence[Job], hotels: Hotels, now_ms: int, *, wait: bool) -> Outcome:
    """Runs the jobs in their order. Without ``wait``, those whose scope another process holds are skipped.

    What a job itself raises is its own answer and nobody else's: nothing of it was applied.
    """
    state = State()
    outcome = Outcome({}, set())
    ready = await _lock(tx, state, jobs, hotels, outcome.answers, wait=wait or tx.dialect == "sqlite")
    await _load(tx, state, ready, now_ms, outcome.answers)
    for index, job in ready.items():
        if index not in outcome.answers and job.scope_id not in state.reconfigured:
            await _decide(tx, state, index, job, now_ms, outcome)
    for row, writes, deletes in state.changes():
        await tx.delete(row, deletes)
        await tx.upsert(row, writes)
    return outcome


async def _lock(
    tx: Transaction, state: State, jobs: Sequence[Job], hotels: Hotels, answers: dict[int, Any], *, wait: bool
) -> dict[int, Job]:
    wanted = sorted({job.scope_id for job in jobs if job.scope_id is not None})
    if wanted:
        state.scopes = {scope.scope_id: scope for scope in await tx.lock(wanted, wait=wait)}
        state.hotels = await hotels.current(tx, state.scopes.values())
    ready = {}
    for index, job in enumerate(jobs):
        if job.scope_id is None or job.scope_id in state.scopes:
            ready[index] = job
        elif wait:
            answers[index] = LookupError(f"no such scope: {job.scope_id}")
    return ready


async def _load(tx: Transaction, state: State, jobs: Mapping[int, Job], now_ms: int, answers: dict[int, Any]) -> None:
    """Loads what the jobs need, one statement per lookup and round. A job that named nothing new is not asked again."""
    asking = dict(jobs)
    for _ in range(ROUNDS_MAX):
        asked: dict[Lookup, list[Params]] = {}
        for index, job in list(asking.items()):
            try:
                needs = list(job.needs(state, now_ms))
            except Exception as error:
                answers[index] = _own(error, job)
                needs = []
            is_new = False
            for lookup, key in needs:
                if not state.has(lookup, key):
                    is_new = True
                    asked.setdefault(lookup, []).append(key)
            if not is_new:
                del asking[index]
        for lookup, keys in asked.items():
            state.loaded(await tx.lookup(lookup, state.missing(lookup, keys)))
        if not asking:
            return


async def _decide(tx: Transaction, state: State, index: int, job: Job, now_ms: int, outcome: Outcome) -> None:
    decision = _decided(state, job, now_ms)
    if isinstance(decision, NotLoaded):
        # An earlier job of this batch has made something that this one depends on: the booking it revises, say.
        await _load(tx, state, {index: job}, now_ms, outcome.answers)
        decision = outcome.answers.get(index) or _decided(state, job, now_ms)
    if isinstance(decision, Decision):
        state.apply(decision, job.scope_id)
        outcome.answers[index] = decision.answer
        if decision.advances and job.scope_id is not None:
            outcome.changed.add(job.scope_id)
    else:
        outcome.answers[index] = _own(decision, job)


def _decided(state: State, job: Job, now_ms: int) -> Decision | Exception:
    state.deciding = True
    try:
        return job.decide(state, now_ms)
    except Exception as error:
        return error
    finally:
        state.deciding = False


def _own(error: Exception, job: Job) -> Exception:
    """What a job raised, on its way to its caller; unless it is a refusal, it is a mistake of ours."""
    if not isinstance(error, Refusal):
        log.error("job_failed", job=type(job).__name__, scope=job.scope_id, exc_info=error)
    return error
