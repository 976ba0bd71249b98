"""PushAvailability and PushRates to messages (sheet, sections 3.1 and 4.1).

One AvailStatusMessage takes one LengthsOfStay and one RestrictionStatus, so an update may need several. LocatorIDs
count them from 1 through the whole request; :func:`locators` tells which update each belongs to, from the command
alone, so that an answer can be read without remembering the request.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import zip_longest

from connectors.opentravel._shared.encode_rules import lengths_of, restrictions_of
from connectors.opentravel._shared.envelope import message
from connectors.opentravel._shared.names import AVAIL, RATES, WEEKDAYS
from connectors.opentravel._shared.profile import Profile
from gateway.contract import Capabilities
from gateway.errors import Reason, Unsupported
from gateway.messages import PushAvailability, PushRates
from gateway.model.ari import ASPECT_OF, AriUpdate, Aspect, Field, Setting
from gateway.model.dates import ALL_WEEK, Weekdays, format_day
from gateway.model.money import format_minor
from gateway.wire.xmlwrite import attribute, attributes

Push = PushAvailability | PushRates
Settings = tuple[Setting, ...]
Shapes = tuple[tuple[str, str], ...]

_AGE_OF = {Field.EXTRA_ADULT: "10", Field.EXTRA_CHILD: "8"}


def encode_push(command: Push, hotel: str, profile: Profile, capabilities: Capabilities) -> tuple[bytes, int]:
    """The message and how many of the command's updates it carries; raises :class:`Unsupported`."""
    updates = command.updates[: capabilities.parts_max]
    rates = isinstance(command, PushRates)
    root, container = (RATES, "RateAmountMessages") if rates else (AVAIL, "AvailStatusMessages")
    writer = _Writer(profile, capabilities)
    parts = writer.rates(updates) if rates else writer.avail(updates)
    listed = attributes(HotelCode=hotel if profile.hotel_code_on_list else None)
    kind = profile.rates_notif_type
    kinds = {"NotifType": kind, "NotifScopeType": "ProductRate"} if rates and kind != "none" else {}
    content = f"<{container}{listed}>{parts}</{container}>"
    body = message(root, content, token=command.id, at_ms=command.at_ms, version=profile.version_attr, **kinds)
    return body, len(updates)


def locators(command: Push, parts: int, profile: Profile) -> dict[str, int]:
    """LocatorID → index of the update, for the first ``parts`` updates of the command."""
    found: dict[str, int] = {}
    counts: dict[Settings, int] = {}
    for index, update in enumerate(command.updates[:parts]):
        count = 1 if isinstance(command, PushRates) else counts.get(update.settings)
        if count is None:
            count = counts[update.settings] = len(_shapes(update.settings, profile))
        for _ in range(count):
            found[str(len(found) + 1)] = index
    return found


def _shapes(settings: Settings, profile: Profile) -> Shapes:
    """Attributes and content of each AvailStatusMessage the settings need."""
    limits = tuple(
        (f' BookingLimit="{_rooms(setting.value)}" BookingLimitMessageType="SetLimit"', "")
        for setting in settings
        if setting.field is Field.FIGURE
    )
    lengths, restrictions = lengths_of(settings, profile), restrictions_of(settings)
    rules = zip_longest(lengths, restrictions, fillvalue="")
    return limits + tuple(("", length + restriction) for length, restriction in rules)


def _rooms(value: int) -> int:
    if value < 0:
        raise Unsupported(f"a limit of {value} rooms", Reason.INVALID_VALUE)
    return value


@lru_cache(maxsize=256)
def _days(weekdays: Weekdays, style: str) -> str:
    """All seven or none: which days a missing attribute means is disputed."""
    if weekdays == ALL_WEEK and style != "always":
        return ""
    return "".join(f' {name}="{"true" if weekdays >> day & 1 else "false"}"' for day, name in enumerate(WEEKDAYS))


