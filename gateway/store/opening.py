"""From a URL to a migrated database."""

from __future__ import annotations

from pathlib import Path

from gateway.store.database import Database
from gateway.store.postgres import PostgresDatabase
from gateway.store.sqlite import SqliteDatabase


def open_database(url: str) -> Database:
    """``sqlite:///path`` or ``postgresql://…``; not connected yet."""
    if url.startswith("sqlite:///"):
        return SqliteDatabase(Path(url.removeprefix("sqlite:///")))
    if url.startswith(("postgresql://", "postgres://")):
        return PostgresDatabase(url)
    raise ValueError("the database URL must begin with sqlite:/// or postgresql://")
