"""RateAmountMessages (sheet, section 4.1). Prices seldom repeat, so nothing is remembered here, only written fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NoReturn

from connectors.opentravel._shared.encode_part import PartWriter
from connectors.opentravel._shared.profile import Profile
from gateway.contract import Capabilities
from gateway.errors import Reason, Unsupported
from gateway.model.ari import AriUpdate, Field, Setting
from gateway.model.money import digits_of, format_minor
from gateway.wire.xmlwrite import attribute

# Members as constants, compared by identity: looking one up on its class, or hashing one, costs more than the writing.
_PRICE: Final = Field.PRICE
_EXTRA_ADULT: Final = Field.EXTRA_ADULT
_EXTRA_CHILD: Final = Field.EXTRA_CHILD


class RateWriter(PartWriter):
    """One message per update."""

    def __init__(self, profile: Profile, capabilities: Capabilities) -> None:
        super().__init__(profile, capabilities)
        fields = capabilities.fields
        self._taken = [field for field in (_PRICE, _EXTRA_ADULT, _EXTRA_CHILD) if field in fields]
        self._guests_max = capabilities.guests_max

    def write(self, updates: Sequence[AriUpdate]) -> str:
        """Empty where all that is to be said is said by leaving it out."""
        return "".join(
            [
                f"<RateAmountMessage{self.locator(number)}>{self.control(update)}{amounts}</RateAmountMessage>"
                for number, update in enumerate(updates, start=1)
                if (amounts := self.rates(update))
            ]
        )

    def rates(self, update: AriUpdate) -> str:
        """Rates with one Rate. An amount that is taken away has no word of its own: the message that replaces the
        others lacks it, and it is empty where all that is to be said is said so.
        """
        currency = attribute(update.currency)
        if not currency:
            raise Unsupported("amounts need a currency", Reason.CURRENCY)
        name = "AmountBeforeTax" if update.net else "AmountAfterTax"
        two_places = digits_of(update.currency) == 2
        money = f'" CurrencyCode="{currency}"/>'
        base = extra = ""
        for setting in update.settings:
            field, value, guests = setting.field, setting.value, setting.guests
            if field not in self._taken or guests > self._guests_max:
                self._refuse(setting)
            if value < 0:
                if field is _PRICE:
                    raise Unsupported("a price is not negative", Reason.INVALID_VALUE)
                continue
            amount = f"{value // 100}.{value % 100:02d}" if two_places else format_minor(value, update.currency)
            if field is _PRICE:
                people = f'NumberOfGuests="{guests}" AgeQualifyingCode="10" ' if guests else ""
                base += f'<BaseByGuestAmt {people}{name}="{amount}{money}'
            else:
                age = "10" if field is _EXTRA_ADULT else "8"
                extra += f'<AdditionalGuestAmount AgeQualifyingCode="{age}" Amount="{amount}{money}'
        if update.settings and not base and not extra:
            return ""
        self._check_basis(update, alone=not base)
        base = f"<BaseByGuestAmts>{base}</BaseByGuestAmts>" if base else ""
        extra = f"<AdditionalGuestAmounts>{extra}</AdditionalGuestAmounts>" if extra else ""
        return f"<Rates><Rate>{base}{extra}</Rate></Rates>"

    def _refuse(self, setting: Setting) -> NoReturn:
        if setting.field not in self._taken:
            raise Unsupported(f"{setting.field.value} has no place among the prices of this dialect")
        raise Unsupported(f"a price for {setting.guests} guests has no place in this dialect", Reason.OCCUPANCY)

    def _check_basis(self, update: AriUpdate, alone: bool) -> None:
        if not update.settings:
            raise Unsupported("there is nothing to set", Reason.REQUIRED_MISSING)
        basis = "before" if update.net else "after"
        if self._profile.tax_basis not in ("either", basis):
            raise Unsupported(f"amounts {basis} tax have no place in this dialect")
        # An amount for a further guest has no basis of its own; it follows the price beside it.
        if update.net and alone and self._profile.tax_basis != "before":
            raise Unsupported("amounts for further guests before tax can only stand beside a price")
