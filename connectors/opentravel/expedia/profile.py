"""What of QuickConnect a connection uses, as data: the commands, and with the fields the way a property is set up.

Whether a length of stay is looked at on arrival or on every night, and whether a product has one price or one for each
occupancy, is set at Expedia for the property and stands in no message (Expedia notes, section 2.2). So a profile lists
``min_arrival`` or ``min_through``, and ``guests_max`` 0 means one price for the room.
"""

from __future__ import annotations

import msgspec

from connectors.opentravel._shared.profile import ProfileLimits
from gateway.contract import Capabilities
from mappings import load


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``connector`` is whose profile it is."""

    connector: str
    limits: ProfileLimits

    def capabilities(self) -> Capabilities:
        return self.limits.capabilities(limit_per_product=False)


def load_profile(name: str) -> Profile:
    """The profile of that name; raises :class:`mappings.NoSuchMapping`."""
    return load("profiles", name, Profile)
