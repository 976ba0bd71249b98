"""Who may call whom: on PostgreSQL several processes share the connections, and never two have the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from typing import TypeVar

import pytest

from gateway.flows.leases import LEASE_S, RENEW_S, SKEW_S, SharedLeases, WholeHouse, shard_of
from gateway.store.database import Database, Transaction, Unavailable
from gateway.store.leasing import SHARDS
from gateway.store.migrating import migrate
from gateway.store.opening import open_database
from tests.flows.house import JumpClock

pytestmark = pytest.mark.postgres(fsync=False)

TIMEOUT_S = 30.0
T = TypeVar("T")


def one_per_shard() -> list[str]:
    """A connection id for every shard."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < SHARDS:
        found.setdefault(shard_of(f"connection-{number}"), f"connection-{number}")
        number += 1
    return list(found.values())


CONNECTIONS = one_per_shard()


@pytest.fixture
async def shared(postgres_url: str) -> AsyncIterator[Database]:
    await migrate(postgres_url)
    database = open_database(postgres_url)
    await database.open()
    yield database
    await database.close()


class Processes:
    """Several processes with clocks that do not quite agree."""

    def __init__(self, database: Database, count: int, skew_s: float = 0.0) -> None:
        self._database = database
        self.busy: list[set[str]] = [set() for _ in range(count)]
        self.clocks = [JumpClock(1_000_000 + round(1000 * skew_s * n)) for n in range(count)]
        self.leases = [
            SharedLeases(database, clock, lambda n=n: self.busy[n])  # type: ignore[misc]
            for n, clock in enumerate(self.clocks)
        ]

    def pass_s(self, seconds: float) -> None:
        for clock in self.clocks:
            clock.pass_s(seconds)

    def owned(self, number: int, for_s: float = TIMEOUT_S) -> set[str]:
        return {name for name in CONNECTIONS if self.leases[number].owns(name, for_s)}

    def check_apart(self) -> None:
        seen: set[str] = set()
        for number in range(len(self.leases)):
            owned = self.owned(number, 0.0)
            assert not owned & seen, f"process {number} shares {len(owned & seen)} connections with another"
            seen |= owned


