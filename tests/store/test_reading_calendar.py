"""A stretch of the calendar is the rows of some targets from one block to another, and no others."""

from __future__ import annotations

import pytest

from gateway.store import reading_calendar
from gateway.store.database import Database
from gateway.store.sql import Params
from gateway.store.tables import CalendarRow, Row, StockRow
from tests.store.jobs import put

ROOMS, PLANS = ("", "DBL", "FAM"), ("", "BAR", "NR")


def body(*name: object) -> bytes:
    return repr(name).encode()


def rows() -> list[Row]:
    calendar = [
        CalendarRow(scope, room, plan, block, 1, body(room, plan, block))
        for scope in ("h", "other")
        for room in ROOMS
        for plan in PLANS
        for block in range(8)
    ]
    stock = [StockRow("h", room, block, 1, body(room, block)) for room in ROOMS for block in range(8)]
    return [*calendar, *stock]


async def test_only_what_is_asked_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    # A statement of SQLite takes so many; this makes it three.
    monkeypatch.setattr("gateway.store.sql.SQLITE_PARAMS_MAX", 2)
    await put(database, rows())
    targets = [("", ""), ("DBL", "NR"), ("FAM", "gone")]
    found = await database.read(lambda tx: reading_calendar.calendar(tx, "h", targets, range(3, 6)))
    keys: list[Params] = [(*target, block) for target in targets[:2] for block in (3, 4, 5)]
    assert sorted(found) == sorted((key, body(*key)) for key in keys)
    stocked = await database.read(lambda tx: reading_calendar.stock(tx, "h", ["DBL", "", "gone"], range(7, 9)))
    assert sorted(stocked) == [(("", 7), body("", 7)), (("DBL", 7), body("DBL", 7))]
    assert await database.read(lambda tx: reading_calendar.stock(tx, "h", [], range(7, 9))) == []
