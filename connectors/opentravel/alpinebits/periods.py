"""Periods of one thing that must not overlap: sorted by their start, each against those before it."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import pairwise
from operator import itemgetter

from connectors.opentravel.alpinebits.faults import broken
from gateway.errors import Reason
from gateway.model.dates import ALL_WEEK, Day, Weekdays
from gateway.wire.xml import Node

Period = tuple[Day, Day, Weekdays, Node]

_BY_DAYS = itemgetter(0, 1)


class Periods:
    """Collects periods by key. ``shared_day`` says that one may end on the day on which the next begins."""

    def __init__(self, what: str, *, shared_day: bool = False) -> None:
        self._what = what
        self._gap = 1 if shared_day else 0
        self._by_key: dict[Hashable, list[Period]] = {}

    def add(self, key: Hashable, node: Node, start: Day, end: Day, weekdays: Weekdays = ALL_WEEK) -> None:
        self._by_key.setdefault(key, []).append((start, end, weekdays, node))

    def check(self) -> None:
        """Refuses the first period, by start, that overlaps one before it on a common weekday."""
        for found in self._by_key.values():
            ordered = sorted(found, key=_BY_DAYS)
            if any(after[0] <= before[1] - self._gap for before, after in pairwise(ordered)):
                self._check(ordered)

    def _check(self, ordered: list[Period]) -> None:
        open_ones: list[Period] = []
        for start, end, weekdays, node in ordered:
            open_ones = [one for one in open_ones if one[1] - self._gap >= start]
            if any(one[2] & weekdays for one in open_ones):
                text = f"the {self._what} from {node.get('Start')} to {node.get('End')} overlaps another"
                raise broken(node, text, Reason.DATE_COMBINATION, "Start")
            open_ones.append((start, end, weekdays, node))
