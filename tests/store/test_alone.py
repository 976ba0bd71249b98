"""One gateway pushes and delivers for a SQLite database, and nothing replaces its rows meanwhile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.bootstrap import gateway
from gateway.model.dates import now_ms
from gateway.settings import Settings
from gateway.store.alone import Occupied, alone, working_on
from gateway.store.migrating import migrate
from gateway.store.opening import open_database
from gateway.store.tables_connections import LeaseRow

HOLDS = """
import sys
from gateway.store.alone import working_on
with working_on(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'data' / 'gateway.sqlite'}"


def test_a_second_process_is_refused_until_the_first_is_gone_however_it_ends(url: str) -> None:
    first = subprocess.Popen(
        [sys.executable, "-c", HOLDS, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(Occupied, match="already running"), working_on(url):
            pass
        first.kill()
    with working_on(url):
        pass


async def test_two_gateways_with_workers_are_one_too_many(tmp_path: Path, url: str) -> None:
    settings = Settings(data_dir=str(tmp_path / "data"), database_url=url)
    async with gateway(settings, workers=True):
        with pytest.raises(Occupied):
            async with gateway(settings, workers=True):
                pass
        async with gateway(settings, workers=False):  # a command beside it
            pass
        with pytest.raises(Occupied):
            async with alone(url):
                pass
    async with alone(url), gateway(settings, workers=False):
        pass


@pytest.mark.postgres(fsync=False)
async def test_a_database_with_leases_is_at_work(postgres_url: str) -> None:
    async with alone(postgres_url):  # not migrated yet
        pass
    await migrate(postgres_url)
    async with alone(postgres_url):
        pass
    database = open_database(postgres_url)
    await database.open()
    await database.write(lambda tx: tx.upsert(LeaseRow, [LeaseRow(3, "somebody", now_ms() + 60_000)]))
    with pytest.raises(Occupied, match=r"forgotten in (60|59) s"):
        async with alone(postgres_url):
            pass
    await database.write(lambda tx: tx.upsert(LeaseRow, [LeaseRow(3, "somebody", now_ms() - 1)]))
    async with alone(postgres_url):
        pass
    await database.close()
