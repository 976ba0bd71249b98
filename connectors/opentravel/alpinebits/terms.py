"""What holds between two sides for one message: the version, and the capabilities that are on.

AlpineBits capabilities are strings (standard 2018-10 to 2024-10, chapter on handshaking). For FreeRooms they always
hold as they are given: a receiver has to announce rooms or categories to receive anything, so a capability that is not
given is off. The capabilities of Inventory and RatePlans widen what a receiver takes; a message that is looked at
without any capability of its action being given, or the action itself as a handshake names it, is read by all other
rules, since nothing was said about these.
"""

from __future__ import annotations

import msgspec

V2018 = "2018-10"
V2020 = "2020-10"
V2022 = "2022-10"
V2024 = "2024-10"

VERSIONS = (V2018, V2020, V2022, V2024)

FREE_ROOMS_2018 = "OTA_HotelAvailNotif_accept_"
FREE_ROOMS = "OTA_HotelInvCountNotif_accept_"
INVENTORY = "OTA_HotelDescriptiveContentNotif_Inventory_"
RATE_PLANS = "OTA_HotelRatePlanNotif_accept_"

# What a handshake calls the action of a family; one that is listed without capabilities has none.
_ACTIONS = {
    INVENTORY: "action_OTA_HotelDescriptiveContentNotif_Inventory",
    RATE_PLANS: "action_OTA_HotelRatePlanNotif_RatePlans",
}


class Terms(msgspec.Struct, frozen=True):
    """``negotiated`` says that ``on`` is the whole truth; otherwise a family of which nothing is given is open."""

    version: str
    on: frozenset[str] = frozenset()
    negotiated: bool = False

    def has(self, capability: str) -> bool:
        """Whether it is on."""
        return capability in self.on

    def allows(self, family: str, capability: str) -> bool:
        """Whether it is on, or nothing was said about its family (a common beginning of names)."""
        return family + capability in self.on or not self.says(family)

    def says(self, family: str) -> bool:
        """Whether the family's capabilities are known."""
        if self.negotiated or _ACTIONS.get(family) in self.on:
            return True
        return any(given.startswith(family) for given in self.on)
