"""ARI as a counterpart stores it: a limit per (room, day), restrictions and prices per (room, plan or "", day)."""

import hashlib
from typing import Any

import msgspec

from simulators.opentravel.days import runs, to_day, to_text
from simulators.opentravel.items import Change, LimitChange, PriceChange, RuleChange

DAY_MAX = 3_652_059  # 9999-12-31


class Cell(msgspec.Struct, omit_defaults=True):
    """One product on one day, in the sheet's canonical fields (section 3.2).

    Nights for min/max, seconds for offsets, minor units for prices; `base` by number of guests (0 = for the room),
    `extra` by age code. Cells are never changed in place: neighbours may share the dictionaries.
    """

    closed: bool = False
    cta: bool = False
    ctd: bool = False
    min_arrival: int | None = None
    max_arrival: int | None = None
    min_through: int | None = None
    max_through: int | None = None
    pattern: str | None = None
    min_offset_s: int | None = None
    max_offset_s: int | None = None
    base: dict[int, int] = {}
    extra: dict[str, int] = {}


EMPTY = Cell()


class Cells:
    """The stored state of one hotel."""

    def __init__(self) -> None:
        self.limits: dict[str, dict[int, int]] = {}
        self.products: dict[tuple[str, str], dict[int, Cell]] = {}

    def limit(self, room: str, day: int) -> int | None:
        return self.limits.get(room, {}).get(day)

    def cell(self, room: str, plan: str, day: int) -> Cell:
        return self.products.get((room, plan), {}).get(day, EMPTY)

    def apply(self, change: Change) -> None:
        if isinstance(change, LimitChange):
            self._apply_limit(change)
        elif isinstance(change, RuleChange):
            self._replace(change, change.fields)
        else:
            self._apply_price(change)

    def adjust_limit(self, room: str, day: int, by: int) -> None:
        """Count own sales; a limit never falls below zero, and an unknown one stays unknown."""
        stored = self.limits.get(room, {})
        if day in stored:
            stored[day] = max(0, stored[day] + by)

    def _apply_limit(self, change: LimitChange) -> None:
        stored = self.limits.setdefault(change.room, {})
        for day in change.span.days():
            if change.limit is None:
                stored.pop(day, None)
            elif change.adjust:
                stored[day] = max(0, stored.get(day, 0) + change.limit)
            else:
                stored[day] = change.limit

    def _replace(self, change: RuleChange | PriceChange, fields: dict[str, Any]) -> None:
        stored = self.products.setdefault((change.room, change.plan), {})
        for day in change.span.days():
            stored[day] = msgspec.structs.replace(stored.get(day, EMPTY), **fields)

    def _apply_price(self, change: PriceChange) -> None:
        if change.mode == "replace":
            given = {"base": change.base, "extra": change.extra}
            self._replace(change, {key: value for key, value in given.items() if value})
            return
        if change.mode == "remove":
            self._replace(change, {"base": {}, "extra": {}})
            return
        stored = self.products.setdefault((change.room, change.plan), {})
        for day in change.span.days():
            old = stored.get(day, EMPTY)
            merged = {"base": {**old.base, **change.base}, "extra": {**old.extra, **change.extra}}
            stored[day] = msgspec.structs.replace(old, **merged)

    def view(self, first: int = 1, last: int = DAY_MAX) -> dict[str, Any]:
        """Compact state of the days [first, last].

        `{"limits": {room: [[first, last, limit], …]}, "products": {"room/plan": [[first, last, {field: value}], …]}}`
        with inclusive ISO dates; fields at their default (open, no restriction, no price) are left out.
        """
        limits = {room: _ranges(days, first, last) for room, days in sorted(self.limits.items())}
        products = {
            f"{room}/{plan}": [
                [start, end, msgspec.to_builtins(cell, str_keys=True)]
                for start, end, cell in _ranges(days, first, last)
                if cell != EMPTY
            ]
            for (room, plan), days in sorted(self.products.items())
        }
        return {
            "limits": {room: found for room, found in limits.items() if found},
            "products": {key: found for key, found in products.items() if found},
        }

    def digest(self, first: int = 1, last: int = DAY_MAX) -> str:
        """SHA-256 of the compact view: equal for equal states, however they came about."""
        return hashlib.sha256(msgspec.json.encode(self.view(first, last), order="sorted")).hexdigest()

    def load(self, view: dict[str, Any]) -> None:
        """Continue from a `view()` of all days."""
        self.limits = {room: dict(_days(ranges)) for room, ranges in view["limits"].items()}
        self.products = {}
        for key, ranges in view["products"].items():
            room, _, plan = key.partition("/")
            self.products[(room, plan)] = {
                day: msgspec.convert(fields, Cell, strict=False) for day, fields in _days(ranges)
            }


def _ranges(days: dict[int, Any], first: int, last: int) -> list[list[Any]]:
    chosen = ((day, days[day]) for day in sorted(days) if first <= day <= last)
    return [[to_text(start), to_text(end), value] for start, end, value in runs(chosen)]


def _days(ranges: list[list[Any]]) -> list[tuple[int, Any]]:
    return [(day, value) for start, end, value in ranges for day in range(to_day(start), to_day(end) + 1)]
