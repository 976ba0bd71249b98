"""ARI as SiteMinder's dialects send it: the messages of OpenTravel, with less in them and more said about it.

Sheet, sections 2.1, 2.2, 3.2 and 3.3. The rules are checked item by item, so that a refusal can say which.
"""

from __future__ import annotations

from connectors.opentravel._shared import names
from connectors.opentravel._shared.answers import Asked
from connectors.opentravel._shared.decode_ari import decode_tree
from connectors.opentravel._shared.decode_avail import AvailCollector
from connectors.opentravel._shared.decode_rates import RatesCollector
from connectors.opentravel._shared.notif_report import line_of
from connectors.opentravel._shared.siteminder_profile import SiteMinderProfile
from gateway.errors import Malformed, Reason, Rejected, Unsupported
from gateway.messages import AriReceived
from gateway.model.ari import ASPECT_OF, AriUpdate, Aspect, Field
from gateway.wire.xml import Node

_CONTROL = "StatusApplicationControl"


def read_ari(root: Node, asked: Asked, profile: SiteMinderProfile, currency: str) -> AriReceived:
    """One event for the whole message, which takes effect completely or not at all."""
    collector: type[_Avail | _Rates] = _Avail if asked.root == names.AVAIL else _Rates
    # Without a default, an amount that names no currency has none.
    found = decode_tree(root, collector, profile, "" if profile.currency_needed else currency)
    if not found.hotel:
        path = f"/{found.root}/{found.container}/@HotelCode"
        line = _line(root, found.container)
        raise Malformed("HotelCode is missing", Reason.REQUIRED_MISSING, path=path, line=line)
    if found.complete:
        path, line = f"/{found.root}/UniqueID/@Instance", _line(root, "UniqueID")
        raise Unsupported("a complete set has no place in this dialect", path=path, line=line)
    return AriReceived(found.hotel, tuple(found.updates), asked.token)


def _line(root: Node, child: str) -> int | None:
    node = names.first(root, child)
    return line_of(root if node is None else node)


class _Avail(AvailCollector):
    """Limits and restrictions."""

    profile: SiteMinderProfile

    def __init__(self, profile: SiteMinderProfile, currency: str) -> None:
        super().__init__(profile, currency)
        self.profile = profile
        self._aspects: set[Aspect] = set()

    def _add(self, update: AriUpdate) -> None:
        super()._add(update)
        _check_target(update, self.profile)
        for setting in update.settings:
            if setting.field not in self.profile.reads:
                raise Unsupported(f"{setting.field.value} has no place in this dialect")
            self._aspects.add(ASPECT_OF[setting.field])
        if self.profile.aspects_apart and len(self._aspects) > 1:
            raise Rejected("availability and restrictions are sent in requests of their own")


class _Rates(RatesCollector):
    """Prices."""

    profile: SiteMinderProfile

    def __init__(self, profile: SiteMinderProfile, currency: str) -> None:
        super().__init__(profile, currency)
        self.profile = profile

    def _add(self, update: AriUpdate) -> None:
        super()._add(update)
        _check_target(update, self.profile)
        if update.net:
            raise Unsupported("amounts are after tax in this dialect", path="BaseByGuestAmt/@AmountBeforeTax")
        priced = [setting.guests for setting in update.settings if setting.field is Field.PRICE]
        if max(priced, default=0) > self.profile.prices_guests_max:
            told = f"a price is for {self.profile.prices_guests_max} guests at most"
            raise Rejected(told, Reason.OCCUPANCY, path="BaseByGuestAmt/@NumberOfGuests")
        if len(priced) > 1 and 0 in priced:
            told = "NumberOfGuests is missing beside a price by occupancy"
            raise Malformed(told, Reason.REQUIRED_MISSING, path="BaseByGuestAmt/@NumberOfGuests")
        if len(set(priced)) < len(priced):
            raise Malformed("an occupancy has two prices", Reason.OCCUPANCY, path="BaseByGuestAmt/@NumberOfGuests")


def _check_target(update: AriUpdate, profile: SiteMinderProfile) -> None:
    if not update.room:
        raise Malformed("InvTypeCode is missing", Reason.REQUIRED_MISSING, path=f"{_CONTROL}/@InvTypeCode")
    of_room = profile.aspects_apart and all(ASPECT_OF[one.field] is Aspect.LIMIT for one in update.settings)
    if not update.plan and not of_room:
        raise Malformed("RatePlanCode is missing", Reason.REQUIRED_MISSING, path=f"{_CONTROL}/@RatePlanCode")
