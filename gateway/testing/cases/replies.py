"""C20 and C21: silence is neither success nor failure."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from random import Random

from gateway.contract import Accepted, Arrived, Confirmed, Decoded, Reply
from gateway.errors import CallFailed, Retryable
from gateway.messages import Command
from gateway.testing.case import case, outbound
from gateway.testing.samples import command_of
from gateway.testing.subject import Nonconforming, Subject, demand

ERROR_PAGE = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body>Back soon</body></html>"
HTML = {"content-type": "text/html; charset=utf-8"}
# Seconds, a date, dates that there are none of, a number without end: their clock or code may be wrong in any way.
RETRY_AFTER = (
    "7",
    "Sat, 01 Jan 2000 00:00:07 GMT",
    "Sat, 01 Jan 2000 00:00:99 GMT",
    "Mon, 01 Jan 99999999999 00:00:00 GMT",
    "soon",
    "9" * 400,
)
SEED = 20310104


@case("C20", "a failed call is never read as success", outbound)
def failures(subject: Subject) -> None:
    for command in one_of_each(subject):
        for status in (400, 401, 403, 404, 500, 502, 503, 504):
            _not_success(subject, command, Reply(status, HTML, ERROR_PAGE), f"status {status} with an error page")
        _not_success(subject, command, Reply(200, HTML, ERROR_PAGE), "status 200 with an error page")
        for after in RETRY_AFTER:
            slow_down = Reply(429, {"retry-after": after, "date": "Sat, 01 Jan 2000 00:00:00 GMT"}, b"")
            failed = decode(subject, command, slow_down, f"status 429 with Retry-After {after!r}")
            demand(isinstance(failed, Retryable), f"status 429 must raise Retryable, gave {failed!r}")
            after_s = failed.after_s if isinstance(failed, Retryable) else None
            demand(after_s is None or isfinite(after_s), f"Retry-After {after!r} must not become {after_s} s")


@case("C21", "an unreadable reply ends typed", outbound)
def garbage(subject: Subject) -> None:
    dice = Random(SEED)
    for command in one_of_each(subject):
        for media_type in ("application/json", "text/xml", ""):
            headers = {"content-type": media_type} if media_type else {}
            for body in (b"", b"null", b"[]", b"{}", b"<a/>", b"<a>", b"[" * 100_000, *_noise(dice)):
                what = f"a reply of {body[:24]!r} as {media_type!r}"
                decode(subject, command, Reply(200, headers, body), what)


def one_of_each(subject: Subject) -> Iterator[Command]:
    """One sample per declared command."""
    for kind in sorted(subject.declared.commands, key=lambda kind: kind.__name__):
        yield from command_of(kind, subject)[:1]


def decode(subject: Subject, command: Command, reply: Reply, what: str) -> Decoded | CallFailed:
    """What a reply was read as: outcomes in the shape the contract asks for, or a failed call."""
    request = subject.encode(command)
    try:
        decoded = subject.connector.decode(command, request, reply, subject.site)
    except CallFailed as failed:
        return failed
    except Exception as error:
        text = f"{what}: decode raised {type(error).__name__} ({error}); it answers Decoded or raises CallFailed"
        raise Nonconforming(text) from error
    demand(isinstance(decoded, Decoded), f"{what}: decode gave a {type(decoded).__name__}")
    assert isinstance(decoded, Decoded)
    astray = [part for part in decoded.parts if not 0 <= part < request.parts]
    demand(not astray, f"{what}: outcomes for parts {astray}, but the request carried {request.parts}")
    demand(all(isinstance(event, Arrived) for event in decoded.events), f"{what}: events must come as Arrived")
    return decoded


def succeeded(ended: Decoded | CallFailed) -> bool:
    """Whether any part counts as done."""
    outcomes = [ended.outcome, *ended.parts.values()] if isinstance(ended, Decoded) else []
    return any(isinstance(outcome, Confirmed | Accepted) for outcome in outcomes)


def _not_success(subject: Subject, command: Command, reply: Reply, what: str) -> None:
    ended = decode(subject, command, reply, what)
    demand(not succeeded(ended), f"{what}, after {type(command).__name__}, was read as success: {ended!r}")


def _noise(dice: Random) -> Iterator[bytes]:
    yield from (dice.randbytes(dice.randrange(1, 200)) for _ in range(10))
