"""Rooms left are said of each product, and there is one number of them for the room type (sheet, section 4).

Where one message says different numbers for the plans of a room type, the lowest holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.dates import Day, days_in

# Plan → rooms left, for one room type on one night.
_Said = dict[str, int]


def lowest(updates: Sequence[AriUpdate]) -> tuple[AriUpdate, ...]:
    """What has to be added behind ``updates``: the lowest number, of nights on which the plans differ."""
    said: dict[tuple[str, Day], _Said] = defaultdict(dict)
    for update in updates:
        for setting in update.settings:
            if setting.field is Field.FIGURE:
                for day in days_in(update.first, update.last, update.weekdays):
                    said[update.room, day][update.plan] = setting.value
    differing = ((room, day, min(by_plan.values())) for (room, day), by_plan in said.items() if _differ(by_plan))
    return tuple(_joined(sorted(differing)))


def _differ(by_plan: _Said) -> bool:
    return len(by_plan) > 1 and len(set(by_plan.values())) > 1


def _joined(nights: Sequence[tuple[str, Day, int]]) -> Iterator[AriUpdate]:
    """Neighbouring nights of one room type with one number are one update, of the room type itself."""
    start = 0
    for index, (room, day, rooms) in enumerate(nights):
        if index + 1 == len(nights) or nights[index + 1] != (room, day + 1, rooms):
            yield AriUpdate(room, "", nights[start][1], day, (Setting(Field.FIGURE, rooms),))
            start = index + 1
