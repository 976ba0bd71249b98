"""What the connectors of this package declare, profile by profile; equal ones share a section."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points

import msgspec

import mappings
from docs.reference.markdown import table
from gateway.contract import Capabilities, Inbound, Outbound
from gateway.contract_inspecting import Inspector
from gateway.registry import GROUP, Registry, discover


class _Head(msgspec.Struct):
    connector: str


def sections() -> Iterator[str]:
    """One for each connector. Connectors of other packages, where some are installed, are not ours to describe."""
    registry = discover(point for point in entry_points(group=GROUP) if point.value.startswith("connectors."))
    profiles: dict[str, list[str]] = {name: [] for name in registry.names()}
    for profile in mappings.names("profiles"):
        owner = mappings.load("profiles", profile, _Head).connector
        if owner in profiles:
            profiles[owner].append(profile)
    for name in registry.names():
        yield from [f"## `{name}`", "", f"{_ways(registry, name)}.", ""]
        for declared, sharing in _equal(registry, name, profiles[name]):
            yield from [", ".join(f"**`{profile}`**" for profile in sharing), ""]
            yield from table(["", ""], _rows(declared))


def _equal(registry: Registry, name: str, profiles: Iterable[str]) -> list[tuple[Capabilities, list[str]]]:
    found: list[tuple[Capabilities, list[str]]] = []
    for profile in profiles:
        declared = registry.capabilities(name, profile)
        sharing = next((others for known, others in found if known == declared), None)
        if sharing is None:
            found.append((declared, [profile]))
        else:
            sharing.append(profile)
    return found


def _ways(registry: Registry, name: str) -> str:
    connector = registry.get(name)
    sides = (
        (isinstance(connector, Outbound), "we call them"),
        (isinstance(connector, Inbound), "they call us"),
        (isinstance(connector, Inspector), "`gateway inspect` reads its messages"),
    )
    text = "; ".join(words for there, words in sides if there)
    return f"{text[:1].upper()}{text[1:]}"


def _rows(declared: Capabilities) -> Iterator[tuple[str, str]]:
    yield "commands", _words(kind.__name__ for kind in declared.commands)
    yield "events and queries", _words(kind.__name__ for kind in declared.events)
    yield "fields of ARI", _words(field.value for field in declared.fields)
    if declared.commands:
        yield "limits", ", ".join(_limits(declared))
    if manners := [words for name, words in _MANNERS.items() if getattr(declared, name)]:
        yield "manners", "; ".join(manners)
    if declared.lossy:
        yield "dropped", "; ".join(f"`{what}`: {why}" for what, why in sorted(declared.lossy.items()))


_MANNERS = {
    "counts_down": "lowers its own availability when it sells",
    "limit_per_product": "rooms left belong to room type and rate plan",
    "rules_together": "all rules of a product are said each time",
    "negotiates": "asked what it can do before it is pushed to",
    "complete_sets": "takes all limits in one message",
    "replay_s": "the same command again is answered, not repeated",
}


def _limits(declared: Capabilities) -> Iterator[str]:
    yield f"{declared.parts_max} parts a message"
    yield f"{declared.days_ahead_max} days ahead"
    yield f"{declared.per_minute_max} requests a minute"
    yield f"{declared.in_flight_max} at a time"
    yield f"up to {declared.guests_max} guests with a price of their own" if declared.guests_max else "a price a room"


def _words(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "none"
