"""The database is brought to this gateway's schema, and back to the one before; never without a backup of what was.

A step back keeps what has come in since the upgrade, where the migration says how. Where it does not, the backup is
the way back, and what has come in since then is lost with it.
"""

from __future__ import annotations

from typing import NamedTuple

import structlog

from gateway.flows.keeping.back_up import back_up, open_shelf
from gateway.model.dates import now_ms
from gateway.settings import Settings
from gateway.store import migrating
from gateway.store.alone import alone, working_on

log = structlog.get_logger(__name__)


class Upgraded(NamedTuple):
    """From which revision to which, and the name of the backup, if there was anything to back up."""

    before: str | None
    now: str
    backup: str


async def upgrade(settings: Settings, *, backup: bool = True) -> Upgraded:
    """To the latest revision; raises :class:`gateway.store.migrating.NewerDatabase`. Usually there is nothing to do."""
    before = await migrating.revision_of(settings.database)
    if before not in migrating.REVISIONS[:-1]:
        await migrating.migrate(settings.database)
        return Upgraded(before, migrating.HEAD, "")
    with working_on(settings.database):
        name = await _backed_up(settings) if backup else ""
        await migrating.migrate(settings.database)
    return Upgraded(before, migrating.HEAD, name)


async def go_back(settings: Settings, *, backup: bool = True) -> Upgraded:
    """One revision back.

    Raises :class:`gateway.store.migrating.NoWayBack`, and NewerDatabase where a later gateway has made the migration;
    nothing has changed then.
    """
    before = await migrating.revision_of(settings.database)
    migrating.is_current(before)
    if before not in migrating.REVISIONS[1:]:
        raise migrating.NoWayBack(f"there is nothing before revision {before!r}" if before else "there is no database")
    async with alone(settings.database):
        name = await _backed_up(settings) if backup else ""
        return Upgraded(before, await migrating.migrate_back(settings.database), name)


async def _backed_up(settings: Settings) -> str:
    shelf = open_shelf(settings)
    try:
        taken = await back_up(settings, shelf, now_ms(), full=False)
    finally:
        await shelf.close()
    log.info("backed_up", backup=taken.name, rows=taken.rows)
    return taken.name
