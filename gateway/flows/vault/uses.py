"""What is done with a number is written down before it is done."""

from __future__ import annotations

from gateway.model.card import CardFace
from gateway.model.dates import Instant
from gateway.store.tables_cards import CardRow, CardUseRow

SHOWN, SENT, PURGED = "shown", "sent", "purged"
# Handed to a payment gateway; and what somebody says to have done at their terminal.
CHARGED, AT_TERMINAL = "charged", "terminal"


def face_of(row: CardRow) -> CardFace:
    """What may be shown of it."""
    return CardFace(row.brand, row.first6, row.last4, row.expires, row.starts)


def use(number: int, at_ms: Instant, row: CardRow, what: str, author: str, reason: str = "") -> CardUseRow:
    """The line about it; ``number`` is one of :meth:`gateway.flows.services.Ids.message`."""
    return CardUseRow(
        row.scope_id,
        number,
        reservation_id=row.reservation_id,
        card_id=row.card_id,
        mask=face_of(row).mask,
        what=what,
        author=author,
        reason=reason,
        at_ms=at_ms,
    )
