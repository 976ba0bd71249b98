"""What is done with a number is written down before it is done."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.engine.card_choice import Candidate, Choice, chosen
from gateway.model.card import CardFace
from gateway.model.dates import Day, Instant
from gateway.store.tables_cards import CardRow, CardUseRow

# A card is kept until its time is over, or a later revision brings another.
KEPT, REPLACED = "kept", "replaced"
SHOWN, SENT, PURGED = "shown", "sent", "purged"
# Handed to a payment gateway; and what somebody says to have done at their terminal.
CHARGED, AT_TERMINAL = "charged", "terminal"


def face_of(row: CardRow) -> CardFace:
    """What may be shown of it."""
    return CardFace(row.brand, row.first6, row.last4, row.expires, row.starts)


def candidate(row: CardRow) -> Candidate:
    """The card, for :func:`gateway.engine.card_choice.chosen`."""
    place = (row.at_ms, row.card_id)
    return Candidate(row.card_id, place, row.expires, row.starts, row.room, bool(row.is_virtual))


def guest_card(rows: Iterable[CardRow], day: Day) -> Choice:
    """The card that what a guest owes on a day is charged to."""
    return chosen([candidate(row) for row in rows if row.state == KEPT], day, virtual=False)


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