class Meddling:
    """A database that something comes before and after, each time it is written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dialect = database.dialect
        self.counter = database.counter
        self.open, self.read, self.close = database.open, database.read, database.close
        self.count = 0

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        self.count += 1
        self.begins()
        result = await self._database.write(work)
        self.ends()
        return result

    def begins(self) -> None:
        """Before the transaction."""

    def ends(self) -> None:
        """After its commit."""


async def test_a_lone_process_owns_everything(shared: Database) -> None:
    alone = Processes(shared, 1)
    assert alone.owned(0) == set()
    await alone.leases[0].renew()
    assert alone.owned(0) == set(CONNECTIONS)
    assert WholeHouse().owns("anything", 1e9)


async def test_processes_that_start_together_never_share(shared: Database) -> None:
    three = Processes(shared, 3)
    for _ in range(4):
        await asyncio.gather(*(lease.renew() for lease in three.leases))
        three.check_apart()
        three.pass_s(RENEW_S)
    counts = [len(three.owned(number)) for number in range(3)]
    assert sum(counts) == SHARDS
    assert max(counts) <= -(-SHARDS // 3)


async def test_a_newcomer_gets_its_fair_share_without_waiting_for_any_end(shared: Database) -> None:
    two = Processes(shared, 2)
    await two.leases[0].renew()
    for _ in range(3):
        for lease in (two.leases[1], two.leases[0]):
            await lease.renew()
            two.check_apart()
        two.pass_s(RENEW_S)
    assert [len(two.owned(number)) for number in range(2)] == [SHARDS // 2, SHARDS // 2]


async def test_what_is_in_use_is_not_given_up(shared: Database) -> None:
    two = Processes(shared, 2)
    await two.leases[0].renew()
    two.busy[0] = set(CONNECTIONS[:200])
    for _ in range(3):
        await two.leases[1].renew()
        await two.leases[0].renew()
        two.check_apart()
        assert set(CONNECTIONS[:200]) <= two.owned(0)
    two.busy[0] = set()
    await two.leases[0].renew()
    await two.leases[1].renew()
    assert len(two.owned(1)) == SHARDS // 2


async def test_a_call_that_begins_during_a_renewal_keeps_its_shard(shared: Database) -> None:
    """Another process has come, so half is to be given up: whichever half that is, what is allowed stays allowed."""
    two = Processes(shared, 2)
    for lease in two.leases:
        await lease.renew()

    class Writes(Meddling):
        def begins(self) -> None:
            two.busy[0] |= two.owned(0)

    two.leases[0]._database = Writes(shared)
    await two.leases[0].renew()
    await two.leases[1].renew()
    two.check_apart()
    assert two.busy[0] == set(CONNECTIONS)
    assert two.owned(1) == set()


@pytest.mark.parametrize("is_committed", [True, False])
@pytest.mark.parametrize("lost", [1, 2])
async def test_an_answer_that_is_lost_allows_nothing_twice(shared: Database, lost: int, is_committed: bool) -> None:
    two = Processes(shared, 2)
    for lease in two.leases:
        await lease.renew()

    class Writes(Meddling):
        def begins(self) -> None:
            if self.count == lost and not is_committed:
                raise Unavailable("not begun")

        def ends(self) -> None:
            if self.count == lost:
                raise Unavailable("its answer is lost")

    two.leases[0]._database = Writes(shared)
    with pytest.raises(Unavailable):
        await two.leases[0].renew()
    await two.leases[1].renew()
    two.check_apart()
    two.leases[0]._database = shared
    for _ in range(2):
        for lease in two.leases:
            await lease.renew()
            two.check_apart()
    assert [len(two.owned(number)) for number in range(2)] == [SHARDS // 2, SHARDS // 2]


async def test_a_process_that_dies_is_followed_after_its_leases_end(shared: Database) -> None:
    two = Processes(shared, 2)
    await two.leases[0].renew()
    two.pass_s(LEASE_S - 1)
    await two.leases[1].renew()
    assert two.owned(1) == set()
    two.pass_s(2)
    assert two.owned(0, 0.0) == set()  # it may live on, and must know that its right is over
    await two.leases[1].renew()
    assert two.owned(1) == set(CONNECTIONS)


async def test_a_call_that_would_outlast_the_lease_is_not_begun(shared: Database) -> None:
    alone = Processes(shared, 1)
    await alone.leases[0].renew()
    alone.pass_s(LEASE_S - TIMEOUT_S - SKEW_S - 1)
    assert alone.owned(0) == set(CONNECTIONS)
    alone.pass_s(1)
    assert alone.owned(0) == set()
    assert alone.owned(0, 1.0) == set(CONNECTIONS)


async def test_a_clock_that_is_ahead_takes_nothing_that_is_still_used(shared: Database) -> None:
    """A call has to be over before anybody whose clock is ahead by what is allowed can take the shard."""
    two = Processes(shared, 2, skew_s=SKEW_S)
    await two.leases[0].renew()
    while two.owned(0):
        two.pass_s(1)
    two.pass_s(-1)
    two.pass_s(TIMEOUT_S)  # the last call it may begin now ends
    await two.leases[1].renew()
    assert two.owned(1) == set()


async def test_whoever_stops_gives_everything_up_at_once(shared: Database) -> None:
    two = Processes(shared, 2)
    await two.leases[0].renew()
    await two.leases[0].stop()
    assert two.owned(0, 0.0) == set()
    await two.leases[1].renew()
    assert two.owned(1) == set(CONNECTIONS)


@pytest.mark.parametrize("seed", range(4))
async def test_any_history_keeps_them_apart(shared: Database, seed: int) -> None:
    """Renewals at any time, deaths and restarts, clocks apart by less than is allowed."""
    random = Random(seed)
    crowd = Processes(shared, 4, skew_s=SKEW_S / 4)
    for _ in range(60):
        number = random.randrange(4)
        crowd.busy[number] = set(random.sample(CONNECTIONS, 20)) & crowd.owned(number)
        await crowd.leases[number].renew()
        crowd.check_apart()
        crowd.pass_s(random.choice((0.1, RENEW_S, LEASE_S / 2)))
        crowd.check_apart()
