"""The calendar for terminals: what is drawn, and that every line stays in its columns."""

from __future__ import annotations

import re
from datetime import date
from unicodedata import combining, east_asian_width

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.grid import GridCell, GridRow, render_calendar
from gateway.model.dates import Day

MAY_30: Day = date(2031, 5, 30).toordinal()  # a Friday
STYLE = re.compile(r"\x1b\[[0-9]*m")

ROWS = [
    GridRow("DBL", (GridCell(free=10), GridCell(free=0), GridCell(free=-1), GridCell(2, oversold=True)), name="Double"),
    GridRow(
        "DBL",
        (
            GridCell(price=12050, cta=True, min_stay=3),
            GridCell(price=9900, closed=True, ctd=True),
            GridCell(),
            GridCell(price=100000, min_stay=2, max_stay=7),
        ),
        "BAR",
        currency="EUR",
    ),
    GridRow("海景", (GridCell(free=3, closed=True),), name="海景双床房"),
    GridRow("海景", (GridCell(price=15000),), "BAR", currency="JPY"),
]  # fmt: skip


def columns(text: str) -> int:
    """Terminal columns, computed apart from the code under test."""
    return sum(2 if east_asian_width(char) in "WF" else 0 if combining(char) else 1 for char in text)


def test_the_grid_in_english() -> None:
    assert render_calendar(ROWS, MAY_30, 4, title="Hotel Miramar") == "\n".join(
        [
            "Hotel Miramar",
            "",
            "             May 2031        Jun 2031",
            "                  Fr      Sa      Su      Mo",
            "                  30      31       1       2",
            "DBL  Double",
            "  rooms left      10       0     -1!      2!",
            "  BAR         120.50   99.00       . 1000.00",
            "                  A3      XD             2-7",
            "海景  海景双床房",
            "  rooms left       3       .       .       .",
            "                   X",
            "  BAR          15000       .       .       .",
            "",
            "! oversold   X closed   A no arrival   D no departure   3 min. nights   -7 max. nights   . not known",
        ]
    )


def test_the_grid_in_chinese() -> None:
    assert render_calendar(ROWS[2:], MAY_30, 3, language="zh-CN") == "\n".join(
        [
            "           2031年5月   6月",
            "            周五  周六  周日",
            "              30    31     1",
            "海景  海景双床房",
            "  剩余房间     3     .     .",
            "               X",
            "  BAR      15000     .     .",
            "",
            "! 超售   X 关房   A 不可入住   D 不可离店   3 最少晚数   -7 最多晚数   . 未知",
        ]
    )


def test_cells_after_the_last_day_leave_no_trace() -> None:
    longer = [GridRow("DBL", (GridCell(free=1), GridCell(free=10**9, closed=True)))]
    assert render_calendar(longer, MAY_30, 1) == render_calendar([GridRow("DBL", (GridCell(free=1),))], MAY_30, 1)


@pytest.mark.parametrize("language", ["EN_us", "de", ""])
def test_english_is_spoken_where_nothing_better_is(language: str) -> None:
    assert "rooms left" in render_calendar(ROWS, MAY_30, 1, language=language)


@pytest.mark.parametrize(("rows", "days"), [([], 7), (ROWS, 0), (ROWS, -1)])
def test_nothing_to_show(rows: list[GridRow], days: int) -> None:
    assert render_calendar(rows, MAY_30, days) == "Nothing to show."
    assert render_calendar(rows, MAY_30, days, language="zh") == "没有可显示的内容。"


