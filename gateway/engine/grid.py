"""A calendar as text for a terminal: stay dates across, room types and their rate plans down.

Only characters whose width every terminal agrees on are drawn, because those of ambiguous width (Unicode UAX #11, class
A) are two columns wide in Chinese terminals and one elsewhere, which would bend the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import NamedTuple
from unicodedata import category, east_asian_width

import msgspec

from gateway.model.dates import Day, weekday
from gateway.model.money import format_minor

LABEL_MAX = 24
COLUMN_MIN = 5
GAP = 1


class GridCell(msgspec.Struct, frozen=True):
    """One row on one day. ``price`` in minor units; None where nothing is known; 0 nights is no limit.

    ``free`` below zero is oversold by itself; ``oversold`` says so where the figure alone does not show it.
    """

    free: int | None = None
    oversold: bool = False
    price: int | None = None
    closed: bool = False
    cta: bool = False
    ctd: bool = False
    min_stay: int = 0
    max_stay: int = 0


class GridRow(msgspec.Struct, frozen=True):
    """A room type (``plan`` empty: rooms left) or one of its rate plans (prices), with a cell a day from the first.

    Rows of one room type stand together. Missing cells are drawn as unknown.
    """

    room: str
    cells: tuple[GridCell, ...]
    plan: str = ""
    name: str = ""
    currency: str = ""


class _Words(NamedTuple):
    weekdays: tuple[str, ...]
    month: str  # with its year
    month_short: str
    left: str
    legend: str
    nothing: str


_ENGLISH_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WORDS = {
    "en": _Words(
        ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"),
        "{name} {year}",
        "{name}",
        "rooms left",
        "! oversold   X closed   A no arrival   D no departure   3 min. nights   -7 max. nights   . not known",
        "Nothing to show.",
    ),
    "zh": _Words(
        ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
        "{year}年{number}月",
        "{number}月",
        "剩余房间",
        "! 超售   X 关房   A 不可入住   D 不可离店   3 最少晚数   -7 最多晚数   . 未知",
        "没有可显示的内容。",
    ),
}
_RED, _BOLD, _DIM = "31", "1", "2"


class _Piece(NamedTuple):
    """What stands in one cell, and the ANSI style it would have."""

    text: str
    style: str = ""


class _Line(NamedTuple):
    label: str
    pieces: tuple[_Piece, ...]
    style: str = ""
    optional: bool = False  # left out of a band where it would be empty


def render_calendar(
    rows: Sequence[GridRow],
    first: Day,
    days: int,
    *,
    width: int = 100,
    language: str = "en",
    colour: bool = False,
    title: str = "",
) -> str:
    """The grid, in bands below each other where the days do not fit into ``width`` columns (whole weeks if they can).

    ``language`` is a tag such as ``en`` or ``zh-CN``; English for any other. A width that has no room for even one day
    is exceeded. ``colour`` is for the caller to decide, who knows whether the output is a terminal.
    """
    words = _WORDS.get(language.lower()[:2], _WORDS["en"])
    if not rows or days < 1:
        return words.nothing
    lines = [
        line for room, group in groupby(rows, lambda row: row.room) for line in _room(room, list(group), days, words)
    ]
    widest = max((_width(piece.text) for line in lines for piece in line.pieces), default=0)
    column = max(widest, COLUMN_MIN) + GAP
    label = max(min(max(_width(line.label) for line in lines if line.pieces), LABEL_MAX), 4)
    across = _across(width - label, column, days)
    blocks = [[_paint(_clip(title, width), _BOLD if colour else "")]] if title else []
    for start in range(0, days, across):
        here = range(start, min(start + across, days))
        heads = _heads(first, here, column, words)
        shown = [line for line in lines if not line.optional or any(line.pieces[offset].text for offset in here)]
        body = [_drawn(line, here, label, column, width, colour) for line in shown]
        blocks.append([" " * label + head for head in heads] + body)
    blocks.append([_paint(line, _DIM if colour else "") for line in _wrapped(words.legend, width)])
    return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks)


def _across(room: int, column: int, days: int) -> int:
    """How many days stand beside each other."""
    fitting = max(room // column, 1)
    return days if days <= fitting else fitting - fitting % 7 if fitting >= 7 else fitting


# --- what is in the lines ---------------------------------------------------------------------------------------------


def _room(room: str, rows: Sequence[GridRow], days: int, words: _Words) -> Iterator[_Line]:
    name = next((row.name for row in rows if not row.plan and row.name), "")
    yield _Line(_clean(f"{room}  {name}".rstrip()), (), _BOLD)
    for row in rows:
        cells = (*row.cells[:days], *[GridCell()] * (days - len(row.cells)))
        value = tuple(_price(cell, row.currency) if row.plan else _left(cell) for cell in cells)
        yield _Line(f"  {_clean(row.plan or words.left)}", value)
        marks = tuple(_Piece(_marks(cell), _RED if cell.closed else "") for cell in cells)
        yield _Line("", marks, optional=True)


def _left(cell: GridCell) -> _Piece:
    oversold = cell.oversold or (cell.free is not None and cell.free < 0)
    number = "." if cell.free is None else str(cell.free)
    return _Piece(f"{number}!" if oversold else number, _RED if oversold else _DIM if not cell.free else "")


def _price(cell: GridCell, currency: str) -> _Piece:
    return _Piece(".", _DIM) if cell.price is None else _Piece(format_minor(cell.price, currency))


def _marks(cell: GridCell) -> str:
    """``XA3-7``: closed, no arrival, three to seven nights."""
    letters = "".join(letter for letter, on in (("X", cell.closed), ("A", cell.cta), ("D", cell.ctd)) if on)
    return f"{letters}{cell.min_stay or ''}{f'-{cell.max_stay}' if cell.max_stay else ''}"


def _heads(first: Day, here: range, column: int, words: _Words) -> tuple[str, str, str]:
    """Months, weekdays and days of the month."""
    dates = [date.fromordinal(first + offset) for offset in here]
    months = []
    for (year, number), group in groupby(dates, lambda day: (day.year, day.month)):
        space = len(list(group)) * column
        parts = {"year": year, "number": number, "name": _ENGLISH_MONTHS[number - 1]}
        long, short = words.month.format(**parts), words.month_short.format(**parts)
        months.append(_padded(f"{' ' * GAP}{long if _width(long) < space else short}", space))
    weekdays = [_right(words.weekdays[weekday(first + offset)], column) for offset in here]
    return "".join(months), "".join(weekdays), "".join(_right(str(day.day), column) for day in dates)


# --- drawing ----------------------------------------------------------------------------------------------------------


def _drawn(line: _Line, here: range, label: int, column: int, width: int, colour: bool) -> str:
    if not line.pieces:
        return _paint(_clip(line.label, width), line.style if colour else "")
    pieces = (line.pieces[offset] for offset in here)
    # Padding first and colour after, since an escape sequence has no width.
    cells = (_paint(_right(piece.text, column), piece.style if colour else "") for piece in pieces)
    return _padded(_clip(line.label, label), label) + "".join(cells)


def _paint(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if style and text.strip() else text


def _char_width(char: str) -> int:
    if category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(char) in ("W", "F") else 1


def _width(text: str) -> int:
    """Terminal columns the text takes."""
    return len(text) if text.isascii() else sum(map(_char_width, text))


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _right(text: str, width: int) -> str:
    return " " * (width - _width(text)) + text


def _clip(text: str, width: int) -> str:
    """At most ``width`` columns; ``~`` stands for what is cut off."""
    text = _clean(text)
    if _width(text) <= width:
        return text
    kept = ""
    for char in text:
        if _width(kept) + _char_width(char) > width - 1:
            break
        kept += char
    return f"{kept}~"


def _clean(text: str) -> str:
    """Names come from outside, and must not steer the terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _wrapped(legend: str, width: int) -> Iterable[str]:
    """The legend's entries, as many on a line as fit."""
    line = ""
    for entry in legend.split("   "):
        if line and _width(line) + 3 + _width(entry) > width:
            yield line
            line = entry
        else:
            line = f"{line}   {entry}" if line else entry
    yield line
