"""The amounts of one Rate: prices per occupancy, and for further guests (sheet, section 4.1).

Amounts are taken as sent, before or after tax, and never turned into one another. Children may have prices by age: the
highest of them becomes the price of a further child.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter

from connectors.opentravel._shared.numbers import PLAIN_DIGITS_MAX, TWO_PLACES, parse_amount, parse_count
from connectors.opentravel._shared.profile import Profile
from gateway.errors import Malformed, Reason, Unsupported
from gateway.model.ari import OCCUPANCY_MAX, Field, Setting
from gateway.wire.xml import Attributes
from mappings import Unmapped, look_up

Settings = tuple[Setting, ...]
Band = tuple[int, int, int]  # youngest, oldest, amount

# What nearly all of them have, and nothing else.
_usual_base = itemgetter("NumberOfGuests", "AgeQualifyingCode", "AmountAfterTax", "CurrencyCode")
_usual_extra = itemgetter("AgeQualifyingCode", "Amount")
_BASE_COUNT, _EXTRA_COUNT = 4, 2
_GUESTS = {str(guests): guests for guests in range(1, OCCUPANCY_MAX + 1)}
_ADULT = "10"
_PRICE = Field.PRICE  # an enum member costs as much to look up on its class as the rest of a setting
_EXTRA_OF = {_ADULT: Field.EXTRA_ADULT, "8": Field.EXTRA_CHILD}
_EXTRA_CHILD = Field.EXTRA_CHILD
_PER_ROOM = "25"
_CHILD = "8"
_BAND = ("MinAge", "MaxAge")
_AGES = (*_BAND, "AgeBucket")
_AGE_MAX, _NO_END = 120, 999  # what MaxAge says for a band that is open above

# The attributes of a BaseByGuestAmt, or in a tuple those of an AdditionalGuestAmount.
Said = Attributes | tuple[Attributes]


class Amounts:
    """Reads what was ``said`` by one Rate after the other; equal amounts of a document are one object.

    ``banded`` are the settings of Rates that told prices of children by age, with these.
    """

    def __init__(self, profile: Profile, currency: str) -> None:
        self.said: list[Said] = []
        self.banded: list[tuple[Settings, tuple[Band, ...]]] = []
        self._net = profile.tax_basis == "before"
        self._currency = currency
        self._settings: dict[tuple[int, ...], Settings] = {}
        # Further guests cost the same nearly everywhere: by currency, age and amount, their place in the list.
        self._extras: list[Setting] = []
        self._places: dict[tuple[str, str, str], int] = {}

    def read(self, currency: str) -> tuple[Settings, str, bool]:
        """Settings, their currency and whether they are before tax; ``currency`` is the Rate's own, or empty.

        Forgets what was said.
        """
        found = self._read_usual(currency) or self._read_carefully(currency)
        self.said.clear()
        return found

    def _read_usual(self, currency: str) -> tuple[Settings, str, bool] | None:
        """None if anything is unusual."""
        settings: list[Setting] = []
        key: list[int] = []  # the same in numbers, which are compared in no time
        try:
            for said in self.said:
                if type(said) is tuple:
                    place = self._extra(said[0], currency)
                    settings.append(self._extras[place])
                    key += place, -1
                    continue
                guests_text, age, amount, named = _usual_base(said)
                whole, _, places = amount.partition(".")
                digits = whole + places
                # The first amount of a Rate names the currency, the others have to repeat it.
                if age != _ADULT or named != (currency or named) or len(said) != _BASE_COUNT:
                    return None
                if len(places) != 2 or len(digits) > PLAIN_DIGITS_MAX or not (digits.isdigit() and digits.isascii()):
                    return None
                currency, guests, minor = named, _GUESTS[guests_text], int(digits)
                settings.append(Setting(_PRICE, minor, guests))
                key += minor, guests
        except KeyError:
            return None
        # Without a price nothing says whether it is before tax.
        if not key or key[1] < 0 or currency not in TWO_PLACES:
            return None
        return self._settings.setdefault(tuple(key), tuple(settings)), currency, False

    def _extra(self, attributes: Attributes, currency: str) -> int:
        """The place of an AdditionalGuestAmount; raises KeyError for an unusual one."""
        if len(attributes) != _EXTRA_COUNT:
            raise KeyError
        age, amount = _usual_extra(attributes)
        place = self._places.get((currency, age, amount))
        if place is None:
            one = _Rate(currency, self._currency)
            one.read_extra(attributes)
            place = self._places[currency, age, amount] = len(self._extras)
            self._extras += one.settings
        return place

    def _read_carefully(self, currency: str) -> tuple[Settings, str, bool]:
        rate = _Rate(currency, self._currency)
        rate.read(self.said)
        settings = tuple(rate.settings)
        if rate.bands:
            self.banded.append((settings, tuple(rate.bands)))
        # Amounts for further guests alone name no basis; then it is the dialect's.
        return settings, rate.currency or self._currency, self._net if rate.net is None else rate.net


class _Rate:
    """One Rate, amount by amount. ``net`` is None until one says whether it is before tax.

    ``currency`` is empty until the Rate or an amount names one; ``default`` is the connection's.
    """

    def __init__(self, currency: str, default: str) -> None:
        self.settings: list[Setting] = []
        self.bands: list[Band] = []
        self.currency = currency
        self.net: bool | None = None
        self._default = default

    def read(self, said: Sequence[Said]) -> None:
        for each in said:
            if isinstance(each, tuple):
                self.read_extra(each[0])
            else:
                self._read_base(each)
        children = [one.value for one in self.settings if one.field is _EXTRA_CHILD]
        if len(children) > 1:
            # One price for a further child is kept, and nobody pays too little by it.
            self.settings = [one for one in self.settings if one.field is not _EXTRA_CHILD]
            self.settings.append(Setting(_EXTRA_CHILD, max(children)))

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
        self.settings.append(Setting(_PRICE, self._amount(given, name, "BaseByGuestAmt"), guests))

    def _take_basis(self, net: bool) -> None:
        if self.net is not None and self.net != net:
            path = "BaseByGuestAmt/@AmountBeforeTax"
            raise Malformed("amounts before and after tax are mixed in one Rate", Reason.INVALID_VALUE, path=path)
        self.net = net

    def _amount(self, given: dict[str, str], name: str, element: str) -> int:
        currency = given.get("CurrencyCode") or self.currency or self._default
        if self.currency and currency != self.currency and self.settings:
            path = f"{element}/@CurrencyCode"
            raise Malformed("the currencies of one Rate differ", Reason.CURRENCY, path=path)
        self.currency = currency
        minor = parse_amount(given[name], given.get("DecimalPlaces", ""), currency, f"{element}/@{name}")
        if minor < 0:
            raise Malformed("a price is not negative", Reason.INVALID_VALUE, path=f"{element}/@{name}")
        return minor

    def read_extra(self, attributes: Attributes) -> None:
        given = _given(attributes, "AdditionalGuestAmount", (_AGES[2],) if _is_child(attributes) else _AGES)
        field = _EXTRA_OF.get(given.get("AgeQualifyingCode", ""))
        if field is None:
            path = "AdditionalGuestAmount/@AgeQualifyingCode"
            raise Unsupported("amounts for further guests are kept for adults (10) and children (8)", path=path)
        if "Percent" in given:
            raise Unsupported("a percentage has no place here", path="AdditionalGuestAmount/@Percent")
        if "Amount" not in given:
            path = "AdditionalGuestAmount/@Amount"
            raise Malformed("Amount is missing", Reason.REQUIRED_MISSING, path=path)
        amount = self._amount(given, "Amount", "AdditionalGuestAmount")
        self.settings.append(Setting(field, amount))
        if not given.keys().isdisjoint(_BAND):
            self.bands.append((*_band(given), amount))


def _is_child(attributes: Attributes) -> bool:
    return attributes.get("AgeQualifyingCode", "").strip() == _CHILD


def _band(given: Mapping[str, str]) -> tuple[int, int]:
    """The youngest and the oldest; one end may be open."""
    path = "AdditionalGuestAmount/@MinAge"
    youngest = parse_count(given.get("MinAge", "0"), path, _AGE_MAX)
    oldest = min(_AGE_MAX, parse_count(given.get("MaxAge", str(_NO_END)), "AdditionalGuestAmount/@MaxAge", _NO_END))
    if youngest > oldest:
        raise Malformed(f"MinAge {youngest} is above MaxAge {oldest}", Reason.INVALID_VALUE, path=path)
    return youngest, oldest


def _given(attributes: Attributes, element: str, refused: Sequence[str] = _AGES) -> dict[str, str]:
    given = {name: value.strip() for name, value in attributes.items() if value.strip()}
    for name in refused:
        if name in given:
            raise Unsupported("an amount by age band has no place here", path=f"{element}/@{name}")
    return given


def _is_adult(code: str) -> bool:
    try:
        return look_up("aqc", code) == "adult"
    except Unmapped:
        return False
