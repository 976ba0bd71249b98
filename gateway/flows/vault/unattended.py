"""Cards to charge at hotels without an account at a payment gateway, where no message can be set aside for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.engine.card_charges import card_schedules
from gateway.flows.services import Services
from gateway.flows.vault.owed import Standing, open_cards
from gateway.model.dates import Day, Instant
from gateway.store import paying
from gateway.store.database import Transaction

EVERY_MS = 600_000


class Unattended(NamedTuple):
    """``cards`` cards are due at a hotel, that of ``reservation_id`` first."""

    property_id: str
    cards: int
    reservation_id: str
    arrival: Day
    since_ms: Instant


class UnattendedCards:
    """Looks every ten minutes, which is how often cards are charged elsewhere; in between it says the same again."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._next_ms: Instant = 0
        self._found: list[Unattended] = []

    async def look(self, tx: Transaction, now_ms: Instant) -> Sequence[Unattended]:
        """One for each hotel."""
        if not 0 < self._next_ms - now_ms <= EVERY_MS:
            self._found = await self._looked(tx)
            self._next_ms = now_ms + EVERY_MS
        return self._found

    async def _looked(self, tx: Transaction) -> list[Unattended]:
        found = []
        for hotel in await paying.hotels_with_cards_alone(tx, self._services.hotels):
            if not card_schedules(hotel.property):
                continue
            cards = await open_cards(self._services, tx, hotel)
            due = sorted((each for each in cards if each.standing is Standing.TERMINAL), key=lambda each: each.due_ms)
            if due:
                first = due[0]
                found.append(Unattended(hotel.property.id, len(due), first.reservation_id, first.arrival, first.due_ms))
        return found
