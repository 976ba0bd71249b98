"""Asking a channel what it can do, before it is pushed to: the handshake of dialects that have one.

The answer is kept with the connection. Where there is none yet, or the counterpart and we have nothing in common,
nothing is sent and nothing is lost: its changes wait, and it is asked again after a pause. An agreement of the same
account holds on while nobody answers, since a closing must not wait for a handshake.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import structlog

from gateway.contract import Agreed, Unknown
from gateway.flows.exchange import Counterpart, Exchanged, exchange
from gateway.flows.plan_push import Asking
from gateway.flows.push_work import AGREED_FOR_MS, account_of
from gateway.flows.services import Services
from gateway.messages import Ping
from gateway.model.dates import Instant
from gateway.store.tables import Row
from gateway.store.tables_connections import UNKNOWN, AgreedRow, ConnectionRow

log = structlog.get_logger(__name__)

VERSIONS_TRIED_MAX = 8
ASKED_AGAIN_MS = 15 * 60_000


class Answered(NamedTuple):
    """What to write, and whether there is something to push by now; else ``problem`` says why not."""

    writes: list[Row]
    agreed: bool
    problem: str = ""


async def ask(services: Services, called: Counterpart, asking: Asking) -> Answered:
    """The handshake, in older versions where a newer one is not understood."""
    command = Ping(id=f"{services.ids.message():x}", at_ms=services.clock.now_ms())
    exchanged = await exchange(services, called, command)
    messages: list[Row] = [exchanged.row]
    while isinstance(exchanged.decoded.next, Ping) and len(messages) < VERSIONS_TRIED_MAX:
        number = f"{services.ids.message():x}"
        command = msgspec.structs.replace(command, id=number, version=exchanged.decoded.next.version)
        exchanged = await exchange(services, called, command)
        messages.append(exchanged.row)
    return _answered(messages, exchanged, called, asking, services.clock.now_ms())


def _answered(
    messages: list[Row], exchanged: Exchanged, called: Counterpart, asking: Asking, now_ms: Instant
) -> Answered:
    before, account = asking.agreed, account_of(called.connection)
    known = before if before is not None and before.account == account and before.version else None
    found = exchanged.decoded.agreed
    if found is not None:
        agreed = _agreed_row(found, asking, known, account, now_ms)
        log.info("agreed", connection=called.connection.id, version=found.version, capabilities=found.capabilities)
        return Answered([*messages, agreed, _heard(asking, known, agreed)], agreed=True)
    if known is not None and known.at_ms and isinstance(exchanged.decoded.outcome, Unknown):
        again_ms = now_ms - AGREED_FOR_MS + ASKED_AGAIN_MS
        held = known._replace(at_ms=again_ms, number=max(known.number, asking.number))
        log.warning("agreement_holds_on", connection=called.connection.id, problem=exchanged.problem)
        return Answered([*messages, held], agreed=True)
    problem = exchanged.problem.removeprefix(": ") or "it does not say what it can do"
    return Answered(messages, agreed=False, problem=f"handshake: {problem}")


def _agreed_row(found: Agreed, asking: Asking, known: AgreedRow | None, account: str, now_ms: Instant) -> AgreedRow:
    return AgreedRow(
        asking.row.scope_id,
        asking.row.connection,
        at_ms=now_ms,
        account=account,
        number=max(asking.number, known.number if known else 0),
        version=found.version,
        capabilities="\n".join(found.capabilities),
        opened=known.opened if known else 0,
    )


def _heard(asking: Asking, known: AgreedRow | None, agreed: AgreedRow) -> ConnectionRow:
    """With other terms everything is told again, since what could not be told before is not due by itself.

    Failures end here, unless it was pushes that failed and made us ask.
    """
    row = asking.row
    if known is None or known.at_ms:
        row = row._replace(failures=0, error="", paused_until_ms=0)
    if known is not None and (known.version, known.capabilities) != (agreed.version, agreed.capabilities):
        row = row._replace(synced_version=UNKNOWN)
    return row
