"""Trying jobs without doing them: what they would write and answer, over one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gateway.errors import Refusal
from gateway.store.batch import ROUNDS_MAX, Job
from gateway.store.database import Transaction
from gateway.store.hotels import Hotels
from gateway.store.schema import SPECS
from gateway.store.sql import Lookup, Params
from gateway.store.state import Decision, State
from gateway.store.tables import Row, Scope


class Tried(NamedTuple):
    """``before`` are the rows as each of ``writes`` would find them; a refused job has neither."""

    answer: Any = None
    writes: Sequence[Row] = ()
    before: Sequence[Row | None] = ()
    refusal: Refusal | None = None


async def rehearse(tx: Transaction, hotels: Hotels, scope_id: str, jobs: Sequence[Job], now_ms: int) -> list[Tried]:
    """What each job would do after the ones before it. Nothing is locked and nothing is written.

    LookupError for an unknown scope; whatever else a job raises that is no refusal goes on to the caller.
    """
    state = State()
    state.scopes = {scope.scope_id: scope for scope in await tx.rows(Scope, "scope_id = ?", scope_id)}
    if scope_id not in state.scopes:
        raise LookupError(f"no such scope: {scope_id}")
    state.hotels = await hotels.current(tx, state.scopes.values())
    tried = []
    for job in jobs:
        try:
            await _load(tx, state, job, now_ms)
            tried.append(_try(state, job, now_ms))
        except Refusal as refusal:
            tried.append(Tried(refusal=refusal))
    return tried


async def _load(tx: Transaction, state: State, job: Job, now_ms: int) -> None:
    for _ in range(ROUNDS_MAX):
        asked: dict[Lookup, list[Params]] = {}
        for lookup, key in job.needs(state, now_ms):
            if not state.has(lookup, key):
                asked.setdefault(lookup, []).append(key)
        if not asked:
            return
        for lookup, keys in asked.items():
            state.loaded(await tx.lookup(lookup, state.missing(lookup, keys)))


def _try(state: State, job: Job, now_ms: int) -> Tried:
    state.deciding = True
    try:
        decision: Decision = job.decide(state, now_ms)
    finally:
        state.deciding = False
    before = [state.get(type(row), row[: SPECS[type(row)].width]) for row in decision.writes]
    state.apply(decision, job.scope_id)
    return Tried(decision.answer, decision.writes, before)
