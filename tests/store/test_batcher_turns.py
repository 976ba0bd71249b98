"""Whose turn it is: heavy documents, locked properties, changed configurations."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.model.property import Property
from gateway.store.batch import Job
from gateway.store.batcher import BATCH_MAX, CROWD_MIN, JOININGS_MAX, LIGHT_WEIGHT_MAX
from gateway.store.database import Database
from gateway.store.hotels import pack_property
from gateway.store.opening import open_database
from gateway.store.postgres import PostgresTransaction
from gateway.store.state import Decision, State
from gateway.store.tables import Config, Row, Scope
from tests.store.jobs import Append, FirstMillisecond, Step, add_scopes, appended, batcher, scope

HEAVY = LIGHT_WEIGHT_MAX + 1
HANGS_AFTER_S = 30


class Trace:
    """Remembers which jobs ran in which batch."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self._state: State | None = None

    def job(self, scope_id: str | None, name: str) -> Step:
        def decide(state: State) -> Decision:
            if state is not self._state:
                self.batches.append([])
                self._state = state
            self.batches[-1].append(name)
            return Decision(name)

        return Step(scope_id, decide)


async def batches(database: Database, *jobs: tuple[str | None, str, int]) -> list[list[str]]:
    """The batches that jobs of (scope, name, weight), submitted at once, are run in."""
    trace = Trace()
    running = batcher(database)
    answers = [
        asyncio.create_task(running.submit(trace.job(scope_id, name), weight=weight)) for scope_id, name, weight in jobs
    ]
    await asyncio.sleep(0)
    running.start()
    assert await asyncio.gather(*answers) == [name for _, name, _ in jobs]
    await running.stop()
    return trace.batches


# --- heavy documents --------------------------------------------------------------------------------------------------


async def test_light_jobs_fill_batches_in_their_order(database: Database) -> None:
    await add_scopes(database, "h")
    names = [str(n) for n in range(BATCH_MAX + 3)]
    assert await batches(database, *(("h", name, LIGHT_WEIGHT_MAX) for name in names)) == [
        names[:BATCH_MAX],
        names[BATCH_MAX:],
    ]


async def test_a_heavy_job_runs_alone_after_the_light_ones_that_wait(database: Database) -> None:
    await add_scopes(database, "big", "a", "b")
    jobs = [("a", "a1", 1), ("big", "HEAVY", HEAVY), ("a", "a2", 1), (None, "b1", 1)]
    assert await batches(database, *jobs) == [["a1", "a2", "b1"], ["HEAVY"]]


async def test_a_heavy_job_is_passed_once_and_never_starves(database: Database) -> None:
    await add_scopes(database, "big", "a")
    lights = [f"{n}" for n in range(2 * BATCH_MAX)]
    jobs = [("big", "HEAVY", HEAVY), *(("a", name, 1) for name in lights)]
    assert await batches(database, *jobs) == [lights[:BATCH_MAX], ["HEAVY"], lights[BATCH_MAX:]]


async def test_heavy_jobs_take_turns_with_light_ones(database: Database) -> None:
    await add_scopes(database, "big", "a")
    lights = [f"{n}" for n in range(2 * BATCH_MAX)]
    jobs = [("big", "H1", HEAVY), (None, "H2", HEAVY), *(("a", name, 1) for name in lights)]
    assert await batches(database, *jobs) == [lights[:BATCH_MAX], ["H1"], ["H2"], lights[BATCH_MAX:]]


async def test_no_job_overtakes_an_earlier_one_of_its_own_property(database: Database) -> None:
    await add_scopes(database, "big", "a")
    jobs = [
        ("big", "before", 1),
        ("big", "HEAVY", HEAVY),
        ("big", "after", 1),
        ("a", "other", 1),
        ("big", "HEAVIER", HEAVY),
        ("big", "last", 1),
    ]
    found = await batches(database, *jobs)
    assert found == [["before", "other"], ["HEAVY"], ["after"], ["HEAVIER"], ["last"]]


# --- crowds -----------------------------------------------------------------------------------------------------------

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Patient(FirstMillisecond):
    """Waits for the event, however long it takes; ``waits`` counts how often."""

    waits = 0

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        self.waits += 1
        return await event.wait()


class Impatient(Patient):
    """The time is up at once."""

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        self.waits += 1
        await asyncio.sleep(0)
        return event.is_set()


async def crowded(database: Database, callers: int, clock: Patient) -> list[int]:
    """The sizes of the batches, where each caller comes again once it is answered, one behind the other."""
    trace = Trace()
    running = batcher(database, clock=clock)

    async def call(number: int) -> None:
        await running.submit(trace.job(None, f"{number}"))
        for _ in range(2 * number):
            await asyncio.sleep(0)
        await running.submit(trace.job(None, f"{number}"))

    calls = [asyncio.create_task(call(number)) for number in range(callers)]
    await asyncio.sleep(0)
    running.start()
    async with asyncio.timeout(HANGS_AFTER_S):
        await asyncio.gather(*calls)
    await running.stop()
    return [len(batch) for batch in trace.batches]


@SQLITE
async def test_a_crowd_is_let_in_before_its_batch(database: Database) -> None:
    assert await crowded(database, 24, Patient()) == [24, 24]


@SQLITE
async def test_among_few_nobody_is_waited_for(database: Database) -> None:
    clock = Patient()
    assert (await crowded(database, CROWD_MIN - 1, clock))[:2] == [CROWD_MIN - 1, 1]
    assert clock.waits == 0


