"""Reads a message that is in none of the releases we have a full description of as one of the others might have it.

Between 2003B and 2017B elements and attributes were added, made optional and, very rarely, removed. What is relaxed is
listed in ``docs/inspect.md``; every name, every value, what all releases require, and the order still count.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from connectors.opentravel._shared.inspect_words import Readings, has_type, root
from gateway.errors import Reason, Unsupported
from gateway.wire import xml
from gateway.wire.shape import XSI_HINTS, one_of
from gateway.wire.shape_values import BLANK, Fault, Value, quoted
from gateway.wire.shape_walk import Place
from gateway.wire.xml import Node

# These have stood at the beginning and at the end, before and behind each other.
_ANYWHERE = frozenset(("POS", "TPA_Extensions", "UniqueID"))
_OUTCOMES = frozenset(("Success", "Errors"))
# What all trades share holds their own, of which we know one release or two: there names and order do not count.
_SHARED = frozenset(("NotifDetails", "PrefCollection", "ReadRequests", "ReservationsList"))
_OTHER_TRADE = re.compile(r"(?:Air|Cruise|Dest|Golf|Ground|Insurance|Package|Pkg|Rail|Tour|Veh)[A-Za-z]+")
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


class _Open:
    """An open element: what is left of the order in each reading of it, and how often each child has come.

    ``loose`` says that it belongs to another trade, ``others`` that something in it does.
    """

    __slots__ = ("children", "loose", "others", "readings", "states")

    def __init__(self, readings: Readings, *, loose: bool) -> None:
        self.readings = readings
        self.states = readings.states.copy()
        self.children: Counter[str] = Counter()
        self.loose = loose
        self.others = False


def check(message: Node, *, loose: bool = False) -> None:
    """Raises :class:`gateway.errors.Malformed` for what is wrong in every release, Unsupported for an unknown root.

    Of a ``loose`` message, one of another trade, only what is known has to be right.
    """
    place = Place()
    place.tree(message, _Checker(place, loose=loose))


def check_stream(data: bytes, limits: xml.Limits, *, loose: bool = False) -> str:
    """The same for a document in UTF-8 of which nothing is kept; gives the local name of its root."""
    place = Place()
    place.stream(data, _Checker(place, loose=loose), limits)
    return place.root_name


class _Checker:
    def __init__(self, place: Place, *, loose: bool) -> None:
        self._place = place
        self._loose = loose
        self._open: list[_Open | None] = []
        self._prefix = ""

    def start(self, node: Node) -> None:
        tag: Any = node.tag
        name = xml.name_of(node)
        found: Readings | None
        loose = self._loose
        if not self._open:
            self._prefix = tag.removesuffix(name)
            found = root(name)
            if found is None:
                raise Unsupported(f"no message is called {quoted(name)}", path=f"/{name}", line=node.sourceline)
        else:
            parent = self._open[-1]
            if parent is not None and not loose:
                loose = parent.loose or (parent.readings.element in _SHARED and bool(_OTHER_TRADE.fullmatch(name)))
            found = None if parent is None else self._child(node, name, tag, parent, loose)
        if found is not None:
            self._attributes(node, found, loose)
        self._open.append(_Open(found, loose=loose) if found is not None else None)

    def end(self, node: Node) -> None:
        here = self._open.pop()
        if here is None:
            return
        self._text(node, here.readings)
        if here.readings.outcome:
            self._outcome(node, here)
        missing = () if here.loose or here.others else here.readings.missing(frozenset(here.children))
        if missing:
            raise self._place.fault(node, f"{one_of(missing)} is missing", Reason.REQUIRED_MISSING)

    # --- content ------------------------------------------------------------------------------------------------------

    def _child(self, node: Node, name: str, tag: str, parent: _Open, loose: bool) -> Readings | None:
        """What the releases say of a child element; None for one that is not looked at."""
        above = parent.readings
        if not above.mixed and (before := node.getprevious()) is not None:
            self._blank(node, before.tail)
        if tag != self._prefix + name:
            if above.anything:
                return None
            raise self._place.fault(node, f"{quoted(tag)} is not in the namespace of the message")
        name = above.present(name)
        if loose:
            parent.others = True
            return above.child(name)
        if name in above.places:
            self._in_order(node, name, parent)
        found = above.child(name)
        if found is None and not above.anything:
            raise self._place.fault(node, f"no release has an element {name} here")
        return found

    def _in_order(self, node: Node, name: str, parent: _Open) -> None:
        """One of the readings that know the name has to have it here."""
        count = parent.children[name] = parent.children[name] + 1
        held = False
        if 1 < count <= parent.readings.repeated.get(name, 0):
            return
        for at, most in parent.readings.places[name]:
            state = parent.states[at]
            if name not in _ANYWHERE:
                parent.states[at] = state = state.after(name) if state is not None else None
            held = held or (state is not None and count <= most)
        if not held:
            raise self._place.fault(node, f"{name} may not stand at this place, or not once more")

    def _text(self, node: Node, here: Readings) -> None:
        if here.text and not len(node):
            fault = _worst(here.text, node.text or "")
            if fault is not None and here.text_only:
                raise self._place.fault(node, fault[1], fault[0])
        elif not here.mixed:
            self._blank(node, node.text)
            self._blank(node, node[-1].tail if len(node) else None)

    def _blank(self, node: Node, text: str | None) -> None:
        if text and text.strip(BLANK):
            raise self._place.fault(node, f"{quoted(text.strip(BLANK))} is text where none may be")

    def _outcome(self, node: Node, here: _Open) -> None:
        """An answer says that it worked or that it did not, and never both."""
        said = _OUTCOMES.intersection(here.children)
        if len(said) != 1:
            text = "both Success and Errors" if said else "neither Success nor Errors"
            raise self._place.fault(node, f"the message has {text}", Reason.REQUIRED_MISSING)

    # --- attributes ---------------------------------------------------------------------------------------------------

    def _attributes(self, node: Node, here: Readings, loose: bool) -> None:
        attributes: Any = node.attrib
        for name, text in attributes.items():
            values = here.values(name)
            fault = _worst(values, text)
            if values and fault is None:
                continue
            others = here.other_values(name)
            if not values and not others:
                if not loose:
                    self._unknown(node, name, text, here)
                continue
            fault = _worst(others, text) if others else fault
            if fault is not None:
                raise self._place.fault(node, f"{name}: {fault[1]}", fault[0], f"/@{name}")
        for name in here.required:
            if name not in attributes and not loose:
                raise self._place.fault(node, f"{name} is missing", Reason.REQUIRED_MISSING, f"/@{name}")

    def _unknown(self, node: Node, name: str, text: str, here: Readings) -> None:
        if name == _XSI_TYPE and not has_type(text.strip(BLANK).rpartition(":")[2]):
            raise self._place.fault(node, f"no release has a type {quoted(text)}", suffix="/@type")
        if name in XSI_HINTS or name == _XSI_TYPE or here.any_attribute:
            return
        shown = xml.LOCAL[name]
        raise self._place.fault(node, f"no release has an attribute {shown} here", suffix=f"/@{shown}")


def _worst(values: list[Value], text: str) -> Fault | None:
    """None if the text fits one of the values."""
    fault: Fault | None = None
    for value in values:
        if text in value.seen or (found := value.fault(text)) is None:
            return None
        fault = fault if fault and fault[0] is Reason.INVALID_DATE else found
    return fault
