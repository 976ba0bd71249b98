"""Set-based statements: however many rows, one statement per table.

PostgreSQL gets arrays (``unnest``), so its texts are constant and stay prepared; SQLite gets ``VALUES`` lists. SQL is written
for the placeholders of the driver: ``$1`` for asyncpg, ``?`` for sqlite3.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

from gateway.store.tables import SPECS, Spec

Dialect = Literal["sqlite", "postgresql"]
Params = Sequence[Any]

SQLITE_PARAMS_MAX = 30_000  # below the least limit a stock build of SQLite is compiled with (32,766)
_ARRAY = {str: "text[]", int: "bigint[]", bytes: "bytea[]"}


class Lookup:
    """Rows of one table found by equality of some columns, with an optional fixed condition."""

    def __init__(self, row: type[Any], fields: tuple[str, ...] | None = None, where: str = "") -> None:
        self.row = row
        self.spec = SPECS[row]
        self.fields = fields or self.spec.key
        self.where = where
        self._at = tuple(self.spec.fields.index(field) for field in self.fields)

    def key_of(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """The row's own values of the looked-up columns."""
        return tuple(row[at] for at in self._at)


def chunks(rows: Sequence[Params], width: int, dialect: Dialect) -> list[Sequence[Params]]:
    """The rows in portions that one statement takes."""
    most = len(rows) if dialect == "postgresql" else SQLITE_PARAMS_MAX // width
    return [rows[start : start + most] for start in range(0, len(rows), most)] if rows else []


def select(lookup: Lookup, keys: Sequence[Params], dialect: Dialect) -> tuple[str, Params]:
    """All rows of the lookup for any of the keys."""
    text = _select(lookup.spec, lookup.fields, lookup.where, dialect, _count(keys, dialect))
    return text, _params(keys, len(lookup.fields), dialect)


def upsert(row: type[Any], rows: Sequence[Params], dialect: Dialect) -> tuple[str, Params]:
    """Insert the rows, or put them in place of those with their keys."""
    spec = SPECS[row]
    return _upsert(spec, dialect, _count(rows, dialect)), _params(rows, len(spec.fields), dialect)


def delete(row: type[Any], keys: Sequence[Params], dialect: Dialect) -> tuple[str, Params]:
    """Delete the rows with those keys."""
    spec = SPECS[row]
    return _delete(spec, dialect, _count(keys, dialect)), _params(keys, spec.width, dialect)


def placeholders(text: str, dialect: Dialect) -> str:
    """A statement written with ``?`` for the driver of the dialect."""
    if dialect == "sqlite":
        return text
    parts = text.split("?")
    return "".join(part + (f"${number}" if number < len(parts) else "") for number, part in enumerate(parts, 1))


def _count(rows: Sequence[Params], dialect: Dialect) -> int:
    return len(rows) if dialect == "sqlite" else 0


def _params(rows: Sequence[Params], width: int, dialect: Dialect) -> Params:
    if dialect == "sqlite":
        return [value for row in rows for value in row]
    columns = list(zip(*rows, strict=True))
    return columns or [()] * width


def _source(spec: Spec, fields: Sequence[str], dialect: Dialect, count: int) -> str:
    if dialect == "postgresql":
        return "unnest(" + ", ".join(f"${n}::{_ARRAY[spec.kinds[field]]}" for n, field in enumerate(fields, 1)) + ")"
    row = "(" + ", ".join("?" * len(fields)) + ")"
    return "VALUES " + ", ".join([row] * count)


@lru_cache(maxsize=512)
def _select(spec: Spec, fields: tuple[str, ...], where: str, dialect: Dialect, count: int) -> str:
    names = ", ".join(f"t.{field}" for field in spec.fields)
    source = _source(spec, fields, dialect, count)
    if dialect == "postgresql":
        joined = f"{source} AS k({', '.join(f'k{n}' for n in range(len(fields)))})"
        match = " AND ".join(f"t.{field} = k.k{n}" for n, field in enumerate(fields))
    else:
        joined = f"({source}) AS k"
        match = " AND ".join(f"t.{field} = k.column{n}" for n, field in enumerate(fields, 1))
    # CROSS JOIN keeps SQLite from scanning the table and probing the list.
    join = "JOIN" if dialect == "postgresql" else "CROSS JOIN"
    condition = f" AND ({where})" if where else ""
    return f"SELECT {names} FROM {joined} {join} {spec.name} AS t ON {match}{condition}"


@lru_cache(maxsize=512)
def _upsert(spec: Spec, dialect: Dialect, count: int) -> str:
    source = _source(spec, spec.fields, dialect, count)
    if dialect == "postgresql":
        source = f"SELECT * FROM {source}"
    rest = ", ".join(f"{field} = excluded.{field}" for field in spec.fields[spec.width :])
    return (
        f"INSERT INTO {spec.name} ({', '.join(spec.fields)}) {source} "
        f"ON CONFLICT ({', '.join(spec.key)}) DO UPDATE SET {rest}"
    )


@lru_cache(maxsize=512)
def _delete(spec: Spec, dialect: Dialect, count: int) -> str:
    source = _source(spec, spec.key, dialect, count)
    if dialect == "postgresql":
        source = f"SELECT * FROM {source}"
    return f"DELETE FROM {spec.name} WHERE ({', '.join(spec.key)}) IN ({source})"
