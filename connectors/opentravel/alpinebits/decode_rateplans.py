"""RatePlans to prices and rules (protocol sheet, sections 6.1, 6.2, 6.4 and 10). The message has kept its rules.

A new plan replaces everything of it; an overlay says all there is to say about the days it names. What the gateway has
no field for is put down in ``notes``.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from connectors.opentravel._shared.names import every
from connectors.opentravel.alpinebits.decode_bookingrules import read_booking_rules
from connectors.opentravel.alpinebits.faults import broken, day, need, need_child, whole
from connectors.opentravel.alpinebits.rules_freerooms import is_complete
from connectors.opentravel.alpinebits.rules_offers import ADULT, CHILD
from connectors.opentravel.alpinebits.rules_rateplans import FULL, NEW, REMOVE
from connectors.opentravel.alpinebits.rules_rates import PER_PERSON, PER_ROOM, read_static_rate, weekdays_of
from gateway.errors import Malformed, Reason, Rejected, Unsupported
from gateway.messages import AriReceived, Clearing
from gateway.model.ari import OCCUPANCY_MAX, AriUpdate, Aspect, Field, Setting
from gateway.model.money import parse_minor
from gateway.wire.xml import Node

BASES = {"person": PER_PERSON, "room": PER_ROOM}
_WHOLE_PLAN = (Aspect.PRICES, Aspect.RULES)


class Prices(msgspec.Struct):
    """How a plan's amounts are meant."""

    plan: str
    currency: str
    kind: str
    notes: list[str]


def read_rate_plans(root: Node, hotel: str, basis: str, notes: list[str]) -> AriReceived:
    """``basis`` (person or room) says what amounts mean in overlays, which do not tell."""
    holder = need_child(root, "RatePlans")
    plans = every(holder, "RatePlan")
    code = need(holder, "HotelCode").strip() or hotel
    if is_complete(root):
        keep = tuple(need(plan, "RatePlanCode") for plan in plans)
        return AriReceived(code, (), clears=tuple(Clearing(aspect, keep=keep) for aspect in _WHOLE_PLAN))
    clears: list[Clearing] = []
    updates: list[AriUpdate] = []
    for plan in plans:
        name = need(plan, "RatePlanCode")
        kind = need(plan, "RatePlanNotifType")
        if kind in (NEW, FULL, REMOVE):
            clears += (Clearing(aspect, plan=name) for aspect in _WHOLE_PLAN)
        if kind != REMOVE:
            updates += read_booking_rules(plan, name, overlay=kind not in (NEW, FULL))
            updates += _prices(plan, name, basis, notes, new=kind in (NEW, FULL))
    return AriReceived(code, tuple(updates), clears=tuple(clears))


def _prices(plan: Node, name: str, basis: str, notes: list[str], *, new: bool) -> Iterator[AriUpdate]:
    rates = every(plan, "Rates", "Rate")
    if not rates:
        return
    kind = BASES.get(basis, "")
    if new:
        static = rates.pop(0)
        kind = read_static_rate(static).kind
        if static.get("UnitMultiplier") is not None and whole(static, "UnitMultiplier") != 1:
            raise Unsupported("prices for packages of several nights are not kept", path=None)
    elif not kind:
        text = "an overlay does not say whether its amounts are per person or per room: set rate_basis"
        raise _placed(rates[0], text)
    prices = Prices(name, need(plan, "CurrencyCode"), kind, notes)
    for rate in rates:
        yield _dated(rate, prices)


def _dated(rate: Node, prices: Prices) -> AriUpdate:
    settings = [_base(amount, prices) for amount in every(rate, "BaseByGuestAmts", "BaseByGuestAmt")]
    settings += _additional(every(rate, "AdditionalGuestAmounts", "AdditionalGuestAmount"), prices)
    return AriUpdate(
        need(rate, "InvTypeCode"),
        prices.plan,
        day(rate, "Start"),
        day(rate, "End"),
        tuple(settings),
        weekdays_of(rate),
        prices.currency,
    )


def _base(amount: Node, prices: Prices) -> Setting:
    """The price of the room for so many guests."""
    guests = whole(amount, "NumberOfGuests")
    if not 1 <= guests <= OCCUPANCY_MAX:
        raise broken(amount, f"prices are kept for up to {OCCUPANCY_MAX} guests", Reason.OCCUPANCY, "NumberOfGuests")
    each = _minor(amount, "AmountAfterTax", prices)
    return Setting(Field.PRICE, each * guests if prices.kind == PER_PERSON else each, guests)


def _additional(amounts: list[Node], prices: Prices) -> list[Setting]:
    """For a further adult, and for a child of whatever age: the highest of their amounts, so nobody pays too little."""
    found: list[Setting] = []
    by_whom = {ADULT: Field.EXTRA_ADULT, CHILD: Field.EXTRA_CHILD}
    for code, field in by_whom.items():
        given = [_minor(one, "Amount", prices) for one in amounts if one.get("AgeQualifyingCode") == code]
        if given:
            found.append(Setting(field, max(given)))
        if len(set(given)) > 1:
            _note(prices.notes, f"{prices.plan}: of the amounts for children by age only the highest is kept")
    return found


def _minor(node: Node, attribute: str, prices: Prices) -> int:
    try:
        return parse_minor(need(node, attribute), prices.currency)
    except Malformed as error:
        raise broken(node, error.text, Reason.INVALID_VALUE, attribute) from None


def _note(notes: list[str], text: str) -> None:
    if text not in notes:
        notes.append(text)


def _placed(node: Node, text: str) -> Rejected:
    return broken(node, text, Reason.BUSINESS_RULE)
