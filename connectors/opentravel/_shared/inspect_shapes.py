"""The shape tables, ready to check with; each is loaded when it is first asked for."""

from __future__ import annotations

from functools import lru_cache

from gateway.wire.shape import Schema
from mappings import shapes


@lru_cache(maxsize=32)
def schema(name: str) -> Schema:
    """The table ``mappings/shapes/<name>.json``; raises :class:`mappings.NoSuchMapping`."""
    return Schema(shapes.read(name))
