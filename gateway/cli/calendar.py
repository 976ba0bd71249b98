"""``gateway calendar``."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from datetime import date

from gateway.cli import exits
from gateway.cli.kinds import day
from gateway.cli.output import show
from gateway.cli.running import run_flow
from gateway.settings import Settings

NAME = "calendar"
HELP = "show a property's calendar in the terminal"
DAYS_MAX = 400


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("property")
    parser.add_argument(
        "--from", dest="first", type=day, default=None, metavar="YYYY-MM-DD", help="the first night; today if left out"
    )
    parser.add_argument("--days", type=_days, default=14, help="so many nights; 14 if left out")
    parser.add_argument("--language", default=os.environ.get("LANG", "en"), help="en or zh; the locale's if left out")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Prints the grid."""
    from gateway.engine.grid import render_calendar
    from gateway.flows.desk import calendar
    from gateway.flows.show_calendar import calendar_rows

    first = arguments.first or date.today().toordinal()  # noqa: DTZ011  the operator's own today
    if arguments.json:
        last = first + arguments.days - 1
        show(arguments, run_flow(settings, lambda ours: calendar.read(ours, arguments.property, first, last)), "")
        return exits.DONE
    name, rows = run_flow(settings, lambda ours: calendar_rows(ours, arguments.property, first, arguments.days))
    print(
        render_calendar(
            rows,
            first,
            arguments.days,
            width=shutil.get_terminal_size((120, 40)).columns,
            language=arguments.language,
            colour=sys.stdout.isatty(),
            title=name,
        )
    )
    return exits.DONE


def _days(text: str) -> int:
    """A span that a terminal can show and a person can read."""
    days = int(text)
    if not 1 <= days <= DAYS_MAX:
        raise argparse.ArgumentTypeError(f"{days} is not between 1 and {DAYS_MAX}")
    return days
