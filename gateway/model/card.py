"""Payment cards that come with bookings: in clear for a moment, masked everywhere else, and where the numbers lie.

A security code has no place in any of these: it may not be kept once a card has been authorised, not even sealed
(PCI DSS 3.3.1), and what has no field cannot be kept by accident.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn, Protocol

import msgspec

from gateway.model.dates import Day

DIGITS_MIN, DIGITS_MAX = 12, 19
NAME_MAX = 64

# By the first digits of a number; codes of OpenTravel's list. The newer range of MasterCard is no prefix, see _brand.
_BRANDS = {
    "VI": ("4",),
    "MC": ("51", "52", "53", "54", "55"),
    "AX": ("34", "37"),
    "DN": ("300", "301", "302", "303", "304", "305", "3095", "36", "38", "39"),
    "DS": ("6011", "64", "65"),
    "JC": ("35",),
    "CU": ("62",),
    "MA": ("50", "56", "57", "58", "59", "63", "67"),
}
_MASTERCARD_2 = range(2221, 2721)


class CardFace(msgspec.Struct, frozen=True, omit_defaults=True):
    """What may be shown of a card (PCI DSS 3.4.1).

    ``brand`` is a code of OpenTravel's list (VI, MC, AX, DN, DS, JC, CU, MA), empty for one nobody knows. ``expires``
    and ``starts`` are ``MMYY``; a virtual card may not be charged before it starts.
    """

    brand: str
    first6: str
    last4: str
    expires: str = ""
    starts: str = ""

    @property
    def mask(self) -> str:
        return f"{self.first6}XXXXXX{self.last4}"


class ClearCard:
    """A card with its number: made at the edge, handed to the vault, gone.

    It is no struct on purpose: nothing that writes messages, logs or archives can encode it. Its ``repr`` is masked,
    and it cannot be copied into another process. ``room`` is the ``ref`` of the room stay it came with ("" for all),
    ``virtual`` says that its sender calls it one; a vault gives neither back.
    """

    __slots__ = ("expires", "holder", "number", "room", "starts", "virtual")

    def __init__(
        self,
        number: str,
        expires: str = "",
        holder: str = "",
        starts: str = "",
        *,
        room: str = "",
        virtual: bool = False,
    ) -> None:
        self.number = number
        self.expires = expires
        self.holder = holder[:NAME_MAX]
        self.starts = starts
        self.room = room
        self.virtual = virtual

    @property
    def face(self) -> CardFace:
        return CardFace(_brand(self.number), self.number[:6], self.number[-4:], self.expires, self.starts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClearCard) and self._all() == other._all()

    def __hash__(self) -> int:
        return hash(self._all())

    def _all(self) -> tuple[str, ...]:
        return self.number, self.expires, self.holder, self.starts

    def __repr__(self) -> str:
        return f"ClearCard(***{self.number[-4:]})"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a card in clear stays where it is")


def clear_card(number: str, expires: str = "", holder: str = "", starts: str = "") -> ClearCard | None:
    """The card, or None for what is none: masked, blanked, all digits alike, or not passing the Luhn check.

    ``number`` may have blanks and hyphens between its digits; ``expires`` and ``starts`` are kept if they are ``MMYY``.
    """
    digits = number.replace(" ", "").replace("-", "")
    if not (DIGITS_MIN <= len(digits) <= DIGITS_MAX and digits.isascii() and digits.isdigit()):
        return None
    if len(set(digits)) == 1 or not passes_luhn(digits):
        return None
    return ClearCard(digits, _month(expires), holder, _month(starts))


def _brand(number: str) -> str:
    if int(number[:4]) in _MASTERCARD_2:
        return "MC"
    return next((code for code, prefixes in _BRANDS.items() if number.startswith(prefixes)), "")


def passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    total = 0
    for place, character in enumerate(reversed(digits)):
        value = int(character) << (place & 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _month(text: str) -> str:
    is_month = len(text) == 4 and text.isascii() and text.isdigit() and 1 <= int(text[:2]) <= 12
    return text if is_month else ""


class CardPlace(msgspec.Struct, frozen=True):
    """Whose card it is: what is sealed for one place opens at no other.

    A booking is named as its sender names it, which is settled before the booking has a number of ours.
    """

    scope_id: str
    connection: str
    channel: str
    booking_id: str
    card_id: str

    def bound(self, purpose: str) -> bytes:
        """The associated data of a seal; no two places or purposes have the same."""
        return msgspec.msgpack.encode(
            ("card", 1, purpose, self.scope_id, self.connection, self.channel, self.booking_id, self.card_id)
        )


class KeptCard(msgspec.Struct, frozen=True):
    """What a vault gives for a card, to be stored with the booking: none of it says anything by itself.

    ``version`` is that of the master key that ``wrapped`` needs, 0 where the vault has keys of its own.
    """

    sealed: bytes
    wrapped: bytes = b""
    version: int = 0


class CardVault(Protocol):
    """Where the numbers are. The built-in one seals them into the row beside the booking; others may keep them outside.

    ``name`` is stored with each card. Every method may raise :class:`gateway.errors.CallFailed`; then nothing is known
    to have happened, and it is tried again.
    """

    name: str

    async def store(self, place: CardPlace, card: ClearCard, until: Day) -> KeptCard:
        """Keeps it, or makes it ready to be kept. After the day ``until`` nobody will ask for it."""

    async def reveal(self, place: CardPlace, kept: KeptCard) -> ClearCard:
        """The card; ValueError for what was not stored for this place."""

    async def forget(self, places: Sequence[tuple[CardPlace, KeptCard]]) -> None:
        """Deletes them for good; one that is not there is deleted."""
