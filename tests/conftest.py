"""Fixtures for every test. A server starts when the first test asks for it, once per test process."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import pytest
import structlog
from hypothesis import HealthCheck, settings
from redis import Redis

from gateway.io import logs
from gateway.store import secrets
from gateway.store.database import Database
from gateway.store.migrating import migrate
from gateway.store.opening import open_database
from gateway.store.schema import metadata
from tests import servers

T = TypeVar("T")

_KEEPS = "cache_logger_on_first_use"
_UVICORN = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")

REDIS_DATABASES = 16

# How long an example takes, or its making, says how busy the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# Left to itself, structlog draws every frame of an exception with its variables: ten seconds for one in a whole house.
_PLAIN = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], _PLAIN])


@pytest.fixture(autouse=True)
def _logs_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands and servers in the process of a test configure how it logs, which is no other test's business."""
    configure, before = structlog.configure, structlog.get_config()
    # A logger that is kept the way it was first used would keep to what one test has configured.
    monkeypatch.setattr(structlog, "configure", lambda **config: configure(**config | {_KEEPS: False}))
    levels = [(logger, logger.level) for logger in map(logging.getLogger, _UVICORN)]
    root = logging.getLogger()
    root_level = root.level
    yield
    configure(**before)
    root.setLevel(root_level)
    for handler in root.handlers[:]:
        if getattr(handler, "stream", None) is logs._STDERR:
            root.removeHandler(handler)
    for logger, level in levels:
        logger.setLevel(level)


@pytest.fixture(autouse=True, scope="session")
def _quick_passwords() -> Iterator[None]:
    """What makes passwords slow to guess is a number, which no test is about."""
    with pytest.MonkeyPatch.context() as patch:
        for scheme in secrets._COSTS:
            patch.setitem(secrets._COSTS, scheme, (2**4, 8, 1))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let `-m "not postgres"` and `-m "not redis"` work without anyone having to remember the markers."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        for name in ("postgres", "redis"):
            if f"{name}_url" in fixtures and item.get_closest_marker(name) is None:
                item.add_marker(name)


@pytest.fixture(scope="session")
def durable_postgres() -> Iterator[servers.Postgres]:
    with ExitStack() as stack:
        yield _start(stack, servers.postgres())


@pytest.fixture(scope="session")
def fast_postgres() -> Iterator[servers.Postgres]:
    with ExitStack() as stack:
        yield _start(stack, servers.postgres(fsync=False))


@pytest.fixture
def postgres(request: pytest.FixtureRequest) -> servers.Postgres:
    """The server of this test: durable, unless it is marked `@pytest.mark.postgres(fsync=False)`."""
    marker = request.node.get_closest_marker("postgres")
    fsync = marker.kwargs.get("fsync", True) if marker else True
    server: servers.Postgres = request.getfixturevalue("durable_postgres" if fsync else "fast_postgres")
    return server


@pytest.fixture
def postgres_url(postgres: servers.Postgres) -> Iterator[str]:
    """A database of its own for each test, empty at first and dropped afterwards."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "gateway.sqlite3"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(fast_postgres: servers.Postgres) -> Iterator[str]:
    """One database that is emptied for each test: PostgreSQL takes a third of a second to make another."""
    url = fast_postgres.create_database()
    _migrate(url)
    yield url
    fast_postgres.drop_database(url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres(fsync=False))])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated database without rows, of each kind in turn."""
    if request.param == "sqlite":
        path = tmp_path / "gateway.sqlite3"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
        return f"sqlite:///{path}"
    url: str = request.getfixturevalue("migrated_postgres")
    # Whatever a failed test has left open would keep its locks.
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    servers.run_sql(
        url,
        f"SELECT pg_terminate_backend(pid) {others}",
        *(f"DELETE FROM {table.name}" for table in metadata.tables.values()),
    )
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database without rows, of each kind in turn."""
    opened = open_database(database_url)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    with ExitStack() as stack:
        yield _start(stack, servers.redis())


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """A Redis database that is empty when the test starts and that no parallel test touches."""
    url = _redis_of_this_process(redis_server)
    with Redis.from_url(url) as client:
        client.flushdb()
    return url


def _migrate(url: str) -> None:
    # In a thread of its own, since the fixture may be asked for while an event loop runs in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, migrate(url)).result()


def _redis_of_this_process(url: str) -> str:
    """Test processes may share a server given by address: each takes a database of its own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    parts = urlsplit(url)
    first = int(parts.path.lstrip("/") or 0)
    return urlunsplit(parts._replace(path=f"/{(first + int(worker)) % REDIS_DATABASES}"))


def _start(stack: ExitStack, server: AbstractContextManager[T]) -> T:
    try:
        return stack.enter_context(server)
    except servers.ServerUnavailable as missing:
        reason = str(missing)
    if os.environ.get("GATEWAY_TEST_WITHOUT_SERVERS") == "1":
        pytest.skip(f"GATEWAY_TEST_WITHOUT_SERVERS=1. {reason}")
    pytest.fail(reason, pytrace=False)
