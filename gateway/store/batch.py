"""One transaction for many jobs: lock, load, decide one by one, write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import Context
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

import structlog

from gateway.errors import Refusal
from gateway.store.database import Transaction
from gateway.store.hotels import Hotels
from gateway.store.row_cache import CACHED, RowCache
from gateway.store.sql import Lookup, Params
from gateway.store.state import Decision, Needs, NotLoaded, State
from gateway.store.tables import Scope

log = structlog.get_logger(__name__)

ROUNDS_MAX = 4


class Job(Protocol):
    """A state-changing step of a flow. Its methods may be called again, in another transaction.

    ``decide`` runs in the context of whoever submitted the job, so what it logs names the message it is about.

    ``scope_id`` is locked first, and has to exist unless the job is a :class:`Founding` one; None is for records that
    only their owner writes and that need no lock.
    """

    scope_id: str | None

    def needs(self, state: State, now_ms: int) -> Needs:
        """The rows to load, given those that are; asked until there are no new ones, at most ``ROUNDS_MAX`` times."""

    def decide(self, state: State, now_ms: int) -> Decision:
        """Pure. Raises :class:`gateway.errors.Refusal` to answer with it and change nothing."""


class Founding:
    """A job that makes its scope where there is none: it finds the scope empty, without a configuration, and locked.

    Two processes that would found the same follow one another, so the second finds what the first has made.
    """


class Outcome(NamedTuple):
    """What became of a batch.

    ``answers`` are by the job's place, an exception being what its caller gets raised; a job without one was skipped.
    ``changed`` are the scopes whose revision has risen. ``state`` is for :func:`keep`.
    """

    answers: dict[int, Any]
    changed: set[str]
    state: State


def keep(kept: Kept, state: State) -> None:
    """To be called once the batch is committed, and only then."""
    known = {table: state.known(table) for table in CACHED}
    for scope_id, found in state.locked.items():
        rows = known
        if len(state.locked) > 1:
            rows = {table: {k: row for k, row in of_all.items() if k[0] == scope_id} for table, of_all in known.items()}
        kept.rows.keep(state.scopes[scope_id], found.rev, rows)


class Kept(NamedTuple):
    """What a batch leaves behind for the next one, once it is committed."""

    hotels: Hotels
    rows: RowCache


async def run_batch(
    tx: Transaction, jobs: Sequence[Job], kept: Kept, now_ms: int, *, wait: bool, contexts: Sequence[Context]
) -> Outcome:
    """Runs the jobs in their order. Without ``wait``, those whose scope another process holds are skipped.

    What a job itself raises is its own answer and nobody else's: nothing of it was applied. ``contexts`` are the
    callers', by the job's place.
    """
    state = State()
    outcome = Outcome({}, set(), state)
    ready = await _lock(tx, state, jobs, kept.hotels, outcome.answers, wait=wait or tx.dialect == "sqlite")
    loader = _Loader(tx, state, kept.rows, now_ms, outcome.answers)
    await loader.load(ready)
    for index, job in ready.items():
        if index not in outcome.answers and job.scope_id not in state.reconfigured:
            await _decide(loader, index, job, outcome, contexts[index])
    for row, writes, deletes in state.changes():
        await tx.delete(row, deletes)
        await tx.upsert(row, writes)
    await _leave_unfounded(tx, state, jobs)
    return outcome


async def _lock(
    tx: Transaction, state: State, jobs: Sequence[Job], hotels: Hotels, answers: dict[int, Any], *, wait: bool
) -> dict[int, Job]:
    wanted = sorted({job.scope_id for job in jobs if job.scope_id is not None})
    for scope_id in _to_found(jobs):
        await tx.fetch(_FOUND, scope_id)
    if wanted:
        state.locked = {scope.scope_id: scope for scope in await tx.lock(wanted, wait=wait)}
        state.scopes = dict(state.locked)
        state.hotels = await hotels.current(tx, state.scopes.values())
    ready = {}
    for index, job in enumerate(jobs):
        if job.scope_id is None or job.scope_id in state.scopes:
            ready[index] = job
        elif wait:
            answers[index] = LookupError(f"no such scope: {job.scope_id}")
    return ready


_FOUND = """
    INSERT INTO scope (scope_id, kind, rev, config_version, cause) VALUES (?, 'property', 0, 0, 0)
    ON CONFLICT (scope_id) DO NOTHING
"""


def _to_found(jobs: Sequence[Job]) -> list[str]:
    # In one order, since whoever comes second waits for the first.
    return sorted({job.scope_id for job in jobs if isinstance(job, Founding) and job.scope_id is not None})


async def _leave_unfounded(tx: Transaction, state: State, jobs: Sequence[Job]) -> None:
    """A refused job leaves no empty scope behind."""
    scopes = [state.scopes[scope_id] for scope_id in _to_found(jobs) if scope_id in state.scopes]
    await tx.delete(Scope, [(scope.scope_id,) for scope in scopes if not scope.config_version])


class _Loader:
    """Loads what jobs need, one statement per lookup and round."""

    def __init__(self, tx: Transaction, state: State, cache: RowCache, now_ms: int, answers: dict[int, Any]) -> None:
        self.state = state
        self.now_ms = now_ms
        self._tx = tx
        self._cache = cache
        self._answers = answers

    async def load(self, jobs: Mapping[int, Job]) -> None:
        """A job that named nothing new is not asked again."""
        asking = dict(jobs)
        for _ in range(ROUNDS_MAX):
            for lookup, keys in self._ask(asking).items():
                await self._fetch(lookup, self.state.missing(lookup, keys))
            if not asking:
                return

    def _ask(self, asking: dict[int, Job]) -> dict[Lookup, list[Params]]:
        asked: dict[Lookup, list[Params]] = {}
        for index, job in list(asking.items()):
            try:
                needs = list(job.needs(self.state, self.now_ms))
            except Exception as error:
                self._answers[index] = _own(error, job)
                needs = []
            is_new = False
            for lookup, key in needs:
                if not self.state.has(lookup, key):
                    is_new = True
                    asked.setdefault(lookup, []).append(key)
            if not is_new:
                del asking[index]
        return asked

    async def _fetch(self, lookup: Lookup, keys: list[Params]) -> None:
        if lookup.is_primary and lookup.row in CACHED:
            keys = self._from_cache(lookup.row, keys)
        self.state.loaded(await self._tx.lookup(lookup, keys))

    def _from_cache(self, row: type[Any], keys: list[Params]) -> list[Params]:
        """Takes what is known, and returns the keys that are not."""
        unknown: list[Params] = []
        for scope_id, group in groupby(keys, key=itemgetter(0)):
            scope, of_scope = self.state.locked.get(scope_id), list(group)
            if scope is None:
                unknown += of_scope
                continue
            rows, missing = self._cache.take(row, scope, of_scope)
            self.state.loaded(rows)
            unknown += missing
        return unknown


async def _decide(loader: _Loader, index: int, job: Job, outcome: Outcome, context: Context) -> None:
    state, now_ms = loader.state, loader.now_ms
    decision = context.run(_decided, state, job, now_ms)
    if isinstance(decision, NotLoaded):
        # An earlier job of this batch has made something that this one depends on: the booking it revises, say.
        await loader.load({index: job})
        decision = outcome.answers.get(index) or context.run(_decided, state, job, now_ms)
    if isinstance(decision, Decision):
        state.apply(decision, job.scope_id)
        outcome.answers[index] = decision.answer
        if decision.advances and job.scope_id is not None:
            outcome.changed.add(job.scope_id)
    else:
        outcome.answers[index] = context.run(_own, decision, job)


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
