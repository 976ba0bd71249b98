"""``gateway messages``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gateway.cli import exits
from gateway.cli.kinds import count, instant
from gateway.cli.kinds import message as message_number
from gateway.cli.output import instant as shown_instant
from gateway.cli.output import show, table
from gateway.cli.running import run_flow
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.flows.desk.messages import Message, MessagePage

NAME = "messages"
HELP = "list and search the messages of a property, or show one with its answer"
_DETAIL_MAX = 60


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("property")
    parser.add_argument("message", nargs="?", type=message_number, help="the number of one message, to see all of it")
    parser.add_argument("--direction", choices=("in", "out"))
    parser.add_argument("--connection", default="")
    parser.add_argument("--kind", default="", help="OTA_HotelResNotifRQ, PushRates, ...")
    parser.add_argument("--outcome", default="", help="applied, refused, parked, confirmed, unknown, ...")
    parser.add_argument("--text", default="", help="what was said in it")
    parser.add_argument("--since", type=instant, metavar="TIME", help="2031-01-05T08:00, in UTC without an offset")
    parser.add_argument("--until", type=instant, metavar="TIME")
    parser.add_argument("--count", type=count, default=30, metavar="N")
    parser.add_argument("--cursor", default="", help="where the page before has ended")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Newest first."""
    from gateway.flows.desk import messages

    if arguments.message is not None:
        message = run_flow(settings, lambda ours: messages.show(ours, arguments.property, arguments.message))
        show(arguments, message, _message(message))
        return exits.DONE
    wanted = messages.Filter(
        direction=messages.Direction(arguments.direction) if arguments.direction else None,
        connection=arguments.connection,
        kind=arguments.kind,
        outcome=arguments.outcome,
        text=arguments.text,
        first_ms=arguments.since,
        last_ms=arguments.until,
    )
    page = run_flow(
        settings,
        lambda ours: messages.find(ours, arguments.property, wanted, cursor=arguments.cursor, limit=arguments.count),
    )
    show(arguments, page, _page(page))
    return exits.DONE


def _page(page: MessagePage) -> str:
    head = ("MESSAGE", "AT", "CONNECTION", "", "KIND", "OUTCOME", "DETAIL")
    rows = [
        (
            line.message_id,
            shown_instant(line.at_ms),
            line.connection or line.author,
            "<" if line.direction.value == "in" else ">",
            line.kind,
            line.outcome,
            line.detail[:_DETAIL_MAX],
        )
        for line in page.items
    ]
    more = ""
    if page.next:
        seen = f"looked back to {shown_instant(page.looked_back_ms)}; " if page.looked_back_ms else ""
        more = f"\n{seen}more with --cursor {page.next}"
    return (table(head, rows) if rows else "none fits") + more


def _message(message: Message) -> str:
    line = message.line
    head = f"{line.message_id}  {shown_instant(line.at_ms)}  {line.connection}  {line.kind}  {line.outcome}"
    tolerated = [f"tolerated: {each}" for each in message.deviations]
    parts = [head, line.detail, f"by {line.author}" if line.author else "", *tolerated, "", message.raw]
    if message.answer:
        parts += ["", "--- answer ---", message.answer]
    if message.codes:
        parts += ["", "--- codes ---", *message.codes]
    return "\n".join(_plain(part) for part in parts)


def _plain(text: str) -> str:
    """Several lines may stay, but nothing that steers the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text)
