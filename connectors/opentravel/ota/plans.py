"""What a house is asked about itself: OTA_HotelRatePlanRQ (prices, rules) and OTA_HotelDescriptiveInfoRQ (rooms).

The answers hold what is mapped for whoever asks, in its codes. A period names nights, both ends included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.opentravel._shared import names
from connectors.opentravel._shared.encode_rates import RateWriter
from connectors.opentravel._shared.encode_rules import lengths_of, restrictions_of
from connectors.opentravel._shared.names import at_most, every, first, value
from connectors.opentravel._shared.notif_report import line_of
from connectors.opentravel._shared.profile import Profile
from connectors.opentravel._shared.target import read_day
from connectors.opentravel._shared.times import format_offset, parse_nights
from gateway.errors import Malformed, NotFound, Reason, Refusal, Unsupported
from gateway.messages import Described, PlansAsked, PlansFound, Result
from gateway.model.ari import ASPECT_OF, AriUpdate, Aspect, Field
from gateway.model.dates import Day, format_day
from gateway.wire.xml import Node
from gateway.wire.xmlwrite import element, text

_PLAN_PATH = f"/{names.PLANS_ASKED}/RatePlans/RatePlan"
ASKED_MAX = 20
_NARROWER = ("DestinationSystemsCode", "Offers")
_OFFSETS = {Field.MIN_OFFSET_H: "MinAdvancedBookingOffset", Field.MAX_OFFSET_H: "MaxAdvancedBookingOffset"}
_GUEST_ROOM_CHARS, _ROOM_TYPE_CHARS, _NAME_CHARS = 8, 16, 32


def read_plans_asked(root: Node, hotel: str) -> list[PlansAsked]:
    """One query for each RatePlan; without a DateRange only what the plans are called."""
    found = []
    for number, node in enumerate(at_most(ASKED_MAX, every(root, "RatePlans", "RatePlan"), _PLAN_PATH), start=1):
        path = f"{_PLAN_PATH}[{number}]"
        for name in _NARROWER:
            if (narrower := first(node, name)) is not None:
                raise Unsupported(f"{name} is not looked at here", path=f"{path}/{name}", line=line_of(narrower))
        candidates = every(node, "RatePlanCandidates", "RatePlanCandidate")
        plans = tuple(filter(None, (value(one, "RatePlanCode") for one in candidates)))
        span = first(node, "DateRange")
        days = _days(span, f"{path}/DateRange") if span is not None else (None, None)
        found.append(PlansAsked(value(first(node, "HotelRef"), "HotelCode") or hotel, plans, *days))
    if not found:
        raise Malformed("RatePlan is missing", Reason.REQUIRED_MISSING, path=_PLAN_PATH, line=line_of(root))
    return found


def read_description_asked(root: Node, hotel: str) -> list[PlansAsked]:
    """One query for each hotel. Of what may be asked for, the rooms are known here."""
    path = f"/{names.DESCRIPTION_ASKED}/HotelDescriptiveInfos/HotelDescriptiveInfo"
    asked = at_most(ASKED_MAX, every(root, "HotelDescriptiveInfos", "HotelDescriptiveInfo"), path)
    if not asked:
        raise Malformed("HotelDescriptiveInfo is missing", Reason.REQUIRED_MISSING, path=path, line=line_of(root))
    return [PlansAsked(value(node, "HotelCode") or hotel) for node in asked]


def write_plans(results: Sequence[Result], profile: Profile) -> str:
    """RatePlans: one RatePlan for each plan and room, since the rules of a RatePlan are for one room."""
    found = [result for result in results if isinstance(result, PlansFound)]
    plans: dict[tuple[str, str], str] = {}
    for one in found:
        for plan in one.plans:
            for room, updates in _by_room(plan.code, one.updates).items():
                plans[plan.code, room] = _rate_plan(plan, room, updates, one.currency, profile)
    if not plans:
        raise NotFound("no such rate plan is mapped here", Reason.RATE_PLAN)
    return element("RatePlans", "".join(plans.values()), HotelCode=found[0].hotel)


def write_descriptions(results: Sequence[Result]) -> str:
    """HotelDescriptiveContents with the rooms of each hotel."""
    written = [
        element(
            "HotelDescriptiveContent",
            element("FacilityInfo", element("GuestRooms", "".join(_guest_room(room) for room in one.rooms))),
            HotelCode=one.hotel,
        )
        for one in results
        if isinstance(one, PlansFound)
    ]
    return element("HotelDescriptiveContents", "".join(written)) if written else ""


def _guest_room(room: Described) -> str:
    """A code too long for Code stands on the room type."""
    kind = element("TypeRoom", "", Name=room.name[:_NAME_CHARS], RoomTypeCode=room.code[:_ROOM_TYPE_CHARS])
    code = room.code if len(room.code) <= _GUEST_ROOM_CHARS else None
    return element("GuestRoom", kind, Code=code, RoomTypeName=room.name[:_NAME_CHARS])


def _days(span: Node, path: str) -> tuple[Day, Day]:
    try:
        start = read_day(value(span, "Start"), "@Start")
        if value(span, "End"):
            return start, read_day(value(span, "End"), "@End")
        return start, start + max(parse_nights(value(span, "Duration")) - 1, 0)
    except Refusal as refusal:
        refusal.path, refusal.line = f"{path}/{refusal.path or '@Duration'}", line_of(span)
        raise


def _by_room(plan: str, updates: Sequence[AriUpdate]) -> dict[str, list[AriUpdate]]:
    """The updates of a plan; one without any has its name all the same."""
    found: dict[str, list[AriUpdate]] = {}
    for update in updates:
        if update.plan == plan:
            found.setdefault(update.room, []).append(update)
    return found or {"": []}


def _rate_plan(plan: Described, room: str, updates: Sequence[AriUpdate], currency: str, profile: Profile) -> str:
    writer = RateWriter(profile, profile.capabilities())
    rates = "".join(_rate(writer, update) for update in updates if _is_price(update))
    rules = "".join(rule for update in updates if not _is_price(update) for rule in _rules(update, profile))
    body = element("BookingRules", rules + element("InventoryInfo", "", InvTypeCode=room)) if rules else ""
    body += element("Rates", rates) if rates else ""
    body += element("Description", f"<Text>{text(plan.name)}</Text>") if plan.name else ""
    return element("RatePlan", body, RatePlanCode=plan.code, CurrencyCode=currency)


def _is_price(update: AriUpdate) -> bool:
    return ASPECT_OF[update.settings[0].field] is Aspect.PRICES


def _rate(writer: RateWriter, update: AriUpdate) -> str:
    """The days and the room stand on the Rate here."""
    inside = writer.rates(update).removeprefix("<Rates><Rate>").removesuffix("</Rate></Rates>")
    return element("Rate", inside, InvTypeCode=update.room, **_period(update)) if inside else ""


def _rules(update: AriUpdate, profile: Profile) -> Iterator[str]:
    """What is 0 is said by saying nothing. One BookingRule for each status, since each has room for one."""
    said = tuple(one for one in update.settings if one.value)
    plain = tuple(one for one in said if one.field not in _OFFSETS)
    offsets = {_OFFSETS[one.field]: format_offset(one.value) for one in said if one.field in _OFFSETS}
    lengths, statuses = lengths_of(plain, profile), restrictions_of(plain, profile)
    for place in range(max(len(lengths), len(statuses), bool(offsets))):
        inside = "".join([*lengths[place : place + 1], *statuses[place : place + 1]])
        yield element("BookingRule", inside, **(offsets if not place else {}), **_period(update))


def _period(update: AriUpdate) -> dict[str, str]:
    return {"Start": format_day(update.first), "End": format_day(update.last)}