@pytest.mark.parametrize(
    ("width", "days", "bands"),
    [
        (12 + 6 * 6, 30, [6, 6, 6, 6, 6]),  # less than a week fits
        (12 + 6 * 13, 30, [7, 7, 7, 7, 2]),  # whole weeks where they fit
        (12 + 6 * 14, 30, [14, 14, 2]),
        (12 + 6 * 30, 30, [30]),
        (12 + 6 * 10, 9, [9]),  # all days where they fit, weeks or not
        (1, 2, [1, 1]),
    ],
)
def test_days_that_do_not_fit_go_below(width: int, days: int, bands: list[int]) -> None:
    rows = [GridRow("DBL", tuple(GridCell(free=day % 10) for day in range(days)))]
    text = render_calendar(rows, MAY_30, days, width=width)
    drawn = [line.split()[2:] for line in text.splitlines() if line.startswith("  rooms left")]
    assert [len(band) for band in drawn] == bands
    assert [cell for band in drawn for cell in band] == [str(day % 10) for day in range(days)]


def test_marks_are_only_drawn_in_the_bands_that_have_some() -> None:
    cells = (*[GridCell(free=1)] * 7, GridCell(free=1, cta=True))
    lines = render_calendar([GridRow("DBL", cells)], MAY_30, 8, width=12 + 6 * 7).splitlines()
    assert [line.split() for line in lines if line.startswith(" " * 12)].count(["A"]) == 1
    assert [line == "" for line in lines] == [False] * 5 + [True] + [False] * 6 + [True, False, False]


def test_colour_changes_nothing_but_the_colour() -> None:
    plain = render_calendar(ROWS, MAY_30, 4, title="Hotel Miramar")
    coloured = render_calendar(ROWS, MAY_30, 4, title="Hotel Miramar", colour=True)
    assert "\x1b" not in plain
    assert STYLE.sub("", coloured) == plain
    assert "\x1b[31m     -1!\x1b[0m" in coloured
    assert "\x1b[31m      XD\x1b[0m" in coloured


def test_names_cannot_steer_the_terminal_or_break_the_line() -> None:
    rows = [GridRow("D\x1b[2J", (GridCell(free=1),), name="a\nb\u202e"), GridRow("D\x1b[2J", (), "B\tAR")]
    text = render_calendar(rows, MAY_30, 1, title="x\x07")
    assert all(line.isprintable() for line in text.splitlines())
    assert "D?[2J  a?b?" in text


def test_long_plan_codes_are_cut_visibly() -> None:
    rows = [GridRow("DBL", (GridCell(price=1),), "半" * 30, currency="EUR")]
    (line,) = (line for line in render_calendar(rows, MAY_30, 1).splitlines() if "半" in line)
    assert line == f"  {'半' * 10}~   0.01"


CELLS = st.builds(
    GridCell,
    st.none() | st.integers(-99, 999),
    st.booleans(),
    st.none() | st.integers(0, 10**9),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 30),
    st.integers(0, 30),
)
NAMES = st.text(st.sampled_from("aZ9 .海é（ｱ\u0301"), min_size=1, max_size=30)
LISTS = st.lists(
    st.builds(
        GridRow,
        NAMES,
        st.lists(CELLS, max_size=9).map(tuple),
        NAMES | st.just(""),
        NAMES,
        st.sampled_from(["EUR", "JPY"]),
    ),
    min_size=1,
    max_size=4,
)


@settings(deadline=None)
@given(LISTS, st.integers(1, 20), st.integers(40, 160), st.sampled_from(["en", "zh"]))
def test_every_line_stays_within_the_width(rows: list[GridRow], days: int, width: int, language: str) -> None:
    text = render_calendar(rows, MAY_30, days, width=width, language=language, title="海" * 100)
    assert max(map(columns, text.splitlines())) <= width


@settings(deadline=None)
@given(LISTS, st.integers(1, 9), st.sampled_from(["en", "zh"]))
def test_values_end_in_one_column(rows: list[GridRow], days: int, language: str) -> None:
    """Whatever the width of a label, the last day's cell ends where its date does."""
    full = [
        GridRow(row.room, tuple(GridCell(free=7, price=7) for _ in range(days)), row.plan, row.name, row.currency)
        for row in rows
    ]
    lines = render_calendar(full, MAY_30, days, width=200, language=language).split("\n\n")[0].splitlines()
    assert {columns(line) for line in lines[1:] if line.endswith(("7", "0.07"))} <= {columns(lines[2])}
