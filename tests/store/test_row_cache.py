"""Rows in hand: right at the revision they were kept at, and at no other."""

from __future__ import annotations

from gateway.store.row_cache import RowCache, Rows
from gateway.store.tables import CalendarRow, Scope, StockRow

KEY = ("h", "r", 0)
ROW = StockRow(*KEY, 3, b"body")


def scope(rev: int, name: str = "h") -> Scope:
    return Scope(name, "property", rev, 1)


def stock(rows: Rows) -> dict[type, Rows]:
    return {StockRow: rows, CalendarRow: {}}


def test_rows_are_known_at_their_revision_and_absence_is_known_too() -> None:
    cache = RowCache()
    cache.keep(scope(3), 2, stock({KEY: ROW, ("h", "none", 0): None}))
    assert cache.take(StockRow, scope(3), [KEY, ("h", "none", 0), ("h", "x", 0)]) == ([ROW], [("h", "x", 0)])


def test_another_processs_change_makes_everything_unknown() -> None:
    cache = RowCache()
    cache.keep(scope(3), 2, stock({KEY: ROW}))
    assert cache.take(StockRow, scope(4), [KEY]) == ([], [KEY])
    cache.keep(scope(5), 4, stock({}))
    assert cache.take(StockRow, scope(5), [KEY]) == ([], [KEY])


def test_what_a_batch_did_not_touch_stays_known() -> None:
    cache = RowCache()
    cache.keep(scope(3), 2, stock({KEY: ROW}))
    cache.keep(scope(4), 3, stock({("h", "other", 0): None}))
    assert cache.take(StockRow, scope(4), [KEY]) == ([ROW], [])


def test_the_property_used_longest_ago_goes_first() -> None:
    cache = RowCache(rows_max=2)
    for name in ("a", "b", "c"):
        cache.keep(scope(1, name), 0, stock({(name, "r", 0): None}))
    assert cache.take(StockRow, scope(1, "a"), [("a", "r", 0)]) == ([], [("a", "r", 0)])
    assert cache.take(StockRow, scope(1, "c"), [("c", "r", 0)]) == ([], [])
