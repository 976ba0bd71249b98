"""The form that sets a range of the calendar, as updates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from gateway.engine.spreading import spread
from gateway.errors import Malformed, Reason
from gateway.flows.desk.calendar import Grid
from gateway.model.ari import OCCUPANCY_MAX, AriUpdate, Field, Setting
from gateway.model.dates import ALL_WEEK
from gateway.model.money import digits_of, parse_minor
from gateway.web.console.fields import Fields

AVAILABILITY = frozenset({Field.FIGURE, Field.CLOSED})
SWITCHES = (Field.CLOSED, Field.CTA, Field.CTD)
LENGTHS = (Field.MIN_ARRIVAL, Field.MIN_THROUGH, Field.MAX_ARRIVAL, Field.MAX_THROUGH)
_SWITCHED = {"on": 1, "off": 0}
_NIGHTS_MAX = 999
_FIGURE_MAX = 9_999


class Edit(msgspec.Struct, frozen=True):
    """What the form asks for. ``over_pms``: set numbers of rooms although a PMS sets them."""

    updates: tuple[AriUpdate, ...]
    over_pms: bool


def takes_rates(updates: Iterable[AriUpdate]) -> bool:
    """Whether it takes the right to set prices and restrictions."""
    return any(setting.field not in AVAILABILITY for update in updates for setting in update.settings)


def read_edit(form: Fields, grid: Grid) -> Edit:
    """A figure is the room types', all else the products' if a rate plan is named; raises Malformed."""
    first, last = form.day("first"), form.day("last")
    if first is None or last is None:
        raise Malformed("say from which night to which", Reason.REQUIRED_MISSING)
    if last < first:
        raise Malformed("the last night is before the first", Reason.DATE_COMBINATION)
    weekdays = _weekdays(form)
    rooms, plans = _chosen(form, "room"), _chosen(form, "plan")
    settings: list[Setting] = []
    if (figure := form.number("figure", 0, _FIGURE_MAX)) is not None:
        if not rooms:
            raise Malformed("a number of rooms needs a room type", Reason.REQUIRED_MISSING)
        settings.append(Setting(Field.FIGURE, figure))
    prices = tuple(_prices(form, grid.currency))
    if prices and not plans:
        raise Malformed("a price needs a rate plan", Reason.REQUIRED_MISSING)
    settings += (*prices, *_rules(form))
    if not settings:
        raise Malformed("nothing is set", Reason.REQUIRED_MISSING)
    updates = tuple(spread(rooms, plans, [(first, last)], settings, weekdays))
    return Edit(updates, form.is_set("over_pms"))


def _chosen(form: Fields, name: str) -> list[str]:
    """The one of the list and those ticked beside it; the first line of the list is for none by itself."""
    return list(dict.fromkeys(filter(None, [form.text(name), *form.every(f"also_{name}")])))


def _weekdays(form: Fields) -> int:
    chosen = {int(text) for text in form.every("weekday") if text in {"0", "1", "2", "3", "4", "5", "6"}}
    return sum(1 << number for number in chosen) or ALL_WEEK


def _prices(form: Fields, currency: str) -> Iterator[Setting]:
    for guests in range(1, OCCUPANCY_MAX + 1):
        if text := form.text(f"price{guests}"):
            amount = parse_minor(text, currency)
            if not 0 <= amount <= 10 ** (9 + digits_of(currency)):
                raise Malformed(f"{text[:40]!r} is not a price", Reason.INVALID_VALUE)
            yield Setting(Field.PRICE, amount, guests)


def _rules(form: Fields) -> Iterator[Setting]:
    for field in SWITCHES:
        if (chosen := form.text(field.value)) in _SWITCHED:
            yield Setting(field, _SWITCHED[chosen])
    for field in LENGTHS:
        if (nights := form.number(field.value, 0, _NIGHTS_MAX)) is not None:
            yield Setting(field, nights)
