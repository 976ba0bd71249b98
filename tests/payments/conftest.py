"""A database for tests whose subject is the wire: of one kind only, since the flows' own tests run on both."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store.database import Database
from gateway.store.opening import open_database


@pytest.fixture
async def sqlite(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[Database]:
    path = tmp_path / "gateway.sqlite3"
    shutil.copyfile(migrated_sqlite, path)
    database = open_database(f"sqlite:///{path}")
    await database.open()
    yield database
    await database.close()
