"""The calendar as rows of cells to show: what stands in each, and what it says to those who point at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import msgspec
from markupsafe import Markup, escape

from gateway.flows.desk.calendar import Grid, ProductDay, ProductGrid, RoomDay, RoomGrid, Rules
from gateway.model.dates import Day, weekday
from gateway.web.console.formats import Formats
from gateway.web.texts import translations

_SATURDAY = 5
LEAST_FREE = 1  # from so many rooms down, a night is marked as nearly full
_NO_RULES = Rules()
_LIMITS = (
    ("min_arrival", "≥"),
    ("min_through", "≥≥"),
    ("max_arrival", "≤"),
    ("max_through", "≤≤"),
)


class Mark(NamedTuple):
    """A restriction: a few characters, the word for it, and its number (0: it has none)."""

    text: str
    word: str
    number: int = 0


class Cell(msgspec.Struct, frozen=True):
    """``key`` names it from one look to the next; ``state`` are classes of the style sheet.

    Cells of equal ``looks`` have the same content: a large house has thousands of cells and few different ones.
    """

    key: str
    day: Day
    text: str
    state: str
    marks: tuple[Mark, ...] = ()
    room: RoomDay | None = None
    product: ProductDay | None = None

    @property
    def looks(self) -> tuple[object, ...]:
        if self.room is not None:
            of = self.room
            return (self.text, self.marks, of.figure, of.sold, of.held, of.on_its_way, of.free)
        assert self.product is not None
        return (self.text, self.marks, self.product.prices, self.product.extra_adult, self.product.extra_child)


class Line(msgspec.Struct, frozen=True):
    """A row of the table; ``plan`` is empty for the room type itself."""

    room: str
    plan: str
    name: str
    follows: str
    cells: tuple[Cell, ...]


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
    return [Head(day, weekday(day) >= _SATURDAY, day == today) for day in range(grid.first, grid.last + 1)]


def groups(grid: Grid, fmt: Formats, adults: int) -> list[Group]:
    """The house only where it says anything of its own."""
    found = []
    if any(day.figure is not None or day.rules != Rules() for day in grid.house):
        line = Line("", "", "", "", tuple(_room_cell("", day, fmt) for day in grid.house))
        found.append(Group("", "", 0, (line,)))
    found += [Group(room.room, room.name, room.units, tuple(_lines(room, fmt, adults))) for room in grid.rooms]
    return found


def _lines(room: RoomGrid, fmt: Formats, adults: int) -> Iterator[Line]:
    yield Line(room.room, "", room.name, "", tuple(_room_cell(room.room, day, fmt) for day in room.days))
    for product in room.products:
        cells = tuple(_product_cell(room, product, day, fmt, adults) for day in product.days)
        yield Line(room.room, product.plan, product.name, product.parent, cells)


def _room_cell(room: str, day: RoomDay, fmt: Formats) -> Cell:
    text = "–" if day.free is None else fmt.number(day.free)
    if day.rules.closed:
        state = "closed"
    elif day.free is None:
        state = "unknown"
    elif day.free < 0:
        state = "oversold"
    elif day.free == 0:
        state = "full"
    else:
        state = "low" if day.free <= LEAST_FREE else "open"
    return Cell(f"{room}||{day.day}", day.day, text, _classes(state, day.day), marks_of(day.rules), room=day)


def _product_cell(room: RoomGrid, product: ProductGrid, day: ProductDay, fmt: Formats, adults: int) -> Cell:
    price = day.prices[min(adults, len(day.prices)) - 1] if day.prices else None
    text = "–" if price is None else fmt.amount(price)
    state = "closed" if day.effective.closed else "unknown" if price is None else "priced"
    key, marks = f"{room.room}|{product.plan}|{day.day}", marks_of(day.effective)
    return Cell(key, day.day, text, _classes(state, day.day), marks, product=day)


def _classes(state: str, day: Day) -> str:
    return f"{state} weekend" if weekday(day) >= _SATURDAY else state


def tds(
    cells: Sequence[Cell], days: Mapping[Day, str], draw: Callable[[Cell], Markup], drawn: dict[object, Markup]
) -> Markup:
    """A line of the table. Not in the template, where each of thousands of cells would cost three times as much.

    ``draw`` makes what stands in a cell; ``drawn`` keeps it for the next cell of equal looks.
    """
    parts = []
    for cell in cells:
        inside = drawn.get(looks := cell.looks)
        if inside is None:
            inside = drawn[looks] = draw(cell)
        parts.append(
            f'<td class="{cell.state}" data-key="{escape(cell.key)}" data-day="{days[cell.day]}">{inside}</td>'
        )
    return Markup("\n".join(parts))  # of escaped parts


def priced_in(language: str, fmt: Formats) -> Callable[[int, int], str]:
    """What a price is for so many adults, in words; each of them is put together once for a page."""
    catalogue = translations(language)

    @cache
    def priced(adults: int, price: int) -> str:
        who = catalogue.ngettext("%(num)s adult", "%(num)s adults", adults) % {"num": adults}
        return f"{who} {fmt.money(price)}"

    return priced


def marks_of(rules: Rules) -> tuple[Mark, ...]:
    """What restricts, closing first."""
    if rules == _NO_RULES:
        return ()
    marks: list[Mark] = []
    if rules.closed:
        marks.append(Mark("×", "closed"))
    if rules.cta:
        marks.append(Mark("A", "cta"))
    if rules.ctd:
        marks.append(Mark("D", "ctd"))
    for name, sign in _LIMITS:
        if number := getattr(rules, name):
            marks.append(Mark(f"{sign}{number}", name, number))
    for name in ("min_offset_h", "max_offset_h"):
        if number := getattr(rules, name):
            marks.append(Mark("⏱", name, number))
    if rules.los_closed:
        marks.append(Mark("L", "los_closed"))
    return tuple(marks)
