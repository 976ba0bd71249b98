"""``gateway apply``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.cli import exits
from gateway.cli.output import show
from gateway.cli.running import author, run_flow
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.engine.hotel_changes import Change
    from gateway.flows.services import Services

NAME = "apply"
HELP = "make a hotel file the configuration of its property"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("file", type=Path)
    parser.add_argument("--dry-run", action="store_true", help="only show what would change")
    parser.add_argument("--force", action="store_true", help="also apply what takes something away")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Shows the plan, and applies it."""
    from gateway.engine import hotel_file
    from gateway.engine.hotel_changes import Severity, render
    from gateway.flows.apply_hotel import apply_hotel
    from gateway.flows.plan_hotel import plan_hotel

    wanted = hotel_file.read(arguments.file.read_text(encoding="utf-8"), os.environ)

    async def work(services: Services) -> tuple[int, list[Change], int | None]:
        sealed, changes = await plan_hotel(services, wanted)
        if not arguments.json:
            print(render(changes))
        if not changes or arguments.dry_run:
            return exits.DONE, changes, None
        if any(change.severity is Severity.DESTRUCTIVE for change in changes) and not arguments.force:
            print("not applied: this takes something away; say --force if that is meant", file=sys.stderr)
            return exits.REFUSED, changes, None
        return exits.DONE, changes, await apply_hotel(services, sealed, author=author())

    status, changes, version = run_flow(settings, work)
    text = "" if version is None else f"applied as configuration {version}"
    show(arguments, {"changes": changes, "version": version}, text)
    return status
