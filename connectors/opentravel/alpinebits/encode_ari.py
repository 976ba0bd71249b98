"""Pushes: figures as FreeRooms (all of them, or deltas), rules and prices as overlays of rate plans (protocol sheet,
sections 3 and 6).

An overlay says all there is to say about the days it names, so whoever pushes says all rules of them each time
(``rules_together``). Whether prices are per person or per room is the counterpart's, and named by ``rate_basis``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from connectors.opentravel._shared.envelope import message
from connectors.opentravel.alpinebits import actions
from connectors.opentravel.alpinebits.decode_rateplans import BASES
from connectors.opentravel.alpinebits.rules_rates import PER_PERSON, WEEKDAYS
from connectors.opentravel.alpinebits.terms import V2018, V2020
from gateway.contract import Site
from gateway.errors import Malformed, Reason, Unsupported
from gateway.messages import PushAvailability
from gateway.model.ari import ASPECT_OF, OCCUPANCY_MAX, AriUpdate, Aspect, Field
from gateway.model.dates import ALL_WEEK, Day, days_in, format_day
from gateway.model.money import format_minor
from gateway.wire.xmlwrite import attributes, element

# A message's version, as the standard's examples write it; the attribute is free.
_VERSION = {actions.FREE_ROOMS_2018: "1.002", actions.FREE_ROOMS: "4", actions.RATE_PLANS: "1.000"}
_LENGTHS = {
    Field.MIN_ARRIVAL: "SetMinLOS",
    Field.MIN_THROUGH: "SetForwardMinStay",
    Field.MAX_ARRIVAL: "SetMaxLOS",
    Field.MAX_THROUGH: "SetForwardMaxStay",
}
_NEVER = "".join(f' {name}="0"' for name in WEEKDAYS)

Written = tuple[str, bytes, int]


def write_push(updates: Sequence[AriUpdate], site: Site, version: str, at_ms: int) -> Written:
    """Action, message, and how many updates from the first are in it: those of the first one's aspect."""
    aspect, found = next(groupby(updates, _aspect), (Aspect.LIMIT, iter(())))
    carried = list(found)
    if not carried:
        raise Malformed("there is nothing to push")
    if not any(True for update in carried for _ in runs(update)):
        raise Unsupported("no night falls on the days of the week that are named", Reason.DATE_COMBINATION)
    if aspect is Aspect.LIMIT:
        return *_free_rooms_message(_free_rooms(carried, site.hotel, version), version, at_ms), len(carried)
    body = _rate_plans(carried, aspect, site, version)
    return actions.RATE_PLANS, _document(actions.RATE_PLANS, body, version, at_ms), len(carried)


def write_complete(command: PushAvailability, site: Site, version: str) -> Written:
    """All figures there are. What a complete set leaves out has no rooms (sections 3.1 and 3.2), so nights without
    rooms are left out, and where there are no others it is a reset.
    """
    if any(_aspect(update) is not Aspect.LIMIT for update in command.updates):
        raise Unsupported("a complete set here is one of figures")
    open_ones = [update for update in command.updates if _figure(update)]
    inside = _free_rooms(open_ones, site.hotel, version) if open_ones else _reset(site.hotel, version)
    unique = element("UniqueID", "", Type="16", ID=command.id, Instance="CompleteSet")
    return *_free_rooms_message(unique + inside, version, command.at_ms), len(command.updates)


def _free_rooms_message(body: str, version: str, at_ms: int) -> tuple[str, bytes]:
    action = actions.FREE_ROOMS if version >= V2020 else actions.FREE_ROOMS_2018
    return action, _document(action, body, version, at_ms)


def _document(action: str, body: str, version: str, at_ms: int) -> bytes:
    """These messages have no TimeStamp since 2020-10."""
    return message_of(actions.ACTIONS[action].request, body, _VERSION[action], None if version > V2018 else at_ms)


def message_of(root: str, body: str, version_attr: str, at_ms: int | None) -> bytes:
    """A whole document, with a TimeStamp where one is given."""
    if at_ms is not None:
        return message(root, body, token="", at_ms=at_ms, version=version_attr)
    given = attributes(Version=version_attr)
    namespace = "http://www.opentravel.org/OTA/2003/05"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{namespace}"{given}>{body}</{root}>'.encode()


def _aspect(update: AriUpdate) -> Aspect:
    aspects = {ASPECT_OF[setting.field] for setting in update.settings}
    if len(aspects) != 1:
        raise Unsupported("figures, rules and prices go in updates of their own")
    return aspects.pop()


def runs(update: AriUpdate) -> Iterator[tuple[Day, Day]]:
    """The periods without gaps that an update is for, since a period here is for every day of the week."""
    if update.weekdays & ALL_WEEK == ALL_WEEK:
        yield update.first, update.last
        return
    start = previous = None
    for at in days_in(update.first, update.last, update.weekdays):
        if previous is None or start is None or at > previous + 1:
            if start is not None and previous is not None:
                yield start, previous
            start = at
        previous = at
    if start is not None and previous is not None:
        yield start, previous


# --- FreeRooms --------------------------------------------------------------------------------------------------------


def _free_rooms(updates: Iterable[AriUpdate], hotel: str, version: str) -> str:
    write, holder = (_limit, "AvailStatusMessages") if version < V2020 else (_count, "Inventories")
    written = [write(update, first, last, _figure(update)) for update in updates for first, last in runs(update)]
    return element(holder, "".join(written), HotelCode=hotel)


def _reset(hotel: str, version: str) -> str:
    """One item that says nothing: there is no availability at all."""
    item, holder = ("AvailStatusMessage", "AvailStatusMessages") if version < V2020 else ("Inventory", "Inventories")
    return element(holder, f"<{item}/>", HotelCode=hotel)


