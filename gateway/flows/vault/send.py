"""A reservation for a receiver that is to have cards in full: filled at the moment of sending, from the vault."""

from __future__ import annotations

from typing import TypeVar

import msgspec
import structlog

from gateway.errors import Refusal
from gateway.flows.record import Record
from gateway.flows.services import Services
from gateway.flows.vault.take import CARDS
from gateway.flows.vault.uses import KEPT, SENT, use
from gateway.flows.vault.vaults import kept_in, place_of
from gateway.messages import DeliverReservation, Outgoing
from gateway.model.card import ClearCard
from gateway.model.reservation import RevisionKind
from gateway.store.tables_cards import CardRow

log = structlog.get_logger(__name__)

GivenT = TypeVar("GivenT", DeliverReservation, Outgoing)


async def with_cards(services: Services, scope_id: str, connection: str, given: GivenT) -> GivenT:
    """The same with the numbers of its cards; a cancellation needs none.

    A card that does not open is a matter for the operator, and does not keep the booking from its receiver. Raises
    :class:`gateway.errors.CallFailed` where an outside vault is away: then the delivery is tried again.
    """
    if given.revision.kind is RevisionKind.CANCEL:
        return given
    found = await services.database.read(lambda tx: tx.lookup(CARDS, [(scope_id, given.reservation_id)]))
    rows = [row for row in found if isinstance(row, CardRow) and row.state == KEPT]
    cards: list[ClearCard] = []
    uses = []
    for row in rows:
        try:
            cards.append(await services.cards.of(row).reveal(place_of(row), kept_in(row)))
            number, now_ms = services.ids.message(), services.clock.now_ms()
            uses.append(use(number, now_ms, row, SENT, f"connection:{connection}"))
        except (ValueError, Refusal) as problem:
            log.error("card_not_sent", reservation=row.reservation_id, connection=connection, why=str(problem))
    if uses:
        await services.batcher.submit(Record(uses))
    return msgspec.structs.replace(given, cards=tuple(cards))
