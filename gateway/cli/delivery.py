"""``gateway delivery``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gateway.cli import exits
from gateway.cli.output import show
from gateway.cli.running import author, run_flow
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.flows.desk.reservation_lines import DeliveryLine

NAME = "delivery"
HELP = "hand a reservation to a connection once more, or say that it was entered there by hand"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("action", choices=("resend", "entered"))
    parser.add_argument("property")
    parser.add_argument("reservation")
    parser.add_argument("connection")
    parser.add_argument("--ref", default="", help="with entered: the number it has there")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Shows the delivery as it is then."""
    from gateway.flows.desk import deliveries

    place = (arguments.property, arguments.reservation, arguments.connection, author())
    if arguments.action == "resend":
        line = run_flow(settings, lambda ours: deliveries.resend(ours, *place))
    else:
        line = run_flow(settings, lambda ours: deliveries.entered_by_hand(ours, *place, ref=arguments.ref))
    show(arguments, line, _text(line))
    return exits.DONE


def _text(line: DeliveryLine) -> str:
    return " ".join(word for word in (line.connection, line.state, line.ref, line.error) if word)
