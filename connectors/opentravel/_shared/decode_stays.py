"""RoomStay and Service: product, nights, occupancy and money (sheet, section 5.2).

Counts and amounts of a stay cover all its units; ``nightly`` is per night and unit, as the model has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from connectors.opentravel._shared.decode_guests import Guests, Parts, comments_of
from connectors.opentravel._shared.decode_units import UNITS_MAX, check_room, read_units
from connectors.opentravel._shared.names import content, every, first, kids, value, values
from connectors.opentravel._shared.numbers import parse_amount, parse_boolean, parse_count
from connectors.opentravel._shared.target import read_day
from connectors.opentravel._shared.times import parse_nights
from gateway.errors import Malformed, Reason, Unsupported
from gateway.model.ari import STAY_MAX
from gateway.model.dates import Day
from gateway.model.money import parse_minor
from gateway.model.reservation import RoomStay, Service
from gateway.wire.redact import mask_text
from gateway.wire.xml import Node
from mappings import Unmapped, look_up

AFTER_TAX: Final = "AmountAfterTax"
BEFORE_TAX: Final = "AmountBeforeTax"
_PLAIN_CHARS_MAX = 20
_EXCLUSIVE = ("ExpireDateExclusiveInd", "ExpireDateExclusiveIndicator")

# A RoomStay and its children.
Stay = tuple[Node, Parts]


class Money:
    """Reads amounts of one reservation on one basis, and sees to it that they are in one currency.

    ``found`` is the currency its amounts name, ``used`` says whether there were any.
    """

    def __init__(self, currency: str, basis: str) -> None:
        self._default = currency
        self.basis = basis
        self.found = ""
        self.used = False

    def amount(self, node: Node | None, path: str) -> int | None:
        """In minor units; None where there is none on this basis."""
        text = None if node is None else node.get(self.basis)
        if not text or node is None:
            return None
        # All amounts of a reservation but the first are written like this.
        if self.found and "." in text and len(text) <= _PLAIN_CHARS_MAX and node.get("CurrencyCode") == self.found:
            try:
                return parse_minor(text, self.found)
            except Malformed:
                return self._read(values(node), path)
        return self._read(values(node), path)

    def _read(self, given: dict[str, str], path: str) -> int | None:
        text, currency = given.get(self.basis, ""), given.get("CurrencyCode", "")
        if not text:
            return None
        if currency and currency != (self.found or currency):
            raise Malformed("the reservation's currencies differ", Reason.CURRENCY, path=f"{path}/@CurrencyCode")
        self.found = self.found or currency
        self.used = True
        places = given.get("DecimalPlaces", "")
        return parse_amount(text, places, currency or self.found or self._default, f"{path}/@{self.basis}")


def read_stay(stay: Stay, number: int, info: Parts, guests: Guests, money: Money) -> RoomStay:
    """One RoomStay; what it lacks is taken from ResGlobalInfo where that can only mean this stay."""
    node, parts = stay
    path = f"RoomStays/RoomStay[{number}]"
    rates = [rate for rooms in parts.get("RoomRates", ()) for rate in every(rooms, "RoomRate")]
    room_types = [kind for rooms in parts.get("RoomTypes", ()) for kind in every(rooms, "RoomType")]
    plans = [plan for rooms in parts.get("RatePlans", ()) for plan in every(rooms, "RatePlan")]
    arrival, departure = _dates(_head(parts.get("TimeSpan") or info.get("TimeSpan", [])), path)
    units = read_units(room_types, rates, path)
    check_room(_codes("RoomTypeCode", room_types), _codes("RoomTypeCode", rates), path)
    total = money.amount(_head(parts.get("Total", [])), f"{path}/Total")
    counts = _head(parts.get("GuestCounts") or info.get("GuestCounts", []))
    people = _People(counts, units, f"{path}/GuestCounts")
    return RoomStay(
        room=_only("RoomTypeCode", room_types, rates, f"{path}/RoomTypes/RoomType/@RoomTypeCode"),
        plan=_only("RatePlanCode", plans, rates, f"{path}/RatePlans/RatePlan/@RatePlanCode"),
        arrival=arrival,
        departure=departure,
        units=units,
        adults=people.adults,
        children=people.children,
        infants=people.infants,
        child_ages=tuple(people.child_ages),
        nightly=_nightly(rates, arrival, departure, units, total, money, f"{path}/RoomRates/RoomRate/Rates/Rate"),
        total=total,
        guests=guests.of(parts.get("ResGuestRPHs", [])),
        comments=comments_of(parts),
        ref=value(node, "IndexNumber") or str(number),
    )


def _head(nodes: list[Node]) -> Node | None:
    return nodes[0] if nodes else None


def _only(name: str, nodes: list[Node], rates: list[Node], path: str) -> str:
    """The one code all of them name; a stay that changes its room or plan has no place in the model."""
    codes = _codes(name, nodes) or _codes(name, rates)
    if len(codes) > 1:
        raise Unsupported(f"one stay on several codes: {', '.join(sorted(codes))}", path=path)
    if not codes:
        raise Malformed(f"{name} is missing", Reason.REQUIRED_MISSING, path=path)
    return codes.pop()


def _codes(name: str, nodes: list[Node]) -> set[str]:
    return {code for node in nodes if (code := value(node, name))}


def _dates(span: Node | None, path: str) -> tuple[Day, Day]:
    start, end, duration = value(span, "Start"), value(span, "End"), value(span, "Duration")
    if not start or not (end or duration):
        raise Malformed("arrival and departure are missing", Reason.REQUIRED_MISSING, path=f"{path}/TimeSpan")
    arrival = read_day(start.partition("T")[0], f"{path}/TimeSpan/@Start")
    departure = read_day(end.partition("T")[0], f"{path}/TimeSpan/@End") if end else arrival + parse_nights(duration)
    if not 0 < departure - arrival <= STAY_MAX:
        text = f"a stay from {start} to {end or duration} has no nights or too many"
        raise Malformed(text, Reason.DATE_COMBINATION, path=f"{path}/TimeSpan/@End")
    return arrival, departure


class _People:
    """GuestCounts over all units."""

    def __init__(self, node: Node | None, units: int, path: str) -> None:
        self.adults = self.children = self.infants = 0
        self.child_ages: list[int] = []
        per_room = value(node, "IsPerRoom")
        times = 1 if per_room and not parse_boolean(per_room, f"{path}/@IsPerRoom") else units
        for count in every(node, "GuestCount"):
            self._add(count, times, f"{path}/GuestCount")

    def _add(self, node: Node, times: int, path: str) -> None:
        given = values(node)
        code = given.get("AgeQualifyingCode", "10")
        count = parse_count(given.get("Count", "1"), f"{path}/@Count", UNITS_MAX) * times
        try:
            who = look_up("aqc", code)
        except Unmapped:
            text = f"the age qualifying code {code!r} is unknown"
            raise Malformed(text, Reason.INVALID_VALUE, path=f"{path}/@AgeQualifyingCode") from None
        if who == "adult":
            self.adults += count
        elif who == "infant":
            self.infants += count
        else:
            self.children += count
            if "Age" in given:
                self.child_ages += [parse_count(given["Age"], f"{path}/@Age", 99)] * count


def _nightly(
    rates: list[Node], arrival: Day, departure: Day, units: int, total: int | None, money: Money, path: str
) -> tuple[int, ...]:
    """The price of each night; empty unless every night has exactly one."""
    prices: dict[Day, int] = {}
    unmultiplied = 0
    for room_rate in rates:
        of_room = values(room_rate)
        for rate in every(room_rate, "Rates", "Rate"):
            found = _rate_nights(rate, of_room, arrival, money, path)
            if found is None:
                return ()
            start, nights, price = found
            unmultiplied += price
            for day in range(start, start + nights):
                if day in prices or not arrival <= day < departure:
                    return ()
                prices[day] = price
    if len(prices) != departure - arrival:
        return ()
    # A price that was for the whole period, not for each of its nights, shows in the stay's total.
    if total is not None and sum(prices.values()) * units != total == unmultiplied * units:
        return ()
    return tuple([prices[day] for day in range(arrival, departure)])


def _rate_nights(
    rate: Node, of_room: dict[str, str], arrival: Day, money: Money, path: str
) -> tuple[Day, int, int] | None:
    """First night, number of nights, price of each; None where the Rate is not per night."""
    given = values(rate)
    if given.get("RateTimeUnit", "day").lower() != "day":
        return None
    start_text = given.get("EffectiveDate") or of_room.get("EffectiveDate")
    start = read_day(start_text, f"{path}/@EffectiveDate") if start_text else arrival
    nights = parse_count(given.get("UnitMultiplier", "1"), f"{path}/@UnitMultiplier", STAY_MAX)
    expire = given.get("ExpireDate") or of_room.get("ExpireDate")
    if expire:
        # The day after the last night unless the document says otherwise (sheet, section 2).
        inclusive = given.get(_EXCLUSIVE[0]) in ("false", "0") or given.get(_EXCLUSIVE[1]) in ("false", "0")
        nights = max(nights, read_day(expire, f"{path}/@ExpireDate") - start + inclusive)
    price = money.amount(first(rate, "Base"), f"{path}/Base")
    if price is None and nights == 1:
        price = money.amount(first(rate, "Total"), f"{path}/Total")
    return None if price is None or not 0 < nights <= STAY_MAX else (start, nights, price)


def read_services(parts: Parts, money: Money) -> Iterator[Service]:
    """Services/Service; the amount is of the first Price that has one."""
    for node in (service for group in parts.get("Services", ()) for service in every(group, "Service")):
        amounts = (
            money.amount(first(price, name), f"Services/Service/Price/{name}")
            for price in every(node, "Price")
            for name in ("Total", "Base")
        )
        yield Service(
            code=value(node, "ServiceInventoryCode") or value(node, "ID"),
            quantity=parse_count(value(node, "Quantity") or "1", "Services/Service/@Quantity"),
            total=next((amount for amount in amounts if amount is not None), None),
            text=_service_text(first(node, "ServiceDetails")),
        )


def _service_text(details: Node | None) -> str:
    described = content(first(details, "ServiceDescription", "Text"))
    return mask_text(described) or " ".join(comments_of(kids(details)))
