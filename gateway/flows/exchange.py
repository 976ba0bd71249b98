"""One command put to a counterpart, and what came of it, with the row for the log."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import NamedTuple

import msgspec
import structlog

from gateway.contract import Capabilities, Decoded, Refused, Reply, Request, Unknown
from gateway.engine.hotel import Hotel
from gateway.errors import OutcomeUnknown, Refusal, Retryable
from gateway.flows import translating
from gateway.flows.agreed import heed, site_called
from gateway.flows.errands import Errands
from gateway.flows.leases import insist
from gateway.flows.services import Services
from gateway.io.pacing import Pace
from gateway.io.retry import with_retries
from gateway.messages import Command, Ping
from gateway.model.property import Connection
from gateway.store.tables import MessageRow
from gateway.wire.redact import redact

log = structlog.get_logger(__name__)

CALL_ATTEMPTS = 3
RETRY_FIRST_S = 0.25
RETRY_MAX_S = 1.0


class Counterpart(NamedTuple):
    """A connection to call, with what its dialect allows."""

    hotel: Hotel
    connection: Connection
    capabilities: Capabilities
    pace: Pace


class Exchanged(NamedTuple):
    """``row`` is for whoever called to write or not; ``parts`` is how much of the command the call carried.

    ``problem`` says what went wrong.
    """

    row: MessageRow
    decoded: Decoded
    parts: int
    problem: str


class Calling:
    """Calls the connections this process owns, each at its own pace and for one thing at a time."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._busy: set[str] = set()
        self.errands = Errands()

    def in_use(self) -> set[str]:
        """The connections that are being called."""
        return set(self._busy)

    def _begin(
        self,
        what: str,
        hotel: Hotel,
        connection: str,
        work: Callable[[Counterpart], Coroutine[object, object, None]],
        failed: Callable[[str], Coroutine[object, object, None]],
    ) -> None:
        """Begins the work, unless the connection is being called, or is not to be called from here.

        ``failed`` records why a connection cannot be called at all, as where its connector is not installed; the
        others are.
        """
        if connection in self._busy or not self._services.leases.owns(connection, 0):
            return
        try:
            called = self._find(hotel, connection)
        except Exception as error:
            log.exception("connection_not_usable", property=hotel.property.id, connection=connection)
            errand = failed(str(error) or type(error).__name__)
        else:
            if called is None:
                return
            errand = work(called)
        self._busy.add(connection)
        self.errands.begin(f"{what} {connection}", errand, after=partial(self._busy.discard, connection))

    def _find(self, hotel: Hotel, connection: str) -> Counterpart | None:
        """None for one that is disabled, or belongs to another process."""
        known = hotel.connections.get(connection)
        if known is None or not known.enabled:
            return None
        capabilities = self._services.connectors.outbound(known.connector).capabilities(known.profile)
        if not self._services.leases.owns(known.id, capabilities.timeout_s):
            return None
        return Counterpart(hotel, known, capabilities, self._services.pace(known.id, capabilities))


async def send(services: Services, called: Counterpart, request: Request) -> Reply:
    """The call itself, in its turn; raises :class:`gateway.flows.leases.NotOurs` where it is another process's now."""
    timeout_s = called.capabilities.timeout_s
    insist(services.leases, called.connection.id, timeout_s)
    return await services.caller.call(request, timeout_s=timeout_s)


async def exchange(services: Services, called: Counterpart, command: Command) -> Exchanged:
    """Calls, a few times if need be."""
    connector = services.connectors.outbound(called.connection.connector)
    site = await site_called(services, called.hotel, called.connection, called.capabilities)
    if isinstance(command, Ping):
        site = msgspec.structs.replace(site, agreed=None)
    request: Request | None = None
    reply: Reply | None = None
    problem, decoded = "", Decoded(Unknown())
    try:
        request = translating.encode(connector, command, site)
        reply = await with_retries(
            partial(_try, services, called, request),
            attempts=CALL_ATTEMPTS,
            first_s=RETRY_FIRST_S,
            max_s=RETRY_MAX_S,
            clock=services.clock,
            random=services.random,
        )
        decoded = translating.decode(connector, command, request, reply, site)
        if not isinstance(command, Ping):
            decoded = await heed(services, called.hotel, called.connection, decoded)
        problem = _problem([decoded.outcome, *decoded.parts.values()])
    except (Retryable, OutcomeUnknown) as failure:
        problem = str(failure)
    except Refusal as refusal:
        problem = refusal.text
    row = MessageRow(
        called.hotel.property.id,
        services.ids.message(),
        connection=called.connection.id,
        direction="out",
        kind=type(command).__name__,
        at_ms=services.clock.now_ms(),
        outcome="refused" if problem else "confirmed",
        detail=problem,
        rev=0,
        token=None,
        raw=redact(request.body) if request else b"",
        answer=redact(reply.body) if reply else b"",
    )
    return Exchanged(row, decoded, request.parts if request else 0, problem)


async def _try(services: Services, called: Counterpart, request: Request) -> Reply:
    """One try, with a turn of its own: while a counterpart is away, no push waits for all of them."""
    async with called.pace.turn():
        return await send(services, called, request)


def _problem(outcomes: Sequence[object]) -> str:
    for outcome in outcomes:
        if isinstance(outcome, Refused):
            return f"{outcome.code}: {outcome.text}"
        if isinstance(outcome, Unknown):
            return outcome.text or "nobody can tell from the answer"
    return ""
