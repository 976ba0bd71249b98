"""What crosses the connector border: commands we send, events and queries we receive, and what becomes of them.

Codes in all of them are the counterpart's own, verbatim; the core translates.
"""

from __future__ import annotations

import msgspec

from gateway.errors import Refusal
from gateway.model.ari import AriUpdate
from gateway.model.dates import Instant
from gateway.model.reservation import Revision


class Command(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """``id`` is unique and stable over repeats of the same sending; ``at_ms`` is the instant to write into it."""

    id: str
    at_ms: Instant


class Ping(Command, frozen=True, tag=True, kw_only=True):
    """Are you there, and do you know me?"""


class PushAvailability(Command, frozen=True, tag=True, kw_only=True):
    """Limits and restrictions. Each update is one part that can be confirmed or refused by itself."""

    updates: tuple[AriUpdate, ...]


class PushRates(Command, frozen=True, tag=True, kw_only=True):
    """Prices. Each update is one part that can be confirmed or refused by itself."""

    updates: tuple[AriUpdate, ...]


class DeliverReservation(Command, frozen=True, tag=True, kw_only=True):
    """Hand a reservation over. ``reservation_id`` is ours; the revision speaks the receiver's codes."""

    reservation_id: str
    revision: Revision
    source: str
    modified_ms: Instant


class AriReceived(msgspec.Struct, frozen=True, tag=True):
    """A document of rates, availability and restrictions. ``token`` is the sender's message id, if it gave one."""

    hotel: str
    updates: tuple[AriUpdate, ...]
    token: str = ""


class ReservationReceived(msgspec.Struct, frozen=True, tag=True):
    """One revision of one booking."""

    hotel: str
    revision: Revision


class PingReceived(msgspec.Struct, frozen=True, tag=True):
    """The counterpart asks whether we are there; ``echo`` is to be said back."""

    echo: str


Event = AriReceived | ReservationReceived
Query = PingReceived


class Applied(msgspec.Struct, frozen=True, tag=True):
    """The event took effect (or had done so before); ``warnings`` are for the sender's eyes."""

    warnings: tuple[str, ...] = ()


class Taken(msgspec.Struct, frozen=True, tag=True):
    """The reservation is ours now under ``reservation_id``; ``kind`` echoes what was asked."""

    reservation_id: str
    booking_id: str
    kind: str
    hotel: str
    warnings: tuple[str, ...] = ()


class Pong(msgspec.Struct, frozen=True, tag=True):
    """The answer to a ping."""

    echo: str


Result = Applied | Taken | Pong | Refusal
