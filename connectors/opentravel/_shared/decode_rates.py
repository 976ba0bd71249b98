"""OTA_HotelRateAmountNotifRQ: prices per occupancy, and for further guests (sheet, section 4.1).

One update per Rate, because dates and currency may stand on the Rate.
"""

from __future__ import annotations

from connectors.opentravel._shared.amounts import Amounts
from connectors.opentravel._shared.decode_ari import PASS, AriCollector, check_count
from connectors.opentravel._shared.names import RATES
from connectors.opentravel._shared.profile import Profile
from connectors.opentravel._shared.target import read_weekdays
from gateway.errors import Malformed, Reason, Unsupported
from gateway.messages import AgeBand
from gateway.model.ari import AriUpdate, Aspect, Setting
from gateway.model.dates import Weekdays
from gateway.wire.xml import Attributes
from gateway.wire.xml_streams import Take

_NO_PLACE = frozenset(
    {"Fees", "GuaranteePolicies", "CancelPolicies", "PaymentPolicies", "AdditionalCharges"}
    | {"RateDescription", "MealsIncluded", "Taxes"}
)


# What a Rate says whatever its product: attributes, settings, their currency, whether they are before tax.
Priced = tuple[Attributes, tuple[Setting, ...], str, bool]
Said = tuple[Priced, ...]


class RatesCollector(AriCollector[Said]):
    """Keeps the amounts of a Rate as sent until it is complete."""

    root = RATES
    container = "RateAmountMessages"
    item = "RateAmountMessage"
    aspects = frozenset((Aspect.PRICES,))

    def __init__(self, profile: Profile, currency: str) -> None:
        super().__init__(profile, currency)
        self._rate: Attributes | None = None
        self._earlier: list[Priced] = []
        self._amounts = Amounts(profile, currency)

    @property
    def bands(self) -> tuple[AgeBand, ...]:
        """Prices of children by age, each once for its room and plan."""
        if not self._amounts.banded:
            return ()
        behind = {id(settings): bands for settings, bands in self._amounts.banded}
        found = (
            AgeBand(update.room, update.plan, *band, kept=max(amount for _, _, amount in bands))
            for update in self.updates
            if (bands := behind.get(id(update.settings)))
            for band in bands
        )
        return tuple(dict.fromkeys(found))

    def _parts(self) -> dict[str, Take]:
        known: dict[str, Take] = {
            name: self._refuse(name, "there is no place for it beside the price")
            for name in _NO_PLACE - self.profile.ignore
        }
        return known | {
            "Rates": PASS,
            "Rate": self._take_rate,
            "BaseByGuestAmts": PASS,
            "BaseByGuestAmt": self._amounts.said.append,
            "AdditionalGuestAmounts": PASS,
            "AdditionalGuestAmount": self._take_extra,
        }

    def _take_root(self, attributes: Attributes) -> None:
        kind = attributes.get("NotifType", "").strip()
        if kind not in ("", "Delta", "Overlay"):
            raise Unsupported(f"NotifType {kind!r}: prices are set, not removed", path=f"/{RATES}/@NotifType")

    def _take_rate(self, attributes: Attributes) -> None:
        if self._rate is not None:
            self._earlier.append(self._priced(self._rate))
        # What stands outside of any Rate is nobody's price.
        self._amounts.said.clear()
        self._rate = attributes

    def _take_extra(self, attributes: Attributes) -> None:
        self._amounts.said.append((attributes,))

    def said(self) -> Said:
        """Its Rates."""
        if self._rate is None:
            raise Malformed("there is no Rate", Reason.REQUIRED_MISSING, path="Rates/Rate")
        said, self._earlier = (*self._earlier, self._priced(self._rate)), []
        self._rate = None
        return said

    def _priced(self, rate: Attributes) -> Priced:
        check_count(self._amounts.said)
        settings, currency, net = self._amounts.read(rate.get("CurrencyCode", "").strip() if rate else "")
        if not settings:
            raise Malformed("there is no amount", Reason.REQUIRED_MISSING, path="Rates/Rate/BaseByGuestAmts")
        return rate, settings, currency, net

    def end(self, said: Said) -> None:
        """One update for each Rate."""
        record = self._item.get("LocatorID", "") if self._item else ""
        for rate, settings, currency, net in said:
            control = self._control
            room, plan, first, last, weekdays = self._targets.read(_dated(control, rate) if rate else control)
            if rate:
                weekdays &= _check_rate(rate)
            self._add(AriUpdate(room, plan, first, last, settings, weekdays, currency, net, record))


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
    return read_weekdays(rate, "Rates/Rate")
