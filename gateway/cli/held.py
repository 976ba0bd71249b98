"""``gateway held``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gateway.cli import exits
from gateway.cli.output import show, table
from gateway.cli.running import author, run_flow
from gateway.model.dates import format_day
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.flows.desk.holding import HeldChange

NAME = "held"
HELP = "show what the guard holds back; confirm it, or throw it away"
_HEAD = ("MESSAGE", "FROM", "ROOM", "PLAN", "FIRST", "LAST", "FIELD", "IS", "WOULD BE")


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("property")
    act = parser.add_mutually_exclusive_group()
    act.add_argument("--confirm", type=int, metavar="MESSAGE", help="set the values that wait of this message")
    act.add_argument("--discard", type=int, metavar="MESSAGE", help="throw them away")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Status 3 while something waits."""
    from gateway.flows.desk import holding

    name = arguments.property
    if arguments.confirm is not None:
        saved = run_flow(settings, lambda ours: holding.confirm(ours, name, arguments.confirm, author()))
        show(arguments, saved, saved.outcome)
        return exits.DONE
    if arguments.discard is not None:
        run_flow(settings, lambda ours: holding.discard(ours, name, arguments.discard, author()))
        show(arguments, {"discarded": arguments.discard}, "discarded")
        return exits.DONE
    found = run_flow(settings, lambda ours: holding.find(ours, name))
    show(arguments, found, _text(found))
    return exits.ATTENTION if found else exits.DONE


def _text(found: tuple[HeldChange, ...]) -> str:
    rows = [
        (
            change.message_id,
            change.connection or change.author,
            cell.room,
            cell.plan,
            format_day(cell.first),
            format_day(cell.last),
            f"{cell.field}{cell.guests or ''}",
            cell.before,
            cell.after,
        )
        for change in found
        for cell in change.cells
    ]
    return table(_HEAD, rows) if rows else "nothing waits"
