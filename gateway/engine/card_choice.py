"""Which of a booking's cards is charged, and why that one.

Channels send a virtual card of their own, or the guest's as a guarantee, or one for each room; a later revision may
bring others. A virtual card is good from the month it *starts* in, every card until the end of the month it *expires*
in, both at the hotel.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from gateway.model.dates import Day, parse_day


class Why(StrEnum):
    """Why a card was chosen, or why there is none to charge (the last three)."""

    ONLY = "only_card"
    NEWEST = "newest_valid"
    OF_ROOM = "of_the_room"
    IN_WINDOW = "in_its_window"
    BEGINS_FIRST = "begins_first"
    EXPIRED = "none_valid"
    ONLY_VIRTUAL = "only_virtual"
    NONE = "no_card"


class Candidate(NamedTuple):
    """A card that is kept. ``expires`` and ``starts`` are ``MMYY``, "" where it says none.

    ``room`` is the room stay it came with, "" where it stands for the whole booking; ``place`` orders by when it came.
    """

    card_id: str
    place: tuple[int, str]
    expires: str = ""
    starts: str = ""
    room: str = ""
    virtual: bool = False


class Choice(NamedTuple):
    """``card`` may be charged from ``day`` on if ``usable``, else it is the one to look at; None: there is none."""

    card: Candidate | None
    usable: bool
    why: Why
    day: Day = 0


def chosen(cards: Sequence[Candidate], day: Day, *, virtual: bool, room: str = "") -> Choice:
    """The card for what is due on ``day``.

    Virtual cards are for what the channel pays (``virtual``), and there is nothing to charge to one that the guest
    owes. Cards of the room come before those of the booking; a single card is for all rooms, wherever it stands.
    """
    if not cards:
        return Choice(None, False, Why.NONE)
    named = [card for card in cards if room and card.room == room]
    mine = named or [card for card in cards if not card.room] or list(cards if len(cards) == 1 else ())
    if not mine:
        return Choice(None, False, Why.NONE)
    kind = [card for card in mine if card.virtual == virtual]
    if not kind and not virtual:
        return Choice(_newest(mine), False, Why.ONLY_VIRTUAL)
    # A channel may send its virtual card without a sign that it is one.
    kind = kind or mine
    valid = [card for card in kind if not card.expires or day < after_month(card.expires)]
    if not valid:
        return Choice(_newest(kind), False, Why.EXPIRED)
    begun = [card for card in valid if starts_day(card.starts) <= day]
    if not begun:
        first = min(valid, key=lambda card: (starts_day(card.starts), card.place))
        return Choice(first, True, Why.ONLY if len(cards) == 1 else Why.BEGINS_FIRST, starts_day(first.starts))
    card = _newest(begun)
    return Choice(card, True, _why(card, cards, named, begun), starts_day(card.starts))


def starts_day(starts: str) -> Day:
    """The first day of the month ``MMYY``; long ago where there is none."""
    return parse_day(f"20{starts[2:]}-{starts[:2]}-01") if starts else 0


def after_month(expires: str) -> Day:
    """The first day after the month ``MMYY``."""
    month, year = int(expires[:2]), int(expires[2:])
    return starts_day(f"{month % 12 + 1:02}{year + month // 12:02}")


def _newest(cards: Sequence[Candidate]) -> Candidate:
    return max(cards, key=lambda card: card.place)


def _why(card: Candidate, cards: Sequence[Candidate], named: Sequence[Candidate], begun: Sequence[Candidate]) -> Why:
    if len(cards) == 1:
        return Why.ONLY
    if len(begun) > 1:
        return Why.NEWEST
    if named:
        return Why.OF_ROOM
    return Why.IN_WINDOW if card.virtual else Why.NEWEST
