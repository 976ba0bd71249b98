"""PushAvailability and PushRates to AvailRateUpdateRQ (Expedia notes, section 2). Each update is an AvailRateUpdate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from connectors.opentravel.expedia.encode import frame, request
from connectors.opentravel.expedia.names import AR
from gateway.contract import Capabilities, Request, Site
from gateway.errors import Reason, Unsupported
from gateway.messages import PushAvailability, PushRates
from gateway.model.ari import ASPECT_OF, AriUpdate, Aspect, Field, Setting
from gateway.model.dates import Weekdays, format_day, weekday
from gateway.model.money import digits_of, format_minor
from gateway.wire.xmlwrite import attributes, element

CELLS_MAX = 3000  # error 3107 beyond: dates times products times values
BYTES_MAX = 100_000  # error 3405 beyond 100 kB
ROOMS_MAX = 4999
STAY_NIGHTS_MAX = 28
ID_CHARS_MAX = 50
_PLACES_MAX = 3
# They begin the week on Sunday.
WEEK = (("sun", 6), ("mon", 0), ("tue", 1), ("wed", 2), ("thu", 3), ("fri", 4), ("sat", 5))
_MIN, _MAX = (Field.MIN_ARRIVAL, Field.MIN_THROUGH), (Field.MAX_ARRIVAL, Field.MAX_THROUGH)

Push = PushAvailability | PushRates


class Written(NamedTuple):
    """One update in their words, and how many values it changes there."""

    xml: str
    cells: int


def push(command: Push, site: Site, capabilities: Capabilities) -> Request:
    """The leading updates that fit their limits of values and bytes; raises :class:`Unsupported`."""
    pieces: list[str] = []
    cells, size = 0, sum(len(part.encode()) for part in frame(AR, site))
    for update in command.updates[: capabilities.parts_max]:
        written = _update(update, isinstance(command, PushRates), capabilities)
        cells, size = cells + written.cells, size + len(written.xml.encode())
        if cells > CELLS_MAX or size > BYTES_MAX:
            break
        pieces.append(written.xml)
    if not pieces:
        text = f"there is nothing to set, or more than {CELLS_MAX} values in one update"
        raise Unsupported(text, Reason.TOO_LARGE if command.updates else Reason.REQUIRED_MISSING)
    return request(AR, site, "".join(pieces), len(pieces))


def _update(update: AriUpdate, rates: bool, capabilities: Capabilities) -> Written:
    values = _values(update, rates, capabilities)
    if update.first > update.last:
        raise Unsupported("the last day is before the first", Reason.DATE_COMBINATION)
    if not 1 <= len(update.room) <= ID_CHARS_MAX or len(update.plan) > ID_CHARS_MAX:
        raise Unsupported(f"ids have 1 to {ID_CHARS_MAX} characters", Reason.INVALID_VALUE)
    days = {name: "true" if update.weekdays >> day & 1 else "false" for name, day in WEEK}
    dates = {"from": format_day(update.first), "to": format_day(update.last)}
    if not update.plan:
        content, count = _room(update, values)
    elif rates:
        content, count = _rates(update, capabilities)
    else:
        content, count = _rules(update, values)
    date_range = element("DateRange", "", **dates, **days)
    return Written(
        f"<AvailRateUpdate>{date_range}{content}</AvailRateUpdate>", count * days_counted(update, update.weekdays)
    )


def _values(update: AriUpdate, rates: bool, capabilities: Capabilities) -> dict[Field, int]:
    if not update.settings:
        raise Unsupported("there is nothing to set", Reason.REQUIRED_MISSING)
    for setting in update.settings:
        if setting.field not in capabilities.fields:
            raise Unsupported(f"{setting.field.value} has no place in this dialect")
        if (ASPECT_OF[setting.field] is Aspect.PRICES) != rates:
            raise Unsupported(f"{setting.field.value} belongs into the other kind of push")
        if (setting.field is Field.FIGURE) == bool(update.plan):
            raise Unsupported("rooms belong to the room type, rules and prices to a rate plan")
    return {setting.field: setting.value for setting in update.settings}


def days_counted(update: AriUpdate, weekdays: Weekdays) -> int:
    weeks, rest = divmod(update.last - update.first + 1, 7)
    begins = weekday(update.first)
    return weeks * weekdays.bit_count() + sum(weekdays >> (begins + day) % 7 & 1 for day in range(rest))


def _room(update: AriUpdate, values: Mapping[Field, int]) -> tuple[str, int]:
    """Rooms left. None left also closes, since zero alone opens again with the next cancellation (section 2.2)."""
    rooms = values[Field.FIGURE]
    if rooms < 0:
        raise Unsupported(f"{rooms} rooms", Reason.INVALID_VALUE)
    inventory = element("Inventory", "", totalInventoryAvailable=str(min(rooms, ROOMS_MAX)))
    return element("RoomType", inventory, id=update.room, closed="false" if rooms else "true"), 2


def _rules(update: AriUpdate, values: Mapping[Field, int]) -> tuple[str, int]:
    given = {
        "minLOS": _nights(values, _MIN, cleared=1),
        "maxLOS": _nights(values, _MAX, cleared=STAY_NIGHTS_MAX),
        "closedToArrival": _flag(values, Field.CTA),
        "closedToDeparture": _flag(values, Field.CTD),
    }
    if given["minLOS"] and given["maxLOS"] and int(given["minLOS"]) > int(given["maxLOS"]):
        raise Unsupported("the shortest stay is longer than the longest", Reason.INVALID_VALUE)
    closed = _flag(values, Field.CLOSED)
    count = sum(value is not None for value in (*given.values(), closed))
    restrictions = element("Restrictions", "", **given) if attributes(**given) else ""
    return _plan(update, restrictions, closed), count


def _nights(values: Mapping[Field, int], fields: tuple[Field, ...], cleared: int) -> str | None:
    found = [values[field] for field in fields if field in values]
    if len(found) > 1:
        raise Unsupported("their property looks at stays on arrival or on every night, not at both")
    return str(min(found[0] or cleared, STAY_NIGHTS_MAX)) if found else None


def _flag(values: Mapping[Field, int], field: Field) -> str | None:
    return ("true" if values[field] else "false") if field in values else None


def _rates(update: AriUpdate, capabilities: Capabilities) -> tuple[str, int]:
    if not update.currency or digits_of(update.currency) > _PLACES_MAX:
        raise Unsupported("amounts need a currency with three places at most", Reason.CURRENCY)
    amounts = "".join(_amount(setting, update.currency, capabilities.guests_max) for setting in update.settings)
    return _plan(update, element("Rate", amounts, currency=update.currency), None), len(update.settings)


def _amount(setting: Setting, currency: str, guests_max: int) -> str:
    if bool(setting.guests) != bool(guests_max) or setting.guests > guests_max:
        raise Unsupported(f"a price for {setting.guests} guests has no place in this dialect", Reason.OCCUPANCY)
    if setting.value < 0:
        raise Unsupported("a price is not negative", Reason.INVALID_VALUE)
    rate = format_minor(setting.value, currency)
    if not guests_max:
        return element("PerDay", "", rate=rate)
    return element("PerOccupancy", "", rate=rate, occupancy=str(setting.guests))


def _plan(update: AriUpdate, content: str, closed: str | None) -> str:
    plan = element("RatePlan", content, id=update.plan, closed=closed)
    return element("RoomType", plan, id=update.room)
