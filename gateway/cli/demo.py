"""``gateway demo``."""

from __future__ import annotations

import argparse

from gateway.cli.address import with_address
from gateway.settings import Settings

NAME = "demo"
HELP = "run the gateway with a demo hotel, two simulated OTAs, a simulated PMS and a simulated Stripe"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("--port", type=int, help="the gateway's; the simulators take those after it")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Until a signal ends it; ``--json`` makes its log lines JSON."""
    import msgspec

    from gateway.demo import demo

    settings = with_address(arguments, settings)
    if arguments.json:
        settings = msgspec.structs.replace(settings, log_json=True)
    return demo(settings)
