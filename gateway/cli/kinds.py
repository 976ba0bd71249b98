"""Kinds of arguments that several commands take."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime

from gateway.errors import Malformed
from gateway.model.dates import Day, Instant, day_start_ms, now_ms, parse_day

COUNT_MAX = 200
_DIGITS_MAX = 19
_DAYS = re.compile(r"(\d{1,4})d", re.ASCII)


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


def expiry(text: str) -> Instant:
    """The beginning of a day (UTC), or so many days from now: ``2031-01-05`` or ``90d``."""
    if days := _DAYS.fullmatch(text):
        return now_ms() + int(days[1]) * 86_400_000
    try:
        return day_start_ms(parse_day(text), "UTC")
    except Malformed:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a day such as 2031-01-05 nor days such as 90d") from None


def count(text: str) -> int:
    """How many lines to show."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= COUNT_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 1 and {COUNT_MAX}")
    return int(text)


def message(text: str) -> int:
    """The number of a message, as `gateway messages` shows it."""
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS_MAX or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a message; `gateway messages` lists them")
    return int(text)
