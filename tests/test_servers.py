"""The servers under the other tests are real, empty for each test, and as durable as asked for."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, ExitStack

import asyncpg
import pytest
from redis.asyncio import Redis

from tests import conftest, servers

own_postgres = pytest.mark.skipif(
    "GATEWAY_TEST_POSTGRES_URL" in os.environ, reason="a server given by address decides itself how durable it is"
)


async def _fetch(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


@pytest.mark.parametrize("attempt", [1, 2])
async def test_each_test_has_an_empty_postgres_database(postgres_url: str, attempt: int) -> None:
    assert await _fetch(postgres_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    await _fetch(postgres_url, "CREATE TABLE left_behind (attempt int)")


@own_postgres
async def test_postgres_is_durable_unless_asked_otherwise(postgres_url: str) -> None:
    assert await _fetch(postgres_url, "SHOW fsync") == "on"
    assert await _fetch(postgres_url, "SHOW synchronous_commit") == "on"


@own_postgres
@pytest.mark.postgres(fsync=False)
async def test_postgres_is_fast_where_asked(postgres_url: str) -> None:
    assert await _fetch(postgres_url, "SHOW fsync") == "off"


@pytest.mark.postgres(fsync=False)
async def test_a_database_is_copied_from_a_template(postgres: servers.Postgres, postgres_url: str) -> None:
    await _fetch(postgres_url, "CREATE TABLE migrated (id int)")
    copy = postgres.create_database(template=servers.database_name(postgres_url))
    try:
        assert await _fetch(copy, "SELECT count(*) FROM migrated") == 0
    finally:
        postgres.drop_database(copy)


@pytest.mark.parametrize("attempt", [1, 2])
async def test_each_test_has_an_empty_redis_database(redis_url: str, attempt: int) -> None:
    async with Redis.from_url(redis_url) as client:
        assert await client.dbsize() == 0
        await client.set("left_behind", attempt)
        entry = await client.xadd("stream", {"property": "1"})
        assert await client.xrange("stream") == [(entry, {b"property": b"1"})]


class _Missing(AbstractContextManager[str]):
    def __enter__(self) -> str:
        raise servers.ServerUnavailable("no such server")

    def __exit__(self, *_: object) -> None:
        pass


def test_a_missing_server_fails_the_test_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEWAY_TEST_WITHOUT_SERVERS", raising=False)
    with pytest.raises(pytest.fail.Exception, match="no such server"):
        conftest._start(ExitStack(), _Missing())


def test_a_missing_server_skips_only_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_TEST_WITHOUT_SERVERS", "1")
    with pytest.raises(pytest.skip.Exception, match="no such server"):
        conftest._start(ExitStack(), _Missing())


def test_each_test_process_has_its_own_redis_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw3")
    assert conftest._redis_of_this_process("redis://host:1/2") == "redis://host:1/5"
