"""A dialect as data: which way each of OpenTravel's open questions is answered for one kind of counterpart.

The names follow the comparison of dialects (protocol notes, other dialects, section 10); a dialect that needs another
answer adds a literal here and a branch where it matters, never a copy of the codec.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from gateway import messages
from gateway.contract import Capabilities
from gateway.model.ari import PATTERN_NIGHTS, Field
from mappings import load

_COMMANDS = (
    messages.Ping,
    messages.PushAvailability,
    messages.PushRates,
    messages.DeliverReservation,
    messages.RetrieveReservations,
    messages.ConfirmReservations,
    messages.PushContent,
)
_EVENTS = (
    messages.AriReceived,
    messages.ReservationReceived,
    messages.PingReceived,
    messages.ReservationsAsked,
    messages.DeliveriesReported,
    messages.ContentReceived,
    messages.StatisticsReceived,
    messages.ProfileReceived,
    messages.ProfileAsked,
    messages.PlansAsked,
    messages.OffersAsked,
    messages.SaleAsked,
)

CommandName = Literal[
    "Ping",
    "PushAvailability",
    "PushRates",
    "DeliverReservation",
    "RetrieveReservations",
    "ConfirmReservations",
    "PushContent",
]
EventName = Literal[
    "AriReceived",
    "ReservationReceived",
    "PingReceived",
    "ReservationsAsked",
    "DeliveriesReported",
    "ContentReceived",
    "StatisticsReceived",
    "ProfileReceived",
    "ProfileAsked",
    "PlansAsked",
    "OffersAsked",
    "SaleAsked",
]


class ProfileLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What :class:`gateway.contract.Capabilities` says, in a profile's words."""

    commands: frozenset[CommandName]
    events: frozenset[EventName]
    fields: frozenset[Field]
    lossy: dict[str, str] = {}
    parts_max: int = 500
    days_ahead_max: int = 730
    in_flight_max: int = 1
    per_minute_max: int = 600
    timeout_s: float = 30.0
    settle_s: float = 60.0
    counts_down: bool = False
    rules_together: bool = False
    guests_max: int = 12
    body_bytes_max: int = 20 * 1024 * 1024

    def capabilities(self, limit_per_product: bool) -> Capabilities:
        plain = {name: getattr(self, name) for name in self.__struct_fields__ if name not in ("commands", "events")}
        return Capabilities(
            commands=frozenset(kind for kind in _COMMANDS if kind.__name__ in self.commands),
            events=frozenset(kind for kind in _EVENTS if kind.__name__ in self.events),
            limit_per_product=limit_per_product,
            **plain,
        )


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The switches. Those about reading matter for what the counterpart sends, those about writing for what it gets.

    ``los_semantics``: what SetMinLOS and SetMaxLOS mean where ArrivalDateBased is absent; ``los_attribute``: write it.
    ``los_clear``: how a length of stay is taken back (``absent``: without a Time; ``bound``: by one that never bites,
    likewise for offsets). ``restriction_absent``: what a RestrictionStatus without Restriction speaks of; ``master``:
    how that of the whole product is written. ``limit_type``: write BookingLimitMessageType. ``inventory``: the message
    that limits are written in. ``dow_style``: weekdays written only when they don't cover the week, or always.
    ``tax_basis``: the amounts that may be written. ``warnings_skip``: a Warning with a RecordID means that the item was
    not taken. ``rates_notif_type``: the root's NotifType, which 2011B doesn't know. ``ignore``: elements that are
    knowingly passed over, of those that are refused otherwise. ``full_load``: a document without a counter is all
    there is to say of its products. ``count_type``: the InvCount that is the number of rooms to sell (code list INV).
    """

    connector: str
    limits: ProfileLimits
    release: Literal["2015A", "2011B", "2010A"] = "2015A"
    los_semantics: Literal["arrival", "through"] = "arrival"
    los_attribute: bool = False
    los_clear: Literal["remove", "zero", "absent", "bound"] = "remove"
    restriction_absent: Literal["master", "all"] = "master"
    master: Literal["named", "absent"] = "named"
    limit_type: bool = True
    inventory: Literal["booking_limit", "inv_count"] = "booking_limit"
    limit_level: Literal["room", "room_rate"] = "room"
    room_attr: Literal["InvTypeCode", "InvCode"] = "InvTypeCode"
    tax_basis: Literal["either", "after", "before"] = "either"
    dow_style: Literal["partial", "always"] = "partial"
    locator: Literal["LocatorID", "none"] = "LocatorID"
    fplos_style: Literal["pattern", "list"] = "pattern"
    pattern_nights: int = PATTERN_NIGHTS
    hotel_code_on_list: bool = True
    warnings_skip: bool = False
    rates_notif_type: Literal["Delta", "Overlay", "none"] = "Delta"
    version_attr: str = "1.0"
    target: Literal["", "Production", "Test"] = ""
    full_load: bool = False
    count_type: str = "2"
    content_type: str = "text/xml; charset=utf-8"
    ignore: frozenset[str] = frozenset(("RateDescription", "MealsIncluded", "Taxes"))

    def capabilities(self) -> Capabilities:
        return self.limits.capabilities(self.limit_level == "room_rate")


def load_profile(name: str) -> Profile:
    """The profile of that name; raises :class:`mappings.NoSuchMapping`."""
    return load("profiles", name, Profile)
