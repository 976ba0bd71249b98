"""What stands in the cells of the calendar, and what they say to those who cannot see them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from markupsafe import escape

from gateway.flows.desk.calendar import Grid, ProductDay, ProductGrid, RoomDay, RoomGrid, Rules
from gateway.model.dates import parse_day
from gateway.model.property import FigureKind
from gateway.web.console.faces import Face, Faces
from gateway.web.console.formats import Formats
from gateway.web.console.grids import groups
from gateway.web.texts import CHINESE, ENGLISH

FRIDAY = parse_day("2026-11-20")
EVIL = '"><script>'


def night(free: int | None = 3, *, rules: Rules = Rules(), **numbers: Any) -> RoomDay:  # noqa: B008  it is frozen
    said = {"figure": 4, "sold": 0, "held": 0, "on_its_way": 0} | numbers
    return RoomDay(FRIDAY, said["figure"], said["sold"], said["held"], said["on_its_way"], free, rules)


def product(*prices: int | None, rules: Rules = Rules(), adult: int | None = None, day: int = FRIDAY) -> ProductDay:  # noqa: B008
    return ProductDay(day, prices, adult, None, Rules(), rules)


def grid(*rooms: RoomGrid, who: str = "pms", kind: FigureKind = FigureKind.ROOMS_LEFT) -> Grid:
    return Grid("h", "EUR", False, FRIDAY, FRIDAY, 1, who, kind, (night(None, figure=None),), rooms)


def faces(of: Grid | None = None, language: str = ENGLISH, adults: int = 2) -> Faces:
    return Faces(of or grid(), Formats(language, currency="EUR"), adults)


def seen(face: Face) -> str:
    return str(re.sub(r'<span class="sr tip">.*', "", face.inside))


def heard(face: Face) -> str:
    found = re.search(r'<span class="sr tip">(.*)</span>$', face.inside)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (night(5), "open"),
        (night(1), "low"),
        (night(0), "full"),
        (night(-1), "oversold"),
        (night(None, figure=None), "unknown"),
        (night(5, rules=Rules(closed=True)), "closed"),
    ],
)
def test_how_a_room_type_stands(day: RoomDay, state: str) -> None:
    assert faces().room(day).state == state


def test_a_room_type_says_where_its_number_comes_from() -> None:
    face = faces().room(night(2, sold=3, held=1, on_its_way=1))
    assert seen(face) == '<span class="n">2</span><i class="way" aria-hidden="true">-1</i>'
    assert heard(face) == "pms says 4, 1 on its way, 1 held, 2 sellable, 3 sold through channels"
    assert heard(faces().room(night(None, figure=None))) == "nobody has said how many rooms are left"
    assert heard(faces().room(night(2, figure=None))) == "made of rooms of other types, 2 sellable"
    alone = faces(grid(who="", kind=FigureKind.ALLOCATION))
    assert heard(alone.room(night(4))) == "The hotel allots 4, 4 sellable"
    assert heard(faces(language=CHINESE).room(night(2, held=1))) == "pms 报 4 间, 1 间保留, 可售 2 间"


def test_a_product_shows_the_price_for_those_who_are_looked_for() -> None:
    day = product(8_000, 9_950, None, rules=Rules(cta=True, min_arrival=2), adult=1_500)
    face = faces().product(day)
    marks = '<i class="mark cta" aria-hidden="true">A</i><i class="mark min_arrival" aria-hidden="true">≥2</i>'
    assert (face.state, seen(face)) == ("priced", f'<span class="n">99.50</span>{marks}')
    said = "1 adult €80.00, 2 adults €99.50, extra adult €15.00; no arrival; minimum stay on arrival 2"
    assert heard(face) == said
    assert seen(faces(adults=1).product(day)).startswith('<span class="n">80</span>')
    assert faces().product(product(8_000, rules=Rules(closed=True))).state == "closed"
    assert (faces().product(product(None)).state, heard(faces().product(product(None)))) == ("unknown", "no price")


def test_equal_cells_are_drawn_once() -> None:
    drawn = faces()
    assert drawn.product(product(8_000)) is drawn.product(product(8_000, day=FRIDAY + 1))
    assert drawn.room(night(2)) is drawn.room(night(2))
    assert drawn.room(night(2)) is not drawn.room(night(2, held=1))


def test_the_lines_of_a_table_name_each_cell() -> None:
    room = RoomGrid("D", "Double", 3, 2, (night(3),), (ProductGrid("BAR", "Bar", False, "", (product(8_000),)),))
    (group,) = groups(grid(room), faces(grid(room)))
    assert [(line.room, line.plan, line.name) for line in group.lines] == [("D", "", "Double"), ("D", "BAR", "Bar")]
    assert f'<td class="open" data-key="D||{FRIDAY}" data-day="2026-11-20"><span class="n">3' in group.lines[0].cells
    assert f'<td class="priced" data-key="D|BAR|{FRIDAY}" data-day="2026-11-20">' in group.lines[1].cells


def test_weekends_are_marked_and_the_house_stands_first_where_it_says_something() -> None:
    saturday = FRIDAY + 1
    house = (RoomDay(saturday, 9, 0, 0, 0, 9, Rules()),)
    of = Grid("h", "EUR", False, saturday, saturday, 1, "pms", FigureKind.ROOMS_LEFT, house, ())
    (group,) = groups(of, faces(of))
    assert (group.room, group.lines[0].cells[:24]) == ("", '<td class="open weekend"')


def test_nothing_anybody_writes_gets_out_of_its_place() -> None:
    room = RoomGrid(EVIL, EVIL, 3, 2, (night(3),), (ProductGrid(EVIL, EVIL, False, "", (product(8_000),)),))
    of = grid(room, who=EVIL)
    (group,) = groups(of, faces(of))
    for line in group.lines:
        assert EVIL not in line.cells
        assert f'data-key="{escape(EVIL)}|' in line.cells
    assert f"{escape(EVIL)} says 4" in group.lines[0].cells
