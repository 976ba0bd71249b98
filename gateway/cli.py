"""The ``gateway`` command."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import shutil
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from gateway.errors import GatewayError
from gateway.settings import Settings, load_settings

EXIT_FAILED = 1
EXIT_REFUSED = 2
DAYS_MAX = 400


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 0 if it was done, 1 for a failure of ours, 2 if the input was refused."""
    arguments = _parser().parse_args(argv)
    try:
        settings = load_settings()
        status: int = arguments.run(arguments, settings)
        return status
    except (GatewayError, ValueError, LookupError) as error:
        print(error, file=sys.stderr)
        return EXIT_REFUSED
    except KeyboardInterrupt:
        return 130
    except _failures() as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED


def _failures() -> tuple[type[Exception], ...]:
    """What may go wrong around us. Asked for only once something has, since the database's module takes its time."""
    from gateway.store.database import Unavailable

    return OSError, Unavailable


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gateway", description="A hotel channel manager and integration gateway.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the gateway")
    serve.add_argument("--host")
    serve.add_argument("--port", type=int)
    serve.add_argument("--no-workers", action="store_true", help="serve the web only; others push and deliver")
    serve.set_defaults(run=_serve)

    demo = commands.add_parser("demo", help="run the gateway with a demo hotel, two simulated OTAs and a simulated PMS")
    demo.add_argument("--port", type=int)
    demo.set_defaults(run=_demo)

    apply = commands.add_parser("apply", help="make a hotel file the configuration of its property")
    apply.add_argument("file", type=Path)
    apply.add_argument("--dry-run", action="store_true", help="only show what would change")
    apply.add_argument("--force", action="store_true", help="also apply what takes something away")
    apply.set_defaults(run=_apply)

    calendar = commands.add_parser("calendar", help="show a property's calendar in the terminal")
    calendar.add_argument("property")
    calendar.add_argument("--from", dest="first", type=date.fromisoformat, default=None, metavar="YYYY-MM-DD")
    calendar.add_argument("--days", type=_days, default=14)
    calendar.add_argument("--language", default=os.environ.get("LANG", "en"))
    calendar.set_defaults(run=_calendar)
    return parser


def _days(text: str) -> int:
    """A span that a terminal can show and a person can read."""
    days = int(text)
    if not 1 <= days <= DAYS_MAX:
        raise argparse.ArgumentTypeError(f"{days} is not between 1 and {DAYS_MAX}")
    return days


def _serve(arguments: argparse.Namespace, settings: Settings) -> int:
    from gateway.serving import serve

    serve(_with_address(arguments, settings), workers=settings.workers and not arguments.no_workers)
    return 0


def _demo(arguments: argparse.Namespace, settings: Settings) -> int:
    from gateway.demo import demo

    return demo(_with_address(arguments, settings))


def _with_address(arguments: argparse.Namespace, settings: Settings) -> Settings:
    import msgspec

    host = getattr(arguments, "host", None)
    return msgspec.structs.replace(settings, host=host or settings.host, port=arguments.port or settings.port)


def _apply(arguments: argparse.Namespace, settings: Settings) -> int:
    from gateway.engine import hotel_file

    wanted = hotel_file.read(arguments.file.read_text(encoding="utf-8"), os.environ)
    return asyncio.run(_apply_async(arguments, settings, wanted))


async def _apply_async(arguments: argparse.Namespace, settings: Settings, wanted: object) -> int:
    from gateway.bootstrap import gateway
    from gateway.engine.hotel_changes import Severity, render
    from gateway.engine.hotel_file import HotelFile
    from gateway.flows.apply_hotel import apply_hotel, plan_hotel

    assert isinstance(wanted, HotelFile)
    async with gateway(settings, workers=False) as ours:
        sealed, changes = await plan_hotel(ours.services, wanted)
        print(render(changes))
        if not changes or arguments.dry_run:
            return 0
        if any(change.severity is Severity.DESTRUCTIVE for change in changes) and not arguments.force:
            print("not applied: this takes something away; say --force if that is meant", file=sys.stderr)
            return EXIT_REFUSED
        version = await apply_hotel(ours.services, sealed, author=f"cli:{getpass.getuser()}")
        print(f"applied as configuration {version}")
    return 0


def _calendar(arguments: argparse.Namespace, settings: Settings) -> int:
    return asyncio.run(_calendar_async(arguments, settings))


async def _calendar_async(arguments: argparse.Namespace, settings: Settings) -> int:
    from gateway.bootstrap import gateway
    from gateway.engine.grid import render_calendar
    from gateway.flows.show_calendar import calendar_rows

    first = (arguments.first or date.today()).toordinal()  # noqa: DTZ011  the operator's own today
    async with gateway(settings, workers=False) as ours:
        hotel, rows = await calendar_rows(ours.services, arguments.property, first, arguments.days)
    print(
        render_calendar(
            rows,
            first,
            arguments.days,
            width=shutil.get_terminal_size((120, 40)).columns,
            language=arguments.language,
            colour=sys.stdout.isatty(),
            title=hotel.property.name,
        )
    )
    return 0
