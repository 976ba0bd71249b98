"""The amounts of one Rate: prices per occupancy, and for further guests (sheet, section 4.1).

Amounts are taken as sent, before or after tax, and never turned into one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from connectors.opentravel._shared.numbers import parse_amount, parse_count, parse_plain_amount
from gateway.errors import Malformed, Reason, Unsupported
from gateway.model.ari import OCCUPANCY_MAX, Field, Setting
from gateway.wire.xml import Attributes
from mappings import Unmapped, look_up

# What nearly all of them have, and nothing else.
_usual_base = itemgetter("NumberOfGuests", "AgeQualifyingCode", "AmountAfterTax", "CurrencyCode")
_usual_extra = itemgetter("AgeQualifyingCode", "Amount")
_GUESTS = {str(guests): guests for guests in range(1, OCCUPANCY_MAX + 1)}
_ADULT = "10"
_PRICE = Field.PRICE  # an enum member costs as much to look up on its class as the rest of a comparison
_EXTRA_OF = {_ADULT: Field.EXTRA_ADULT, "8": Field.EXTRA_CHILD}
_PER_ROOM = "25"
_AGES = ("MinAge", "MaxAge", "AgeBucket")


class Extra(NamedTuple):
    """An AdditionalGuestAmount, to tell it from a BaseByGuestAmt, which is kept as its bare attributes."""

    attributes: Attributes


Said = Sequence[Attributes | Extra]
Key = tuple[tuple[str, ...], ...]


def key_of(said: Said) -> Key | None:
    """The values of the usual attributes; None where anything has other ones. Equal keys mean the same amounts."""
    try:
        return tuple(
            [
                (_usual_extra(each.attributes) if len(each.attributes) == 2 else _unusual())
                if type(each) is Extra
                else (_usual_base(each) if len(each) == 4 else _unusual())
                for each in said
            ]
        )
    except KeyError:
        return None


def _unusual() -> tuple[str, ...]:
    raise KeyError


class Amounts:
    """Reads one amount after the other. ``net`` is None until an amount says whether it is before tax.

    ``currency`` is empty until the Rate or an amount names one; ``default`` is the connection's.
    """

    def __init__(self, currency: str, default: str) -> None:
        self.settings: list[Setting] = []
        self.currency = currency
        self.net: bool | None = None
        self._default = default

    def read(self, said: Said, key: Key | None) -> None:
        """Everything a Rate said, in its order."""
        for number, each in enumerate(said):
            if type(each) is Extra:
                self._read_extra(each.attributes)
            elif key is None or not self._read_usual(*key[number]):
                self._read_base(each)

    def _read_usual(self, guests: str, age: str, amount: str, currency: str) -> bool:
        # The first amount of a Rate names the currency, the others have to repeat it.
        if self.net or age != _ADULT or guests not in _GUESTS or currency != (self.currency or currency):
            return False
        minor = parse_plain_amount(amount, currency)
        if minor is None:
            return False
        self.net = False
        self.currency = currency
        self.settings.append(Setting(_PRICE, minor, _GUESTS[guests]))
        return True

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

    def _read_extra(self, attributes: Attributes) -> None:
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
        self.settings.append(Setting(field, self._amount(given, "Amount", "AdditionalGuestAmount")))


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
