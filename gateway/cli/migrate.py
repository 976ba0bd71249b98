"""``gateway migrate``."""

from __future__ import annotations

import argparse

from gateway.cli import exits
from gateway.cli.output import show
from gateway.cli.running import run_logged
from gateway.settings import Settings

NAME = "migrate"
HELP = "bring the database to the schema of this gateway, or one step back; a backup is taken first"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "--back", action="store_true", help="undo the latest migration, for the gateway before this one"
    )
    parser.add_argument("--no-backup", action="store_true", help="take no backup first")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """The gateway must not be running."""
    from gateway.flows.keeping.upgrade import Upgraded, go_back, upgrade

    work = go_back if arguments.back else upgrade
    done: Upgraded = run_logged(settings, work(settings, backup=not arguments.no_backup))
    text = f"the database is at revision {done.now}" + (
        f" (it was at {done.before})" if done.before != done.now else ""
    )
    if done.backup:
        text += f"\nas it was before: gateway restore --force {done.backup}"
    show(arguments, {"before": done.before, "now": done.now, "backup": done.backup}, text)
    return exits.DONE
