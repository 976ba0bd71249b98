"""Log lines: their form, and what never stands in them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import structlog

from gateway.io import logs
from gateway.settings import Settings


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is written, as JSON; everything is as before afterwards."""
    stream = io.StringIO()
    # Not sys.stderr itself, which pytest changes between a fixture and its test.
    monkeypatch.setattr(logs, "sys", SimpleNamespace(stderr=stream))
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.configure(Settings(log_json=True))
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def last(stream: io.StringIO) -> dict[str, object]:
    found: dict[str, object] = json.loads(stream.getvalue().splitlines()[-1])
    return found


def test_a_line_is_one_object_with_the_correlation(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(correlation="12ab"):
        structlog.get_logger("x").info("refused", text="two\nlines")
    found = last(lines)
    assert (found["event"], found["correlation"], found["level"], found["text"]) == (
        "refused",
        "12ab",
        "info",
        "two\nlines",
    )
    assert str(found["timestamp"]).endswith("Z")


SECRETS = (
    {"password": "hunter2"},
    {"headers": {"Authorization": "hunter2"}},
    {"problem": "GET https://ada:hunter2@host/x failed"},
    {"text": "sent Authorization: Basic aHVudGVyMjpodW50ZXIy"},
    {"metrics_token": "hunter2"},
    {"found": [{"secret": "hunter2"}]},
    {"url": "postgresql://ada:hunter2@db/gateway"},
)


@pytest.mark.parametrize("values", SECRETS, ids=str)
def test_no_secret_stands_in_a_line(lines: io.StringIO, values: dict[str, object]) -> None:
    structlog.get_logger("x").warning("call_failed", **values)
    assert "hunter2" not in lines.getvalue()
    assert "aHVudGVyMjpodW50ZXIy" not in lines.getvalue()


def test_no_card_number_stands_in_a_line_or_a_trace(lines: io.StringIO) -> None:
    log = structlog.get_logger("x")
    log.warning("refused", text="card 4111 1111 1111 1111 expired", numbers=["4111111111111111"])
    try:
        raise ValueError("guest gave 4111111111111111")
    except ValueError:
        log.exception("job_failed")
    logging.getLogger("library").error("cannot read %s", "4111111111111111")
    text = lines.getvalue()
    assert "Traceback" in text
    assert "1111 1111 1111" not in text
    assert "4111111111111111" not in text
    assert text.count("411111XXXXXX1111") >= 4


@pytest.fixture
def library() -> Iterator[logging.Logger]:
    """One that no server in this process has made quiet."""
    logger = logging.getLogger("uvicorn.error")
    before = (logger.level, logger.propagate, logger.disabled)
    logger.setLevel(logging.NOTSET)
    logger.propagate, logger.disabled = True, False
    logging.getLogger("uvicorn").propagate = True
    yield logger
    logger.setLevel(before[0])
    logger.propagate, logger.disabled = before[1:]


def test_lines_of_libraries_take_the_same_form(lines: io.StringIO, library: logging.Logger) -> None:
    library.warning("odd request")
    assert (last(lines)["event"], last(lines)["level"]) == ("odd request", "warning")
    library.info("too much detail")
    assert "too much detail" not in lines.getvalue()
