"""``gateway audit``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gateway.cli import exits
from gateway.cli.output import Progress, show, table
from gateway.cli.running import author, run_flow
from gateway.model.dates import format_day
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.flows.desk.connections import Audit
    from gateway.flows.services import Services

NAME = "audit"
HELP = "compare what each channel was told with what it should hold, cell by cell"
_SHOWN_MAX = 50


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("property")
    parser.add_argument("connection", nargs="?", default="", help="one channel; all of them if left out")
    parser.add_argument("--repair", action="store_true", help="have what differs sent, and only that")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Status 3 where anything differs and was not ordered to be repaired."""
    audits = run_flow(settings, lambda services: _work(services, arguments))
    show(arguments, audits, "\n\n".join(map(_text, audits)) or "no channels")
    differs = any(audit.drifted for audit in audits)
    return exits.ATTENTION if differs and not arguments.repair else exits.DONE


async def _work(services: Services, arguments: argparse.Namespace) -> list[Audit]:
    from gateway.flows.desk import connections

    chosen = [arguments.connection]
    if not arguments.connection:
        state = await connections.state(services, arguments.property)
        chosen = [known.id for known in state.connections if known.pushes]
    audits = []
    with Progress("channels", len(chosen)) as progress:
        for connection in chosen:
            audits.append(await connections.audit(services, arguments.property, connection))
            if arguments.repair and audits[-1].drifted:
                await connections.repair(services, arguments.property, connection, author())
            progress.advance()
    return audits


def _text(audit: Audit) -> str:
    reasons = ", ".join(f"{reason} {cells}" for reason, cells in sorted(audit.by_reason.items()))
    title = f"{audit.connection}: {audit.drifted} of {audit.cells} cells differ{f' ({reasons})' if reasons else ''}"
    if not audit.drifts:
        return title
    head = ("ASPECT", "ROOM", "PLAN", "FIRST", "LAST", "FIELD", "WANTED", "HELD", "REASON")
    rows = [
        (
            drift.aspect,
            drift.room,
            drift.plan,
            format_day(drift.first),
            format_day(drift.last),
            f"{drift.field}{drift.guests or ''}",
            "-" if drift.wanted is None else drift.wanted,
            "-" if drift.held is None else drift.held,
            f"{drift.reason} {drift.detail}".rstrip(),
        )
        for drift in audit.drifts[:_SHOWN_MAX]
    ]
    more = f"\n... {len(audit.drifts) - _SHOWN_MAX} more ranges" if len(audit.drifts) > _SHOWN_MAX else ""
    return f"{title}\n{table(head, rows)}{more}"
