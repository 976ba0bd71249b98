"""Values in queries and bodies: their limits, and how they become what the flows take."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from msgspec import Meta

from gateway.errors import Malformed, Reason, Stale
from gateway.model.dates import Day, Instant, parse_day

Count = Annotated[int, Meta(ge=1, le=200, description="how many at most in one answer")]
Cursor = Annotated[str, Meta(max_length=500, description="the `next` of the answer before; absent for the beginning")]
Code = Annotated[str, Meta(min_length=1, max_length=64)]
CodeOrNone = Annotated[str, Meta(max_length=64)]
Text = Annotated[str, Meta(max_length=200)]
WebAddress = Annotated[str, Meta(max_length=2_000, pattern=r"\Ahttps?://[^\s]+\Z")]
Language = Annotated[str, Meta(pattern=r"\A([A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*)?\Z")]
Time = Annotated[datetime, Meta(tz=True)]
COUNT = 50


def day(value: date) -> Day:
    """Raises :class:`Malformed` outside the years a calendar has."""
    return parse_day(value.isoformat())


def day_or_none(value: date | None) -> Day | None:
    return None if value is None else day(value)


def instant(value: datetime) -> Instant:
    """Raises :class:`Malformed` outside the years a calendar has."""
    day(value.date())
    return int(value.timestamp() * 1000)


def instant_or_none(value: datetime | None) -> Instant | None:
    return None if value is None else instant(value)


def version(if_match: str | None) -> int | None:
    """The version somebody has seen; a text that never was one is as old as can be."""
    if if_match is None:
        return None
    if not if_match.isascii() or not if_match.isdigit() or len(if_match) > 18:
        raise Stale("that version was never there; read it again")
    return int(if_match)


def number(text: str) -> int:
    """A message's number, as it stands in a path."""
    if not text.isascii() or not text.isdigit() or len(text) > 18 + 1 or int(text) >= 2**63:
        raise Malformed(f"{text[:40]!r} is no message number", Reason.INVALID_VALUE)
    return int(text)
