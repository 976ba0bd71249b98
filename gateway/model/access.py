"""Who may do what: the one table of roles and actions that the API, the console and the command all ask."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from gateway.model.dates import Instant

EVERY_PROPERTY = "*"


class AccessRole(StrEnum):
    """What somebody does for a property. (A connection's role is :class:`gateway.model.property.Role`.)"""

    OWNER = "owner"
    REVENUE = "revenue"
    FRONT_DESK = "front_desk"
    INTEGRATOR = "integrator"
    READ_ONLY = "read_only"
    SELLER = "seller"


class Action(StrEnum):
    """What can be allowed."""

    LOOK = "look"  # the property, its calendar, connections and mappings, and how far each connection has come
    READ_RESERVATIONS = "read_reservations"  # guests' names among them
    READ_MESSAGES = "read_messages"  # whole messages, redacted
    SET_RATES = "set_rates"  # prices and restrictions
    SET_AVAILABILITY = "set_availability"  # numbers of rooms, and closing
    CONFIGURE = "configure"  # room types, rate plans, connections and their logins
    MAP = "map"  # their codes to ours
    SYNC = "sync"  # pause, resume, full synchronisation, audit
    REPLAY = "replay"  # take a stored message again
    HAND_OVER = "hand_over"  # have a reservation sent again, or say that it was entered by hand
    IMPORT = "import"
    SHOW_CARDS = "show_cards"  # numbers of cards in full, with a reason
    PAY = "pay"  # take payments, capture, release and give back
    RECONCILE = "reconcile"  # fetch statements, and say how differences were resolved
    SELL = "sell"  # offers, quotes and holds, and what the house has sold itself
    MANAGE_ACCESS = "manage_access"  # keys and people


PERMISSIONS: dict[AccessRole, frozenset[Action]] = {
    AccessRole.OWNER: frozenset(Action),
    AccessRole.REVENUE: frozenset(
        {
            Action.LOOK,
            Action.READ_RESERVATIONS,
            Action.SET_RATES,
            Action.SET_AVAILABILITY,
            Action.SYNC,
            Action.RECONCILE,
        }
    ),
    AccessRole.FRONT_DESK: frozenset(
        {
            Action.LOOK,
            Action.READ_RESERVATIONS,
            Action.SET_AVAILABILITY,
            Action.HAND_OVER,
            Action.SHOW_CARDS,
            Action.PAY,
            Action.SELL,
        }
    ),
    AccessRole.INTEGRATOR: frozenset(
        {
            Action.LOOK,
            Action.READ_RESERVATIONS,
            Action.READ_MESSAGES,
            Action.CONFIGURE,
            Action.MAP,
            Action.SYNC,
            Action.REPLAY,
            Action.HAND_OVER,
            Action.IMPORT,
        }
    ),
    AccessRole.READ_ONLY: frozenset({Action.LOOK, Action.READ_RESERVATIONS, Action.READ_MESSAGES}),
    # A site of the hotel. Who gets hold of its key finds only the bookings whose numbers they know.
    AccessRole.SELLER: frozenset({Action.SELL}),
}


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role at one property, or at every one there is or will be."""

    role: AccessRole
    property: str = EVERY_PROPERTY


class PrincipalKind(StrEnum):
    """Programs show a key; people sign in with a name and a password."""

    KEY = "key"
    PERSON = "person"


class Principal(msgspec.Struct, frozen=True):
    """Somebody who may do something. ``allow`` are networks (CIDR) they must come from, if any are named."""

    id: str
    kind: PrincipalKind
    name: str
    grants: tuple[Grant, ...]
    allow: tuple[str, ...] = ()
    created_ms: Instant = 0
    created_by: str = ""
    expires_ms: Instant | None = None
    revoked_ms: Instant | None = None

    @property
    def author(self) -> str:
        """How they are named beside what they change."""
        return f"{self.kind.value}:{self.name}"

    def may(self, action: Action, scope_id: str) -> bool:
        """Whether one of their roles at that property allows it; ``EVERY_PROPERTY`` asks for all of them at once."""
        return any(
            action in PERMISSIONS[grant.role] for grant in self.grants if grant.property in (scope_id, EVERY_PROPERTY)
        )

    def knows(self, scope_id: str) -> bool:
        """Whether they have any business with that property; to others it does not exist."""
        return any(grant.property in (scope_id, EVERY_PROPERTY) for grant in self.grants)

    def where(self, action: Action) -> frozenset[str] | None:
        """The properties at which they may do it; None for every one."""
        allowed = {grant.property for grant in self.grants if action in PERMISSIONS[grant.role]}
        return None if EVERY_PROPERTY in allowed else frozenset(allowed)
