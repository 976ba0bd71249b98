"""What is written is what is read, on both databases, for any number of rows."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.store import sql
from gateway.store.database import Database, Transaction
from gateway.store.schema import SPECS
from gateway.store.sql import Lookup
from gateway.store.tables import DeliveryRow, MessageRow, RevisionRow, Scope, StockRow
from tests.store.jobs import all_rows, message, put

NASTY = 'O\'Neill "Ü" – 東京 🏨 ? $1 %s \\ ; --'
STOCK = Lookup(StockRow)
SIZES = [0, 1, 40, 12_000]  # the last is more than one statement of SQLite takes

VARIANTS: dict[str, dict[type, Any]] = {
    "ordinary": {str: "a", int: 1, bytes: b"\x00\xff"},
    "empty": {str: "", int: 0, bytes: b""},
    "largest": {str: NASTY, int: 2**63 - 1, bytes: bytes(range(256)) * 40},
    "smallest": {str: "\n\t ", int: -(2**63), bytes: b"\0" * 3},
}


def stock(count: int) -> list[StockRow]:
    return [StockRow("h", f"room {n % 7}", n, n, n.to_bytes(4, "big")) for n in range(count)]


async def by_key(database: Database, lookup: Lookup, key: sql.Params) -> list[Any]:
    return list(await database.read(lambda tx: tx.lookup(lookup, [key])))


@pytest.mark.parametrize("row", SPECS, ids=lambda row: row.__name__)
async def test_every_row_comes_back_as_it_was(database: Database, row: type[Any]) -> None:
    spec = SPECS[row]
    lookup = Lookup(row)
    for values in VARIANTS.values():
        written = row(*(values[spec.kinds[field]] for field in spec.fields))
        nothing = written._replace(**dict.fromkeys(spec.nullable))
        for version in (written, nothing, written):
            await put(database, [version])
            found = await by_key(database, lookup, version[: spec.width])
            assert found == [version]
            assert type(found[0]) is row
            assert [type(value) for value in found[0]] == [type(value) for value in version]


@pytest.mark.parametrize("count", SIZES)
async def test_any_number_of_rows_is_written_found_replaced_and_deleted(database: Database, count: int) -> None:
    rows = stock(count)
    keys = [row[:3] for row in rows]
    away = [("h", "room 0", -1), ("h", "elsewhere", 1)]

    async def twice(tx: Transaction) -> None:
        await tx.upsert(StockRow, rows)
        await tx.upsert(StockRow, [row._replace(rev=row.rev + 1) for row in rows])

    await database.write(twice)
    found = await database.read(lambda tx: tx.lookup(STOCK, [*away, *keys]))
    assert sorted(found) == sorted(row._replace(rev=row.rev + 1) for row in rows)
    await database.write(lambda tx: tx.delete(StockRow, [*away, *keys[: count // 2]]))
    assert len(await all_rows(database, StockRow)) == count - count // 2


@pytest.mark.parametrize("count", SIZES)
async def test_a_lookup_by_other_columns_gives_every_row_once(database: Database, count: int) -> None:
    rows = [RevisionRow("h", f"r{n // 3}", n % 3, n, b"x") for n in range(count)]
    await database.write(lambda tx: tx.upsert(RevisionRow, rows))
    keys = [*sorted({row[:2] for row in rows}), ("h", "none")]
    found = await database.read(lambda tx: tx.lookup(Lookup(RevisionRow, ("scope_id", "reservation_id")), keys))
    assert sorted(found) == sorted(rows)


async def test_a_lookup_keeps_to_its_condition(database: Database) -> None:
    rows = [message("h", 1, token=b"t"), message("h", 2, token=None)]
    await put(database, rows)
    lookup = Lookup(MessageRow, ("scope_id", "connection"), "t.token IS NOT NULL")
    assert await database.read(lambda tx: tx.lookup(lookup, [("h", "c")])) == rows[:1]


async def test_keys_are_text_to_the_letter(database: Database) -> None:
    rows = [Scope(name, "property", 0, 0) for name in (NASTY, NASTY.upper(), "a", "A", "ä", "a\u0308", " a", "a ")]
    await put(database, rows)
    assert await all_rows(database, Scope) == sorted(rows)
    ordered = await database.read(lambda tx: tx.rows(Scope, "scope_id >= ? ORDER BY scope_id", ""))
    assert [row.scope_id for row in ordered] == sorted((row.scope_id for row in rows), key=str.encode)
    assert await database.read(lambda tx: tx.rows(Scope, "scope_id = ?", NASTY)) == [rows[0]]


async def test_a_question_mark_between_quotes_is_one(database: Database) -> None:
    text = "SELECT 'really? it''s ?', CAST(? AS TEXT) || '?'"
    found = await database.read(lambda tx: tx.fetch(text, "x"))
    assert tuple(found[0]) == ("really? it's ?", "x?")


async def test_locking_gives_the_scopes_there_are(database: Database) -> None:
    rows = [Scope(f"h{n}", "property", n, n) for n in range(3)]
    await put(database, rows)
    found = await database.write(lambda tx: tx.lock(["h2", "h0", "none"], wait=True))
    assert sorted(found) == [rows[0], rows[2]]


INDEXED = [
    *((Lookup(row), "sqlite_autoindex") for row in SPECS),
    (Lookup(RevisionRow, ("scope_id", "reservation_id")), "sqlite_autoindex_revision"),
    (Lookup(DeliveryRow, ("scope_id", "connection"), "t.settled = 0"), "delivery_unsettled"),
    (Lookup(MessageRow, ("scope_id", "token"), "t.token IS NOT NULL"), "message_token"),
]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_sqlite_finds_rows_by_an_index(database: Database) -> None:
    async def plan(text: str, count: int) -> str:
        found = await database.read(lambda tx: tx.fetch(f"EXPLAIN QUERY PLAN {text}", *[1] * count))
        return "; ".join(str(row[3]) for row in found)

    for lookup, index in INDEXED:
        text, params = sql.select(lookup, [(1,) * len(lookup.fields)] * 3, "sqlite")
        found = await plan(text, len(params))
        assert f"SEARCH t USING INDEX {index}" in found
        assert found.count("=?") == len(lookup.fields)
    for spec in SPECS.values():
        found = await plan(sql.delete(spec, "sqlite"), spec.width)
        assert f"SEARCH {spec.name} USING INDEX" in found
        # An id of a connection is unique, so it does as well as the whole key.
        assert found.count("=?") == (1 if "connection_home" in found else spec.width)


def test_placeholders_are_numbered_for_postgres() -> None:
    assert sql.placeholders("a = ? AND b IN (?, ?)", "postgresql") == "a = $1 AND b IN ($2, $3)"
    assert sql.placeholders("a = ?", "sqlite") == "a = ?"


def test_no_statement_has_more_parameters_than_sqlite_takes() -> None:
    keys = stock(25_000)
    portions = sql.chunks(keys, 4, "sqlite")
    assert [key for portion in portions for key in portion] == keys
    assert max(len(portion) * 4 for portion in portions) <= sql.SQLITE_PARAMS_MAX
    assert sql.chunks(keys, 4, "postgresql") == [keys]
    assert sql.chunks([], 4, "postgresql") == sql.chunks([], 4, "sqlite") == []


def test_equal_lookups_are_one() -> None:
    assert Lookup(StockRow) is STOCK
    assert Lookup(StockRow, ("scope_id", "room", "block")) is STOCK
    assert Lookup(StockRow, ("scope_id", "room")) is not STOCK


def test_a_condition_that_cannot_be_told_of_a_row_is_refused() -> None:
    with pytest.raises(ValueError, match="condition"):
        Lookup(StockRow, ("scope_id",), "t.rev > 3 OR 1 = 1")
