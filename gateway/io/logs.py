"""Log lines: for people on a terminal, or one JSON object each. Nothing logged ever holds a secret or a card number.

Whoever logs takes care of that; what stands here is the second lock on the same door, for exceptions above all, whose
texts nobody wrote with logs in mind. Lines of libraries (uvicorn, asyncio, alembic) take the same way.
"""

from __future__ import annotations

import io
import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from gateway.settings import Settings
from gateway.wire.redact import mask_text

_HIDDEN = "***"
_SECRET_NAMES = re.compile(r"(?i)password|passphrase|secret|token|authorization|cookie|api_?key|cvv|cvc")
# user:password@ in an address, and what follows the name of an HTTP scheme for logins.
_LOGIN_IN_URL = re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]*(?=@)")
_CREDENTIALS = re.compile(r"(?i)\b(basic|bearer)\s+[\w.~+/=-]{8,}")
_DEPTH_MAX = 4


class _StandardError(io.TextIOBase):
    """Whatever standard error is at the moment: loggers are made once, and may outlive what it was then."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


_STDERR: Any = _StandardError()


def configure(settings: Settings) -> None:
    """Everything logged from now on goes to standard error, in the form that the settings ask for."""
    level = logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO)
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if settings.log_json else structlog.dev.ConsoleRenderer(colors=False)
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        scrub,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(_STDERR),
        cache_logger_on_first_use=True,
    )
    _route_libraries(shared, renderer, max(level, logging.WARNING))


def _route_libraries(
    shared: list[structlog.typing.Processor], renderer: structlog.typing.Processor, level: int
) -> None:
    handler = logging.StreamHandler(_STDERR)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def scrub(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog: values under telling names are hidden, texts lose logins and card numbers."""
    for name, value in event.items():
        event[name] = _scrubbed(name, value, 0)
    return event


def _scrubbed(name: str, value: Any, depth: int) -> Any:
    if _SECRET_NAMES.search(name) and isinstance(value, str | bytes) and value:
        return _HIDDEN
    if isinstance(value, str):
        return _CREDENTIALS.sub(rf"\1 {_HIDDEN}", _LOGIN_IN_URL.sub(_HIDDEN, mask_text(value)))
    if depth < _DEPTH_MAX and isinstance(value, dict):
        return {key: _scrubbed(str(key), found, depth + 1) for key, found in value.items()}
    if depth < _DEPTH_MAX and isinstance(value, list | tuple):
        return [_scrubbed(name, found, depth + 1) for found in value]
    return value
