"""``gateway serve``."""

from __future__ import annotations

import argparse

from gateway.cli import exits
from gateway.cli.address import with_address
from gateway.settings import Settings

NAME = "serve"
HELP = "run the gateway"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("--host", help="the address to listen at (GATEWAY_HOST)")
    parser.add_argument("--port", type=int, help="the port to listen at (GATEWAY_PORT)")
    parser.add_argument("--no-workers", action="store_true", help="serve the web only; others push and deliver")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Until a signal ends it; ``--json`` makes its log lines JSON."""
    import msgspec

    from gateway.serving import serve

    settings = with_address(arguments, settings)
    if arguments.json:
        settings = msgspec.structs.replace(settings, log_json=True)
    serve(settings, workers=settings.workers and not arguments.no_workers)
    return exits.DONE
