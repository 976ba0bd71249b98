"""What Expedia refuses in an AvailRateUpdateRQ of the right shape, as far as the message alone shows (section 2.2)."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.opentravel._shared.names import every, first, value
from connectors.opentravel.expedia.encode_ari import CELLS_MAX
from gateway.errors import Malformed, Reason
from gateway.model.dates import ALL_WEEK, Day, days_in, parse_day
from gateway.wire import shape
from gateway.wire.xml import Node, name_of

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RESTRICTIONS = ("minLOS", "maxLOS", "closedToArrival", "closedToDeparture")
_ALLOCATIONS = ("flexibleAllocation", "totalInventoryAvailable")
_AMOUNTS = ("PerDay", "PerOccupancy", "PerPerson")

# What one value is of (room type, rate plan, name), the value, and where it stands.
Value = tuple[tuple[str, str, str], str, Node, str]


def check_update(root: Node) -> None:
    """Raises :class:`gateway.errors.Malformed` with the number of their error in its text."""
    cells = _Cells()
    for update in every(root, "AvailRateUpdate") or [root]:
        days = _all_days(every(update, "DateRange"))
        before = cells.count
        for room in every(update, "RoomType"):
            _check_room(room)
            for one in _values(room):
                cells.take(one, days)
        if cells.count == before:
            raise _fault(update, "", "there is nothing to set (error 3015)", Reason.REQUIRED_MISSING)


class _Cells:
    """Every value of every date, each counted, and none of them set in two ways."""

    def __init__(self) -> None:
        self.count = 0
        self._texts: dict[tuple[tuple[str, str, str], Day], str] = {}

    def take(self, one: Value, days: list[Day]) -> None:
        what, text, node, attribute = one
        self.count += len(days)
        if self.count > CELLS_MAX:
            raise _fault(node, attribute, f"more than {CELLS_MAX} values in one message (error 3107)", Reason.TOO_LARGE)
        for day in days:
            if self._texts.setdefault((what, day), text) != text:
                raise _fault(node, attribute, "the same is set twice, and differently (error 3108)")


def _all_days(ranges: list[Node]) -> list[Day]:
    found: set[Day] = set()
    count = 0
    for dates in ranges:
        days = list(_days(dates))
        found.update(days)
        count += len(days)
        if count > CELLS_MAX:
            raise _fault(dates, "", f"more than {CELLS_MAX} days in one message (error 3107)", Reason.TOO_LARGE)
    return sorted(found)


def _days(dates: Node) -> Iterator[Day]:
    """The days of the range; as soon as one weekday is named the others are only meant if they are, too."""
    try:
        begin, end = parse_day(value(dates, "from")), parse_day(value(dates, "to"))
    except Malformed as error:
        raise _fault(dates, "from", error.text, Reason.INVALID_DATE) from None
    if begin > end:
        raise _fault(dates, "to", "the range ends before it begins (error 3021)", Reason.DATE_COMBINATION)
    if end - begin > CELLS_MAX:
        raise _fault(dates, "to", f"more than {CELLS_MAX} days (error 3107)", Reason.TOO_LARGE)
    named = [value(dates, name) for name in _DAYS]
    weekdays = sum(1 << day for day, text in enumerate(named) if text in ("true", "1"))
    if any(named) and not weekdays:
        raise _fault(dates, "", "no day of the week is left (error 3015)")
    return days_in(begin, end, weekdays or ALL_WEEK)


def _check_room(room: Node) -> None:
    inventory = first(room, "Inventory")
    if inventory is not None and all(value(inventory, name) for name in _ALLOCATIONS):
        raise _fault(inventory, "flexibleAllocation", "only one kind of allocation may be given (error 3026)")
    for plan in every(room, "RatePlan"):
        rates = every(plan, "Rate")
        for rate in rates:
            _check_rate(rate, several=len(rates) > 1)
        limits = first(plan, "Restrictions")
        low, high = value(limits, "minLOS"), value(limits, "maxLOS")
        if limits is not None and low and high and int(low) > int(high):
            raise _fault(limits, "minLOS", "the shortest stay is longer than the longest (error 3015)")


def _check_rate(rate: Node, *, several: bool) -> None:
    if len(rate) and not value(rate, "currency"):
        raise _fault(rate, "currency", "an amount needs its currency (error 3103)", Reason.REQUIRED_MISSING)
    if several and not value(rate, "lengthOfStay"):
        text = "more than one Rate is for prices by length of stay (error 3123)"
        raise _fault(rate, "lengthOfStay", text, Reason.REQUIRED_MISSING)


def _values(room: Node) -> Iterator[Value]:
    """Everything a RoomType sets."""
    room_id = value(room, "id")
    if closed := value(room, "closed"):
        yield (room_id, "", "closed"), closed, room, "closed"
    for inventory in every(room, "Inventory"):
        for name in _ALLOCATIONS:
            if text := value(inventory, name):
                yield (room_id, "", "rooms"), text, inventory, name
    for plan in every(room, "RatePlan"):
        for name, text, node, attribute in _of_plan(plan):
            yield (room_id, value(plan, "id"), name), text, node, attribute


def _of_plan(plan: Node) -> Iterator[tuple[str, str, Node, str]]:
    if closed := value(plan, "closed"):
        yield "closed", closed, plan, "closed"
    for rate in every(plan, "Rate"):
        stay = value(rate, "lengthOfStay")
        if changes := value(rate, "rateChangeIndicator"):
            yield f"rateChangeIndicator {stay}", changes, rate, "rateChangeIndicator"
        for price in rate:
            if name_of(price) in _AMOUNTS:
                yield f"rate {stay} {value(price, 'occupancy')}", value(price, "rate"), price, "rate"
    limits = first(plan, "Restrictions")
    for name in _RESTRICTIONS:
        if limits is not None and (text := value(limits, name)):
            yield name, text, limits, name


def _fault(node: Node, attribute: str, text: str, reason: Reason = Reason.INVALID_VALUE) -> Malformed:
    path = shape.path_of(node) + (f"/@{attribute}" if attribute else "")
    return Malformed(text, reason, path=path, line=node.sourceline)
