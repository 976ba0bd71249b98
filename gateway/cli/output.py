"""What commands print: text for people, JSON for programs, and a bar while one waits.

Whatever came from outside is printed without anything that steers a terminal.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self, TextIO

import msgspec

from gateway.engine.readable import printable
from gateway.model.dates import Instant

_BAR_WIDTH = 30
_REDRAW_S = 0.1


def show(arguments: argparse.Namespace, value: Any, text: str) -> None:
    """``value`` (structs, tuples, dicts) as JSON with ``--json``, shaped as in the API, otherwise ``text``."""
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(_shown(value)), indent=2).decode())
    elif text:
        print(text)


def _shown(value: Any) -> Any:
    """With days and instants as people write them, and message numbers, which jq would round, as texts."""
    from gateway.web.api.shapes import show as show_struct

    if isinstance(value, msgspec.Struct):
        return show_struct(value)
    if isinstance(value, dict):
        return {name: _shown(each) for name, each in value.items()}
    return [_shown(each) for each in value] if isinstance(value, list | tuple) else value


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns as wide as what is in them."""
    lines = [[printable(str(cell)) for cell in row] for row in (head, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)


def instant(at_ms: Instant) -> str:
    """``2031-01-05 08:00:00Z``, or a dash for 0."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%SZ}" if at_ms else "-"


class Progress:
    """A bar on stderr, drawn only where somebody sees it. ``total`` 0 is a length that nobody knows yet."""

    def __init__(self, label: str, total: int = 0, stream: TextIO | None = None) -> None:
        self._label = label
        self._total = total
        self._done = 0
        self._stream = sys.stderr if stream is None else stream
        self._shown = self._stream.isatty()
        self._drawn_s = 0.0

    def __enter__(self) -> Self:
        self._draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def advance(self, count: int = 1) -> None:
        """So much more is done."""
        self.reach(self._done + count, self._total)

    def reach(self, done: int, total: int) -> None:
        """So much of so much is done."""
        self._done, self._total = done, total
        if self._shown and (time.monotonic() - self._drawn_s >= _REDRAW_S or done >= total):
            self._draw()

    def _draw(self) -> None:
        if not self._shown:
            return
        self._drawn_s = time.monotonic()
        if self._total:
            full = _BAR_WIDTH * min(self._done, self._total) // self._total
            bar = f"[{'#' * full}{'.' * (_BAR_WIDTH - full)}] {self._done}/{self._total}"
        else:
            bar = f"{self._done}" if self._done else "..."
        self._stream.write(f"\r\x1b[K{self._label} {bar}")
        self._stream.flush()
