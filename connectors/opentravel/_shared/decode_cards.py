"""Cards in clear, where a connection is to have them: the number goes to the vault and nowhere else.

Both forms of PaymentCard are read, attributes up to 2011B and elements from 2015A on (sheet, section 5.3). A security
code beside the number is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.opentravel._shared.names import content, first, value
from gateway.model.card import ClearCard, clear_card
from gateway.wire.xml import Node

CARDS_MAX = 4


def read_cards(reservation: Node) -> tuple[ClearCard, ...]:
    """Every card of a reservation once, four at most; masked and blanked ones are none."""
    return tuple(dict.fromkeys(_found(reservation)))[:CARDS_MAX]


def _found(reservation: Node) -> Iterator[ClearCard]:
    for node in reservation.iter("{*}PaymentCard"):
        number = first(node, "CardNumber")
        digits = value(node, "CardNumber") or content(first(number, "PlainText")) or content(number)
        holder = content(first(node, "CardHolderName"))
        card = clear_card(digits, value(node, "ExpireDate"), holder, value(node, "EffectiveDate"))
        if card is not None:
            yield card
