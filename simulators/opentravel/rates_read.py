"""Reading OTA_HotelRateAmountNotifRQ (sheet, section 4.1). Amounts become minor units of the hotel's currency."""

import re
from collections.abc import Iterator
from decimal import Decimal

from simulators.opentravel import answers
from simulators.opentravel.items import Change, Item, PriceChange, Refused
from simulators.opentravel.target import invalid, missing, read_count, read_product, read_span
from simulators.opentravel.vocabulary import Vocabulary
from simulators.opentravel.xml import Node, attr, child, children

_MONEY = re.compile(r"\d{1,15}(\.\d{1,3})?")
_MODES = {None: "merge", "Delta": "merge", "Overlay": "merge", "Remove": "remove"}


def read_rates(root: Node, names: Vocabulary, today: int, overlay_replaces: bool) -> Iterator[Item]:
    """The parts of the message. With `overlay_replaces`, NotifType Overlay drops the occupancies not named."""
    kind = attr(root, "NotifType")
    mode = "replace" if kind == "Overlay" and overlay_replaces else _MODES.get(kind)
    for number, part in enumerate(children(child(root, "RateAmountMessages"), "RateAmountMessage"), start=1):
        record_id = attr(part, "LocatorID") or str(number)
        try:
            if mode is None:
                raise invalid(f"NotifType {kind} is unknown")
            yield Item(record_id, list(_changes(part, names, today, mode)), [])
        except Refused as refused:
            yield Item(record_id, [], [refused.problem(record_id)])


def _changes(part: Node, names: Vocabulary, today: int, mode: str) -> Iterator[Change]:
    room, plan = read_product(part, names)
    if not plan:
        raise missing("RatePlanCode")
    rates = list(children(child(part, "Rates"), "Rate"))
    if not rates:
        raise missing("Rate")
    for rate in rates:
        if attr(rate, "MinLOS") or attr(rate, "MaxLOS"):
            raise invalid("prices by length of stay are not supported")
        # Dates on the Rate win over those on the StatusApplicationControl.
        dated = rate if attr(rate, "Start") else child(part, "StatusApplicationControl")
        base, extra = _base(rate, names), _extra(rate, names)
        if not base and not extra and mode != "remove":
            raise missing("BaseByGuestAmt")
        yield PriceChange(room, plan, read_span(dated, names, today), base, extra, mode)


def _base(rate: Node, names: Vocabulary) -> dict[int, int]:
    found: dict[int, int] = {}
    for node in children(child(rate, "BaseByGuestAmts"), "BaseByGuestAmt"):
        _check_currency(attr(node, "CurrencyCode") or attr(rate, "CurrencyCode"), names)
        guests = attr(node, "NumberOfGuests")
        amount = attr(node, "AmountAfterTax")
        if amount is None:
            raise missing("AmountAfterTax")
        found[read_count(guests, "NumberOfGuests") if guests else 0] = _minor(amount, node, names)
    return found


def _extra(rate: Node, names: Vocabulary) -> dict[str, int]:
    found: dict[str, int] = {}
    for node in children(child(rate, "AdditionalGuestAmounts"), "AdditionalGuestAmount"):
        _check_currency(attr(node, "CurrencyCode") or attr(rate, "CurrencyCode"), names)
        code, amount = attr(node, "AgeQualifyingCode"), attr(node, "Amount")
        if code is None or amount is None:
            raise missing("AgeQualifyingCode and Amount")
        low, high = attr(node, "MinAge"), attr(node, "MaxAge")
        key = f"{code}:{low or ''}-{high or ''}" if low or high else code
        found[key] = _minor(amount, node, names)
    return found


def _check_currency(code: str | None, names: Vocabulary) -> None:
    if code is not None and code != names.currency:
        text = f"Currency {code} is not the hotel's {names.currency}"
        raise Refused(answers.BUSINESS_RULE, answers.CURRENCY, text)


def _minor(text: str, node: Node, names: Vocabulary) -> int:
    """Minor units. A literal point wins over DecimalPlaces; without a point a positive DecimalPlaces scales."""
    if _MONEY.fullmatch(text) is None:
        raise invalid(f"amount {text!r} is not a decimal")
    amount = Decimal(text)
    places = attr(node, "DecimalPlaces")
    if places is not None and "." not in text:
        amount = amount.scaleb(-read_count(places, "DecimalPlaces"))
    minor = amount.scaleb(names.decimals)
    if minor != minor.to_integral_value():
        raise invalid(f"amount {text} has more than {names.decimals} decimals")
    return int(minor)
