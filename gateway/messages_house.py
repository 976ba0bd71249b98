"""What else crosses the connector border about a house: statistics, profiles of guests, and what it is asked about.

Codes are the counterpart's own, verbatim.
"""

from __future__ import annotations

import msgspec

from gateway.model.ari import AriUpdate
from gateway.model.dates import Day


class Described(msgspec.Struct, frozen=True):
    """A code of theirs with its name."""

    code: str
    name: str = ""


class Statistic(msgspec.Struct, frozen=True):
    """One figure of a report: a count, or with a ``currency`` money in its minor units.

    ``code`` says what is counted, ``about`` whom it is about (a segment, a room type): categories with their codes.
    """

    code: str
    amount: int
    currency: str = ""
    about: tuple[tuple[str, str], ...] = ()


class StatisticsReceived(msgspec.Struct, frozen=True, tag=True):
    """A report of a fiscal date (None where it names none) about what has happened in the house."""

    hotel: str
    report: str
    day: Day | None
    figures: tuple[Statistic, ...]
    notes: tuple[str, ...] = ()


class Identity(msgspec.Struct, frozen=True):
    """A number that somebody calls something by; ``kind`` says what sort of number it is."""

    kind: str
    number: str


class ProfileReceived(msgspec.Struct, frozen=True, tag=True):
    """A profile to be kept, under numbers of its sender's; ``changed`` says that there is one already.

    ``document`` is the whole profile in the sender's dialect, without numbers of cards.
    """

    hotel: str
    names: tuple[Identity, ...]
    document: str
    changed: bool = False


class ProfileAsked(msgspec.Struct, frozen=True, tag=True):
    """The profile that goes by one of these numbers is asked for by whoever has sent it."""

    hotel: str
    names: tuple[Identity, ...]


class ProfileFound(msgspec.Struct, frozen=True, tag=True):
    """The profile as it was sent last."""

    names: tuple[Identity, ...]
    document: str


class PlansAsked(msgspec.Struct, frozen=True, tag=True):
    """What are rooms and rate plans called, and with ``first`` and ``last`` (both included), what do they cost when?

    Empty ``plans`` ask for all, the first and the last day there is for as much as is told at once.
    """

    hotel: str
    plans: tuple[str, ...] = ()
    first: Day | None = None
    last: Day | None = None


class PlansFound(msgspec.Struct, frozen=True, tag=True):
    """Those that are mapped, with prices and rules as a channel of this mapping would be told them.

    ``net`` says that prices are before tax.
    """

    hotel: str
    currency: str
    net: bool
    rooms: tuple[Described, ...]
    plans: tuple[Described, ...]
    updates: tuple[AriUpdate, ...] = ()
