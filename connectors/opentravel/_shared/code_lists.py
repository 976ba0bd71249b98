"""Which numbers the code lists of OpenTravel have, and what is coded by them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice

from gateway.wire.xml import Node
from mappings import CodeTable, load, look_up

_TOLD_MAX = 10


@cache
def numbers(name: str) -> range:
    """The numbers of a list; raises :class:`mappings.Unmapped` for one that is not known."""
    first, _, last = look_up("ota_lists", name).partition("-")
    return range(int(first), int(last) + 1)


def unlisted(root: Node) -> tuple[str, ...]:
    """A warning for each number that its list does not have, the first ten; a peer may have newer lists, or its own."""
    coded = load("codes", "ota_coded", CodeTable).entries
    met = dict.fromkeys(item for node in root.iter() for item in node.items() if item[0] in coded)
    told = (
        _warning(attribute, code, coded[attribute])
        for attribute, text in met
        for code in _outside(text, numbers(coded[attribute]))
    )
    return tuple(dict.fromkeys(islice(told, _TOLD_MAX)))


def _outside(text: str, listed: range) -> Iterator[str]:
    """A code with a suffix (``1.ABR``) is of a list of somebody's own."""
    return (code for code in text.split() if code.isdecimal() and code.isascii() and int(code[:9]) not in listed)


def _warning(attribute: str, code: str, name: str) -> str:
    listed = numbers(name)
    return f"{attribute}: {code[:9]} is not in the code list {name}, which has {listed[0]} to {listed[-1]}"
