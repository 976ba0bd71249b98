"""A version of AlpineBits as data: what we can do in it, and what we announce.

``mappings/profiles/alpinebits-<version>.toml``. A connection's profile names the highest version it speaks; the older
ones come along, so that a client with an older header is understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from connectors.opentravel.alpinebits.actions import ACTIONS
from connectors.opentravel.alpinebits.handshake import Offer, our_offer
from connectors.opentravel.alpinebits.terms import VERSIONS, Terms
from gateway import messages
from gateway.contract import Capabilities
from gateway.model.ari import OCCUPANCY_MAX, Field
from mappings import load

_COMMANDS = (
    messages.Ping,
    messages.PushAvailability,
    messages.PushRates,
    messages.DeliverReservation,
    messages.RetrieveReservations,
    messages.ConfirmReservations,
)
_EVENTS = (
    messages.AriReceived,
    messages.ContentReceived,
    messages.ReservationReceived,
    messages.DeliveriesReported,
    messages.ReservationsAsked,
    messages.PingReceived,
    messages.PlansAsked,
)
BODY_BYTES_MAX = 20 * 1024 * 1024


class AlpineBitsProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``announces`` holds, by action, the capabilities that are on while we are the server; an action that is not in it
    is not taken. ``fields`` are those that can be pushed, ``lossy`` what :class:`Capabilities` means by it.
    """

    connector: str
    version: Literal["2018-10", "2020-10", "2022-10", "2024-10"]
    announces: Mapping[str, tuple[str, ...]]
    fields: frozenset[Field]
    lossy: Mapping[str, str]
    version_attr: str = "8.000"
    parts_max: int = 500
    days_ahead_max: int = 730
    per_minute_max: int = 60

    def capabilities(self) -> Capabilities:
        return Capabilities(
            commands=frozenset(_COMMANDS),
            events=frozenset(_EVENTS),
            fields=self.fields,
            lossy=self.lossy,
            parts_max=self.parts_max,
            days_ahead_max=self.days_ahead_max,
            per_minute_max=self.per_minute_max,
            guests_max=OCCUPANCY_MAX,
            rules_together=True,
            negotiates=True,
            complete_sets=True,
            body_bytes_max=BODY_BYTES_MAX,
        )

    def takes(self, action: str) -> bool:
        """Whether the action is enabled. Acknowledging comes with reading (section 4.1)."""
        return action in self.announces

    def terms(self) -> Terms:
        """What we have announced holds, and nothing else."""
        on = frozenset(name for names in self.announces.values() for name in names)
        return Terms(self.version, on, negotiated=True)


def load_profile(name: str) -> AlpineBitsProfile:
    """The profile of that name; raises :class:`mappings.NoSuchMapping`."""
    return load("profiles", name, AlpineBitsProfile)


def profile_of(version: str) -> AlpineBitsProfile:
    """The profile of a version."""
    return load_profile(f"alpinebits-{version}")


def versions_up_to(highest: str) -> tuple[str, ...]:
    """All we speak, the newest first."""
    return tuple(version for version in reversed(VERSIONS) if version <= highest)


def offer_of(highest: str) -> Offer:
    """What we say in a handshake."""
    return our_offer({version: profile_of(version).announces for version in versions_up_to(highest)})


def capability_names(version: str) -> list[str]:
    """The answer to getCapabilities: actions and capabilities of a version."""
    announced = profile_of(version).announces
    named = [ACTIONS[action].handshake for action in announced if ACTIONS[action].handshake]
    return [*named, *(name for names in announced.values() for name in names)]
