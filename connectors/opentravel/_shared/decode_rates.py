"""OTA_HotelRateAmountNotifRQ: prices per occupancy, and for further guests (sheet, section 4.1).

One update per Rate, because dates and currency may stand on the Rate. Amounts are taken as sent, before or after tax,
and never turned into one another.
"""

from __future__ import annotations

from operator import itemgetter

from connectors.opentravel._shared.decode_ari import PASS, AriCollector
from connectors.opentravel._shared.names import RATES
from connectors.opentravel._shared.numbers import parse_amount, parse_count, parse_plain_amount
from connectors.opentravel._shared.profile import Profile
from connectors.opentravel._shared.target import read_weekdays
from gateway.errors import Malformed, Reason, Unsupported
from gateway.model.ari import OCCUPANCY_MAX, AriUpdate, Field, Setting
from gateway.model.dates import ALL_WEEK, Weekdays
from gateway.wire.xml import Attributes, Take
from mappings import Unmapped, look_up

_plain_price = itemgetter("NumberOfGuests", "AgeQualifyingCode", "AmountAfterTax", "CurrencyCode")
_GUESTS = {str(guests): guests for guests in range(1, OCCUPANCY_MAX + 1)}
_ADULT = "10"
_PRICE = Field.PRICE  # an enum member costs as much to look up on its class as the rest of a comparison
_EXTRA_OF = {_ADULT: Field.EXTRA_ADULT, "8": Field.EXTRA_CHILD}
_PER_ROOM = "25"
_AGES = ("MinAge", "MaxAge", "AgeBucket")
_NO_PLACE = frozenset(
    {"Fees", "GuaranteePolicies", "CancelPolicies", "PaymentPolicies", "AdditionalCharges"}
    | {"RateDescription", "MealsIncluded", "Taxes"}
)


