"""Server processes: start one, wait until it answers, read what it uses, end it."""

import http.client
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from benchmarks.conditions import PROJECT_ROOT

POLL_S = 0.005
STOP_TIMEOUT_S = 10.0
VOLATILE_FILE_SYSTEMS = frozenset({"tmpfs", "ramfs"})


@dataclass(frozen=True, slots=True)
class Server:
    """A server that has answered; `startup_s` is from its spawning to that first answer."""

    pid: int
    url: str
    startup_s: float


def _tree(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def cpu_s(pid: int) -> float:
    """User and system seconds of a process and its children, living and ended; exact to about 10 ms."""
    times = [process.cpu_times() for process in _tree(pid)]
    ended = times[0].children_user + times[0].children_system
    return float(sum(each.user + each.system for each in times) + ended)


def rss_mb(pid: int) -> float:
    """Resident megabytes (10⁶ bytes) of a process and its children."""
    return sum(process.memory_info().rss for process in _tree(pid)) / 1e6


def free_port() -> int:
    """A TCP port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def durable_directory() -> Iterator[Path]:
    """A temporary directory on a real file system: in memory fsync costs nothing and every figure would flatter."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR")) as name:
        kind = file_system(Path(name))
        if kind in VOLATILE_FILE_SYSTEMS:
            raise RuntimeError(f"{name} is on {kind}; set BENCH_DIR to a directory on a disk")
        yield Path(name)


def file_system(path: Path) -> str:
    """The type of the file system a path is on, as /proc/mounts names it."""
    mounts = [mount for mount in psutil.disk_partitions(all=True) if path.resolve().is_relative_to(mount.mountpoint)]
    return max(mounts, key=lambda mount: len(mount.mountpoint)).fstype


@cache
def _cache_directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="bench-pycache-")


def _bytecode_cache() -> Mapping[str, str]:
    """Let servers start with compiled modules, as after a first start, whatever this environment's habits are."""
    return {"PYTHONPYCACHEPREFIX": _cache_directory().name, "PYTHONDONTWRITEBYTECODE": ""}


@contextmanager
def serving(
    command: Sequence[str],
    *,
    port: int,
    ready_path: str = "/",
    environment: Mapping[str, str] | None = None,
    timeout_s: float = 30.0,
) -> Iterator[Server]:
    """Run `command` from the project's root, which must listen on `port`, until the block ends.

    Ready means that `ready_path` gives any answer below 500.
    """
    with tempfile.TemporaryFile() as log:
        started_s = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=PROJECT_ROOT,
            env={**os.environ, **_bytecode_cache(), **(environment or {})},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            while not _answers(port, ready_path):
                if process.poll() is not None or time.perf_counter() - started_s > timeout_s:
                    log.seek(0)
                    raise RuntimeError(f"{command[0]} did not become ready:\n{log.read().decode(errors='replace')}")
                time.sleep(POLL_S)
            yield Server(process.pid, f"http://127.0.0.1:{port}", time.perf_counter() - started_s)
        finally:
            _stop(process)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to end, then end it and whatever it left behind."""
    if process.poll() is not None:
        return
    tree = _tree(process.pid)
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for leftover in psutil.wait_procs(tree[1:], timeout=1)[1]:
        leftover.kill()