@SQLITE
async def test_nobody_is_waited_for_any_longer_than_some_moments(database: Database) -> None:
    clock = Impatient()
    sizes = await crowded(database, 24, clock)
    assert sum(sizes) == 48
    assert len(sizes) > 2
    assert clock.waits <= JOININGS_MAX * len(sizes)


@SQLITE
async def test_who_waits_for_a_crowd_is_still_written_when_the_gateway_stops(database: Database) -> None:
    trace = Trace()
    running = batcher(database, clock=Patient())
    calls = [asyncio.create_task(running.submit(trace.job(None, f"{n}"))) for n in range(CROWD_MIN)]
    await asyncio.sleep(0)
    running.start()
    await asyncio.gather(*calls)
    last = asyncio.create_task(running.submit(trace.job(None, "last")))
    await asyncio.sleep(0)
    async with asyncio.timeout(HANGS_AFTER_S):
        await running.stop()
    assert await last == "last"


# --- changed configurations -------------------------------------------------------------------------------------------


async def test_a_job_after_a_change_of_configuration_sees_the_new_one(database: Database) -> None:
    await add_scopes(database, "h", "i")

    def configure(version: int) -> Step:
        body = pack_property(Property("h", f"Hotel {version}", "EUR", "Europe/Rome", (), ()))
        rows: list[Row] = [Config("h", version, body, "test", 1), Scope("h", "property", version, version)]
        return Step("h", lambda state: Decision(version, rows, advances=True))

    seen = Step("h", lambda state: Decision(state.hotels["h"].property.name))
    running = batcher(database)
    jobs: list[Any] = [configure(1), seen, Append("i", 1), configure(2), seen]
    answers = [asyncio.create_task(running.submit(job)) for job in jobs]
    await asyncio.sleep(0)
    running.start()
    assert await asyncio.gather(*answers) == [1, "Hotel 1", [], 2, "Hotel 2"]
    await running.stop()
    assert (await scope(database, "h")).config_version == 2


# --- two processes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
async def test_a_locked_property_waits_alone_and_in_order(database: Database, database_url: str) -> None:
    await add_scopes(database, "busy", "free")
    other = open_database(database_url)
    await other.open()
    locked, release = asyncio.Event(), asyncio.Event()

    async def hold(tx: Any) -> None:
        await tx.lock(["busy"], wait=True)
        locked.set()
        await release.wait()

    holding = asyncio.create_task(other.write(hold))
    await locked.wait()
    running = batcher(database)
    before = database.counter.transactions
    jobs: list[Job] = [Append("busy", 1), Append("busy", 2), Append("free", 1)]
    others = [Step(None, lambda state: Decision(None)) for _ in range(BATCH_MAX - len(jobs))]
    first, second, free, *rest = [
        asyncio.create_task(running.submit(job)) for job in (*jobs, *others, Append("busy", 3))
    ]
    await asyncio.sleep(0)
    running.start()
    # What another process holds delays nobody else.
    assert await free == []
    stuck = [first, second, rest[-1]]
    assert not any(task.done() for task in stuck)
    async with asyncio.timeout(HANGS_AFTER_S):
        while not await _is_somebody_waiting(other):
            pass
    # The full batch, the next one, which they lead, and then the first of them waits by itself.
    assert database.counter.transactions - before == 3
    release.set()
    assert await asyncio.gather(*stuck) == [[], [1], [1, 2]]
    await running.stop()
    await holding
    await other.close()


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
async def test_skipped_jobs_lead_the_next_batch(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await add_scopes(database, "busy")
    lock = PostgresTransaction.lock
    asked: list[bool] = []

    async def busy_at_first(tx: PostgresTransaction, scope_ids: Sequence[str], *, wait: bool) -> list[Scope]:
        asked.append(wait)
        return await lock(tx, scope_ids if len(asked) > 1 else [], wait=wait)

    monkeypatch.setattr(PostgresTransaction, "lock", busy_at_first)
    running = batcher(database)
    others = [Step(None, lambda state: Decision(None)) for _ in range(BATCH_MAX - 1)]
    jobs: list[Job] = [Append("busy", 1), *others, Append("busy", 2)]
    answers = [asyncio.create_task(running.submit(job)) for job in jobs]
    await asyncio.sleep(0)
    running.start()
    assert (await asyncio.gather(*answers))[-1] == [1]
    await running.stop()
    assert asked == [False, False]


async def _is_somebody_waiting(database: Database) -> bool:
    found = await database.read(lambda tx: tx.fetch("SELECT count(*) FROM pg_locks WHERE NOT granted"))
    return bool(found[0][0])


async def test_two_processes_write_to_the_same_properties(database: Database, database_url: str) -> None:
    hotels = [f"h{n}" for n in range(5)]
    await add_scopes(database, *hotels)
    other = open_database(database_url)
    await other.open()
    both = [batcher(database), batcher(other)]
    for running in both:
        running.start()
    answers = await asyncio.gather(*(both[n % 2].submit(Append(hotel, n)) for n in range(60) for hotel in hotels))
    for running in both:
        await running.stop()
    for hotel, lengths in zip(hotels, [[len(a) for a in answers[n::5]] for n in range(5)], strict=True):
        kept = await appended(database, hotel)
        assert sorted(kept) == list(range(60))
        assert [n for n in kept if n % 2] == list(range(1, 60, 2))
        assert sorted(lengths) == list(range(60))
        assert (await scope(database, hotel)).rev == 60
    await other.close()
