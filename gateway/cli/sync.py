"""``gateway sync``."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from gateway.cli import exits
from gateway.cli.output import Progress, instant, show, table
from gateway.cli.running import author, run_flow
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.flows.desk.connections import SyncError, SyncState
    from gateway.flows.services import Services

NAME = "sync"
HELP = "show how far each connection has come; send everything again, pause or resume one"
_POLL_S = 0.5


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("property")
    parser.add_argument("connection", nargs="?", default="", help="one connection; all of them if left out")
    doing = parser.add_mutually_exclusive_group()
    doing.add_argument("--full", action="store_true", help="send it everything again")
    doing.add_argument("--pause", action="store_true", help="send it nothing until it is resumed")
    doing.add_argument("--resume", action="store_true", help="send again what has gathered, and go on")
    parser.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="wait until nothing is left to send")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Status 3 where something is refused, failing, or still to be sent after ``--wait``."""
    if (arguments.full or arguments.pause or arguments.resume) and not arguments.connection:
        raise ValueError("name the connection that is meant")
    state, errors = run_flow(settings, lambda services: _work(services, arguments))
    show(arguments, {"state": state, "errors": errors}, _text(state, errors))
    waiting = arguments.wait > 0 and not _is_settled(state)
    troubled = errors or any(known.failures or known.problem for known in state.connections)
    return exits.ATTENTION if waiting or troubled else exits.DONE


async def _work(services: Services, arguments: argparse.Namespace) -> tuple[SyncState, tuple[SyncError, ...]]:
    from gateway.flows.desk import connections

    scope_id, connection = arguments.property, arguments.connection
    if arguments.full:
        await connections.full_sync(services, scope_id, connection, author())
    elif arguments.pause or arguments.resume:
        await connections.pause(services, scope_id, connection, author(), paused=arguments.pause)
    state = await _wait(services, arguments)
    return state, await connections.errors(services, scope_id, connection or None)


async def _wait(services: Services, arguments: argparse.Namespace) -> SyncState:
    """The workers are another process's, so what they do is only seen by looking."""
    deadline_s = time.monotonic() + arguments.wait
    state = await _state(services, arguments)
    with Progress("to be sent", _pending(state)) as progress:
        total = max(_pending(state), 1)
        while not _is_settled(state) and time.monotonic() < deadline_s:
            await services.clock.sleep(_POLL_S)
            state = await _state(services, arguments)
            total = max(total, _pending(state))
            progress.reach(total - _pending(state), total)
    return state


async def _state(services: Services, arguments: argparse.Namespace) -> SyncState:
    import msgspec

    from gateway.errors import NotFound
    from gateway.flows.desk import connections

    state = await connections.state(services, arguments.property)
    if not arguments.connection:
        return state
    chosen = tuple(known for known in state.connections if known.id == arguments.connection)
    if not chosen:
        raise NotFound(f"{arguments.property} has no connection {arguments.connection!r}")
    return msgspec.structs.replace(state, connections=chosen)


def _pending(state: SyncState) -> int:
    return sum(known.cells_pending for known in state.connections)


def _is_settled(state: SyncState) -> bool:
    return all(known.lag == 0 and not known.cells_pending for known in state.connections if known.pushes)


def _text(state: SyncState, errors: tuple[SyncError, ...]) -> str:
    head = ("CONNECTION", "ROLE", "LAG", "PENDING", "CONFIRMED", "ERRORS", "STATE")
    rows = [
        (
            known.id,
            known.role.value,
            "all" if known.lag is None else known.lag,
            f"{known.cells_pending + known.deliveries_pending}{'+' if known.pending_is_least else ''}",
            instant(known.confirmed_ms),
            known.sync_errors + known.deliveries_refused,
            known.problem or known.error or ("paused" if known.paused else "" if known.enabled else "off"),
        )
        for known in state.connections
    ]
    lines = [table(head, rows)]
    lines += [f"{error.connection}: {error.aspect} {error.room} {error.plan}: {error.text}" for error in errors]
    return "\n".join(lines)
