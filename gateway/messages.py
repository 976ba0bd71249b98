"""What crosses the connector border: commands we send, events and queries we receive, and what becomes of them.

Codes in all of them are the counterpart's own, verbatim; the core translates.
"""

from __future__ import annotations

import msgspec

from gateway.errors import Refusal
from gateway.messages_house import Described as Described
from gateway.messages_house import Identity as Identity
from gateway.messages_house import PlansAsked as PlansAsked
from gateway.messages_house import PlansFound as PlansFound
from gateway.messages_house import ProfileAsked as ProfileAsked
from gateway.messages_house import ProfileFound as ProfileFound
from gateway.messages_house import ProfileReceived as ProfileReceived
from gateway.messages_house import Statistic as Statistic
from gateway.messages_house import StatisticsReceived as StatisticsReceived
from gateway.messages_payment import PaymentEvent
from gateway.messages_selling import OffersAsked as OffersAsked
from gateway.messages_selling import OffersFound as OffersFound
from gateway.messages_selling import SaleAsked as SaleAsked
from gateway.messages_selling import Sold as Sold
from gateway.model.ari import AriUpdate, Aspect
from gateway.model.card import ClearCard
from gateway.model.command import Command as Command
from gateway.model.dates import Day, Instant
from gateway.model.reservation import Revision, RevisionKind


class Ping(Command, frozen=True, tag=True, kw_only=True):
    """Are you there, do you know me, what can you do? ``version`` is the one to ask in, where it is not the newest."""

    version: str = ""


class PushAvailability(Command, frozen=True, tag=True, kw_only=True):
    """Limits and restrictions. Each update is one part that can be confirmed or refused by itself.

    A ``complete`` one holds all limits of the hotel and nothing else; its message is never divided, and what it leaves
    out has no rooms.
    """

    updates: tuple[AriUpdate, ...]
    complete: bool = False


class PushRates(Command, frozen=True, tag=True, kw_only=True):
    """Prices. Each update is one part that can be confirmed or refused by itself."""

    updates: tuple[AriUpdate, ...]


class DeliverReservation(Command, frozen=True, tag=True, kw_only=True):
    """Hand a reservation over. ``reservation_id`` is ours; the revision speaks the receiver's codes.

    ``cards`` come out of the vault where the receiver is to have numbers in full; the content has the mask only.
    """

    reservation_id: str
    revision: Revision
    source: str
    modified_ms: Instant
    cards: tuple[ClearCard, ...] = ()


class RetrieveReservations(Command, frozen=True, tag=True, kw_only=True):
    """Give us what is new. ``since_ms`` None asks for everything they hold as undelivered.

    ``cursor`` is the connector's own note of how far it has come: empty at first, then from :attr:`Decoded.next`.
    """

    since_ms: Instant | None = None
    cursor: str = ""


class ConfirmReservations(Command, frozen=True, tag=True, kw_only=True):
    """We have them: what a retrieval brought is committed here, under our numbers. Each confirmation is one part."""

    confirmations: tuple[Confirmation, ...]


class Confirmation(msgspec.Struct, frozen=True):
    """One retrieved revision is ours under ``reservation_id``; ``error`` says why it is not, where it could not be.

    ``message`` is the counterpart's number of the message that brought it, where it is confirmed by that.
    """

    booking_id: str
    kind: RevisionKind
    reservation_id: str
    version: int | None = None
    error: str = ""
    message: str = ""


class Clearing(msgspec.Struct, frozen=True):
    """What a complete document takes away before its updates are painted: one aspect of a target, from today on.

    An empty ``room`` or ``plan`` means every one that the sender's mapping has. A cleared limit is no room, cleared
    prices close the product, cleared rules allow everything. The plans named by ``keep`` lose nothing.
    """

    aspect: Aspect
    room: str = ""
    plan: str = ""
    keep: tuple[str, ...] = ()


