"""How many rooms a stay is for, and of which type: RoomTypes and RoomRates both say it (sheet, section 5.2)."""

from __future__ import annotations

from collections import defaultdict

from connectors.opentravel._shared.names import every, value
from connectors.opentravel._shared.numbers import parse_count
from gateway.errors import Malformed, Reason
from gateway.wire.xml import Node

UNITS_MAX = 999
_UNITS = "NumberOfUnits"
_PERIOD = ("EffectiveDate", "ExpireDate")


def read_units(room_types: list[Node], rates: list[Node], path: str) -> int:
    """The rooms of all RoomTypes together; where they give no number, those of the RoomRates, which must not differ."""
    type_path, rate_path = f"{path}/RoomTypes/RoomType/@{_UNITS}", f"{path}/RoomRates/RoomRate/@{_UNITS}"
    said = _of_rates(rates, rate_path)
    if any(value(node, _UNITS) for node in room_types) or not said:
        # Each RoomType is a room at least.
        units = sum(parse_count(value(node, _UNITS) or "1", type_path, UNITS_MAX) for node in room_types) or 1
    else:
        units = sum(said[0])
    for of_period in said:
        # Rates of one period share the rooms among them, or each of them is for all of them.
        if sum(of_period) != units and set(of_period) != {units}:
            told = f"{' + '.join(map(str, of_period))} units in RoomRates, but {units} elsewhere in the stay"
            raise Malformed(told, Reason.INVALID_VALUE, path=rate_path)
    return parse_count(str(units), type_path, UNITS_MAX)


def check_room(types: set[str], of_rates: set[str], path: str) -> None:
    """RoomRates are of the stay's RoomTypes: which of two rooms was sold cannot be guessed."""
    if types and not of_rates <= types:
        told = f"RoomRate is of {', '.join(sorted(of_rates))}, RoomType of {', '.join(sorted(types))}"
        raise Malformed(told, Reason.ROOM_TYPE, path=f"{path}/RoomRates/RoomRate/@RoomTypeCode")


def _of_rates(rates: list[Node], path: str) -> list[list[int]]:
    """The numbers that RoomRates give, by period and plan: those of other nights and plans are for the same rooms."""
    found: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    for node in rates:
        if text := value(node, _UNITS):
            found[_period(node), value(node, "RatePlanCode")].append(parse_count(text, path, UNITS_MAX))
    return list(found.values())


def _period(room_rate: Node) -> frozenset[tuple[str, ...]]:
    dated = [room_rate, *every(room_rate, "Rates", "Rate")]
    return frozenset(tuple(value(node, name) for name in _PERIOD) for node in dated)