class _Writer:
    """Writes the parts of one message; each distinct tuple of settings is checked, and put in words, once."""

    def __init__(self, profile: Profile, capabilities: Capabilities) -> None:
        self._profile = profile
        self._capabilities = capabilities
        self._checked: set[tuple[object, ...]] = set()
        self._shapes: dict[Settings, Shapes] = {}

    def avail(self, updates: Sequence[AriUpdate]) -> str:
        lines: list[str] = []
        for update in updates:
            self._check(update, Aspect.PRICES, wants=False)
            control = self._control(update)
            shapes = self._shapes.get(update.settings)
            if shapes is None:
                shapes = self._shapes[update.settings] = _shapes(update.settings, self._profile)
            for limit, rules in shapes:
                head = f"<AvailStatusMessage{limit}{self._locator(len(lines) + 1)}>"
                lines.append(f"{head}{control}{rules}</AvailStatusMessage>")
        return "".join(lines)

    def rates(self, updates: Sequence[AriUpdate]) -> str:
        lines: list[str] = []
        for update in updates:
            self._check(update, Aspect.PRICES, wants=True)
            head = f"<RateAmountMessage{self._locator(len(lines) + 1)}>"
            amounts = _amounts(update.settings, update.currency, update.net)
            lines.append(f"{head}{self._control(update)}{amounts}</RateAmountMessage>")
        return "".join(lines)

    def _locator(self, number: int) -> str:
        return f' LocatorID="{number}"' if self._profile.locator == "LocatorID" else ""

    def _control(self, update: AriUpdate) -> str:
        room = f'{self._profile.room_attr}="{attribute(update.room)}"' if update.room else 'AllInvCode="true"'
        plan = f' RatePlanCode="{attribute(update.plan)}"' if update.plan else ""
        days = _days(update.weekdays, self._profile.dow_style)
        return (
            f'<StatusApplicationControl Start="{format_day(update.first)}" End="{format_day(update.last)}"'
            f" {room}{plan}{days}/>"
        )

    def _check(self, update: AriUpdate, aspect: Aspect, wants: bool) -> None:
        if update.first > update.last:
            raise Unsupported("the last day is before the first", Reason.DATE_COMBINATION)
        key = (update.settings, bool(update.plan), update.net)
        if key in self._checked:
            return
        for setting in update.settings:
            if setting.field not in self._capabilities.fields:
                raise Unsupported(f"{setting.field.value} has no place in this dialect")
            if (ASPECT_OF[setting.field] is aspect) != wants:
                raise Unsupported(f"{setting.field.value} belongs into another message")
            self._check_place(setting, update)
        if not update.settings:
            raise Unsupported("there is nothing to set", Reason.REQUIRED_MISSING)
        self._checked.add(key)

    def _check_place(self, setting: Setting, update: AriUpdate) -> None:
        if setting.field is Field.FIGURE and update.plan and self._profile.limit_level == "room":
            raise Unsupported("a limit belongs to the room type, not to a rate plan")
        if setting.field is Field.PRICE and setting.guests > self._capabilities.guests_max:
            raise Unsupported(f"a price for {setting.guests} guests has no place in this dialect", Reason.OCCUPANCY)
        basis = "before" if update.net else "after"
        if ASPECT_OF[setting.field] is Aspect.PRICES and self._profile.tax_basis not in ("either", basis):
            raise Unsupported(f"amounts {basis} tax have no place in this dialect")
        # An amount for a further guest has no basis of its own; it follows the price beside it.
        alone = all(other.field is not Field.PRICE for other in update.settings)
        if update.net and alone and self._profile.tax_basis != "before":
            raise Unsupported("amounts for further guests before tax can only stand beside a price")


@lru_cache(maxsize=4096)
def _amounts(settings: tuple[Setting, ...], currency: str, net: bool) -> str:
    if not currency:
        raise Unsupported("amounts need a currency", Reason.CURRENCY)
    name, code = "AmountBeforeTax" if net else "AmountAfterTax", attribute(currency)
    base, extra = "", ""
    for field, value, guests in map(_fields, settings):
        amount = format_minor(value, currency)
        if field is Field.PRICE:
            people = f'NumberOfGuests="{guests}" AgeQualifyingCode="10" ' if guests else ""
            base += f'<BaseByGuestAmt {people}{name}="{amount}" CurrencyCode="{code}"/>'
        else:
            age = _AGE_OF[field]
            extra += f'<AdditionalGuestAmount AgeQualifyingCode="{age}" Amount="{amount}" CurrencyCode="{code}"/>'
    base = f"<BaseByGuestAmts>{base}</BaseByGuestAmts>" if base else ""
    extra = f"<AdditionalGuestAmounts>{extra}</AdditionalGuestAmounts>" if extra else ""
    return f"<Rates><Rate>{base}{extra}</Rate></Rates>"


def _fields(setting: Setting) -> tuple[Field, int, int]:
    return setting.field, setting.value, setting.guests
