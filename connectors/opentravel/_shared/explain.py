"""What the codes in a message mean, for whoever reads it: the tables of ``mappings/codes`` behind the attributes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from gateway.errors import Refusal
from gateway.wire.xml import LOCAL, Limits, Node, read_tree
from mappings import CodeTable, Unmapped, load, look_up

BYTES_MAX = 1024 * 1024
MEANINGS_MAX = 40


def explain(data: bytes) -> tuple[str, ...]:
    """Each code once, in the order of the message; nothing for what is no XML, and for codes of other lists."""
    try:
        root = read_tree(data, Limits(bytes_max=BYTES_MAX))
    except Refusal:
        return ()
    return tuple(islice(dict.fromkeys(_meanings(root)), MEANINGS_MAX))


def _meanings(root: Node) -> Iterator[str]:
    coded = load("codes", "ota_meanings", CodeTable).entries
    for node in root.iter("*"):
        element = LOCAL[node.tag]
        for name, value in node.items():
            table = coded.get(f"{element}/{name}") or coded.get(name)
            for code in value.split() if table else ():
                try:
                    yield f"{element}/@{name} {code}: {look_up(table, code)}"
                except Unmapped:
                    continue
