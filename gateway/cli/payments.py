"""``gateway payments``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gateway.cli import exits, reconciling
from gateway.cli.output import show
from gateway.cli.running import author, run_flow
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.flows.payments.show import ParkedLine, PaymentView

NAME = "payments"
HELP = "list a property's payments, see to messages that wait for a person, and reconcile with statements"
LISTED = 50
# How many names stand behind the property.
_ACTIONS = {"list": 0, "show": 1, "parked": 0, "settle": 2}
_NAMES = "show: a payment; settle, resolve: an account and an id; reconcile: an account and a day or report"


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("action", choices=(*_ACTIONS, *reconciling.ACTIONS))
    parser.add_argument("property")
    parser.add_argument("names", nargs="*", metavar="NAME", help=_NAMES)
    parser.add_argument("--reservation", default="", help="with list: only those of this reservation")
    reconciling.add(parser)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Settling a message changes no amount: it only says that somebody has seen it."""
    from gateway.flows.payments import show as payments

    expected = (_ACTIONS | reconciling.ACTIONS)[arguments.action]
    if len(arguments.names) != expected:
        raise ValueError(f"{arguments.action} takes {expected or 'no'} names behind the property; {_NAMES}")
    if arguments.action in reconciling.ACTIONS:
        return reconciling.run(arguments, settings)
    scope_id, names = arguments.property, arguments.names
    if arguments.action == "list":
        page = run_flow(
            settings, lambda ours: payments.find(ours, scope_id, reservation=arguments.reservation, limit=LISTED)
        )
        show(arguments, page, "\n".join(map(_payment, page.items)) or "none")
    elif arguments.action == "show":
        view = run_flow(settings, lambda ours: payments.show(ours, scope_id, names[0]))
        show(arguments, view, _whole(view))
    elif arguments.action == "settle":
        line = run_flow(settings, lambda ours: payments.settle(ours, scope_id, names[0], names[1], author()))
        show(arguments, line, _parked(line))
    else:
        found = run_flow(settings, lambda ours: payments.parked(ours, scope_id))
        show(arguments, found, "\n".join(map(_parked, found.items)) or "none waits")
        return exits.ATTENTION if found.items else exits.DONE
    return exits.DONE


def _payment(view: PaymentView) -> str:
    amounts = (
        f"held {_amount(view.authorised, view.currency)} taken {_amount(view.captured, view.currency)} "
        f"released {_amount(view.released, view.currency)} given back {_amount(view.refunded, view.currency)}"
    )
    return f"{view.id} {view.account} {view.reservation or '-'} {view.status} {view.currency} {amounts}"


def _whole(view: PaymentView) -> str:
    from gateway.engine.readable import printable

    lines = [
        f"  {each.kind} {_amount(each.amount, view.currency)} {each.outcome} {each.psp} {each.error} "
        f"{printable(each.error_raw)}".rstrip()
        for each in view.operations
    ]
    lines += [
        f"  {each.kind} {_amount(each.amount, each.currency)} {each.currency} {each.key} ({each.source})"
        for each in view.events
    ]
    return "\n".join([_payment(view), *lines])


def _amount(minor: int, currency: str) -> str:
    from gateway.model.money import format_minor

    return format_minor(minor, currency)


def _parked(line: ParkedLine) -> str:
    return f"{line.account} {line.id} {line.name}: {line.detail}"
