"""What every part of a pushed message begins with: its number and its StatusApplicationControl."""

from __future__ import annotations

from functools import lru_cache

from connectors.opentravel._shared.names import WEEKDAYS
from connectors.opentravel._shared.profile import Profile
from gateway.contract import Capabilities
from gateway.errors import Reason, Unsupported
from gateway.model.ari import AriUpdate
from gateway.model.dates import ALL_WEEK, Weekdays, format_day
from gateway.wire.xmlwrite import attribute


class PartWriter:
    """What both kinds of push share."""

    def __init__(self, profile: Profile, capabilities: Capabilities) -> None:
        self._profile = profile
        self._capabilities = capabilities
        self._numbered = profile.locator == "LocatorID"
        self._products: dict[tuple[str, str], str] = {}

    def locator(self, number: int) -> str:
        return f' LocatorID="{number}"' if self._numbered else ""

    def control(self, update: AriUpdate) -> str:
        """Raises :class:`Unsupported` for a range that is none."""
        if update.first > update.last:
            raise Unsupported("the last day is before the first", Reason.DATE_COMBINATION)
        product = self._products.get((update.room, update.plan))
        if product is None:
            product = self._products[update.room, update.plan] = self._product(update.room, update.plan)
        days = ""
        if update.weekdays != ALL_WEEK or self._profile.dow_style == "always":
            days = _days(update.weekdays)
        return (
            f'<StatusApplicationControl Start="{format_day(update.first)}" End="{format_day(update.last)}"'
            f"{product}{days}/>"
        )

    def _product(self, room: str, plan: str) -> str:
        written = f' {self._profile.room_attr}="{attribute(room)}"' if room else ' AllInvCode="true"'
        return f'{written} RatePlanCode="{attribute(plan)}"' if plan else written


@lru_cache(maxsize=128)
def _days(weekdays: Weekdays) -> str:
    """All seven: which days a missing attribute means is disputed (sheet, section 2)."""
    return "".join(f' {name}="{"true" if weekdays >> day & 1 else "false"}"' for day, name in enumerate(WEEKDAYS))
