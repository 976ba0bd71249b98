"""What a decision sees: the database as earlier decisions of the batch have changed it."""

from __future__ import annotations

import pytest

from gateway.store.sql import Lookup
from gateway.store.state import Decision, NotLoaded, State
from gateway.store.tables import DeliveryRow, RevisionRow, Row, Scope, StockRow

STOCK = Lookup(StockRow)
REVISIONS = Lookup(RevisionRow, ("scope_id", "reservation_id"))
UNSETTLED = Lookup(DeliveryRow, ("scope_id", "connection"), "t.settled = 0")
AT_REV = Lookup(StockRow, ("scope_id", "rev"))
KEY = ("h", "r", 0)
ROW = StockRow(*KEY, 1, b"old")


def revision(seq: int, body: bytes = b"") -> RevisionRow:
    return RevisionRow("h", "R1", seq, 0, body)


def delivery(settled: int, number: str = "R1") -> DeliveryRow:
    return DeliveryRow("h", "pms", number, 1, "sent", None, 0, "", "", settled, b"")


def loaded(lookup: Lookup, key: tuple[object, ...], *rows: Row) -> State:
    state = State()
    state.scopes["h"] = Scope("h", "property", 7, 1)
    assert state.missing(lookup, [key, key]) == [key]
    state.loaded(rows)
    state.deciding = True
    return state


def test_a_row_that_was_loaded_is_found() -> None:
    assert loaded(STOCK, KEY, ROW).get(StockRow, KEY) == ROW
    assert loaded(STOCK, KEY).get(StockRow, KEY) is None


def test_what_was_asked_for_is_not_asked_again() -> None:
    state = loaded(STOCK, KEY)
    assert state.has(STOCK, KEY)
    assert state.missing(STOCK, [KEY, ("h", "r", 1)]) == [("h", "r", 1)]
    assert not state.has(REVISIONS, ("h", "R1"))


def test_a_decision_cannot_take_what_was_not_loaded_for_what_is_not_there() -> None:
    state = loaded(STOCK, KEY, ROW)
    with pytest.raises(NotLoaded):
        state.get(StockRow, ("h", "r", 1))
    with pytest.raises(NotLoaded):
        state.find(REVISIONS, ("h", "R1"))
    state.deciding = False
    assert state.get(StockRow, ("h", "r", 1)) is None
    assert state.find(REVISIONS, ("h", "R1")) == []


def test_changes_lie_over_what_was_loaded() -> None:
    state = loaded(STOCK, KEY, ROW)
    state.apply(Decision(None, [ROW._replace(body=b"new")], advances=True), "h")
    assert state.get(StockRow, KEY) == ROW._replace(body=b"new")
    state.loaded([ROW])
    assert state.get(StockRow, KEY) == ROW._replace(body=b"new")
    assert (StockRow, [ROW._replace(body=b"new")], []) in list(state.changes())


def test_what_is_told_apart_by_the_revision_changes_only_with_it() -> None:
    state = loaded(STOCK, KEY, ROW)
    with pytest.raises(ValueError, match="without a new revision"):
        state.apply(Decision(None, [ROW._replace(body=b"new")]), "h")


def test_what_was_deleted_is_gone_even_if_it_is_loaded_again() -> None:
    state = loaded(REVISIONS, ("h", "R1"), revision(1), revision(2))
    state.apply(Decision(None, (), [revision(1)]), "h")
    state.loaded([revision(1)])
    assert state.get(RevisionRow, ("h", "R1", 1)) is None
    assert state.find(REVISIONS, ("h", "R1")) == [revision(2)]
    assert list(state.changes()) == [(RevisionRow, [], [("h", "R1", 1)])]


def test_what_was_deleted_can_be_written_again() -> None:
    state = loaded(STOCK, KEY, ROW)
    state.apply(Decision(None, (), [ROW]), "h")
    state.apply(Decision(None, [ROW], advances=True), "h")
    assert (StockRow, [ROW], []) in list(state.changes())


def test_a_lookup_finds_what_was_loaded_and_what_was_added_later() -> None:
    state = loaded(REVISIONS, ("h", "R1"), revision(1))
    state.apply(Decision(None, [revision(2), RevisionRow("h", "R2", 1, 0, b"")]), "h")
    assert state.find(REVISIONS, ("h", "R1")) == [revision(1), revision(2)]


def test_a_lookup_asked_late_finds_what_was_added_before() -> None:
    state = loaded(STOCK, KEY)
    state.apply(Decision(None, [revision(1)]), "h")
    assert state.missing(REVISIONS, [("h", "R1")]) == [("h", "R1")]
    state.loaded([revision(2)])
    assert sorted(state.find(REVISIONS, ("h", "R1"))) == [revision(1), revision(2)]


def test_a_row_leaves_a_lookup_whose_condition_it_no_longer_meets() -> None:
    state = loaded(UNSETTLED, ("h", "pms"), delivery(0), delivery(0, "R2"))
    state.apply(Decision(None, [delivery(1), delivery(1, "R3")]), "h")
    assert state.find(UNSETTLED, ("h", "pms")) == [delivery(0, "R2")]


def test_a_row_leaves_a_lookup_whose_columns_it_changes() -> None:
    state = loaded(AT_REV, ("h", 1), ROW)
    state.apply(Decision(None, [ROW._replace(rev=2)], advances=True), "h")
    assert state.find(AT_REV, ("h", 1)) == []


def test_a_scope_advances_once_per_decision_that_says_so() -> None:
    state = loaded(STOCK, KEY)
    assert state.next_rev("h") == 8
    state.apply(Decision(None), "h")
    assert state.next_rev("h") == 8
    state.apply(Decision(None, advances=True), "h")
    state.apply(Decision(None, advances=True), "h")
    assert state.next_rev("h") == 10
    assert list(state.changes()) == [(Scope, [Scope("h", "property", 9, 1)], [])]


def test_a_decision_may_write_the_scope_itself() -> None:
    state = loaded(STOCK, KEY)
    written = Scope("h", "property", 8, 2)
    state.apply(Decision(None, [written], advances=True), "h")
    assert state.scopes["h"] == written
    assert list(state.changes()) == [(Scope, [written], [])]
    assert state.reconfigured == {"h"}
