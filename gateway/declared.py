"""What is wrong with a connector that can be seen without a message: cheap enough for every start."""

from __future__ import annotations

from functools import cache
from typing import Any, get_args, get_type_hints

from gateway.contract import Capabilities, Inbound, Outbound
from gateway.messages import Command, Event, Query
from gateway.model.ari import Field


def connector_faults(connector: object) -> list[str]:
    """What keeps an object from being a connector at all; empty if nothing does."""
    name = getattr(connector, "name", None)
    faults = [] if isinstance(name, str) and name else [f"its name is {name!r}"]
    if not callable(getattr(connector, "capabilities", None)):
        faults.append("it declares no capabilities")
    if not isinstance(connector, Outbound | Inbound):
        missing = {side.__name__: sorted(m for m in _methods(side) if not hasattr(connector, m)) for side in _SIDES}
        lacks = ", ".join(f"{side} lacks {' '.join(methods)}" for side, methods in missing.items())
        faults.append(f"it is neither an Outbound nor an Inbound ({lacks})")
    return faults


def declaration_faults(declared: object) -> list[str]:
    """What is wrong with the types and limits of declared capabilities; empty if nothing is."""
    if not isinstance(declared, Capabilities):
        return [f"capabilities() gives a {type(declared).__name__}, not Capabilities"]
    return [*_set_faults(declared), *_limit_faults(declared)]


_SIDES = (Outbound, Inbound)
_MAY_BE_ZERO = ("guests_max", "settle_s", "replay_s")


def _methods(side: type) -> list[str]:
    return [name for name in vars(side) if not name.startswith("_")]


def _set_faults(declared: Capabilities) -> list[str]:
    sets: dict[str, object] = {name: getattr(declared, name) for name in ("commands", "events", "fields")}
    faults = [f"{name} is no frozenset" for name, members in sets.items() if not isinstance(members, frozenset)]
    known = {*get_args(Event), *(get_args(Query) or (Query,))}
    strange: list[object] = [kind for kind in declared.commands if Command not in getattr(kind, "__mro__", ())]
    strange += [event for event in declared.events if event not in known]
    faults += [f"{member!r} is declared, but is no command or event" for member in strange]
    faults += [f"{member!r} is declared, but is no field" for member in set(declared.fields) - set(Field)]
    return faults + [f"lossy {name!r} gives no reason" for name, why in declared.lossy.items() if not why.strip()]


def _limit_faults(declared: Capabilities) -> list[str]:
    """Numbers of the wrong type, and limits that let nothing through."""
    faults = []
    for name, hint in _hints().items():
        value = getattr(declared, name)
        if hint in (int, float, bool) and type(value) not in ((int, float) if hint is float else (hint,)):
            faults.append(f"{name} is {value!r}, not of type {hint.__name__}")
        elif hint in (int, float) and (value < 0 or (value == 0 and name not in _MAY_BE_ZERO)):
            faults.append(f"{name} is {value!r}, which lets nothing through")
    if declared.deltas is False and declared.complete_sets is False:
        faults.append("limits are taken neither for some nights nor as a complete set")
    return faults


@cache
def _hints() -> dict[str, Any]:
    """Capabilities' types by name: a millisecond to find, and asked for once per profile."""
    return get_type_hints(Capabilities)
