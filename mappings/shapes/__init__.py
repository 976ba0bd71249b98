"""Shape tables: which elements, attributes and values a message may have, per version of a standard.

The tables are written by :mod:`mappings.shapes.derive`, except those whose ``source`` says otherwise. Their notation
is described in ``README.md``; :mod:`gateway.wire.shape` checks messages with them.
"""

from __future__ import annotations

from importlib.resources import files

from mappings import NoSuchMapping


def names() -> tuple[str, ...]:
    """The tables there are, sorted."""
    found = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in found if name.endswith(".json")))


def read(name: str) -> bytes:
    """The table as JSON; raises :class:`mappings.NoSuchMapping`."""
    if name not in names():
        raise NoSuchMapping(f"there is no shape table {name!r}; there are {', '.join(names())}")
    return (files(__name__) / f"{name}.json").read_bytes()