class PushContent(Command, frozen=True, tag=True, kw_only=True):
    """Our room types and rate plans under the counterpart's codes; what is not listed is no longer offered there."""

    rooms: tuple[Described, ...]
    plans: tuple[Described, ...]


class AgeBand(msgspec.Struct, frozen=True):
    """What children from ``age_min`` to ``age_max`` years pay as further guests, in minor units.

    A calendar has one price for a further child, which is ``kept``: the highest of those that were said together.
    """

    room: str
    plan: str
    age_min: int
    age_max: int
    amount: int
    kept: int


class AriReceived(msgspec.Struct, frozen=True, tag=True):
    """A document of rates, availability and restrictions. ``token`` is the sender's message id, if it gave one.

    ``clears`` comes first, then ``updates`` in order. ``bands`` are prices of children by age that stand behind them.
    """

    hotel: str
    updates: tuple[AriUpdate, ...]
    token: str = ""
    clears: tuple[Clearing, ...] = ()
    bands: tuple[AgeBand, ...] = ()


class ReservationReceived(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """One revision of one booking; ``cards`` in clear, if the site asks for them, for the vault and nobody else."""

    hotel: str
    revision: Revision
    cards: tuple[ClearCard, ...] = ()


class DeliveryReport(msgspec.Struct, frozen=True):
    """What a counterpart that fetches reservations says of one: ``ref`` is its number, ``error`` why it refuses it.

    ``modified_ms`` says which state of the reservation it fetched (:attr:`Outgoing.modified_ms`), where it can be told.
    """

    reservation_id: str
    kind: RevisionKind | None = None
    ref: str = ""
    error: str = ""
    modified_ms: Instant | None = None


class DeliveriesReported(msgspec.Struct, frozen=True, tag=True):
    """A counterpart confirms or refuses reservations that it has fetched."""

    hotel: str
    reports: tuple[DeliveryReport, ...]


class ContentReceived(msgspec.Struct, frozen=True, tag=True):
    """A counterpart describes its room types and rate plans, which helps to map them."""

    hotel: str
    rooms: tuple[Described, ...] = ()
    plans: tuple[Described, ...] = ()


class ReservationsAsked(msgspec.Struct, frozen=True, tag=True):
    """A counterpart fetches reservations: those it has not confirmed, or those that match what is given.

    ``since_ms`` looks at the last change, ``first`` and ``last`` (inclusive) at the arrival, or at the departure where
    ``by_departure`` says so. ``confirmed`` None is for all that match, else for those that are confirmed, or are not.
    """

    hotel: str
    since_ms: Instant | None = None
    first: Day | None = None
    last: Day | None = None
    booking_id: str = ""
    by_departure: bool = False
    confirmed: bool | None = None


class PingReceived(msgspec.Struct, frozen=True, tag=True):
    """The counterpart asks whether we are there; ``echo`` is to be said back."""

    echo: str


Event = (
    AriReceived
    | ReservationReceived
    | DeliveriesReported
    | ContentReceived
    | StatisticsReceived
    | ProfileReceived
    | SaleAsked
    | PaymentEvent
)
Query = PingReceived | ReservationsAsked | OffersAsked | PlansAsked | ProfileAsked


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


class Outgoing(msgspec.Struct, frozen=True):
    """A reservation as it is handed over; the fields mean what they mean in :class:`DeliverReservation`."""

    reservation_id: str
    revision: Revision
    source: str
    modified_ms: Instant
    cards: tuple[ClearCard, ...] = ()


class Found(msgspec.Struct, frozen=True, tag=True):
    """The reservations that were asked for; ``more`` says that there are further ones to ask for after these."""

    reservations: tuple[Outgoing, ...]
    more: bool = False


class Pong(msgspec.Struct, frozen=True, tag=True):
    """The answer to a ping."""

    echo: str


Result = Applied | Taken | Found | Pong | OffersFound | Sold | PlansFound | ProfileFound | Refusal
