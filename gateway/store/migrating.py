"""Brings a database to the schema that this gateway speaks.

A database that is there already costs one SELECT at start; only one that is not loads Alembic. Processes that start
together migrate one after the other, and the later ones find nothing left to do. All steps are one transaction.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
import structlog

from gateway.store.database import Unavailable
from gateway.store.opening import sqlite_path
from gateway.store.schema import SPECS
from gateway.store.sqlite import BUSY_TIMEOUT_S

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

T = TypeVar("T")

log = structlog.get_logger(__name__)

MIGRATIONS = Path(__file__).with_name("migrations")
# A revision is named by the four digits that its file begins with.
REVISIONS = sorted(path.name[:4] for path in MIGRATIONS.glob("versions/[0-9][0-9][0-9][0-9]_*.py"))
HEAD = REVISIONS[-1]

# What a later version has added is known by its key, which begins with the scope; other tables are somebody else's.
_OURS = {"alembic_version", *(spec.name for spec in SPECS.values())}
_SCOPE = "scope_id"
_CURRENT = "SELECT version_num FROM alembic_version"
_LOCK = 0x67617465776179  # "gateway"; the key of an advisory lock is a number
_LOCK_TIMEOUT_S = 60.0


class NewerDatabase(Exception):
    """The database has been migrated by a later gateway; an earlier one could only damage it."""


class NoWayBack(Exception):
    """A migration that cannot be undone; what was there before is in the backup that was taken."""


async def migrate(url: str, to: str = "") -> None:
    """Migrates to the latest revision; raises :class:`NewerDatabase` where that would be a step back.

    ``url`` is that of :func:`gateway.store.opening.open_database`. Returns at once if there is nothing to do. A new
    database can be brought to an earlier revision ``to``, to be filled with what was kept at that one.
    """
    to = _known(to or HEAD)
    path = sqlite_path(url)
    if path is not None:
        await asyncio.to_thread(_migrate_sqlite, path, to)
    elif not is_current(await _postgres_revision(url)):
        # Alembic is not async, and in a loop of its own it holds nobody up.
        await asyncio.to_thread(lambda: asyncio.run(_migrate_postgres(url, partial(_upgrade, to=to))))


async def migrate_back(url: str) -> str:
    """Undoes the latest migration and returns the revision that is left; raises :class:`NoWayBack`."""
    path = sqlite_path(url)
    if path is not None:
        return await asyncio.to_thread(_in_sqlite, path, _downgrade)
    return await asyncio.to_thread(lambda: asyncio.run(_migrate_postgres(url, _downgrade)))


async def rebuild(url: str, to: str) -> None:
    """Drops the tables of whichever version of the gateway, for the empty ones of a revision of this one.

    Raises :class:`NoWayBack` where somebody else's stand beside them, and has changed nothing then.
    """
    work = partial(_rebuild, to=_known(to))
    path = sqlite_path(url)
    if path is not None:
        await asyncio.to_thread(_in_sqlite, path, work)
    else:
        await asyncio.to_thread(lambda: asyncio.run(_migrate_postgres(url, work)))


async def revision_of(url: str) -> str | None:
    """The revision a database is at, None for one that has none yet (or is not there)."""
    path = sqlite_path(url)
    if path is None:
        return await _postgres_revision(url)
    return await asyncio.to_thread(_revision_of_file, path)


def _known(revision: str) -> str:
    if revision not in REVISIONS:
        raise NewerDatabase(f"this gateway knows no revision {revision!r}, only {HEAD!r} and what was before")
    return revision


def is_current(revision: str | None) -> bool:
    """Whether there is nothing to migrate; raises :class:`NewerDatabase` for a revision that is not known here."""
    if revision is not None and revision not in REVISIONS:
        raise NewerDatabase(
            f"the database is at revision {revision!r} and this gateway knows none after {HEAD!r}: "
            "run the version of the gateway that last used it, or a later one"
        )
    return revision == HEAD


# --- SQLite -----------------------------------------------------------------------------------------------------------


def _revision_of_file(path: Path) -> str | None:
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as connection:
            return _sqlite_revision(connection)
    except sqlite3.OperationalError as error:
        raise Unavailable(f"SQLite: {path}: {error}") from error


def _migrate_sqlite(path: Path, to: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as connection:
            if is_current(_sqlite_revision(connection)):
                return
        _in_sqlite(path, partial(_upgrade, to=to))
    except sqlite3.OperationalError as error:
        raise Unavailable(f"SQLite: {path}: {error}") from error


def _sqlite_revision(connection: sqlite3.Connection) -> str | None:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    row = connection.execute(_CURRENT).fetchone() if known else None
    return row[0] if row else None


def _in_sqlite(path: Path, work: Callable[[Connection], T]) -> T:
    import sqlalchemy as sa

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=_LOCK_TIMEOUT_S, isolation_level=None)

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)
    # The driver would begin nothing before DDL, so a migration that failed half way would stay half done.
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as connection:
        return work(connection)


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


async def _postgres_revision(url: str) -> str | None:
    try:
        connection = await asyncpg.connect(url, timeout=10.0)
    except (OSError, asyncpg.PostgresError) as error:
        raise Unavailable(f"PostgreSQL: {error or type(error).__name__}") from error
    try:
        known = await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL")
        revision: str | None = await connection.fetchval(_CURRENT) if known else None
        return revision
    finally:
        await connection.close()


async def _migrate_postgres(url: str, work: Callable[[Connection], T]) -> T:
    import sqlalchemy as sa
    from sqlalchemy.ext.asyncio import create_async_engine

    async def connect() -> asyncpg.Connection[Any]:
        return await asyncpg.connect(url)  # so that the URL means what it means to the store

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=sa.NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_S:.0f}s'"))
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


# --- both -------------------------------------------------------------------------------------------------------------


def _upgrade(connection: Connection, to: str) -> None:
    from alembic import command
    from alembic.runtime.migration import MigrationContext

    before = MigrationContext.configure(connection).get_current_revision()
    if before == to or is_current(before):  # another process was faster
        return
    command.upgrade(_config(connection), to)
    log.info("migrated", dialect=connection.dialect.name, before=before, now=to)


def _downgrade(connection: Connection) -> str:
    from alembic import command
    from alembic.runtime.migration import MigrationContext

    before = MigrationContext.configure(connection).get_current_revision()
    earlier = REVISIONS[: REVISIONS.index(before)] if before in REVISIONS else []
    if not earlier:
        raise NoWayBack(f"there is nothing before revision {before!r}")
    try:
        command.downgrade(_config(connection), earlier[-1])
    except NotImplementedError as error:
        raise NoWayBack(f"revision {before!r} cannot be undone: {error}") from error
    log.info("migrated_back", dialect=connection.dialect.name, before=before, now=earlier[-1])
    return earlier[-1]


def _rebuild(connection: Connection, to: str) -> None:
    import sqlalchemy as sa
    from alembic import command

    inspector = sa.inspect(connection)
    names = inspector.get_table_names()
    others = [
        name
        for name in names
        if name not in _OURS and all(column["name"] != _SCOPE for column in inspector.get_columns(name))
    ]
    if others:
        raise NoWayBack(f"the database holds tables that are not the gateway's: {', '.join(others)}")
    # No table refers to another, so they go in any order.
    for name in names:
        sa.Table(name, sa.MetaData()).drop(connection)
    command.upgrade(_config(connection), to)
    log.info("rebuilt", dialect=connection.dialect.name, now=to)


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
