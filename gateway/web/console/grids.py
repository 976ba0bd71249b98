"""The calendar as rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from markupsafe import Markup, escape

from gateway.flows.desk.calendar import Grid, RoomGrid, Rules
from gateway.model.dates import Day, format_day, weekday
from gateway.web.console.faces import Face, Faces

_SATURDAY = 5


class Line(msgspec.Struct, frozen=True):
    """A row of the table; ``plan`` is empty for the room type itself. ``cells`` are its ``td`` elements."""

    room: str
    plan: str
    name: str
    follows: str
    cells: Markup


class Group(msgspec.Struct, frozen=True):
    """A room type, or the house, with the lines of its plans."""

    room: str
    name: str
    units: int
    lines: tuple[Line, ...]


class Head(NamedTuple):
    """A column."""

    day: Day
    is_weekend: bool
    is_today: bool


def heads(grid: Grid, today: Day) -> list[Head]:
    """One for each night."""
    return [Head(day, _is_weekend(day), day == today) for day in range(grid.first, grid.last + 1)]


def groups(grid: Grid, faces: Faces) -> list[Group]:
    """The house only where it says anything of its own."""
    columns = [_column(day) for day in range(grid.first, grid.last + 1)]
    found = []
    if any(day.figure is not None or day.rules != Rules() for day in grid.house):
        line = Line("", "", "", "", _tds("", "", map(faces.room, grid.house), columns))
        found.append(Group("", "", 0, (line,)))
    for room in grid.rooms:
        found.append(Group(room.room, room.name, room.units, tuple(_lines(room, faces, columns))))
    return found


def _lines(room: RoomGrid, faces: Faces, columns: list[tuple[str, str]]) -> Iterator[Line]:
    yield Line(room.room, "", room.name, "", _tds(room.room, "", map(faces.room, room.days), columns))
    for product in room.products:
        cells = _tds(room.room, product.plan, map(faces.product, product.days), columns)
        yield Line(room.room, product.plan, product.name, product.parent, cells)


def _column(day: Day) -> tuple[str, str]:
    """What all cells of a column have after their state, and after their line."""
    weekend = " weekend" if _is_weekend(day) else ""
    return weekend, f'{day}" data-day="{format_day(day)}">'


def _tds(room: str, plan: str, faces: Iterable[Face], columns: list[tuple[str, str]]) -> Markup:
    """``data-key`` names a cell from one look at the page to the next."""
    line = escape(f"{room}|{plan}|")
    cells = [
        f'<td class="{state}{weekend}" data-key="{line}{day}{inside}</td>'
        for (state, inside), (weekend, day) in zip(faces, columns, strict=True)
    ]
    return Markup("\n".join(cells))  # of escaped parts


def _is_weekend(day: Day) -> bool:
    return weekday(day) >= _SATURDAY
