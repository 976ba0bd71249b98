"""``gateway keys``: the master keys that passwords and cards are sealed with."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gateway.cli import exits
from gateway.cli.output import Progress, show, table
from gateway.cli.running import run_flow
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.flows.services import Services
    from gateway.flows.vault.rotate import KeyLine, Rewrapped

NAME = "keys"
HELP = "list and rotate the master keys that passwords and cards are sealed with"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    made = [
        actions.add_parser("list", help="show their versions and what they are for, never the keys"),
        actions.add_parser("add", help="make the next key, which only opens yet, to be copied to the other machines"),
        actions.add_parser("rotate", help="use the next key, or a new one, and seal everything anew with it"),
        actions.add_parser("rewrap", help="seal anew what a rotation that was cut off has left"),
    ]
    drop = actions.add_parser("drop", help="forget a retired key; backups from before need it")
    drop.add_argument("version", type=int)
    for action in (*made, drop):
        # Also behind the action's name; there its absence must not undo what stood before it.
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Status 0 if it was done."""
    if arguments.action in ("rotate", "rewrap"):
        done = run_flow(settings, lambda services: _sealed_anew(services, arguments.action))
        show(arguments, done, _told(done))
        return exits.DONE
    found = run_flow(settings, lambda services: _changed(services, arguments))
    rows = [(line.version, line.use, line.cards) for line in found]
    show(arguments, found, table(("VERSION", "USE", "CARDS"), rows))
    return exits.DONE


async def _changed(services: Services, arguments: argparse.Namespace) -> list[KeyLine]:
    """The keys as they are then."""
    from gateway.flows.vault import rotate

    if arguments.action == "add":
        rotate.add(services)
    elif arguments.action == "drop":
        await rotate.drop(services, arguments.version)
    return await rotate.listed(services)


async def _sealed_anew(services: Services, action: str) -> Rewrapped:
    from gateway.flows.vault import rotate

    work = rotate.rotate if action == "rotate" else rotate.rewrap
    with Progress("sealing anew") as bar:
        return await work(services, lambda _, rows: bar.advance(rows))


def _told(done: Rewrapped) -> str:
    rows = ", ".join(f"{count} of {name}" for name, count in done.rows.items())
    return f"master key {done.active} is active; sealed anew: {rows}"
