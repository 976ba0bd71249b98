"""PushAvailability and PushRates to messages (sheet, sections 3.1 and 4.1).

One AvailStatusMessage takes one LengthsOfStay and one RestrictionStatus, so an update may need several. LocatorIDs
count them from 1 through the whole request; :func:`locators` tells which update each belongs to, from the command
alone, so that an answer can be read without remembering the request.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from connectors.opentravel._shared.encode_part import PartWriter
from connectors.opentravel._shared.encode_rates import RateWriter
from connectors.opentravel._shared.encode_rules import lengths_of, restrictions_of
from connectors.opentravel._shared.envelope import message
from connectors.opentravel._shared.names import AVAIL, RATES
from connectors.opentravel._shared.profile import Profile
from gateway.contract import Capabilities
from gateway.errors import Reason, Unsupported
from gateway.messages import PushAvailability, PushRates
from gateway.model.ari import ASPECT_OF, AriUpdate, Aspect, Field, Setting
from gateway.wire.xmlwrite import attributes

Push = PushAvailability | PushRates
Settings = tuple[Setting, ...]
Shapes = tuple[tuple[str, str], ...]


def encode_push(
    command: Push, hotel: str, profile: Profile, capabilities: Capabilities, pos: str = ""
) -> tuple[bytes, int]:
    """The message and how many of the command's updates it carries; raises :class:`Unsupported`. ``pos`` is XML."""
    updates = command.updates[: capabilities.parts_max]
    rates = isinstance(command, PushRates)
    root, container = (RATES, "RateAmountMessages") if rates else (AVAIL, "AvailStatusMessages")
    writer = RateWriter(profile, capabilities) if rates else AvailWriter(profile, capabilities)
    parts = writer.write(updates)
    if updates and not parts:
        raise Unsupported("an amount alone cannot be taken away in this dialect")
    listed = attributes(HotelCode=hotel if profile.hotel_code_on_list else None)
    kind = profile.rates_notif_type
    kinds: dict[str, str | None] = {"Target": profile.target}
    if rates and kind != "none":
        kinds |= {"NotifType": kind, "NotifScopeType": "ProductRate"}
    content = f"{pos}<{container}{listed}>{parts}</{container}>"
    body = message(root, content, token=command.id, at_ms=command.at_ms, version=profile.version_attr, **kinds)
    return body, len(updates)


def locators(command: Push, parts: int, profile: Profile) -> dict[str, int]:
    """LocatorID → index of the update, for the first ``parts`` updates of the command."""
    found: dict[str, int] = {}
    counts: dict[int, int] = {}
    for index, update in enumerate(command.updates[:parts]):
        count = 1 if isinstance(command, PushRates) else counts.get(id(update.settings))
        if count is None:
            count = counts[id(update.settings)] = len(_shapes(update.settings, profile))
        for _ in range(count):
            found[str(len(found) + 1)] = index
    return found


def _shapes(settings: Settings, profile: Profile) -> Shapes:
    """Attributes and content of each AvailStatusMessage the settings need."""
    kind = ' BookingLimitMessageType="SetLimit"' if profile.limit_type else ""
    limits = tuple(
        (f' BookingLimit="{_rooms(setting.value)}"{kind}', "") for setting in settings if setting.field is Field.FIGURE
    )
    lengths, restrictions = lengths_of(settings, profile), restrictions_of(settings, profile)
    rules = zip_longest(lengths, restrictions, fillvalue="")
    return limits + tuple(("", length + restriction) for length, restriction in rules)


def _rooms(value: int) -> int:
    if value < 0:
        raise Unsupported(f"a limit of {value} rooms", Reason.INVALID_VALUE)
    return value


class AvailWriter(PartWriter):
    """Settings that updates share are checked, and put in words, once."""

    def write(self, updates: Sequence[AriUpdate]) -> str:
        lines: list[str] = []
        # By identity, since whoever planned the updates shares equal settings, and hashing them costs more than this.
        known: dict[tuple[int, bool], Shapes] = {}
        for update in updates:
            key = (id(update.settings), bool(update.plan))
            shapes = known.get(key)
            if shapes is None:
                self._check(update)
                shapes = known[key] = _shapes(update.settings, self._profile)
            control = self.control(update)
            for limit, rules in shapes:
                head = f"<AvailStatusMessage{limit}{self.locator(len(lines) + 1)}>"
                lines.append(f"{head}{control}{rules}</AvailStatusMessage>")
        return "".join(lines)

    def _check(self, update: AriUpdate) -> None:
        if not update.settings:
            raise Unsupported("there is nothing to set", Reason.REQUIRED_MISSING)
        for setting in update.settings:
            field = setting.field
            if field not in self._capabilities.fields or field is Field.FIGURE_BY:
                raise Unsupported(f"{field.value} has no place in this dialect")
            if ASPECT_OF[field] is Aspect.PRICES:
                raise Unsupported(f"{field.value} belongs into a message of rates")
            if field is Field.FIGURE and update.plan and self._profile.limit_level == "room":
                raise Unsupported("a limit belongs to the room type, not to a rate plan")
