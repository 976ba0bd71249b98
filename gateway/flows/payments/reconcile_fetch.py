"""A statement as the gateway gives it: all its pages, within limits."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any, NamedTuple

import msgspec

from gateway.contract import Decoded, Refused, Request, Statements
from gateway.engine.hotel import Hotel
from gateway.errors import Malformed, Reason, Rejected
from gateway.flows import translating
from gateway.flows.payments.accounts import site_of
from gateway.flows.services import Services
from gateway.io.retry import with_retries
from gateway.messages import Command
from gateway.messages_payment import FetchStatement, StatementReceived
from gateway.model.dates import Day, Instant, day_start_ms, local_day
from gateway.model.payment import StatementLine
from gateway.model.payment_account import PaymentAccount
from gateway.model.payment_error import PaymentError

PAGES_MAX = 2_000
LINES_MAX = 100_000
_ATTEMPTS, _RETRY_FIRST_S, _RETRY_MAX_S = 3, 0.5, 4.0
_HOUR_MS = 3_600_000
_pack = msgspec.msgpack.Encoder().encode


class Fetched(NamedTuple):
    """A whole statement; ``report`` is what the gateway calls it. ``total`` is what was paid out, where it says so."""

    report: str
    lines: tuple[StatementLine, ...]
    currency: str
    total: int | None

    @property
    def digest(self) -> bytes:
        """The same for the same lines."""
        return hashlib.sha256(_pack(self.lines)).digest()


async def fetch(services: Services, hotel: Hotel, account: PaymentAccount, day: Day, report: str) -> Fetched | None:
    """The statement of a day, or the one named ``report``; None where the gateway has none.

    Raises :class:`gateway.errors.CallFailed` and :class:`gateway.errors.Refusal` where it could not be had.
    """
    connector = services.connectors.outbound(account.gateway)
    site = site_of(services, account, hotel.property.currency)
    timeout_s = connector.capabilities(account.profile).timeout_s
    command: Command | None = FetchStatement(id=services.ids.operation(), at_ms=0, day=day, report=report)
    pages: list[StatementReceived] = []

    async def exchange(request: Request, said: Command) -> Decoded:
        reply = await services.caller.call(request, timeout_s=timeout_s)
        return translating.decode(connector, said, request, reply, site)

    for _ in range(PAGES_MAX):
        command = _fresh(services, command)
        decoded = await with_retries(
            partial(exchange, translating.encode(connector, command, site), command),
            attempts=_ATTEMPTS,
            first_s=_RETRY_FIRST_S,
            max_s=_RETRY_MAX_S,
            clock=services.clock,
            random=services.random,
        )
        if isinstance(decoded.outcome, Refused):
            if decoded.outcome.code == PaymentError.NOT_FOUND:
                return None
            raise Rejected(f"the statement was refused: {decoded.outcome.code} {decoded.outcome.text}"[:300])
        pages += (each.event for each in decoded.events if isinstance(each.event, StatementReceived))
        if sum(len(page.lines) for page in pages) > LINES_MAX:
            raise Malformed(f"a statement of more than {LINES_MAX} lines", Reason.TOO_LARGE)
        command = decoded.next
        if command is None:
            return _whole(pages)
    raise Malformed(f"a statement of more than {PAGES_MAX} pages", Reason.TOO_LARGE)


def _fresh(services: Services, command: Command | None) -> FetchStatement:
    """Each call has an instant and a nonce of its own: both are signed."""
    if not isinstance(command, FetchStatement):
        raise Malformed("a statement goes on with something else than a statement")
    now_ms = services.clock.now_ms()
    return msgspec.structs.replace(command, at_ms=now_ms, sent_ms=now_ms, nonce=services.ids.nonce())


def _whole(pages: list[StatementReceived]) -> Fetched:
    if not pages:
        raise Malformed("an answer without a statement")
    totals = [page.total for page in pages if page.total is not None]
    lines = tuple(line for page in pages for line in page.lines)
    if len({line.number for line in lines}) != len(lines):
        raise Malformed("two lines of a statement have the same number")
    currency = next((page.currency for page in pages if page.currency), "")
    return Fetched(pages[-1].report, lines, currency, sum(totals) if totals else None)


# --- days -------------------------------------------------------------------------------------------------------------


def day_end_ms(day: Day, days: Statements) -> Instant:
    """When a gateway's day ends: at midnight, or so many hours before it."""
    return day_start_ms(day + 1, days.zone) - (24 - days.ends_h) * _HOUR_MS


def due_ms(day: Day, days: Statements) -> Instant:
    """When the statement of a day can be fetched."""
    return day_end_ms(day, days) + days.ready_h * _HOUR_MS


def day_of(at_ms: Instant, days: Statements) -> Day:
    """The gateway's day at an instant."""
    day = local_day(at_ms, days.zone)
    return day if at_ms < day_end_ms(day, days) else day + 1


def settled_ms(day: Day, days: Statements, options: dict[str, Any]) -> Instant:
    """What we knew of before has to stand in the statement of that day, or in an earlier one.

    ``settles_days`` in the account's options comes before what is usual at the gateway.
    """
    own = options.get("settles_days")
    return day_end_ms(day - (own if type(own) is int and 0 <= own <= 90 else days.settles_days), days)
