"""Many messages share a transaction, and none of them notices the others."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg
import pytest

from gateway.errors import Rejected
from gateway.store.batcher import Batcher
from gateway.store.database import Database, Transaction, Unavailable
from gateway.store.opening import open_database
from gateway.store.sql import Lookup
from gateway.store.state import Decision, Needs, NotLoaded, State
from gateway.store.tables import MessageRow, ReservationRow, RevisionRow, StockRow
from tests.store.gated import Gated
from tests.store.jobs import STOCK, Append, Step, add_scopes, all_rows, appended, batcher, message, refuse, scope

T = TypeVar("T")

RESERVATION = Lookup(ReservationRow)
REVISIONS = Lookup(RevisionRow, ("scope_id", "reservation_id"))
NOT_NULL = (sqlite3.IntegrityError, asyncpg.NotNullViolationError)


async def together(database: Database, *jobs: Any, **options: Any) -> list[Any]:
    """Runs the jobs as one batch: they wait before the batcher begins."""
    running = batcher(database, **options)
    answers = [asyncio.create_task(running.submit(job)) for job in jobs]
    await asyncio.sleep(0)
    running.start()
    found = await asyncio.gather(*answers, return_exceptions=True)
    await running.stop()
    return found


@asynccontextmanager
async def started(database: Database) -> AsyncIterator[Batcher]:
    running = batcher(database)
    running.start()
    yield running
    await running.stop()


def unwritable(scope_id: str = "h") -> Step:
    broken: Any = None
    return Step(scope_id, lambda state: Decision("never", [StockRow(scope_id, "broken", 0, 1, broken)], advances=True))


def crash(state: State) -> Any:
    raise ZeroDivisionError("a mistake of ours")


# --- sharing ----------------------------------------------------------------------------------------------------------


async def test_jobs_of_one_batch_see_each_other_in_order(database: Database) -> None:
    await add_scopes(database, "a", "b")
    before = database.counter.transactions
    answers = await together(database, *(Append("ab"[n % 2], n) for n in range(100)))
    assert database.counter.transactions - before == 1
    assert answers == [list(range(n % 2, n, 2)) for n in range(100)]
    assert await appended(database, "b") == list(range(1, 100, 2))
    assert (await scope(database, "a")).rev == 50
    assert [row.message_id for row in await all_rows(database, MessageRow)] == [*range(0, 100, 2), *range(1, 100, 2)]


async def test_a_hundred_messages_take_as_many_statements_as_one(database: Database) -> None:
    await add_scopes(database, *(f"h{n}" for n in range(10)))
    statements = []
    for count in (1, 100):
        before = database.counter.statements
        await together(database, *(Append(f"h{n % 10}", n) for n in range(count)))
        statements.append(database.counter.statements - before)
    # The lock, one table to read, three to write.
    assert statements == [5, 5]


async def test_jobs_of_different_kinds_share_a_batch(database: Database) -> None:
    await add_scopes(database, "h")
    unlocked = Step(None, lambda state: Decision("kept", [message("system", 1)]))
    before = database.counter.transactions
    answers = await together(database, Append("h", 1), unlocked, Step("h", refuse), Append("h", 2))
    assert database.counter.transactions - before == 1
    assert isinstance(answers[2], Rejected)
    assert [*answers[:2], answers[3]] == [[], "kept", [1]]


async def test_what_follows_from_an_earlier_job_of_the_batch_is_loaded(database: Database) -> None:
    """Two revisions of a booking that was unknown when the batch began: the second must find the first."""
    await add_scopes(database, "h")
    key = ("h", "c", "", "B1")

    def needs(state: State) -> Needs:
        yield RESERVATION, key
        known = state.get(ReservationRow, key)
        if known is not None:
            yield REVISIONS, ("h", known.reservation_id)

    def decide(state: State) -> Decision:
        known = state.get(ReservationRow, key)
        entries = state.find(REVISIONS, ("h", known.reservation_id)) if known else []
        seq = len(entries) + 1
        booking = ReservationRow(*key, "R1", "booked", seq, 1, 2, 0, 0, state.next_rev("h"), 1, b"")
        return Decision(seq, [booking, RevisionRow("h", "R1", seq, seq, b"")], advances=True)

    assert await together(database, *(Step("h", decide, needs) for _ in range(3))) == [1, 2, 3]
    assert [row.seq for row in await all_rows(database, RevisionRow)] == [1, 2, 3]
    assert await together(database, Step("h", decide, needs)) == [4]


async def test_changes_are_announced_by_scope(database: Database) -> None:
    await add_scopes(database, "a", "b", "c")
    told: list[set[str]] = []
    quiet = Step("b", lambda state: Decision(None))
    await together(database, Append("a", 1), quiet, Step("c", refuse), Append("a", 2), after=told.append)
    assert told == [{"a"}]


# --- what goes wrong for one goes wrong for one -----------------------------------------------------------------------


async def test_a_refusal_undoes_only_its_own_changes(database: Database) -> None:
    await add_scopes(database, "h")
    answers = await together(database, Append("h", 1), Step("h", refuse), Append("h", 2))
    assert isinstance(answers[1], Rejected)
    assert answers[2] == [1]
    assert await appended(database, "h") == [1, 2]
    assert (await scope(database, "h")).rev == 2


async def test_a_refusal_while_loading_is_an_answer_too(database: Database) -> None:
    await add_scopes(database, "h")

    def needs(state: State) -> Needs:
        yield STOCK, ("h", "", 0)
        raise Rejected("nobody knows this room")

    never = Step("h", lambda state: pytest.fail("it was refused"), needs)
    before = database.counter.transactions
    answers = await together(database, Append("h", 1), never, Append("h", 2))
    assert isinstance(answers[1], Rejected)
    assert [answers[0], answers[2]] == [[], [1]]
    assert database.counter.transactions - before == 1


@pytest.mark.parametrize("place", ["needs", "decide"])
async def test_a_mistake_in_one_job_is_no_others_concern(database: Database, place: str) -> None:
    await add_scopes(database, "h")
    broken = Step("h", crash) if place == "decide" else Step("h", refuse, crash)
    before = database.counter.transactions
    answers = await together(database, Append("h", 1), broken, Append("h", 2))
    assert isinstance(answers[1], ZeroDivisionError)
    assert [answers[0], answers[2]] == [[], [1]]
    assert database.counter.transactions - before == 1


async def test_a_job_that_reads_what_it_did_not_ask_for_is_told_so(database: Database) -> None:
    await add_scopes(database, "h")
    careless = Step("h", lambda state: Decision(state.get(StockRow, ("h", "", 5))))
    answers = await together(database, Append("h", 1), careless)
    assert answers[0] == []
    assert isinstance(answers[1], NotLoaded)


async def test_a_write_that_fails_takes_no_others_down(database: Database) -> None:
    await add_scopes(database, "h", "i")
    before = database.counter.transactions
    answers = await together(database, Append("h", 1), Append("i", 1), unwritable(), Append("h", 2))
    assert database.counter.transactions - before == 1 + 4
    assert isinstance(answers[2], NOT_NULL)
    assert [answers[0], answers[1], answers[3]] == [[], [], [1]]
    assert await appended(database, "h") == [1, 2]


async def test_a_value_the_database_cannot_hold_takes_no_others_down(database: Database) -> None:
    await add_scopes(database, "h")
    huge = Step("h", lambda state: Decision("never", [StockRow("h", "huge", 0, 2**63, b"")], advances=True))
    answers = await together(database, Append("h", 1), huge, Append("h", 2))
    assert isinstance(answers[1], OverflowError | asyncpg.DataError)
    assert await appended(database, "h") == [1, 2]


async def test_a_decision_that_is_none_takes_no_others_down(database: Database) -> None:
    await add_scopes(database, "h")
    junk: Any = "not a row"
    answers = await together(
        database, Append("h", 1), Step("h", lambda state: Decision(None, [message("h", 9), junk])), Append("h", 2)
    )
    assert isinstance(answers[1], KeyError)
    assert [row.message_id for row in await all_rows(database, MessageRow)] == [1, 2]


async def test_an_unknown_scope_is_only_its_callers_trouble(database: Database) -> None:
    await add_scopes(database, "h")
    before = database.counter.transactions
    answers = await together(database, Append("h", 1), Append("nowhere", 2), Append("h", 3))
    # PostgreSQL cannot tell at first whether the scope is only locked by another process.
    assert database.counter.transactions - before == (1 if database.dialect == "sqlite" else 3)
    assert isinstance(answers[1], LookupError)
    assert "nowhere" in str(answers[1])
    assert await appended(database, "h") == [1, 3]


async def test_a_database_that_is_away_is_not_asked_again_for_each(database: Database) -> None:
    class Away(Gated):
        tried = 0

        async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
            self.tried += 1
            raise Unavailable("gone fishing")

    away = Away(database)
    answers = await together(away, *(Append("h", n) for n in range(5)))
    assert [str(answer) for answer in answers] == ["gone fishing"] * 5
    assert len(set(map(id, answers))) == 5
    assert away.tried == 1


async def test_answers_go_out_even_if_nobody_could_be_told(database: Database) -> None:
    await add_scopes(database, "h")

    def broken(scopes: set[str]) -> None:
        raise ConnectionError("no wake-ups today")

    assert await together(database, Append("h", 1), Append("h", 2), after=broken) == [[], [1]]


# --- when answers are given -------------------------------------------------------------------------------------------


async def test_an_answer_is_given_after_the_commit(database: Database, database_url: str) -> None:
    await add_scopes(database, "h")
    gated, witness = Gated(database), open_database(database_url)
    await witness.open()
    async with started(gated) as running:
        answer = asyncio.create_task(running.submit(Append("h", 1)))
        await gated.reached.wait()
        assert not answer.done()
        assert await appended(witness, "h") == []
        gated.release()
        assert await answer == []
        assert await appended(witness, "h") == [1]
    await witness.close()


async def test_a_cancelled_caller_breaks_nothing(database: Database) -> None:
    await add_scopes(database, "h")
    gated = Gated(database)
    async with started(gated) as running:
        first = asyncio.create_task(running.submit(Append("h", 1)))
        await gated.reached.wait()
        waiting = [asyncio.create_task(running.submit(Append("h", n))) for n in (2, 3)]
        await asyncio.sleep(0)
        for task in (first, waiting[0]):
            task.cancel()
        gated.release()
        assert await waiting[1] == [1, 2]
        assert first.cancelled()


async def test_stopping_finishes_what_was_submitted(database: Database) -> None:
    await add_scopes(database, "h")
    gated = Gated(database)
    running = batcher(gated)
    running.start()
    answers = [asyncio.create_task(running.submit(Append("h", 1)))]
    await gated.reached.wait()
    answers.append(asyncio.create_task(running.submit(Append("h", 2))))
    await asyncio.sleep(0)
    stopping = asyncio.create_task(running.stop())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="closed"):
        await running.submit(Append("h", 3))
    gated.release()
    await stopping
    assert [answer.result() for answer in answers] == [[], [1]]


async def test_nobody_waits_for_a_batcher_that_never_ran(database: Database) -> None:
    running = batcher(database)
    answer = asyncio.create_task(running.submit(Append("h", 1)))
    await asyncio.sleep(0)
    await running.stop()
    with pytest.raises(Unavailable):
        await answer


async def test_nobody_waits_for_a_batcher_that_died(database: Database) -> None:
    await add_scopes(database, "h")
    gated = Gated(database)
    running = batcher(gated)
    running.start()
    answers = [asyncio.create_task(running.submit(Append("h", 1)))]
    await gated.reached.wait()
    answers.append(asyncio.create_task(running.submit(Append("h", 2))))
    await asyncio.sleep(0)
    for task in asyncio.all_tasks():
        if task.get_name() == "batcher":
            task.cancel()
    gated.release()
    found = await asyncio.gather(*answers, return_exceptions=True)
    assert [type(answer) for answer in found] == [Unavailable, Unavailable]
