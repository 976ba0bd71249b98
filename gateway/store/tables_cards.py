"""Rows of the card vault (:mod:`gateway.store.tables` says what holds for all rows)."""

from __future__ import annotations

from typing import NamedTuple


class CardRow(NamedTuple):
    """A card that came with a booking: what may be shown of it, and its number as a vault keeps it.

    ``connection``, ``channel`` and ``booking_id`` are what it is sealed for, and the booking's name. ``vault`` is empty
    for the built-in one; ``wrapped`` and ``version`` are the data key and its master key, ``sealed`` the card or the
    vault's token for it. ``state`` is kept, or replaced by a later revision. ``due_ms`` is when it is looked at again,
    to be purged if its time is over. ``room`` is the room stay it came with, "" for the booking; ``is_virtual`` is 1
    for a card of the channel's.
    """

    scope_id: str
    reservation_id: str
    card_id: str
    connection: str
    channel: str
    booking_id: str
    brand: str
    first6: str
    last4: str
    expires: str
    starts: str
    state: str
    at_ms: int
    due_ms: int
    vault: str
    version: int
    wrapped: bytes
    sealed: bytes
    room: str = ""
    is_virtual: int = 0


class CardUseRow(NamedTuple):
    """What was done with the number of a card: shown to somebody, sent to a receiver, purged; never changed.

    It outlives the card. ``use_id`` grows with time; ``reason`` is what whoever asked has said.
    """

    scope_id: str
    use_id: int
    reservation_id: str
    card_id: str
    mask: str
    what: str
    author: str
    reason: str
    at_ms: int