def _figure(update: AriUpdate) -> int:
    fields = {setting.field: setting.value for setting in update.settings}
    if set(fields) != {Field.FIGURE} or update.plan or not update.room:
        raise Unsupported("a figure here is the number of rooms of one category")
    return fields[Field.FIGURE]


def _limit(update: AriUpdate, first: Day, last: Day, rooms: int) -> str:
    control = _control(update, first, last)
    return element("AvailStatusMessage", control, BookingLimitMessageType="SetLimit", BookingLimit=str(rooms))


def _count(update: AriUpdate, first: Day, last: Day, rooms: int) -> str:
    """Without counts, nothing is available."""
    count = f'<InvCounts><InvCount CountType="2" Count="{rooms}"/></InvCounts>' if rooms else ""
    return element("Inventory", _control(update, first, last) + count)


def _control(update: AriUpdate, first: Day, last: Day) -> str:
    return element(
        "StatusApplicationControl", "", Start=format_day(first), End=format_day(last), InvTypeCode=update.room
    )


# --- rate plans -------------------------------------------------------------------------------------------------------


def _rate_plans(updates: Sequence[AriUpdate], aspect: Aspect, site: Site, version: str) -> str:
    """One overlay for each plan: a plan that is named twice in a message would replace itself."""
    if version == V2018 and site.currency != "EUR":
        raise Unsupported("rate plans of 2018-10 are in EUR", Reason.CURRENCY)
    plans: dict[str, list[str]] = {}
    for update in updates:
        if not update.plan:
            raise Unsupported("a rule or a price here belongs to a rate plan")
        write = rules_of(update) if aspect is Aspect.RULES else rates_of(update, site)
        plans.setdefault(update.plan, []).extend(write)
    holder = "BookingRules" if aspect is Aspect.RULES else "Rates"
    written = [
        element(
            "RatePlan",
            element(holder, "".join(parts)),
            RatePlanNotifType="Overlay",
            CurrencyCode=site.currency,
            RatePlanCode=plan,
        )
        for plan, parts in plans.items()
        if parts
    ]
    return element("RatePlans", "".join(written), HotelCode=site.hotel)


def rules_of(update: AriUpdate) -> Iterator[str]:
    """One BookingRule for each period; what is 0 is said by saying nothing."""
    fields = {setting.field: setting.value for setting in update.settings}
    strange = set(fields) - {*_LENGTHS, Field.CLOSED, Field.CTA, Field.CTD}
    if strange:
        raise Unsupported(f"{min(strange).value} has no place in a booking rule")
    lengths = [
        element("LengthOfStay", "", Time=str(fields[field]), TimeUnit="Day", MinMaxMessageType=kind)
        for field, kind in _LENGTHS.items()
        if fields.get(field)
    ]
    body = element("LengthsOfStay", "".join(lengths)) if lengths else ""
    days = (f"<ArrivalDaysOfWeek{_NEVER}/>" if fields.get(Field.CTA) else "") + (
        f"<DepartureDaysOfWeek{_NEVER}/>" if fields.get(Field.CTD) else ""
    )
    body += element("DOW_Restrictions", days) if days else ""
    status = "Close" if fields.get(Field.CLOSED) else "Open"
    body += f'<RestrictionStatus Restriction="Master" Status="{status}"/>'
    target = {"CodeContext": "ROOMTYPE", "Code": update.room} if update.room else {}
    for first, last in runs(update):
        yield element("BookingRule", body, **target, Start=format_day(first), End=format_day(last))


def rates_of(update: AriUpdate, site: Site) -> Iterator[str]:
    """One dated Rate for each period."""
    basis = BASES.get(str(site.options.get("rate_basis", "")))
    if basis is None:
        raise Unsupported("whether prices are per person or per room is not known: set rate_basis")
    if update.net or (update.currency or site.currency) != site.currency:
        raise Unsupported(f"prices here are after tax, in {site.currency}", Reason.CURRENCY)
    if not update.room:
        raise Unsupported("a price here is for one category")
    base, extra = [], ""
    for setting in update.settings:
        if setting.field is Field.PRICE:
            base.append(_base(setting.value, setting.guests, basis, site.currency))
        elif setting.field is Field.EXTRA_ADULT and setting.value < 0:
            continue  # an overlay replaces the night's amounts: what it lacks is gone
        elif setting.field is Field.EXTRA_ADULT:
            amount = format_minor(setting.value, site.currency)
            extra = element("AdditionalGuestAmount", "", AgeQualifyingCode="10", Amount=amount)
        else:
            raise Unsupported(f"{setting.field.value} has no place in a rate")
    body = element("BaseByGuestAmts", "".join(base)) if base else ""
    body += element("AdditionalGuestAmounts", extra) if extra else ""
    if not body:
        raise Unsupported("an amount alone cannot be taken away")
    for first, last in runs(update):
        yield element("Rate", body, InvTypeCode=update.room, Start=format_day(first), End=format_day(last))


def _base(price: int, guests: int, basis: str, currency: str) -> str:
    if not 1 <= guests <= OCCUPANCY_MAX:
        raise Unsupported(f"a price here is for 1 to {OCCUPANCY_MAX} guests", Reason.OCCUPANCY)
    each, rest = divmod(price, guests) if basis == PER_PERSON else (price, 0)
    if rest:
        raise Unsupported(f"a price for {guests} guests cannot be divided among them", Reason.INVALID_VALUE)
    if each <= 0:
        raise Unsupported("a price here is above zero", Reason.INVALID_VALUE)
    return element(
        "BaseByGuestAmt",
        "",
        NumberOfGuests=str(guests),
        AgeQualifyingCode="10",
        AmountAfterTax=format_minor(each, currency),
    )
