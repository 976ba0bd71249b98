"""What stands in the calendar's cells, and what they say to those who point at them or listen.

Not in the template: a page has thousands of cells, and each would cost it ten times as much. Cells that say the same
are drawn once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from markupsafe import escape

from gateway.flows.desk.calendar import Grid, ProductDay, RoomDay, Rules
from gateway.model.property import FigureKind
from gateway.web.console.formats import Formats
from gateway.web.console.words import word_in
from gateway.web.texts import translations

LEAST_FREE = 1  # from so many rooms down, a night is marked as nearly full
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


class Face(NamedTuple):
    """``state`` is a class of the style sheet, ``inside`` the content, escaped."""

    state: str
    inside: str


class Faces:
    """Those of one grid, for somebody who reads a language and looks at the prices for so many adults."""

    def __init__(self, grid: Grid, fmt: Formats, adults: int) -> None:
        self._fmt = fmt
        self._adults = adults
        self._allots = grid.figure_kind is FigureKind.ALLOCATION
        self._catalogue = translations(fmt.language)
        _ = self._catalogue.gettext
        self._who = grid.figures_from or _("The hotel")
        self._faces: dict[tuple[object, ...], Face] = {}
        self._restricted: dict[Rules, tuple[str, str]] = {}
        self._priced: dict[tuple[int, int], str] = {}

    def room(self, night: RoomDay) -> Face:
        """Of a room type, or the house, on one night."""
        looks = (night.figure, night.free, night.on_its_way, night.held, night.sold, night.rules)
        return self._faces.get(looks) or self._faces.setdefault(looks, self._room(night))

    def product(self, night: ProductDay) -> Face:
        """Of a product on one night."""
        looks = (night.prices, night.extra_adult, night.extra_child, night.effective)
        return self._faces.get(looks) or self._faces.setdefault(looks, self._product(night))

    def _room(self, night: RoomDay) -> Face:
        text = "–" if night.free is None else self._fmt.number(night.free)
        marks, restrictions = self._restrictions(night.rules)
        way = f'<i class="way" aria-hidden="true">{-night.on_its_way:+d}</i>' if night.on_its_way else ""
        tip = ", ".join(self._of_room(night)) + restrictions
        return Face(_room_state(night), _drawn(text, way + marks, tip))

    def _product(self, night: ProductDay) -> Face:
        price = night.prices[min(self._adults, len(night.prices)) - 1] if night.prices else None
        text = "–" if price is None else self._fmt.amount(price)
        state = "closed" if night.effective.closed else "unknown" if price is None else "priced"
        marks, restrictions = self._restrictions(night.effective)
        return Face(state, _drawn(text, marks, ", ".join(self._of_product(night)) + restrictions))

    # --- in words -----------------------------------------------------------------------------------------------------

    def _of_room(self, night: RoomDay) -> Iterator[str]:
        _, number = self._catalogue.gettext, self._fmt.number
        if night.figure is None:
            linked = night.free is not None
            yield _("made of rooms of other types") if linked else _("nobody has said how many rooms are left")
        else:
            said = _("%(who)s allots %(count)s") if self._allots else _("%(who)s says %(count)s")
            yield said % {"who": self._who, "count": number(night.figure)}
        if night.on_its_way:
            yield _("%(count)s on its way") % {"count": number(night.on_its_way)}
        if night.held:
            yield _("%(count)s held") % {"count": number(night.held)}
        if night.free is not None:
            yield _("%(count)s sellable") % {"count": number(night.free)}
        if night.sold:
            yield _("%(count)s sold through channels") % {"count": number(night.sold)}

    def _of_product(self, night: ProductDay) -> Iterator[str]:
        _ = self._catalogue.gettext
        prices = [self._price(adults, price) for adults, price in enumerate(night.prices, 1) if price is not None]
        yield ", ".join(prices) or _("no price")
        for field, price in (("extra_adult", night.extra_adult), ("extra_child", night.extra_child)):
            if price:
                yield f"{word_in(self._catalogue, field)} {self._fmt.money(price)}"

    def _price(self, adults: int, price: int) -> str:
        known = self._priced.get((adults, price))
        if known is None:
            who = self._catalogue.ngettext("%(num)s adult", "%(num)s adults", adults) % {"num": adults}
            known = self._priced[adults, price] = f"{who} {self._fmt.money(price)}"
        return known

    def _restrictions(self, rules: Rules) -> tuple[str, str]:
        """As marks, and in words that follow others."""
        known = self._restricted.get(rules)
        if known is None:
            marks = marks_of(rules)
            drawn = (f'<i class="mark {mark.word}" aria-hidden="true">{mark.text}</i>' for mark in marks)
            words = (f"; {word_in(self._catalogue, mark.word)} {mark.number or ''}".rstrip() for mark in marks)
            known = self._restricted[rules] = ("".join(drawn), "".join(words))
        return known


def marks_of(rules: Rules) -> tuple[Mark, ...]:
    """What restricts, closing first."""
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


def _room_state(night: RoomDay) -> str:
    if night.rules.closed:
        return "closed"
    if night.free is None:
        return "unknown"
    if night.free < 0:
        return "oversold"
    if night.free == 0:
        return "full"
    return "low" if night.free <= LEAST_FREE else "open"


def _drawn(text: str, marks: str, tip: str) -> str:
    """``marks`` are markup of ours."""
    return f'<span class="n">{escape(text)}</span>{marks}<span class="sr tip">{escape(tip)}</span>'
