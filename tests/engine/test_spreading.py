"""One setting for many targets: every combination once, and numbers of rooms on room types."""

from __future__ import annotations

from gateway.engine.spreading import spread
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.dates import ALL_WEEK

FIGURE, CLOSED = Setting(Field.FIGURE, 3), Setting(Field.CLOSED, 1)
RANGES = [(1, 2), (5, 5)]


def test_every_combination_once() -> None:
    found = list(spread(["A", "B"], ["X", "Y"], RANGES, [CLOSED], 3, record="b0"))
    assert found == [
        AriUpdate(room, plan, *days, (CLOSED,), 3, record="b0")
        for days in RANGES
        for room in ("A", "B")
        for plan in ("X", "Y")
    ]


def test_a_number_of_rooms_is_the_room_types_whichever_plans_there_are() -> None:
    found = list(spread(["A"], ["X", "Y"], RANGES[:1], [FIGURE, CLOSED], ALL_WEEK))
    assert [(each.room, each.plan, each.settings) for each in found] == [
        ("A", "", (FIGURE,)),
        ("A", "X", (CLOSED,)),
        ("A", "Y", (CLOSED,)),
    ]


def test_without_names_it_is_all_of_them() -> None:
    (update,) = spread([], [], RANGES[:1], [CLOSED], ALL_WEEK)
    assert (update.room, update.plan) == ("", "")
