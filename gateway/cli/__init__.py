"""The ``gateway`` command, one file per subcommand.

A subcommand is a module here with ``NAME``, ``HELP``, ``add(parser)`` for its arguments and ``run(arguments,
settings)``, which returns an exit status of :mod:`gateway.cli.exits`. Whatever is slow to import is imported in
``run``. ``--json`` is given to every subcommand.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol

from gateway.cli import exits
from gateway.errors import GatewayError
from gateway.settings import Settings, load_settings

COMMANDS = (
    "serve",
    "demo",
    "apply",
    "calendar",
    "sync",
    "audit",
    "messages",
    "replay",
    "delivery",
    "payments",
    "held",
    "requests",
    "connectors",
    "importing",
    "key",
    "keys",
    "inspect",
    "backup",
    "restore",
    "migrate",
    "completion",
)


class Command(Protocol):
    """What a subcommand's module has."""

    NAME: str
    HELP: str

    def add(self, parser: argparse.ArgumentParser, /) -> None: ...

    def run(self, arguments: argparse.Namespace, settings: Settings, /) -> int: ...


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status; see :mod:`gateway.cli.exits`."""
    words = sys.argv[1:] if argv is None else argv
    # The modules of the others would cost a command like `inspect` a third of its time.
    arguments = parser([word for word in words[:1] if word in COMMANDS] or COMMANDS).parse_args(words)
    try:
        status: int = arguments.run(arguments, load_settings())
        sys.stdout.flush()
        return status
    except (GatewayError, ValueError, LookupError) as error:
        print(_text(error), file=sys.stderr)
        return exits.REFUSED
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:  # `gateway messages | head` has seen enough
        sys.stderr.close()
        return exits.DONE
    except _failures() as error:
        print(_failure(error), file=sys.stderr)
        return exits.FAILED
    except _of_other_versions() as error:
        print(error, file=sys.stderr)
        return exits.REFUSED


def parser(names: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """The command line: all of it, or that of some subcommands."""
    whole = argparse.ArgumentParser(
        prog="gateway",
        description="A hotel channel manager and integration gateway.",
        epilog=f"exit status: {exits.MEANING}",
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for name in names:
        command: Command = import_module(f"gateway.cli.{name}")
        parsed = commands.add_parser(command.NAME, help=command.HELP, description=command.HELP)
        parsed.add_argument("--json", action="store_true", help="answer in JSON, for programs")
        command.add(parsed)
        parsed.set_defaults(run=command.run)
    return whole


def _text(error: Exception) -> str:
    # str(KeyError) is the repr of its argument.
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)


def _failure(error: Exception) -> str:
    """Of a file that cannot be used its name and why, without the number of the error."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _failures() -> tuple[type[Exception], ...]:
    """What may go wrong around us. Asked for only once something has, since the database's module takes its time."""
    from gateway.store.database import Unavailable

    return OSError, Unavailable


def _of_other_versions() -> tuple[type[Exception], ...]:
    """What is wrong where the database is that of another version of the gateway."""
    from gateway.store.migrating import NewerDatabase, NoWayBack

    return NewerDatabase, NoWayBack
