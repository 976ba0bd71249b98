"""``gateway requests``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gateway.cli import exits
from gateway.cli.output import show, table
from gateway.cli.running import author, run_flow
from gateway.model.dates import format_day, format_instant
from gateway.model.money import format_minor
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.flows.selling.sell import SaleView

NAME = "requests"
HELP = "show booking requests that wait for the hotel; accept or decline one"
_HEAD = ("NUMBER", "GUEST", "ARRIVAL", "DEPARTURE", "ROOMS", "TOTAL", "SOURCE", "ANSWER UNTIL")


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("property")
    act = parser.add_mutually_exclusive_group()
    act.add_argument("--accept", metavar="NUMBER", help="make a reservation of this request")
    act.add_argument("--decline", metavar="NUMBER", help="give its rooms back")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Status 3 while something waits."""
    from gateway.flows.selling import sell

    name = arguments.property
    if arguments.accept or arguments.decline:
        answer = sell.accept if arguments.accept else sell.decline
        number = arguments.accept or arguments.decline
        seen = run_flow(settings, lambda ours: answer(ours, name, number, author()))
        show(arguments, seen, f"{seen.sale_id} is {seen.state.value}")
        return exits.DONE
    found = run_flow(settings, lambda ours: sell.requests(ours, name))
    show(arguments, found, _text(found))
    return exits.ATTENTION if found else exits.DONE


def _text(found: tuple[SaleView, ...]) -> str:
    rows = [
        (
            sale.sale_id,
            f"{sale.customer.booker.given} {sale.customer.booker.surname}".strip() if sale.customer.booker else "",
            format_day(sale.arrival),
            format_day(sale.departure),
            ", ".join(f"{offer.units} {offer.room} {offer.plan}" for offer in sale.rooms),
            f"{format_minor(sale.total, sale.currency)} {sale.currency}",
            sale.source,
            format_instant(sale.expires_ms),
        )
        for sale in found
    ]
    return table(_HEAD, rows) if rows else "nothing waits"
