"""How a broken rule is told: a typed refusal with the path and the line of the element that breaks it."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TypeVar

from connectors.opentravel._shared.names import first
from gateway.errors import Malformed, Reason, Refusal, Rejected
from gateway.model.dates import Day
from gateway.wire.shape import path_of
from gateway.wire.xml import Node, name_of

R = TypeVar("R", bound=Refusal)

_TRUE = frozenset(("1", "true"))

# Whole numbers as nearly all of them are written.
SMALL: dict[str | None, int] = {str(number): number for number in range(1000)}


def broken(node: Node, text: str, reason: Reason = Reason.BUSINESS_RULE, attribute: str = "") -> Rejected:
    """A refusal placed at the element, or at an attribute of it."""
    return _placed(Rejected(text, reason), node, attribute)


def missing(node: Node, name: str) -> Rejected:
    """A child element or, with ``@``, an attribute that has to be there; the path ends with it all the same."""
    fault = broken(node, f"{name.removeprefix('@')} is missing", Reason.REQUIRED_MISSING)
    fault.path = f"{fault.path}/{name}"
    return fault


def need(node: Node, attribute: str) -> str:
    """The attribute as it is written; refused when absent."""
    found = node.get(attribute)
    if found is None:
        raise missing(node, f"@{attribute}")
    return found


def need_child(node: Node, *names: str) -> Node:
    """The first child at each step of the path; refused when one is absent."""
    for name in names:
        below = first(node, name)
        if below is None:
            raise missing(node, name)
        node = below
    return node


def no_children(node: Node, names: frozenset[str], why: str) -> None:
    """Refuses the first child that goes by one of the names."""
    for child in node:
        if name_of(child) in names:
            raise broken(child, f"{name_of(child)} is not allowed {why}")


def no_attributes(node: Node, names: tuple[str, ...], why: str) -> None:
    """Refuses the first attribute, in the order given, that is present."""
    for name in names:
        if node.get(name) is not None:
            raise broken(node, f"{name} is not allowed {why}", attribute=name)


def whole(node: Node, attribute: str) -> int:
    """A whole number."""
    small = SMALL.get(node.get(attribute))
    if small is not None:
        return small
    text = need(node, attribute).strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise broken(node, f"{text[:40]!r} is not a whole number", Reason.INVALID_VALUE, attribute)
    return int(text)


def truth(node: Node, attribute: str) -> bool:
    """An xs:boolean; absent is false."""
    return (node.get(attribute) or "").strip() in _TRUE


def day(node: Node, attribute: str) -> Day:
    """A date. xs:date allows a time zone behind it, which says nothing about a hotel's night."""
    text = need(node, attribute)
    try:
        return _ordinal(text[:10])
    except ValueError:
        fault = Malformed(f"{text[:40]!r} is not a date (YYYY-MM-DD)", Reason.INVALID_DATE)
        raise _placed(fault, node, attribute) from None


@lru_cache(maxsize=4096)
def _ordinal(text: str) -> Day:
    return date.fromisoformat(text).toordinal()


def period(node: Node) -> tuple[Day, Day]:
    """Start and End, both inclusive, in this order."""
    return span(node.get("Start"), node.get("End")) or _read_period(node)


@lru_cache(maxsize=4096)
def span(start: str | None, end: str | None) -> tuple[Day, Day] | None:
    """The days of a period; None where something is wrong with it."""
    try:
        days = _ordinal((start or "")[:10]), _ordinal((end or "")[:10])
    except ValueError:
        return None
    return days if days[0] <= days[1] else None


def _read_period(node: Node) -> tuple[Day, Day]:
    start, end = day(node, "Start"), day(node, "End")
    if start > end:
        text = f"Start {node.get('Start')} is after End {node.get('End')}"
        raise broken(node, text, Reason.DATE_COMBINATION, "Start")
    return start, end


def _placed(fault: R, node: Node, attribute: str) -> R:
    fault.path = f"{path_of(node)}/@{attribute}" if attribute else path_of(node)
    fault.line = int(node.sourceline or 0) or None
    return fault
