"""Cards that came with bookings: charged by themselves from their day on, or brought before the front desk.

What is due is charged once; what the gateway refuses, and what it may not be sent, is told to a person, once.
"""

from __future__ import annotations

import structlog

from gateway.engine.card_charges import card_schedules
from gateway.engine.hotel import Hotel
from gateway.errors import GatewayError
from gateway.flows.desk.finding import property_of, text_of
from gateway.flows.errands import Errands
from gateway.flows.payments.book import notice
from gateway.flows.payments.callback_jobs import TakeCallback
from gateway.flows.payments.tie import AUTHOR
from gateway.flows.services import Services
from gateway.flows.vault.charge import CardCharge, charge_card
from gateway.flows.vault.owed import CardToCharge, Standing, open_cards
from gateway.flows.vault.show import NoteUse
from gateway.flows.vault.uses import AT_TERMINAL
from gateway.model.dates import Instant
from gateway.store import paying

log = structlog.get_logger(__name__)

EVERY_MS = 600_000
LOOK_S = 10.0
SUBJECT_CARDS = "virtual cards"


async def charged_at_terminal(
    services: Services, property_id: str, reservation_id: str, card_id: str, author: str
) -> None:
    """Somebody has charged the card by themselves; raises :class:`NotFound`. It is no payment of ours.

    From then on nothing is charged to the card by itself.
    """
    await services.database.read(lambda tx: property_of(services, tx, property_id))
    name = (property_id, text_of(reservation_id), text_of(card_id))
    await services.batcher.submit(NoteUse(services.ids.message(), name, AT_TERMINAL, author))


class CardCharger:
    """Looks every ten minutes; one process does, where several share a database."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._next_ms: Instant = 0
        self._busy = False
        self.errands = Errands()

    async def round(self) -> None:
        """Begins to charge what is due, and to tell of what people have to charge; one after the other."""
        services, now_ms = self._services, self._services.clock.now_ms()
        is_early = 0 < self._next_ms - now_ms <= EVERY_MS
        if self._busy or is_early or not services.leases.owns(SUBJECT_CARDS, LOOK_S):
            return
        self._next_ms = now_ms + EVERY_MS
        self._busy = True
        self.errands.begin("cards to charge", self._work(), after=self._ended)

    def in_use(self) -> set[str]:
        """What it holds the sending right for, while it charges."""
        return {SUBJECT_CARDS} if self._busy else set()

    def _ended(self) -> None:
        self._busy = False

    async def _work(self) -> None:
        services = self._services
        for hotel in await services.database.read(lambda tx: paying.hotels_that_charge(tx, services.hotels)):
            if card_schedules(hotel.property):
                await self._hotel(hotel)

    async def _hotel(self, hotel: Hotel) -> None:
        services = self._services
        for card in await services.database.read(lambda tx: open_cards(services, tx, hotel)):
            if card.standing is Standing.DUE and card.amount:
                await self._charge(hotel.property.id, card, card.amount)
            elif card.standing in (Standing.TERMINAL, Standing.REFUSED):
                await self._tell(hotel, card)

    async def _charge(self, property_id: str, card: CardToCharge, amount: int) -> None:
        wanted = CardCharge(card.account, amount, card.currency)
        place = (self._services, property_id, card.reservation_id, card.card_id)
        try:
            await charge_card(*place, wanted, AUTHOR, room=card.room, why=card.why)
        except (GatewayError, ValueError) as problem:
            # The vault is away, or somebody was quicker: the next look finds how it stands then.
            log.warning("card_not_charged", reservation=card.reservation_id, why=str(problem))

    async def _tell(self, hotel: Hotel, card: CardToCharge) -> None:
        account = card.account or next(iter(sorted(hotel.payments)))
        amount = "" if card.amount is None else f"{card.amount} {card.currency} "
        room = f" room {card.room}" if card.room else ""
        kind = "virtual card" if card.virtual else "card"
        why = f"{card.error or kind}, {card.why.value.replace('_', ' ')}"
        text = f"{amount}of {card.reservation_id}{room}: charge {card.mask} at the terminal ({why})"
        name, now_ms = f"virtual:{card.card_id}:{card.standing.value}", self._services.clock.now_ms()
        await self._services.batcher.submit(TakeCallback([notice(account, name, kind, text, now_ms)]))
