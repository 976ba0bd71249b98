"""Code tables, dialect profiles and hotels as TOML, and the one loader for them.

A file is ``mappings/<kind>/<name>.toml`` and is read into a typed struct; keys the struct does not know are refused,
so that a misspelt switch cannot be ignored. Nothing here imports the gateway: whoever looks a code up translates
:class:`Unmapped` into an error of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import TypeVar, cast

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


class NoSuchMapping(LookupError):
    """There is no file for this kind and name."""


class Unmapped(KeyError):
    """A code table has no entry for ``code``."""

    def __init__(self, table: str, code: str) -> None:
        super().__init__(code)
        self.table = table
        self.code = code

    def __str__(self) -> str:
        return f"{self.code!r} is not in the table {self.table}"


class CodeTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``source`` names the list the codes come from; ``entries`` maps a code to what it means here."""

    source: str
    entries: Mapping[str, str]


def load(kind: str, name: str, type: type[T]) -> T:
    """The file as ``type``; raises :class:`NoSuchMapping`, or msgspec's ValidationError when the file is wrong."""
    return cast(T, _load(kind, name, type))


def names(kind: str) -> tuple[str, ...]:
    """The names there are files for, sorted."""
    folder = files(__name__) / kind
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


@lru_cache(maxsize=1024)
def look_up(table: str, code: str) -> str:
    """The meaning of a code in ``mappings/codes/<table>.toml``; raises :class:`Unmapped`."""
    try:
        return load("codes", table, CodeTable).entries[code]
    except KeyError:
        raise Unmapped(table, code) from None


@lru_cache(maxsize=256)
def _load(kind: str, name: str, type: type[msgspec.Struct]) -> msgspec.Struct:
    # The name may come from a hotel's configuration: only what is listed can be opened.
    if name not in names(kind):
        raise NoSuchMapping(f"there is no {kind} {name!r}; there are {', '.join(names(kind)) or 'none'}")
    return msgspec.toml.decode((files(__name__) / kind / f"{name}.toml").read_bytes(), type=type)
