"""Kinds of arguments that several commands take."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from gateway.errors import Malformed
from gateway.model.dates import Day, Instant, parse_day

COUNT_MAX = 200


def day(text: str) -> Day:
    """``YYYY-MM-DD``."""
    try:
        return parse_day(text)
    except Malformed as error:
        raise argparse.ArgumentTypeError(error.text) from None


def instant(text: str) -> Instant:
    """ISO 8601, in UTC where no offset is given: ``2031-01-05T08:00``."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2031-01-05T08:00") from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def count(text: str) -> int:
    """How many lines to show."""
    number = int(text)
    if not 1 <= number <= COUNT_MAX:
        raise argparse.ArgumentTypeError(f"{number} is not between 1 and {COUNT_MAX}")
    return number
