"""Writes the pages of this folder from the code: ``make docs``.

What only people can say (the meaning of a setting, when an alert is raised) is taken from the page that explains it, so
that each thing is said once. What has no meaning there is an error, and ``tests/test_docs.py`` compares the pages
with what is made here.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client.core import Metric

import mappings
from connectors.pms.webhook.payload import Payload
from docs.reference.connectors import sections
from docs.reference.markdown import head, table
from gateway import cli, errors
from gateway.cli import exits
from gateway.engine import connection_shapes, hotel_file, payment_file, products_file, schedule_file, selling_shapes
from gateway.engine.drift import Why
from gateway.engine.file_table import Shape
from gateway.flows.alerts.texts import AlertKind, title
from gateway.io import logs
from gateway.io import metrics as io_metrics
from gateway.settings import Settings
from gateway.web import problems

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent


def pages() -> dict[str, str]:
    """Every page by its name."""
    makers: dict[str, Callable[[], Iterable[str]]] = {
        "settings.md": _settings,
        "commands.md": _commands,
        "hotel-file.md": _hotel_file,
        "messages.md": _messages,
        "alerts.md": _alerts,
        "metrics.md": _metrics,
        "connectors.md": _connectors,
        "webhook.schema.json": _webhook,
    }
    return {name: "\n".join([*make(), ""]) for name, make in makers.items()}


def _webhook() -> Iterator[str]:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Payload)}
    yield msgspec.json.format(msgspec.json.encode(schema), indent=2).decode()


def said(page: str, name: str, column: int) -> str:
    """What a table of another page says in the row that begins with `name`; raises LookupError if none does."""
    for line in (DOCS / page).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) > column and name in re.findall(r"`([^`]+)`", cells[0]):
            return cells[column]
    raise LookupError(f"docs/{page} does not say what {name} is")


# --- settings and the hotel file --------------------------------------------------------------------------------------


def _settings() -> Iterator[str]:
    yield from head("Settings", "How they are read, and what goes with them: [operating](../operating.md#settings).")
    rows = []
    for name, shape in _properties(Settings).items():
        variable = f"GATEWAY_{name.upper()}"
        meant = said("operating.md", variable, 2)
        rows.append([f"`{variable}`", f"`{name}`", _kind(shape), said("operating.md", variable, 1), meant])
    yield from table(["Variable", "In `gateway.toml`", "Kind", "Default", "Meaning"], rows)


def _hotel_file() -> Iterator[str]:
    yield from head(
        "Keys of the hotel file", "What they mean: [the hotel file](../hotel-file.md). Required ones are in **bold**."
    )
    for name, shape in _SHAPES:
        yield from [f"## `{name}`", ""]
        rows = []
        for key, described in _properties(shape).items():
            required = key in shape.required
            rows.append([f"**`{key}`**" if required else f"`{key}`", _kind(described), _default(described, required)])
        yield from table(["Key", "Value", "Default"], rows)


_SHAPES: tuple[tuple[str, type[Shape]], ...] = (
    ("[property]", hotel_file.PropertyTable),
    ("[[room_types]]", products_file.RoomTable),
    ("[[rate_plans]]", products_file.PlanTable),
    ("lengths", products_file.LengthTable),
    ("[[connections]]", connection_shapes.ConnectionTable),
    ("[[connections]], role direct", connection_shapes.DirectTable),
    ("allotment", connection_shapes.AllotmentTable),
    ("inbound, outbound", connection_shapes.CredentialsTable),
    ("products", connection_shapes.ProductTable),
    ("[selling]", selling_shapes.SellingTable),
    ("[[selling.taxes]]", selling_shapes.TaxTable),
    ("[[selling.policies]]", selling_shapes.PolicyTable),
    ("deposit, no_show", schedule_file.ShareTable),
    ("cancel", selling_shapes.StepTable),
    ("[[selling.schedules]]", schedule_file.ScheduleTable),
    ("[[selling.promotions]]", selling_shapes.PromotionTable),
    ("[[selling.plans]]", selling_shapes.PlanTermsTable),
    ("[[selling.rooms]]", selling_shapes.RoomTermsTable),
    ("[[selling.children]]", selling_shapes.ChildTable),
    ("[[payments]]", payment_file.AccountTable),
    ("callback", payment_file.CallbackTable),
    ("[[payments.keys]]", payment_file.KeyTable),
)


def _properties(shape: type) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = msgspec.json.schema(shape)["$defs"][shape.__name__]["properties"]
    return found


def _kind(shape: Mapping[str, Any]) -> str:
    """In words; a field without a schema is a number whose decimals depend on the currency."""
    if "anyOf" in shape:
        return _kind(next(one for one in shape["anyOf"] if one.get("type") != "null"))
    if "description" in shape:
        return str(shape["description"])
    if "enum" in shape:
        return ", ".join(f"`{word}`" for word in shape["enum"])
    if "maximum" in shape:
        return f"{shape['minimum']} to {shape['maximum']}"
    words = {"string": "text", "boolean": "`true` or `false`", "array": "list; in the variable with commas"}
    return words.get(shape.get("type", ""), "a decimal number, also in quotes")


def _default(shape: Mapping[str, Any], required: bool) -> str:
    default = shape.get("default")
    if required or default in (None, "", [], ()):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


# --- commands ---------------------------------------------------------------------------------------------------------


def _commands() -> Iterator[str]:
    yield from head("Commands", "Each also takes `--json`, and `--help`.")
    yield from ["## Exit status", ""]
    meanings = (part.partition(" ") for part in exits.MEANING.split("; "))
    yield from table(["Status", "Meaning"], ((number, meaning) for number, _, meaning in meanings))
    for name, parser in _subparsers(cli.parser()).items():
        yield from _command(f"gateway {name}", parser)


def _command(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    known = _subparsers(parser)
    yield from [f"## `{name}`", "", f"{_sentence(parser.description)}", ""]
    rows = list(_arguments(parser))
    if rows:
        yield from table(["Argument", "Meaning"], rows)
    for action, inner in known.items():
        yield from [f"### `{name} {action}`", "", _sentence(_help_of(parser, action)), ""]
        yield from table(["Argument", "Meaning"], _arguments(inner))


def _arguments(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) or action.dest in ("help", "json"):
            continue
        choices = f"{{{','.join(map(str, action.choices))}}}" if action.choices else ""
        value = action.metavar or choices or action.dest.upper()
        if not action.option_strings:
            given = value if action.metavar or choices else action.dest
            yield (f"`[{given}]`" if action.nargs in ("?", "*") else f"`{given}`"), action.help or ""
        else:
            takes = "" if action.nargs == 0 else f" {value}"
            yield f"`{', '.join(action.option_strings)}{takes}`", action.help or ""


def _subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    return {
        name: inner
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for name, inner in action.choices.items()
    }


def _help_of(parser: argparse.ArgumentParser, name: str) -> str | None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return next((one.help for one in action._choices_actions if one.dest == name), None)
    return None


def _sentence(text: str | None) -> str:
    text = text or ""
    return f"{text[:1].upper()}{text[1:]}."


# --- what becomes of a message ----------------------------------------------------------------------------------------

OUTCOMES = {
    "applied": "It took effect.",
    "unchanged": "It was taken, and everything in it was so already.",
    "stale": "An older revision of a booking than one that is there: kept, and nothing was changed.",
    "duplicate": "A booking without versions, as it was said before its last revision: taken for a repetition.",
    "parked": "A booking with a room that is not mapped: kept, and takes nothing until it is mapped.",
    "discarded": "What the guard had held back, thrown away by a person.",
    "answered": "A question was answered, with the reservations named beside it.",
    "confirmed": "The counterpart has confirmed all of it.",
    "refused": "Refused, by us (incoming) or by them (outgoing); the detail says why.",
    "unknown": "It may have arrived or not. It is asserted again once a late copy could no longer land.",
    "failed": "It certainly did not arrive, and is tried again.",
}
_WHY = {
    Why.NEVER_SENT: "nobody has told the channel yet",
    Why.WAITING: "known to need sending; it is on its way, or waits for a pause to end",
    Why.IN_DOUBT: "sent, without an answer that can be trusted",
    Why.REFUSED: "the channel has refused it",
    Why.DIFFERS: "confirmed as something else: a change on its way, or a mistake",
}


def _messages() -> Iterator[str]:
    yield from head("Messages, refusals and differences", "How to go about one: [read an error](../how-to/errors.md).")
    yield from ["## Outcomes", "", "What `gateway messages` and the API say became of a message.", ""]
    yield from table(["Outcome", "Meaning"], ((f"`{name}`", meaning) for name, meaning in OUTCOMES.items()))
    yield from ["## Kinds of error", "", "Split by what the one who asked does next.", ""]
    yield from table(["Error", "Meaning", "Status in the API"], _kinds())
    yield from ["## Reasons", "", "Why something was refused, and what an OpenTravel sender is told.", ""]
    codes = {name: str(code).split() for name, code in _entries("reasons").items()}
    yield from table(
        ["Reason", "OpenTravel `Type` (EWT)", "`Code` (ERR)"], ([f"`{one}`", *codes[one]] for one in errors.Reason)
    )
    yield from ["## Differences found by an audit", ""]
    yield from table(["Reason", "Meaning"], ((f"`{why.value}`", _WHY[why]) for why in Why))


def _kinds() -> Iterator[tuple[str, str, str]]:
    for kind in (errors.Refusal, errors.CallFailed):
        for one in kind.__subclasses__():
            if one.__module__ == "gateway.errors":
                status = next((found for known, found in problems._BY_KIND if issubclass(one, known)), None)
                told = _number(status) if status else "by the reason"
                yield f"`{one.__name__}`", " ".join((one.__doc__ or "").split()).split(". ")[0].rstrip("."), told


def _number(status: HTTPStatus) -> str:
    return str(status.value)


def _connectors() -> Iterator[str]:
    yield from head(
        "Connectors",
        "What each can do in each dialect (profile), as it declares it. The words are those of `gateway/messages.py`,",
        "the limits those of [the contract](../connectors.md#capabilities). What no section names is refused, never "
        "guessed at.",
    )
    yield from sections()


def _entries(table_name: str) -> dict[str, object]:
    class Table(msgspec.Struct):
        entries: dict[str, str]

    return dict(mappings.load("codes", table_name, Table).entries)


# --- alerts and figures -----------------------------------------------------------------------------------------------


def _alerts() -> Iterator[str]:
    yield from head(
        "Alerts", "How they are told, and how to set them up: [alerts and figures](../how-to/alerts-and-metrics.md)."
    )
    rows = []
    for kind in AlertKind:
        rows.append([f"`{kind.value}`", title(kind, "en"), title(kind, "zh"), said("operating.md", kind.value, 1)])
    yield from table(["Alert", "Title", "中文", "When"], rows)


def _metrics() -> Iterator[str]:
    yield from head("Figures", "`GET /metrics`; queries to begin with: [alerts](../how-to/alerts-and-metrics.md).")
    rows = []
    for family in asyncio.run(_families()):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(f"`{label}`" for label in family._labelnames)  # type: ignore[attr-defined]
        rows.append([f"`{name}`", family.type, labels, family.documentation])
    yield from table(["Figure", "Type", "Labels", "Says"], rows)


async def _families() -> list[Metric]:
    """Those of a gateway that has just been opened; the ones about its process come from the client library."""
    from gateway.bootstrap import gateway
    from gateway.flows.standing import Standing

    with tempfile.TemporaryDirectory() as folder:
        async with gateway(Settings(data_dir=folder), workers=False) as ours:
            standing = await Standing(ours.services).families()
            counted = [ask() for ask in ours.services.metrics._asked]
    return sorted([*counted, *map(io_metrics._gauges, standing)], key=lambda family: family.name)


if __name__ == "__main__":
    logs.configure(Settings(log_level="warning"))
    for page, text in pages().items():
        (HERE / page).write_text(text, encoding="utf-8")
        print(f"docs/reference/{page}", file=sys.stderr)
