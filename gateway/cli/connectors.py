"""``gateway connectors``."""

from __future__ import annotations

import argparse

import msgspec

from gateway.cli import exits
from gateway.cli.output import show, table
from gateway.settings import Settings

NAME = "connectors"
HELP = "list the installed connectors with their profiles, and those that did not load"


class Line(msgspec.Struct, frozen=True):
    """A profile of a connector; ``problem`` says why it cannot be used.

    ``profile`` is empty for a connector of another maker that brings its profiles along in its own package.
    """

    connector: str
    profile: str
    inbound: bool
    outbound: bool
    commands: tuple[str, ...]
    events: tuple[str, ...]
    per_minute_max: int
    lossy: dict[str, str]
    problem: str = ""


def add(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Status 3 where one did not load."""
    lines = _lines()
    head = ("CONNECTOR", "PROFILE", "WAYS", "COMMANDS", "PROBLEM")
    rows = [(it.connector, it.profile, _ways(it), " ".join(it.commands), it.problem) for it in lines]
    show(arguments, lines, table(head, rows))
    return exits.ATTENTION if any(line.problem for line in lines) else exits.DONE


def _lines() -> list[Line]:
    import mappings
    from gateway.registry import discover

    class Head(msgspec.Struct):
        connector: str

    registry = discover()
    profiles: dict[str, list[str]] = {name: [] for name in registry.names()}
    for profile in mappings.names("profiles"):
        if f"profile {profile}" not in registry.unavailable:
            owner = mappings.load("profiles", profile, Head).connector
            if f"{owner}/{profile}" not in registry.unavailable:
                profiles.setdefault(owner, []).append(profile)
    lines = [_line(registry, name, profile) for name in registry.names() for profile in profiles[name] or ("",)]
    for name, problem in sorted(registry.unavailable.items()):
        connector, _, profile = name.partition("/")
        lines.append(Line(connector, profile, False, False, (), (), 0, {}, problem))
    return lines


def _line(registry: object, name: str, profile: str) -> Line:
    from gateway.contract import Capabilities, Inbound, Outbound
    from gateway.registry import Registry

    assert isinstance(registry, Registry)
    connector = registry.get(name)
    declared = registry.capabilities(name, profile) if profile else Capabilities()
    return Line(
        name,
        profile,
        isinstance(connector, Inbound),
        isinstance(connector, Outbound),
        tuple(sorted(command.__name__ for command in declared.commands)),
        tuple(sorted(event.__name__ for event in declared.events)),
        declared.per_minute_max if profile else 0,
        dict(declared.lossy),
    )


def _ways(line: Line) -> str:
    return "+".join(way for way, there in (("in", line.inbound), ("out", line.outbound)) if there)
