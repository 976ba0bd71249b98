"""The part of ``gateway payments`` that is about statements and what differs from them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gateway.cli import exits
from gateway.cli.output import show, table
from gateway.cli.running import author, run_flow
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.flows.payments.differences import DifferenceLine, StatementLineView
    from gateway.store.statements import Wanted

# How many names stand behind the property.
ACTIONS = {"statements": 0, "reconcile": 2, "differences": 0, "resolve": 2}
LISTED = 200


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("--account", default="", help="statements, differences: only those of this payment account")
    parser.add_argument("--state", default="", choices=("open", "cleared", "resolved"), help="with differences")
    parser.add_argument("--verdict", default="", metavar="VERDICT", help="with differences: as missing_here")
    parser.add_argument("--first", default="", metavar="DAY", help="with differences: the first day of a statement")
    parser.add_argument("--last", default="", metavar="DAY", help="with differences: the last one")
    parser.add_argument("--csv", action="store_true", help="with differences: a table for other programs")
    parser.add_argument("--note", default="", help="with resolve, which needs it: what was done about it")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Resolving changes no amount: it only says that somebody has seen to it."""
    return {"statements": _statements, "reconcile": _reconcile, "differences": _differences, "resolve": _resolve}[
        arguments.action
    ](arguments, settings)


def _statements(arguments: argparse.Namespace, settings: Settings) -> int:
    from gateway.flows.payments import differences

    found = run_flow(settings, lambda ours: differences.list_statements(ours, arguments.property, arguments.account))
    show(arguments, found, _statement_table(found.items))
    return exits.ATTENTION if any(each.state == "failed" for each in found.items) else exits.DONE


def _reconcile(arguments: argparse.Namespace, settings: Settings) -> int:
    from gateway.flows.payments.differences import view_of
    from gateway.flows.payments.reconcile import reconcile_now

    account, name = arguments.names
    view = view_of(run_flow(settings, lambda ours: reconcile_now(ours, arguments.property, account, name)))
    show(arguments, view, _statement_table((view,)))
    return exits.DONE if view.state in ("done", "none") else exits.ATTENTION


def _differences(arguments: argparse.Namespace, settings: Settings) -> int:
    from gateway.flows.payments import differences

    wanted = _wanted(arguments)
    if arguments.csv:
        text = run_flow(settings, lambda ours: differences.export(ours, arguments.property, wanted))
        print(text, end="")
        return exits.DONE
    found = run_flow(settings, lambda ours: differences.find(ours, arguments.property, wanted, limit=LISTED))
    show(arguments, found, "\n".join(map(_line, found.items)) or "none")
    return exits.ATTENTION if any(each.state == "open" for each in found.items) else exits.DONE


def _resolve(arguments: argparse.Namespace, settings: Settings) -> int:
    from gateway.flows.payments import differences

    account, name = arguments.names
    if not arguments.note.strip():
        raise ValueError('resolve needs --note: what was done about it, as in --note "refunded at the bar"')
    line = run_flow(
        settings,
        lambda ours: differences.resolve(ours, arguments.property, account, name, arguments.note, author()),
    )
    show(arguments, line, _line(line))
    return exits.DONE


def _wanted(arguments: argparse.Namespace) -> Wanted:
    from gateway.model.dates import parse_day
    from gateway.store.statements import Wanted

    first, last = (parse_day(text) if text else None for text in (arguments.first, arguments.last))
    return Wanted(arguments.account, arguments.state, arguments.verdict, first, last)


def _statement_table(views: tuple[StatementLineView, ...]) -> str:
    head = ("account", "statement", "state", "lines", "net", "error")
    rows = [
        (each.account, each.name, each.state, each.lines, _amount(each.net, each.currency), each.error)
        for each in views
    ]
    return table(head, rows)


def _line(line: DifferenceLine) -> str:
    from gateway.engine.readable import printable

    ours = "-" if line.ours is None else _amount(line.ours, line.our_currency)
    theirs = "-" if line.theirs is None else _amount(line.theirs, line.their_currency)
    text = f"{line.account} {line.id} {line.verdict} {line.state} {line.kind or '-'} {line.key or '-'}"
    return printable(f"{text} ours {ours} theirs {theirs} {line.note}".rstrip())


def _amount(minor: int, currency: str) -> str:
    from gateway.model.money import format_minor

    return f"{format_minor(minor, currency)} {currency}" if currency else ""
