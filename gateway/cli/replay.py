"""``gateway replay``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gateway.cli import exits
from gateway.cli.kinds import message
from gateway.cli.output import show, table
from gateway.cli.running import author, run_flow
from gateway.model.dates import format_day
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.flows.desk.messages import Replay

NAME = "replay"
HELP = "take a stored message again: show what would change, and do it with --yes"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("property")
    parser.add_argument("message", type=message, help="its number, as `gateway messages` shows it")
    parser.add_argument("--yes", action="store_true", help="do it; without this it only shows what would change")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Status 3 where a part is refused still."""
    from gateway.flows.desk import messages

    replay = run_flow(
        settings,
        lambda ours: messages.replay(ours, arguments.property, arguments.message, author(), dry_run=not arguments.yes),
    )
    show(arguments, replay, text_of(replay, arguments.yes))
    return exits.ATTENTION if any(part.outcome == "refused" for part in replay.parts) else exits.DONE


def text_of(replay: Replay, meant: bool) -> str:
    lines = []
    for part in replay.parts:
        lines.append(" ".join(word for word in (part.kind, part.outcome, part.reservation_id, part.detail) if word))
        if part.changes:
            head = ("ROOM", "PLAN", "FIRST", "LAST", "FIELD", "BEFORE", "AFTER")
            rows = [
                (
                    change.room,
                    change.plan,
                    format_day(change.first),
                    format_day(change.last),
                    f"{change.field}{change.guests or ''}",
                    "-" if change.before is None else change.before,
                    "-" if change.after is None else change.after,
                )
                for change in part.changes
            ]
            lines.append(table(head, rows))
    if not replay.committed:
        lines.append("nothing had to be done" if meant else "nothing was done yet; say --yes to do it")
    return "\n".join(lines)