class RatesCollector(AriCollector):
    """Collects the settings of one Rate after the other; ``_net`` is None until an amount says which it is."""

    root = RATES
    container = "RateAmountMessages"
    item = "RateAmountMessage"

    def __init__(self, profile: Profile, currency: str) -> None:
        super().__init__(profile, currency)
        self._rate: Attributes | None = None
        self._settings: list[Setting] = []
        self._currency = ""
        self._net: bool | None = None
        self._extras: dict[tuple[object, ...], Setting] = {}

    def _parts(self) -> dict[str, Take]:
        known: dict[str, Take] = {
            name: self._refuse(name, "there is no place for it beside the price")
            for name in _NO_PLACE - self.profile.ignore
        }
        return known | {
            "Rates": PASS,
            "Rate": self._take_rate,
            "BaseByGuestAmts": PASS,
            "BaseByGuestAmt": self._take_base,
            "AdditionalGuestAmounts": PASS,
            "AdditionalGuestAmount": self._take_extra,
        }

    def _take_root(self, attributes: Attributes) -> None:
        kind = attributes.get("NotifType", "").strip()
        if kind not in ("", "Delta", "Overlay"):
            raise Unsupported(f"NotifType {kind!r}: prices are set, not removed", path=f"/{RATES}/@NotifType")

    def _take_rate(self, attributes: Attributes) -> None:
        if self._rate is not None:
            self._end_rate(self._rate)
        self._rate = attributes
        self._settings = []
        self._net = None
        self._currency = attributes.get("CurrencyCode", "").strip() if attributes else ""

    def _put_together(self, item: Attributes) -> None:
        if self._rate is None:
            raise Malformed("there is no Rate", Reason.REQUIRED_MISSING, path="Rates/Rate")
        self._end_rate(self._rate)
        self._rate = None

    def _end_rate(self, rate: Attributes) -> None:
        control = self._control
        room, plan, first, last, weekdays = self._targets.read(_dated(control, rate) if rate else control)
        if rate:
            weekdays &= _check_rate(rate)
        if not self._settings:
            raise Malformed("there is no amount", Reason.REQUIRED_MISSING, path="Rates/Rate/BaseByGuestAmts")
        currency = self._currency or self.currency
        # Amounts for further guests alone name no basis; then it is the dialect's.
        net = self.profile.tax_basis == "before" if self._net is None else self._net
        settings, record = tuple(self._settings), self._item.get("LocatorID", "") if self._item else ""
        self.updates.append(AriUpdate(room, plan, first, last, settings, weekdays, currency, net, record))

    def _take_base(self, attributes: Attributes) -> None:
        # Nearly all prices look like this; anything else takes the careful way.
        if len(attributes) == 4 and not self._net:
            try:
                guests, age, amount, currency = _plain_price(attributes)
            except KeyError:
                return self._read_base(attributes)
            # The first amount of a Rate names the currency, the others have to repeat it.
            if age == _ADULT and guests in _GUESTS and currency == (self._currency or currency):
                minor = parse_plain_amount(amount, currency)
                if minor is not None:
                    self._net = False
                    self._currency = currency
                    self._settings.append(Setting(_PRICE, minor, _GUESTS[guests]))
                    return None
        return self._read_base(attributes)

    def _read_base(self, attributes: Attributes) -> None:
        given = _given(attributes, "BaseByGuestAmt")
        if given.get("AgeQualifyingCode", _ADULT) != _ADULT and not _is_adult(given["AgeQualifyingCode"]):
            raise Unsupported("a price by age has no place here", path="BaseByGuestAmt/@AgeQualifyingCode")
        if given.get("Type", _PER_ROOM) != _PER_ROOM:
            raise Unsupported("a price is for the room, not per person", path="BaseByGuestAmt/@Type")
        name = "AmountAfterTax" if "AmountAfterTax" in given else "AmountBeforeTax"
        if name not in given:
            raise Malformed("there is no amount", Reason.REQUIRED_MISSING, path="BaseByGuestAmt/@AmountAfterTax")
        self._take_basis(name == "AmountBeforeTax")
        guests = 0
        if "NumberOfGuests" in given:
            guests = parse_count(given["NumberOfGuests"], "BaseByGuestAmt/@NumberOfGuests", OCCUPANCY_MAX)
        self._settings.append(Setting(_PRICE, self._amount(given, name, "BaseByGuestAmt"), guests))

    def _take_basis(self, net: bool) -> None:
        if self._net is not None and self._net != net:
            path = "BaseByGuestAmt/@AmountBeforeTax"
            raise Malformed("amounts before and after tax are mixed in one Rate", Reason.INVALID_VALUE, path=path)
        self._net = net

    def _amount(self, given: dict[str, str], name: str, element: str) -> int:
        currency = given.get("CurrencyCode") or self._currency or self.currency
        if self._currency and currency != self._currency and self._settings:
            path = f"{element}/@CurrencyCode"
            raise Malformed("the currencies of one Rate differ", Reason.CURRENCY, path=path)
        self._currency = currency
        minor = parse_amount(given[name], given.get("DecimalPlaces", ""), currency, f"{element}/@{name}")
        if minor < 0:
            raise Malformed("a price is not negative", Reason.INVALID_VALUE, path=f"{element}/@{name}")
        return minor

    def _take_extra(self, attributes: Attributes) -> None:
        key = (self._currency, *attributes.items())
        known = self._extras.get(key)
        if known is None:
            known = self._extras[key] = self._read_extra(attributes)
        self._settings.append(known)

    def _read_extra(self, attributes: Attributes) -> Setting:
        given = _given(attributes, "AdditionalGuestAmount")
        field = _EXTRA_OF.get(given.get("AgeQualifyingCode", ""))
        if field is None:
            path = "AdditionalGuestAmount/@AgeQualifyingCode"
            raise Unsupported("amounts for further guests are kept for adults (10) and children (8)", path=path)
        if "Percent" in given:
            raise Unsupported("a percentage has no place here", path="AdditionalGuestAmount/@Percent")
        if "Amount" not in given:
            path = "AdditionalGuestAmount/@Amount"
            raise Malformed("Amount is missing", Reason.REQUIRED_MISSING, path=path)
        return Setting(field, self._amount(given, "Amount", "AdditionalGuestAmount"))


def _given(attributes: Attributes, element: str) -> dict[str, str]:
    given = {name: value.strip() for name, value in attributes.items() if value.strip()}
    for name in _AGES:
        if name in given:
            raise Unsupported("an amount by age band has no place here", path=f"{element}/@{name}")
    return given


def _is_adult(code: str) -> bool:
    try:
        return look_up("aqc", code) == "adult"
    except Unmapped:
        return False


def _dated(control: Attributes | None, rate: Attributes) -> Attributes | None:
    """The control with the Rate's own dates, which win where both are given."""
    if control is None or not (rate.get("Start") or rate.get("End")):
        return control
    return {**control, **{name: rate[name] for name in ("Start", "End") if rate.get(name)}}


def _check_rate(rate: Attributes) -> Weekdays:
    """Refuses prices that depend on the length of stay; returns the weekdays of the Rate."""
    for name in ("MinLOS", "MaxLOS", "Duration"):
        if rate.get(name):
            raise Unsupported("a price by length of stay has no place here", path=f"Rates/Rate/@{name}")
    unit, multiplier = rate.get("RateTimeUnit", "Day").strip(), rate.get("UnitMultiplier", "1").strip()
    if unit.lower() not in ("", "day") or multiplier not in ("", "1"):
        raise Unsupported("a price is for one night", path="Rates/Rate/@UnitMultiplier")
    if rate.get("NumberOfUnits", "1").strip() not in ("", "1"):
        raise Unsupported("a price is for one room", path="Rates/Rate/@NumberOfUnits")
    return read_weekdays(rate, "Rates/Rate") if len(rate) else ALL_WEEK
