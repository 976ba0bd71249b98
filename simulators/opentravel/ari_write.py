"""Writing OTA_HotelAvailNotifRQ and OTA_HotelRateAmountNotifRQ as a PMS publishes them, in compact ranges."""

from collections.abc import Sequence
from typing import Any

import msgspec

from simulators.opentravel.days import duration_text, to_text
from simulators.opentravel.money import amount_text
from simulators.opentravel.vocabulary import Vocabulary
from simulators.opentravel.xml import Node, add, root_node, to_bytes

# One restriction field → how it is written. Flags first, so that a closing leads its message.
STATUS_OF_FIELD = {"closed": "Master", "cta": "Arrival", "ctd": "Departure"}
LENGTH_OF_FIELD = {"min_arrival": "MinLOS", "max_arrival": "MaxLOS", "min_through": "ForwardMinStay",
                   "max_through": "ForwardMaxStay"}  # fmt: skip
OFFSET_OF_FIELD = {"min_offset_s": "MinAdvancedBookingOffset", "max_offset_s": "MaxAdvancedBookingOffset"}
RULE_FIELDS = (*STATUS_OF_FIELD, *LENGTH_OF_FIELD, "pattern", *OFFSET_OF_FIELD)


class LimitRange(msgspec.Struct, frozen=True):
    """Rooms left of a room type on the days [first, last]."""

    room: str
    first: int
    last: int
    limit: int


class RuleRange(msgspec.Struct, frozen=True):
    """One restriction field of a product on the days [first, last]; None clears it."""

    room: str
    plan: str
    first: int
    last: int
    field: str
    value: Any


class PriceRange(msgspec.Struct, frozen=True):
    """Minor-unit prices by number of guests, and extra prices by age code, on the days [first, last]."""

    room: str
    plan: str
    first: int
    last: int
    base: dict[int, int]
    extra: dict[str, int]


def avail_message(parts: Sequence[LimitRange | RuleRange], names: Vocabulary, echo: str, stamp: str) -> bytes:
    root = root_node("OTA_HotelAvailNotifRQ", echo, stamp)
    holder = add(root, "AvailStatusMessages", {"HotelCode": names.hotel})
    for number, part in enumerate(parts, start=1):
        about = {"LocatorID": str(number)}
        if isinstance(part, LimitRange):
            about |= {"BookingLimit": str(part.limit), "BookingLimitMessageType": "SetLimit"}
        node = add(holder, "AvailStatusMessage", about)
        control = {"Start": to_text(part.first), "End": to_text(part.last), "InvTypeCode": part.room}
        if isinstance(part, RuleRange) and part.plan:
            control["RatePlanCode"] = part.plan
        add(node, "StatusApplicationControl", control)
        if isinstance(part, RuleRange):
            _add_rule(node, part)
    return to_bytes(root)


def _add_rule(node: Node, rule: RuleRange) -> None:
    if rule.field in STATUS_OF_FIELD:
        status = {"Restriction": STATUS_OF_FIELD[rule.field], "Status": "Close" if rule.value else "Open"}
        add(node, "RestrictionStatus", status)
    elif rule.field in OFFSET_OF_FIELD:
        add(node, "RestrictionStatus", {OFFSET_OF_FIELD[rule.field]: duration_text(rule.value or 0)})
    elif rule.field == "pattern":
        stays = add(node, "LengthsOfStay", {"ArrivalDateBased": "true"})
        length = add(stays, "LengthOfStay", {"MinMaxMessageType": "FullPatternLOS"})
        # Lengths beyond a pattern are not restricted, so the shortest open one clears it.
        add(length, "LOS_Pattern", {"FullPatternLOS": rule.value or "Y"})
    else:
        _add_length(node, rule)


def _add_length(node: Node, rule: RuleRange) -> None:
    based = {"ArrivalDateBased": "true"} if rule.field.endswith("arrival") else {}
    word = LENGTH_OF_FIELD[rule.field]
    if rule.value:
        length = {"Time": str(rule.value), "TimeUnit": "Day", "MinMaxMessageType": f"Set{word}"}
    else:
        length = {"MinMaxMessageType": f"Remove{word}"}
    add(add(node, "LengthsOfStay", based), "LengthOfStay", length)


def rates_message(parts: Sequence[PriceRange], names: Vocabulary, echo: str, stamp: str) -> bytes:
    root = root_node("OTA_HotelRateAmountNotifRQ", echo, stamp)
    holder = add(root, "RateAmountMessages", {"HotelCode": names.hotel})
    for number, part in enumerate(parts, start=1):
        node = add(holder, "RateAmountMessage", {"LocatorID": str(number)})
        control = {"Start": to_text(part.first), "End": to_text(part.last), "InvTypeCode": part.room}
        add(node, "StatusApplicationControl", {**control, "RatePlanCode": part.plan})
        _add_amounts(add(add(node, "Rates"), "Rate"), part, names)
    return to_bytes(root)


def _add_amounts(rate: Node, part: PriceRange, names: Vocabulary) -> None:
    # A container without content is not valid, so each is made only for what it holds.
    bases = add(rate, "BaseByGuestAmts") if part.base else rate
    for guests, price in sorted(part.base.items()):
        about = {"AmountAfterTax": amount_text(price, names.decimals), "CurrencyCode": names.currency}
        if guests:
            about |= {"NumberOfGuests": str(guests), "AgeQualifyingCode": "10"}
        add(bases, "BaseByGuestAmt", about)
    extras = add(rate, "AdditionalGuestAmounts") if part.extra else rate
    for code, price in sorted(part.extra.items()):
        amount = amount_text(price, names.decimals)
        add(extras, "AdditionalGuestAmount", {"AgeQualifyingCode": code, "Amount": amount})
