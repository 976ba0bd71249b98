"""Finds connectors by entry point, group ``gateway.connectors``; the only importer of connectors.

An entry point names a connector object: ``opentravel = "connectors.opentravel.ota:CONNECTOR"``. Connectors of other
makers are found in the same way once their package is installed. What is cheap to check is checked here, at the start:
the shape of the protocol, a name of its own, and the declared capabilities of every profile there is. Whatever fails
is listed as unavailable with the reason, and the others work on. The whole contract is proved by
:mod:`gateway.testing`, in the tests of whoever ships the connector.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

import msgspec

import mappings
from gateway.contract import Capabilities, Connector, Inbound, Outbound
from gateway.contract_inspecting import Inspector
from gateway.declared import connector_faults, declaration_faults
from gateway.errors import GatewayError

GROUP = "gateway.connectors"


class Unavailable(GatewayError):
    """There is no such connector, it did not load, or it cannot do what is asked; the text says which."""


class Registry:
    """The connectors of this process. ``unavailable`` is what was found but not taken: name → reason.

    A profile that does not load is in there as ``<connector>/<profile>``; its connector serves the other profiles.
    """

    def __init__(self, connectors: Mapping[str, Connector], unavailable: Mapping[str, str]) -> None:
        self._connectors = dict(connectors)
        # Looking through a protocol's members costs 50 µs, too much for every message.
        self._inbound = {name: known for name, known in connectors.items() if isinstance(known, Inbound)}
        self._outbound = {name: known for name, known in connectors.items() if isinstance(known, Outbound)}
        self.unavailable: Mapping[str, str] = MappingProxyType(dict(unavailable))

    def names(self) -> tuple[str, ...]:
        """The names of all connectors that can be used, sorted."""
        return tuple(sorted(self._connectors))

    def inbound_names(self) -> tuple[str, ...]:
        """The names of those that read what their counterparts send, sorted."""
        return tuple(sorted(self._inbound))

    def get(self, name: str) -> Connector:
        """The connector of that name; raises :class:`Unavailable`."""
        if name in self.unavailable:
            raise Unavailable(f"the connector {name!r} is not available: {self.unavailable[name]}")
        try:
            return self._connectors[name]
        except KeyError:
            known = ", ".join(self.names()) or "none"
            raise Unavailable(f"there is no connector {name!r}; installed: {known}") from None

    def outbound(self, name: str) -> Outbound:
        """The connector as one that we call with; raises :class:`Unavailable`, also where they only call us."""
        if name not in self._outbound:
            raise Unavailable(f"the connector {self.get(name).name!r} does not call its counterpart")
        return self._outbound[name]

    def inbound(self, name: str) -> Inbound:
        """The connector as one that reads what they send; raises :class:`Unavailable`, also where only we call."""
        if name not in self._inbound:
            raise Unavailable(f"the connector {self.get(name).name!r} takes no calls from its counterpart")
        return self._inbound[name]

    def inspector(self, profile: str) -> Inspector:
        """The connector that reads bare messages of a profile; raises :class:`Unavailable` if there is none."""
        connector = self.get(_owner(profile))
        if not isinstance(connector, Inspector):
            raise Unavailable(f"the connector {connector.name!r} of {profile!r} does not inspect messages")
        return connector

    def capabilities(self, name: str, profile: str) -> Capabilities:
        """What the connector can do in a profile; raises :class:`Unavailable` for a profile it does not have."""
        declared, reason = _declared(self.get(name), profile)
        if declared is None:
            raise Unavailable(f"the profile {profile!r} of {name!r} is not available: {reason}")
        return declared


def discover(points: Iterable[EntryPoint] | None = None) -> Registry:
    """Loads every connector that is installed (or those given), and asks each about its profiles.

    Nothing is raised for a broken one: a gateway with forty good connectors starts with forty.
    """
    connectors, unavailable = _load_all(entry_points(group=GROUP) if points is None else points)
    return Registry(connectors, unavailable | dict(_broken_profiles(connectors)))


def inspector(profile: str) -> Inspector:
    """As :meth:`Registry.inspector`, with that one connector loaded and no other: a file is read in half the time."""
    owner = _owner(profile)
    return Registry(*_load_all(entry_points(group=GROUP, name=owner))).inspector(profile)


def _load_all(points: Iterable[EntryPoint]) -> tuple[dict[str, Connector], dict[str, str]]:
    """The connectors by name, and what could not be taken with the reason."""
    by_name: dict[str, dict[str, EntryPoint]] = defaultdict(dict)
    for point in points:
        by_name[point.name][point.value] = point
    connectors: dict[str, Connector] = {}
    unavailable: dict[str, str] = {}
    for name, claims in sorted(by_name.items()):
        connector, reason = _load(name, claims)
        if connector is None:
            unavailable[name] = reason
        else:
            connectors[name] = connector
    return connectors, unavailable


def _load(name: str, claims: Mapping[str, EntryPoint]) -> tuple[Connector | None, str]:
    """The connector, or None and the reason why not."""
    if len(claims) > 1:
        return None, f"several packages claim the name: {', '.join(sorted(claims))}"
    ((value, point),) = claims.items()
    try:
        connector = point.load()
        faults = connector_faults(connector)
    except Exception as error:  # Whatever somebody's module raises when it is imported, it is told, not hidden.
        return None, f"{value} does not load: {type(error).__name__}: {error}"
    if not faults and connector.name != name:
        faults = [f"it calls itself {connector.name!r}"]
    return (None, f"{value}: {'; '.join(faults)}") if faults else (connector, "")


class _ProfileHead(msgspec.Struct, frozen=True):
    """The one key of a profile that is not the connector's own business."""

    connector: str


def _owner(profile: str) -> str:
    """The connector a profile names; raises :class:`Unavailable` for a profile there is none of."""
    known = mappings.names("profiles")
    if profile not in known:
        raise Unavailable(f"there is no profile {profile!r}; there are {', '.join(known)}")
    return mappings.load("profiles", profile, _ProfileHead).connector


def _broken_profiles(connectors: Mapping[str, Connector]) -> Iterator[tuple[str, str]]:
    """Profiles in ``mappings/profiles`` that their connector cannot work with, and why."""
    for profile in mappings.names("profiles"):
        try:
            owner = mappings.load("profiles", profile, _ProfileHead).connector
        except msgspec.MsgspecError as error:
            yield f"profile {profile}", f"mappings/profiles/{profile}.toml: {error}"
            continue
        if owner in connectors:
            declared, reason = _declared(connectors[owner], profile)
            if declared is None:
                yield f"{owner}/{profile}", reason


def _declared(connector: Connector, profile: str) -> tuple[Capabilities | None, str]:
    """Sound capabilities, or None and the reason why there are none."""
    try:
        declared = connector.capabilities(profile)
        faults: Sequence[str] = declaration_faults(declared)
    except Exception as error:  # As above: a stranger's code, and its reason is passed on.
        return None, f"{type(error).__name__}: {error}"
    return (None, "; ".join(faults)) if faults else (declared, "")
