"""A room without clock, sockets and chance, to see who reaches for them.

A profile function sees every call of a C function, however its name was imported, which patching ``time.time`` would
miss; an audit hook sees what opens sockets or starts processes deeper down. Clock reads inside C extensions are not
seen: for those there is the case that encodes twice.
"""

from __future__ import annotations

import datetime
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_CLOCKS = {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "sleep"}
_CHANCE = {"urandom", "getrandom"}
_DATE_CLOCKS = {"now", "utcnow", "today"}
_AUDITED = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn")
_SHARED_DICE = random.random.__self__  # type: ignore[attr-defined]  # the module's own, unseeded generator

_open_rooms: list[list[str]] = []


class Escaped(Exception):
    """Raised in place of a socket or process; what matters is that it was noted."""


@contextmanager
def sealed() -> Iterator[list[str]]:
    """Yields a list that names, as they happen, all reads of clock or chance and all sockets and processes."""
    seen: list[str] = []
    before = sys.getprofile()
    _open_rooms.append(seen)
    sys.setprofile(_profile)
    try:
        yield seen
    finally:
        sys.setprofile(before)
        _open_rooms.remove(seen)


def _profile(frame: FrameType, event: str, called: Any) -> None:
    if event == "c_call" and _open_rooms and (name := _reached_for(called)) and not _is_a_test_tools(frame):
        _open_rooms[-1].append(f"{name} in {frame.f_code.co_name}")


def _is_a_test_tools(frame: FrameType) -> bool:
    """Hypothesis times garbage collections, which may fall into any call; that is its own look at the clock."""
    module = frame.f_globals.get("__name__", "")
    return isinstance(module, str) and module.startswith("hypothesis.")


def _reached_for(called: Any) -> str:
    """The name of what was called if it is a clock or a die, else empty."""
    name, owner = getattr(called, "__name__", ""), getattr(called, "__self__", None)
    if getattr(called, "__module__", "") == "time" and name in _CLOCKS:
        return f"time.{name}"
    if name in _DATE_CLOCKS and isinstance(owner, type) and issubclass(owner, datetime.date):
        return f"{owner.__name__}.{name}"
    if name in _CHANCE:
        return f"os.{name}"
    return f"random.{name}" if owner is _SHARED_DICE else ""


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _open_rooms and event.startswith(_AUDITED):
        _open_rooms[-1].append(event)
        raise Escaped(event)


sys.addaudithook(_audit)
