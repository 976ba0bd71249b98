"""A request of QuickConnect as we would send it, from what it says. Bookings are theirs to write."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.opentravel._shared.names import content, every, first, value
from connectors.opentravel.expedia import encode, encode_ari, names
from connectors.opentravel.expedia.profile import load_profile
from gateway.contract import Request, Site
from gateway.errors import Unsupported
from gateway.messages import Confirmation, ConfirmReservations, PushAvailability, PushRates, RetrieveReservations
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.dates import ALL_WEEK, Weekdays, parse_day
from gateway.model.money import parse_minor
from gateway.wire.xml import Node, name_of

_TRUE = ("true", "1")
_WEEK = dict(encode_ari.WEEK)
_KINDS = {word: kind for kind, word in encode.TYPES.items()}
_DAY_MS = 24 * 3600 * 1000
_FLAGS = {"closedToArrival": Field.CTA, "closedToDeparture": Field.CTD}
# Words of their dialect that are never ours.
_NEVER = ("flexibleAllocation", "baseAllocation")


def write_anew(root: Node, profile: str) -> bytes:
    """Raises :class:`gateway.errors.Refusal` for what we never send."""
    login = first(root, "Authentication")
    site = Site(
        "inspection",
        profile,
        value(first(root, "Hotel"), "id"),
        "",
        username=value(login, "username"),
        password=value(login, "password"),
    )
    return _request(root, site).body


def _request(root: Node, site: Site) -> Request:
    if name_of(root) == names.AR_RQ:
        return _push(root, site)
    if name_of(root) == names.BR.request:
        return encode.retrieve(_question(root), site)
    if name_of(root) == names.BC.request:
        numbers = every(root, "BookingConfirmNumbers", "BookingConfirmNumber")
        confirmations = tuple(_confirmation(node) for node in numbers)
        request = encode.confirm(ConfirmReservations(id="inspect", at_ms=0, confirmations=confirmations), site)
        return _whole(request, len(confirmations))
    raise Unsupported("such a message is only taken, never sent")


def _whole(request: Request, parts: int) -> Request:
    if request.parts < parts:
        raise Unsupported(f"{parts} parts take several messages")
    return request


def _push(root: Node, site: Site) -> Request:
    capabilities = load_profile(site.profile).capabilities()
    through = Field.MIN_THROUGH in capabilities.fields
    updates = tuple(update for node in every(root, "AvailRateUpdate") for update in _updates(node, through))
    rates = bool(updates) and any(setting.field is Field.PRICE for setting in updates[0].settings)
    command = (PushRates if rates else PushAvailability)(id="inspect", at_ms=0, updates=updates)
    return _whole(encode_ari.push(command, site, capabilities), len(updates))


def _updates(node: Node, through: bool) -> Iterator[AriUpdate]:
    """One for each period and thing that is set."""
    for period in every(node, "DateRange"):
        span = parse_day(value(period, "from")), parse_day(value(period, "to")), _weekdays(period)
        for room in every(node, "RoomType"):
            for plan, settings, currency in (("", _rooms(room), ""), *_plans(room, through)):
                if settings:
                    code = value(room, "id")
                    yield AriUpdate(code, plan, span[0], span[1], tuple(settings), span[2], currency)


def _weekdays(period: Node) -> Weekdays:
    """Those that are true; all where none is named."""
    named = [name for name in _WEEK if value(period, name)]
    return sum(1 << _WEEK[name] for name in named if value(period, name) in _TRUE) if named else ALL_WEEK


def _rooms(room: Node) -> list[Setting]:
    inventory = first(room, "Inventory")
    if any(value(inventory, name) for name in _NEVER):
        raise Unsupported("allocations are never sent by us")
    left = value(inventory, "totalInventoryAvailable")
    closed = value(room, "closed")
    if closed in _TRUE and left in ("", "0"):
        return [Setting(Field.FIGURE, 0)]
    if closed and not left:
        raise Unsupported("a room type that opens without a number of rooms is never sent by us")
    return [Setting(Field.FIGURE, int(left))] if left else []


def _plans(room: Node, through: bool) -> Iterator[tuple[str, list[Setting], str]]:
    for plan in every(room, "RatePlan"):
        rules = first(plan, "Restrictions")
        yield value(plan, "id"), _rules(plan, rules, through), ""
        for rate in every(plan, "Rate"):
            currency = value(rate, "currency")
            yield value(plan, "id"), [_price(amount, currency) for amount in rate], currency


def _rules(plan: Node, rules: Node | None, through: bool) -> list[Setting]:
    shortest, longest = (Field.MIN_THROUGH, Field.MAX_THROUGH) if through else (Field.MIN_ARRIVAL, Field.MAX_ARRIVAL)
    found = [Setting(Field.CLOSED, int(value(plan, "closed") in _TRUE))] if value(plan, "closed") else []
    found += [Setting(field, int(value(rules, name) in _TRUE)) for name, field in _FLAGS.items() if value(rules, name)]
    lengths = {"minLOS": shortest, "maxLOS": longest}
    return found + [Setting(field, int(value(rules, name))) for name, field in lengths.items() if value(rules, name)]


def _price(amount: Node, currency: str) -> Setting:
    if name_of(amount) not in ("PerDay", "PerOccupancy"):
        raise Unsupported(f"{name_of(amount)} is never sent by us")
    guests = value(amount, "occupancy")
    return Setting(Field.PRICE, parse_minor(value(amount, "rate"), currency), int(guests) if guests else 0)


def _question(root: Node) -> RetrieveReservations:
    past = content(first(root, "ParamSet", "NbDaysInPast"))
    days = int(past) if past else 0
    # Instants count from the request's own time, which no message says.
    return RetrieveReservations(id="inspect", at_ms=days * _DAY_MS, since_ms=0 if days else None)


def _confirmation(node: Node) -> Confirmation:
    return Confirmation(value(node, "bookingID"), _KINDS[value(node, "bookingType")], value(node, "confirmNumber"))
