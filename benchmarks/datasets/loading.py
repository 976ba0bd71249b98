"""Many rows at once into an empty database. Indexes are made afterwards, which takes a tenth of the time."""

import sqlite3
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.datasets.years import Rows
from gateway.store.schema import SPECS

Tables = Iterable[tuple[type[Any], Rows]]
_SQLITE_INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
_POSTGRES_INDEXES = (
    "SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid "
    "JOIN pg_class AS t ON t.oid = i.indrelid WHERE t.relnamespace = 'public'::regnamespace AND NOT i.indisprimary "
    "AND t.relname <> 'alembic_version'"
)
_COPIED_AT_ONCE = 100_000


def into_sqlite(path: Path, tables: Tables) -> None:
    """Not durable while it goes on: what is broken off has to be begun again."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1500000", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    indexes = connection.execute(_SQLITE_INDEXES).fetchall()
    connection.execute("BEGIN")
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    for row, rows in tables:
        spec = SPECS[row]
        marks = ", ".join("?" * len(spec.fields))
        connection.executemany(f"INSERT INTO {spec.name} ({', '.join(spec.fields)}) VALUES ({marks})", rows)
    for _, statement in indexes:
        connection.execute(statement)
    connection.execute("COMMIT")
    connection.close()


async def into_postgres(url: str, tables: Tables) -> None:
    """With what it does by itself in a table that has grown bit by bit: statistics, and the map of visible pages."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET maintenance_work_mem = '1GB'; SET synchronous_commit = off")
        indexes = await connection.fetch(_POSTGRES_INDEXES)
        for name, _ in indexes:
            await connection.execute(f"DROP INDEX {name}")
        for row, rows in tables:
            await _copy(connection, row, rows)
        for _, statement in indexes:
            await connection.execute(statement)
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _copy(connection: "asyncpg.Connection[Any]", row: type[Any], rows: Rows) -> None:
    spec = SPECS[row]
    key = ", ".join(spec.key)
    await connection.execute(f"ALTER TABLE {spec.name} DROP CONSTRAINT {spec.name}_pkey")
    while some := list(islice(rows, _COPIED_AT_ONCE)):
        await connection.copy_records_to_table(spec.name, records=some, columns=spec.fields)
    await connection.execute(f"ALTER TABLE {spec.name} ADD CONSTRAINT {spec.name}_pkey PRIMARY KEY ({key})")
