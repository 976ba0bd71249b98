"""From a URL to a database."""

from __future__ import annotations

from pathlib import Path

from gateway.store.database import Database
from gateway.store.postgres import PostgresDatabase
from gateway.store.sqlite import SqliteDatabase

_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql://", "postgres://")


def sqlite_path(url: str) -> Path | None:
    """The file of ``sqlite:///path``, None for a PostgreSQL; raises ValueError for any other URL."""
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        return Path(url.removeprefix(_SQLITE))
    if url.startswith(_POSTGRES):
        return None
    raise ValueError("the database URL must begin with sqlite:/// and a path, or with postgresql://")


def open_database(url: str) -> Database:
    """``sqlite:///path`` or ``postgresql://…``, migrated by :mod:`gateway.store.migrating`; not connected yet."""
    path = sqlite_path(url)
    return PostgresDatabase(url) if path is None else SqliteDatabase(path)
