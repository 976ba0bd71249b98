"""Cards in clear, where a connection is to have them: the number goes to the vault and nowhere else.

Both forms of PaymentCard are read, attributes up to 2011B and elements from 2015A on (sheet, section 5.3). A security
code beside the number is not looked at. A card with an ``EffectiveDate`` is a virtual one, which may not be charged
before it, and so is one whose code says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.opentravel._shared.names import content, first, value
from gateway.model.card import ClearCard, clear_card
from gateway.wire.xml import Node

CARDS_MAX = 4
_VIRTUAL = "VCC"


def read_cards(reservation: Node) -> tuple[ClearCard, ...]:
    """Every card of a reservation once, four at most; masked and blanked ones are none.

    One that stands in several places is for the whole booking.
    """
    found: dict[ClearCard, ClearCard] = {}
    for room, holder in _holders(reservation):
        for card in _found(holder):
            card.room = room if card not in found or found[card].room == room else ""
            found[card] = card
    return tuple(found.values())[:CARDS_MAX]


def _holders(reservation: Node) -> Iterator[tuple[str, Node]]:
    """The room stays, by what they go by, and everything else."""
    for part in reservation:
        if not isinstance(part.tag, str) or not part.tag.endswith("}RoomStays"):
            yield "", part
            continue
        stays = [stay for stay in part if isinstance(stay.tag, str) and stay.tag.endswith("}RoomStay")]
        for number, stay in enumerate(stays, start=1):
            yield value(stay, "IndexNumber") or str(number), stay


def _found(holder: Node) -> Iterator[ClearCard]:
    for node in holder.iter("{*}PaymentCard"):
        number = first(node, "CardNumber")
        digits = value(node, "CardNumber") or content(first(number, "PlainText")) or content(number)
        name = content(first(node, "CardHolderName"))
        card = clear_card(digits, value(node, "ExpireDate"), name, value(node, "EffectiveDate"))
        if card is not None:
            card.virtual = bool(card.starts) or value(node, "CardCode") == _VIRTUAL
            yield card
