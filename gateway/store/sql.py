"""Set-based statements: however many rows, one statement per table.

PostgreSQL gets arrays (``unnest``), so its texts are constant and stay prepared. SQLite reads by ``VALUES`` lists and
writes by running one prepared statement over all rows, which spares it from parsing a new text for every number of
rows. SQL is written for the placeholders of the driver: ``$1`` for asyncpg, ``?`` for sqlite3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, ClassVar, Literal

from gateway.store.schema import SPECS, Spec

Dialect = Literal["sqlite", "postgresql"]
Params = Sequence[Any]

SQLITE_PARAMS_MAX = 30_000  # below the least limit a stock build of SQLite is compiled with (32,766)
_ARRAY = {str: "text[]", int: "bigint[]", bytes: "bytea[]"}
_CONDITION = re.compile(r"t\.(\w+) (?:([=>]) (-?\d+)|IS NOT NULL)", re.ASCII)
_QUOTED_OR_MARK = re.compile(r"'[^']*'|\?")


class Lookup:
    """Rows of one table found by equality of some columns, with an optional fixed condition.

    The condition is ``t.column = integer``, ``t.column > integer`` or ``t.column IS NOT NULL``, so that it can be told
    of a row in memory as well. Equal lookups are one object: what one flow has loaded, another finds.
    """

    _known: ClassVar[dict[tuple[type[Any], tuple[str, ...], str], Lookup]] = {}

    row: type[Any]
    spec: Spec
    fields: tuple[str, ...]
    where: str
    is_primary: bool
    is_fixed: bool  # no change of a row by primary key can make it leave
    key_of: Callable[[tuple[Any, ...]], tuple[Any, ...]]
    """The row's own values of the looked-up columns."""
    _holds: Callable[[tuple[Any, ...]], bool]

    def __new__(cls, row: type[Any], fields: tuple[str, ...] | None = None, where: str = "") -> Lookup:
        spec = SPECS[row]
        name = (row, fields or spec.key, where)
        if name not in cls._known:
            self = super().__new__(cls)
            self.row, self.spec = row, spec
            self.fields, self.where = name[1:]
            self.is_primary = self.fields == spec.key and not where
            self.is_fixed = set(self.fields) <= set(spec.key) and not where
            self.key_of = _picker([spec.fields.index(field) for field in self.fields])
            self._holds = _condition(spec, where)
            cls._known[name] = self
        return cls._known[name]

    def matches(self, row: tuple[Any, ...], key: Params) -> bool:
        """Whether the row, as it is now, is one that the lookup finds by that key."""
        return self.is_fixed or (self.key_of(row) == key and self._holds(row))


def _picker(places: list[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    if places == list(range(len(places))):
        return itemgetter(slice(len(places)))
    if len(places) == 1:
        return lambda row: (row[places[0]],)
    return itemgetter(*places)


def _condition(spec: Spec, where: str) -> Callable[[tuple[Any, ...]], bool]:
    if not where:
        return lambda row: True
    parts = _CONDITION.fullmatch(where)
    if parts is None:
        raise ValueError(f"a lookup's condition is 't.column = integer', '> integer' or 'IS NOT NULL', not {where!r}")
    at = spec.fields.index(parts[1])
    if parts[2] is None:
        return lambda row: row[at] is not None
    value = int(parts[3])
    if parts[2] == ">":
        return lambda row: bool(row[at] > value)
    return lambda row: bool(row[at] == value)


def chunks(keys: Sequence[Params], width: int, dialect: Dialect) -> list[Sequence[Params]]:
    """The keys in portions that one statement takes."""
    most = max(len(keys), 1) if dialect == "postgresql" else SQLITE_PARAMS_MAX // width
    return [keys[start : start + most] for start in range(0, len(keys), most)]


def select(lookup: Lookup, keys: Sequence[Params], dialect: Dialect) -> tuple[str, Params]:
    """All rows of the lookup for any of the keys, which must be distinct."""
    if dialect == "postgresql":
        return _select(lookup, dialect, 0), columns(keys)
    return _select(lookup, dialect, len(keys)), [value for key in keys for value in key]


def columns(rows: Sequence[Params]) -> Params:
    """The rows as one array per column."""
    return list(zip(*rows, strict=True))


@lru_cache(maxsize=256)
def upsert(spec: Spec, dialect: Dialect) -> str:
    """Insert rows, or put them in place of those with their keys."""
    source = f"VALUES ({', '.join('?' * len(spec.fields))})"
    if dialect == "postgresql":
        source = f"SELECT * FROM {_unnest(spec, spec.fields)}"
    rest = ", ".join(f"{field} = excluded.{field}" for field in spec.fields[spec.width :])
    return (
        f"INSERT INTO {spec.name} ({', '.join(spec.fields)}) {source} "
        f"ON CONFLICT ({', '.join(spec.key)}) DO UPDATE SET {rest}"
    )


@lru_cache(maxsize=256)
def delete(spec: Spec, dialect: Dialect) -> str:
    """Delete the rows with some keys."""
    if dialect == "postgresql":
        condition = f"({', '.join(spec.key)}) IN (SELECT * FROM {_unnest(spec, spec.key)})"
    else:
        # With IN (VALUES ...) SQLite searches by a part of the key only.
        condition = " AND ".join(f"{field} = ?" for field in spec.key)
    return f"DELETE FROM {spec.name} WHERE {condition}"


@lru_cache(maxsize=256)
def placeholders(text: str, dialect: Dialect) -> str:
    """A statement written with ``?`` for the driver of the dialect; a question mark between quotes stays one."""
    if dialect == "sqlite":
        return text
    count = 0

    def number(found: re.Match[str]) -> str:
        nonlocal count
        if found[0] != "?":
            return found[0]
        count += 1
        return f"${count}"

    return _QUOTED_OR_MARK.sub(number, text)


def _unnest(spec: Spec, fields: Sequence[str]) -> str:
    return "unnest(" + ", ".join(f"${n}::{_ARRAY[spec.kinds[field]]}" for n, field in enumerate(fields, 1)) + ")"


@lru_cache(maxsize=512)
def _select(lookup: Lookup, dialect: Dialect, count: int) -> str:
    spec, fields = lookup.spec, lookup.fields
    names = ", ".join(f"t.{field}" for field in spec.fields)
    condition = f" AND {lookup.where}" if lookup.where else ""
    if dialect == "postgresql":
        source = f"{_unnest(spec, fields)} AS k({', '.join(f'k{n}' for n in range(len(fields)))})"
        match = " AND ".join(f"t.{field} = k.k{n}" for n, field in enumerate(fields))
        return f"SELECT {names} FROM {source} JOIN {spec.name} AS t ON {match}{condition}"
    marks = ", ".join([f"({', '.join('?' * len(fields))})"] * count)
    match = " AND ".join(f"t.{field} = k.column{n}" for n, field in enumerate(fields, 1))
    # CROSS JOIN keeps SQLite from scanning the table and probing the list.
    return f"SELECT {names} FROM (VALUES {marks}) AS k CROSS JOIN {spec.name} AS t ON {match}{condition}"
